"""Alarms of trends, each from the window that raised it on, as the report lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.table_arrays import codes, distinct, floats, micros
from driftline.report.trend_alarm import TrendAlarm

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ALARMS = 2_000
"""Alarms that a report keeps: those that are on first, then the newest."""

_UNNAMED = {"chi2": "the mix of categories", "missing": "the missing rate"}


@dataclass(frozen=True)
class TrendAlarms:
    """The trends of a run.

    Parameters
    ----------
    found : tuple of TrendAlarm
        Those that are on first, each group newest first.
    on, over : int
        How many there are, those that did not fit in `MAX_ALARMS` among them.
    features, segments, windows : int
        What was followed.
    """

    found: tuple[TrendAlarm, ...]
    on: int
    over: int
    features: int
    segments: int
    windows: int


def of(table: Any) -> TrendAlarms:
    """Put the rows of each alarm together.

    Parameters
    ----------
    table : pyarrow.Table
        Standing rows of the TREND schema, any order.
    """
    segments, features = distinct(table, "segment"), distinct(table, "feature")
    pair = codes(table["segment"], segments) * len(features) + codes(table["feature"], features)
    start = micros(table, "window_start")
    alarmed = np.flatnonzero(pc.and_(table["alarm"], pc.is_valid(table["alarm_since"])).to_numpy())
    raised = micros(table.take(pa.array(alarmed)), "alarm_since")
    order = np.lexsort((start[alarmed], raised, pair[alarmed]))
    rows, raised = alarmed[order], raised[order]
    first = np.flatnonzero(_changes(pair[rows]) | _changes(raised))
    last = np.append(first[1:], len(rows))[: len(first)] - 1
    newest = np.full(len(segments) * len(features), np.iinfo(np.int64).min)
    np.maximum.at(newest, pair, start)
    on = start[rows[last]] == newest[pair[rows[last]]]
    p_value = np.minimum.reduceat(floats(table["p_value"])[rows], first) if len(first) else np.empty(0)
    keys = {"on": ~on, "raised": -raised[first], "p": p_value, "row": table["row_id"].take(rows[first])}
    sort = [(name, "ascending") for name in keys]
    kept = pc.sort_indices(pa.table(keys), sort_keys=sort).to_numpy()[:MAX_ALARMS]
    return TrendAlarms(
        tuple(_alarms(table, rows[first][kept], rows[last][kept], p_value[kept], on[kept])),
        int(on.sum()),
        int((~on).sum()),
        len(features),
        len(segments),
        len(np.unique(start)),
    )


def _alarms(
    table: Any,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    p_value: NDArray[np.float64],
    on: NDArray[np.bool_],
) -> list[TrendAlarm]:
    """Read alarms of the first and the last row of each."""
    begun, ended = table.take(pa.array(first)), table.take(pa.array(last))
    crossed, end = micros(begun, "alarm_since"), micros(begun, "window_end")
    return [
        TrendAlarm(
            segment, feature, since, at, until, still, run if known else None, p, change, latest, start
        )
        for segment, feature, since, at, until, still, run, known, p, change, latest, start in zip(
            *(begun[name].to_pylist() for name in ("segment", "feature")),
            micros(begun, "since").tolist(),
            crossed.tolist(),
            micros(ended, "window_end").tolist(),
            on.tolist(),
            begun["windows"].to_pylist(),
            (crossed == end).tolist(),
            p_value.tolist(),
            _words(begun),
            _words(ended),
            micros(begun, "window_start").tolist(),
            strict=True,
        )
    ]


def _words(rows: Any) -> list[str]:
    """Say what changed; where nothing sticks out, of what the run is unusual."""
    pairs = zip(rows["change"].to_pylist(), rows["statistic"].to_pylist(), strict=True)
    return [change or f"{_UNNAMED.get(name, 'the values')} changed" for change, name in pairs]


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each value is another than the one before, shape (N,)."""
    return np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]])
