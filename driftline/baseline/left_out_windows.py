"""Windows of a reference that nulls are fitted without, as they are told when a baseline is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.config.times import show_time
from driftline.segments import ALL
from driftline.statistics.fit_nulls import LEFT_OUT_BY
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.baseline.artefact import Baseline
    from driftline.measures.window_histograms import WindowHistograms

_SHOWN: Final = 3


def left_out_windows(baseline: Baseline, windows: Mapping[str, WindowHistograms]) -> dict[str, list[int]]:
    """Find the windows of all traffic that a feature's nulls are fitted without.

    Parameters
    ----------
    windows
        What lies beside the baseline of all traffic, by part.

    Returns
    -------
    dict of str to list of int
        By feature, the starts of its windows, microseconds; features without any are not in it.
    """
    found = {}
    for name, histograms in windows.items():
        null: Any = baseline.entries[ALL, name].null
        part: Any = baseline.layout.part(name)
        places = None if null is None else null.arrays.get(LEFT_OUT_BY, {}).get("left_out")
        if places is None:
            continue
        for feature, row in zip(part.names, places, strict=True):
            kept = row[np.isfinite(row)].astype(np.int64)
            if len(kept):
                found[feature] = [int(start) for start in histograms.starts[kept]]
    return found


def left_out_remarks(found: Mapping[str, list[int]], calendar: Calendar = IN_UTC) -> list[str]:
    """Say of which features windows are left out, and when the first of them begins."""
    if not found:
        return []
    each = [
        f"{feature} ({len(starts)} from {show_time(calendar.in_utc(min(starts)))})"
        for feature, starts in list(found.items())[:_SHOWN]
    ]
    more = f" and {len(found) - _SHOWN} more features" if len(found) > _SHOWN else ""
    line = (
        f"note: windows far from all others do not count as normal for {', '.join(each)}{more}. Their rows "
        "are in the reference all the same: `baseline.exclude` leaves them out of it"
    )
    return [line]
