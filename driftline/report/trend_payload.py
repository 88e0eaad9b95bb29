"""What the page's script draws of trends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.report.packing import logarithm, pack
from driftline.report.result_grid import MAX_CELLS
from driftline.report.table_arrays import codes, floats, micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.report.result_grid import Grid
    from driftline.report.trend_alarms import TrendAlarms

NONE, ON, CROSSED = range(3)
"""Whether there is an alarm in a window, and whether it is the window that raised it."""


def trend_payload(table: Any, trends: TrendAlarms, grid: Grid, *, daily: bool, year: bool) -> str:
    """Pack the trends of the segments and features of the page; the newest windows, if not all fit.

    Parameters
    ----------
    table : pyarrow.Table
        Standing rows of the TREND schema, any order.
    trends : TrendAlarms
        Of the same rows: the newest alarm of each feature and segment is put in words.
    daily, year : bool
        As for `moment`.

    Returns
    -------
    str
        Base64, see `pack`.
    """
    starts, s, f = micros(table, "window_start"), *_places(table, grid)
    inside = (s < len(grid.segments)) & (f < len(grid.features))
    if len(grid.starts):
        inside &= (starts >= grid.starts[0]) & (starts < grid.ends[-1])
    most = max(MAX_CELLS // max(len(grid.segments) * len(grid.features), 1), 1)
    windows = np.unique(starts[inside])[-most:]
    inside &= np.isin(starts, windows)
    kept = table.filter(pa.array(inside))
    shape = len(grid.segments), len(grid.features), len(windows)
    column = np.searchsorted(windows, starts[inside])
    place = s[inside], f[inside], column

    def spread(values: NDArray[Any], empty: object, dtype: str) -> NDArray[Any]:
        cells = np.full(shape, empty, dtype)
        cells[place] = values
        return cells

    ends = np.zeros(len(windows), np.int64)
    ends[column] = micros(kept, "window_end")
    since, runs = np.unique(micros(kept, "since"), return_inverse=True)
    alarm = kept["alarm"].to_numpy().astype(np.uint8)
    # where there is no alarm the comparison is null
    crossed = pc.fill_null(pc.equal(kept["alarm_since"], kept["window_end"]), fill_value=False).to_numpy()
    header = {
        "starts": (windows // 1000).tolist(),
        "ends": (ends // 1000).tolist(),
        "sinces": (since // 1000).tolist(),
        "said": _said(trends, grid, daily=daily, year=year),
    }
    sections = {
        "p_value": logarithm(spread(floats(kept["p_value"]), np.nan, "f8")),
        "limit": logarithm(_newest(spread(floats(kept["limit"]), np.nan, "f8"))),
        "alarm": spread(np.where(crossed & (alarm == ON), CROSSED, alarm), NONE, "u1"),
        "windows": spread(np.minimum(kept["windows"].to_numpy(), 65_535), 0, "<u2"),
        "since": spread(runs, 0, "<u4"),
    }
    return pack(header, sections)


def _places(table: Any, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return codes(table["segment"], grid.segments), codes(table["feature"], grid.features)


def _said(trends: TrendAlarms, grid: Grid, *, daily: bool, year: bool) -> dict[str, str]:
    """Put the newest alarm of each (segment, feature) in words, by its place in the grid."""
    places = {name: place for place, name in enumerate(grid.segments)}
    features = {name: place for place, name in enumerate(grid.features)}
    said: dict[str, str] = {}
    for each in trends.found:
        s, f = places.get(each.segment), features.get(each.feature)
        if s is not None and f is not None:
            parts = each.claim(daily=daily, year=year), each.sequel(daily=daily, year=year)
            text = "; ".join(parts)
            said.setdefault(str(s * len(features) + f), f"{text[:1].upper()}{text[1:]}.")
    return said


def _newest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the last number of each series, shape (S, F); NaN without."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    last = values.shape[-1] - 1 - np.argmax(np.isfinite(values)[..., ::-1], axis=-1)
    return np.take_along_axis(values, last[..., None], axis=-1)[..., 0]
