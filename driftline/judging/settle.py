"""Settle one window of a model: fill in absent segments, adjust the tests together, decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.judging.emitted import Emitted
from driftline.judging.judge import no_data
from driftline.tables import RESULT, Status
from driftline.verdicts.decision import decide
from driftline.verdicts.window_summary import WindowSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.baseline import Baseline
    from driftline.config import Tests

_TIMESTAMP = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Settled:
    """Outcome of settling a window.

    Parameters
    ----------
    changed
        Rows to emit: all of them at first, later those that differ from what was emitted.
    rows
        Every row of the window, as now known.
    judged
        Of the judged rows those that stand: what settling the window again needs of them.
    emitted
        What is emitted with `changed`.
    summary
        The window as a whole; None where nothing changed.
    """

    changed: pa.Table
    rows: pa.Table
    judged: pa.Table
    emitted: Emitted
    summary: WindowSummary | None


def settle_window(
    batches: Sequence[pa.RecordBatch],
    window: tuple[int, int],
    coverage: float,
    baseline: Baseline | None,
    tests: Tests,
    *,
    layout: str = "",
    emitted: Emitted | None = None,
    emitted_at: int,
) -> Settled:
    """Decide all tests of one model and window together.

    Parameters
    ----------
    batches
        Judged rows: all of the window's, whether or not it was settled before.
    window
        Start and end, microseconds.
    coverage
        Share of the window's coverage units in which the model has rows.
    baseline
        The baseline the rows were judged against; None if it is lost, then no absent segment is filled in.
    layout
        Fingerprint of the profiles, which the summary names.
    emitted
        What was emitted of the window; None if its on-time results are not out yet.
    emitted_at
        Now, microseconds since the epoch.

    Notes
    -----
    Of several rows with one `row_id` the one with the largest n stands: rows of a window are only ever added.
    """
    judged = _newest(pa.Table.from_batches(batches, RESULT.arrow))
    rows = judged
    if baseline is not None:
        present = set(zip(rows["segment"].to_pylist(), rows["feature"].to_pylist(), strict=True))
        absent = no_data(baseline, window, present)
        rows = pa.concat_tables([rows, pa.Table.from_batches(absent, RESULT.arrow)])
    rows = _decide(rows, coverage, tests)
    before = emitted if emitted is not None else Emitted.nothing()
    pane_index, changed = before.following(rows)
    rows = _set(rows, "pane_index", pane_index)
    rows = _set(rows, "pane", pa.repeat("on_time" if emitted is None else "late", len(rows)))
    rows = _set(rows, "emitted_at", pa.repeat(pa.scalar(emitted_at, pa.int64()).cast(_TIMESTAMP), len(rows)))
    news = rows.filter(changed)
    summary = WindowSummary.of(rows, tests, pane_index=before.times, layout=layout) if len(news) else None
    return Settled(news, rows, judged, before.updated(rows), summary)


def _newest(rows: pa.Table) -> pa.Table:
    """Keep, of every row_id, the row with the largest n; of equal ones the later judged."""
    order = pa.table({"row_id": rows["row_id"], "n": rows["n"], "at": np.arange(len(rows))})
    order = order.sort_by([("row_id", "ascending"), ("n", "descending"), ("at", "descending")])
    identities = order["row_id"].to_numpy()
    first = np.ones(len(order), bool)
    first[1:] = identities[1:] != identities[:-1]
    return rows.take(pa.array(np.sort(order["at"].to_numpy()[first])))


def _decide(rows: pa.Table, coverage: float, tests: Tests) -> pa.Table:
    status = rows["status"].to_numpy(zero_copy_only=False).astype(object)
    # a row that was partial may be whole now
    judged = np.isin(status, [Status.OK.value, Status.PARTIAL.value])
    status[judged] = Status.OK.value if coverage >= tests.min_coverage else Status.PARTIAL.value
    decision = decide(
        p_value=_numbers(rows, "p_value"),
        psi=_numbers(rows, "psi"),
        wasserstein_iqr=_numbers(rows, "wasserstein_iqr"),
        rate_change=_numbers(rows, "rate_change"),
        rate_ratio=_numbers(rows, "rate_ratio"),
        status=status,
        calibration=rows["calibration"].to_numpy(zero_copy_only=False).astype(object),
        thresholds=tests,
    )
    rows = _set(rows, "status", pa.array(status, pa.string()))
    rows = _set(rows, "coverage", pa.array(np.full(len(rows), coverage)))
    untold = ~decision.told
    rows = _set(rows, "p_adjusted", pa.array(decision.p_adjusted, mask=untold))
    return _set(rows, "drifted", pa.array(decision.drifted, mask=untold))


def _numbers(rows: pa.Table, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(pc.fill_null(rows[name], float("nan")).to_numpy(), np.float64)


def _set(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, RESULT.arrow.field(name), values.cast(RESULT.arrow.field(name).type))
