"""Performance rows as dense arrays over segments and windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.table_arrays import codes, distinct, floats, micros
from driftline.report.wording import calendar, moment
from driftline.segments import ALL, OTHER
from driftline.tables import PerformanceStatus, standing_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from driftline.run_summary import RunSummary

STATUSES = tuple(str(status) for status in PerformanceStatus)
ABSENT = len(STATUSES)
"""Status code of a cell without a row."""

MEASURES = (
    "n_predictions", "n", "labelled_share", "mean_loss", "mean_loss_low", "mean_loss_high", "error_rate",
    "error_rate_low", "error_rate_high", "rolling_error", "auc", "calibration_error", "mean_absolute_error",
    "root_mean_squared_error", "estimated_accuracy", "estimated_auc", "difference", "p_value",
    "label_delay_p50_s", "label_delay_p95_s", "p_iid", "false_positive_rate", "false_negative_rate",
    "calibration_gap", "bias", "components_p", "performance_p", "log_loss", "auc_p", "log_loss_p",
    "calibration_p", "difference_spread", "auc_spread", "log_loss_spread", "calibration_spread",
)  # fmt: skip
REFERENCES = (
    "mean_loss_reference", "error_rate_reference", "calibration_error_reference", "auc_reference",
    "false_positive_rate_reference", "false_negative_rate_reference", "calibration_gap_reference",
    "bias_reference", "log_loss_reference",
)  # fmt: skip
DEVIATIONS = ("loss", "auc", "log_loss")
"""Components that are pooled over windows: columns of the grid with ``deviations.`` before their name."""
RAW, CALIBRATED, UNKNOWN = range(3)
"""How an estimate was made."""
MAX_CELLS = 60_000
"""Cells a report embeds; beyond it segments and then the oldest windows are left out."""
LEAST_SEGMENTS = 20
"""Windows are left out before there are fewer segments than this."""


@dataclass(frozen=True, eq=False)
class PerformanceGrid:
    """Standing performance rows, S segments by W windows.

    Parameters
    ----------
    segments : tuple of str
        All traffic first, ``(other)`` last.
    starts, ends : ndarray of int64, shape (W,)
        The windows in time order, microseconds since the epoch.
    status : ndarray of uint8, shape (S, W)
        Index into `STATUSES`, or `ABSENT`.
    estimates : ndarray of uint8, shape (S, W)
        `RAW`, `CALIBRATED` or `UNKNOWN`.
    columns : dict of str to ndarray of float64, shape (S, W)
        `MEASURES` and `DEVIATIONS`, NaN where a row has none.
    normal : dict of str to ndarray of float64, shape (S,)
        `REFERENCES`: of each segment the newest that is known, NaN if none is.
    changes : dict of tuple of int to str
        What changed, in words, by place of segment and window; of cells where something did.
    confusions : dict of int to Confusion
        Of more than two classes, by place of segment.
    loss : str
        Name of the loss, of the newest row; empty without rows.
    segments_left_out, windows_left_out : int
        What did not fit in `MAX_CELLS`.
    """

    segments: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    status: NDArray[np.uint8]
    estimates: NDArray[np.uint8]
    columns: dict[str, NDArray[np.float64]]
    normal: dict[str, NDArray[np.float64]]
    changes: dict[tuple[int, int], str]
    confusions: dict[int, Confusion]
    loss: str
    segments_left_out: int
    windows_left_out: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Cells of which at least one label is known, shape (S, W)."""
        return np.nan_to_num(self.columns["n"]) > 0

    @property
    def tested(self) -> bool:
        """Whether any cell has a calibrated p-value."""
        return bool(np.isfinite(self.columns["p_value"]).any())


