"""Result rows as dense arrays over segments, features and windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.table_arrays import codes, distinct, floats, micros
from driftline.segments import ALL, OTHER
from driftline.tables import Status, standing_rows
from driftline.verdicts.severity import severity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.run_summary import RunSummary

STATUSES = tuple(str(status) for status in Status)
ABSENT = len(STATUSES)
"""Status code of a cell without a row."""

STATISTICS = (
    "n", "coverage", "missing_rate", "nonfinite_rate", "invalid_rate", "cardinality", "new_category_rate",
    "ks", "psi", "wasserstein_iqr", "rate_change", "rate_ratio", "chi2", "mean",
)  # fmt: skip
QUANTILES = ("p05", "p25", "p50", "p75", "p95")
P_VALUES = ("p_value", "p_adjusted", "p_iid")
MAX_CELLS = 400_000
"""Cells a report embeds; beyond it the segments with least drift and then the oldest windows are left out."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Standing result rows, S segments by F features by W windows.

    Parameters
    ----------
    segments, features, kinds : tuple of str
        Names in the order they are shown: all traffic first, the prediction last.
    starts, ends : ndarray of int64, shape (W,)
        The windows in time order, microseconds since the epoch.
    status : ndarray of uint8, shape (S, F, W)
        Index into `STATUSES`, or `ABSENT`.
    columns : dict of str to ndarray of float64, shape (S, F, W)
        The statistics, NaN where a row has none; p-values by their own names.
    judged, drifted : ndarray of bool, shape (S, F, W)
        Where it can be told whether a result is drifted, and where it is.
    severity : ndarray of float64, shape (S, F, W)
        See `severity`; NaN where a result was not judged.
    row : ndarray of int64, shape (S, F, W)
        Row of the table a cell comes from, -1 if none.
    table : pyarrow.Table
        The standing rows, for the lists.
    segments_left_out, windows_left_out : int
        What did not fit in `MAX_CELLS`.
    """

    segments: tuple[str, ...]
    features: tuple[str, ...]
    kinds: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    status: NDArray[np.uint8]
    judged: NDArray[np.bool_]
    drifted: NDArray[np.bool_]
    columns: dict[str, NDArray[np.float64]]
    severity: NDArray[np.float64]
    row: NDArray[np.int64]
    table: Any
    segments_left_out: int
    windows_left_out: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of segments, features and windows."""
        return len(self.segments), len(self.features), len(self.starts)

    @property
    def statuses(self) -> tuple[str, ...]:
        """Statuses that results have."""
        return tuple(STATUSES[code] for code in np.unique(self.status).tolist() if code != ABSENT)


def of(results: Any, run: RunSummary) -> Grid:
    """Arrange result rows.

    Parameters
    ----------
    results : pyarrow.Table
        Rows of the RESULT schema, any panes, any order.
    run : RunSummary
        The thresholds that `severity` needs.
    """
    table = standing_rows(results)
    segments, windows = _that_fit(table)
    every_segment, every_window = distinct(table, "segment"), _windows(table)
    if len(segments) < len(every_segment) or len(windows) < len(every_window):
        inside = pc.is_in(table["segment"], value_set=pa.array(segments, pa.string()))
        late_enough = np.isin(micros(table, "window_start"), windows)
        table = table.filter(pc.and_(inside, pa.array(late_enough)))
    features = tuple(sorted(distinct(table, "feature"), key=lambda name: (name == "prediction", name)))
    shape = len(segments), len(features), len(windows)
    place = np.ravel_multi_index(
        (
            codes(table["segment"], segments),
            codes(table["feature"], features),
            np.searchsorted(windows, micros(table, "window_start")),
        ),
        tuple(max(side, 1) for side in shape),
    )

    def spread(values: NDArray[Any], empty: object, dtype: str) -> NDArray[Any]:
        cells = np.full(int(np.prod(shape)), empty, dtype)
        cells[place] = values
        return cells.reshape(shape)

    columns = {
        name: spread(values, np.nan, "f8")
        for name, values in {
            **{name: floats(table[name]) for name in (*STATISTICS, *P_VALUES)},
            **{name: floats(pc.struct_field(table["quantiles"], name)) for name in QUANTILES},
        }.items()
    }
    status = spread(codes(table["status"], STATUSES), ABSENT, "u1")
    judged = spread(pc.is_valid(table["drifted"]).to_numpy(), empty=False, dtype="?")
    drifted = spread(pc.fill_null(table["drifted"], fill_value=False).to_numpy(), empty=False, dtype="?")
    row = spread(np.arange(table.num_rows), -1, "i8")
    ends = np.zeros(len(windows), "i8")
    ends[np.searchsorted(windows, micros(table, "window_start"))] = micros(table, "window_end")
    kinds = [""] * len(features)
    for f, name in enumerate(features):
        kinds[f] = table["kind"][pc.index(table["feature"], name).as_py()].as_py()
    severities = severity(columns["psi"], columns["wasserstein_iqr"], columns["p_adjusted"], drifted, run)
    return Grid(
        segments=segments,
        features=features,
        kinds=tuple(kinds),
        starts=windows,
        ends=ends,
        status=status,
        judged=judged,
        drifted=drifted,
        columns=columns,
        severity=np.where(judged, severities, np.nan),
        row=row,
        table=table,
        segments_left_out=len(every_segment) - len(segments),
        windows_left_out=len(every_window) - len(windows),
    )


def _that_fit(table: Any) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Choose the segments (most drifted rows first) and windows (newest) that fit in `MAX_CELLS`."""
    segments, windows = distinct(table, "segment"), _windows(table)
    features = max(len(distinct(table, "feature")), 1)
    keep = min(len(segments), max(MAX_CELLS // max(features * len(windows), 1), 1))
    if keep < len(segments):
        counts = (
            table.filter(pc.fill_null(table["drifted"], fill_value=False))
            .group_by("segment")
            .aggregate([("segment", "count")])
        )
        drifted = dict(zip(counts["segment"].to_pylist(), counts["segment_count"].to_pylist(), strict=True))
        segments = sorted(segments, key=lambda label: (label != ALL, -drifted.get(label, 0), label))[:keep]
    windows = windows[-max(MAX_CELLS // (features * max(len(segments), 1)), 1) :]
    return tuple(sorted(segments, key=lambda label: (label != ALL, label == OTHER, label))), windows


def _windows(table: Any) -> NDArray[np.int64]:
    return np.unique(micros(table, "window_start"))