def of(rows: Any, wanted: Collection[str] = ()) -> PerformanceGrid:
    """Arrange performance rows.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of the PERFORMANCE schema, any replay, any order.
    wanted : collection of str
        Segments to show before others if not all fit.
    """
    table = standing_rows(rows)
    every_segment, every_window = distinct(table, "segment"), np.unique(micros(table, "window_start"))
    segments = _that_fit(table, every_segment, len(every_window), wanted)
    windows = every_window[-max(MAX_CELLS // max(len(segments), 1), 1) :]
    if len(segments) < len(every_segment) or len(windows) < len(every_window):
        inside = pc.is_in(table["segment"], value_set=pa.array(segments, pa.string()))
        table = table.filter(pc.and_(inside, pa.array(np.isin(micros(table, "window_start"), windows))))
    shape = len(segments), len(windows)
    column = np.searchsorted(windows, micros(table, "window_start"))
    place = codes(table["segment"], segments), column

    def spread(values: NDArray[Any], empty: object, dtype: str) -> NDArray[Any]:
        cells = np.full(shape, empty, dtype)
        cells[place] = values
        return cells

    ends = np.zeros(len(windows), np.int64)
    ends[column] = micros(table, "window_end")
    calibrated = pc.fill_null(table["estimate_calibrated"].cast(pa.uint8()), UNKNOWN).to_numpy()
    measured = [(name, table[name]) for name in MEASURES]
    measured += [(f"deviations.{name}", pc.struct_field(table["components"], name)) for name in DEVIATIONS]
    return PerformanceGrid(
        segments=segments,
        starts=windows,
        ends=ends,
        status=spread(codes(table["status"], STATUSES), ABSENT, "u1"),
        estimates=spread(calibrated, UNKNOWN, "u1"),
        columns={name: spread(floats(values), np.nan, "f8") for name, values in measured},
        normal={name: _newest(spread(floats(table[name]), np.nan, "f8")) for name in REFERENCES},
        changes={
            (s, w): words
            for s, w, words in zip(*(x.tolist() for x in place), table["change"].to_pylist(), strict=True)
            if words
        },
        confusions=_confusions(table, place[0]),
        loss=str(table["loss"][int(np.argmax(column))].as_py()) if table.num_rows else "",
        segments_left_out=len(every_segment) - len(segments),
        windows_left_out=len(every_window) - len(windows),
    )


class Confusion(NamedTuple):
    """Outcomes of all windows of a segment, by true and by predicted class.

    Parameters
    ----------
    classes : list of str
        Names of K classes.
    now, normal : ndarray of int64, shape (K, K)
        Of the windows, those that overlap counted each, and of the reference.
    """

    classes: list[str]
    now: NDArray[np.int64]
    normal: NDArray[np.int64]


def _confusions(table: Any, place: NDArray[np.int64]) -> dict[int, Confusion]:
    found: dict[int, Confusion] = {}
    known = np.flatnonzero(table["confusion_reference"].is_valid().to_numpy())
    for row in known.tolist():
        classes = table["classes"][row].as_py()
        shape = len(classes), len(classes)
        now, normal = (
            np.array(table[name][row].as_py(), np.int64).reshape(shape)
            for name in ("confusion", "confusion_reference")
        )
        s = int(place[row])
        before = found.get(s)
        if before is not None and before.classes == classes:
            now = before.now + now
        found[s] = Confusion(classes, now, normal)
    return found


def instants(performance: PerformanceGrid | None, run: RunSummary) -> Callable[[int], str]:
    """Choose how instants are written, by the windows; see `calendar`."""
    if performance is None or not len(performance.starts):
        return partial(moment, daily=False, year=True)
    starts, ends = performance.starts.tolist(), performance.ends.tolist()
    daily, year = calendar(starts, ends, run.window_size_us)
    return partial(moment, daily=daily, year=year)


def _that_fit(table: Any, segments: list[str], windows: int, wanted: Collection[str]) -> tuple[str, ...]:
    """Choose all traffic, then what is wanted, then the segments with most predictions."""
    keep = max(MAX_CELLS // max(windows, 1), LEAST_SEGMENTS)
    if keep < len(segments):
        sums = table.group_by("segment").aggregate([("n_predictions", "sum")])
        sizes = dict(zip(*(sums[name].to_pylist() for name in ("segment", "n_predictions_sum")), strict=True))
        segments = sorted(
            segments,
            key=lambda label: (label != ALL, label not in wanted, -(sizes.get(label) or 0), label),
        )[:keep]
    return tuple(sorted(segments, key=lambda label: (label != ALL, label == OTHER, label)))


def _newest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the last number of each row that is one, NaN without."""
    if not values.size:
        return np.full(len(values), np.nan)
    last = values.shape[1] - 1 - np.argmax(np.isfinite(values)[:, ::-1], axis=1)
    return np.asarray(values[np.arange(len(values)), last])
