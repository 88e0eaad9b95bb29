"""Fit the nulls of a baseline anew, from the windows that were kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.baseline.baseline_error import BaselineError
from driftline.baseline.file import decode_baseline, encode_baseline, read_records
from driftline.baseline.reference_windows import apart, calibration_stride, disjoint
from driftline.baseline.windows_file import decode_windows
from driftline.measures.measure_registry import measure
from driftline.statistics.season import season_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.measures.window_histograms import WindowHistograms


@dataclass(frozen=True)
class Refit:
    """What a refit has made.

    Parameters
    ----------
    data : bytes
        The baseline file.
    fitted, kept, emptied : int
        Entries whose nulls are new, those of whose windows nothing was kept, and those that have no null any
        more: all their windows are excluded.
    remark : str or None
        What season was asked for and cannot be.
    """

    data: bytes
    fitted: int
    kept: int
    emptied: int
    remark: str | None


def refit(
    baseline: bytes,
    windows: bytes,
    name: str,
    *,
    min_n: int,
    season: str = "none",
    excluded: Sequence[tuple[int, int]] = (),
) -> Refit:
    """Fit every null anew, with the statistics of this release; profiles and bins stay.

    Parameters
    ----------
    baseline, windows : bytes
        The baseline file, of this format or an earlier one, and its sidecar.
    name : str
        What to call them in an error.
    min_n : int
        Fewest rows a live window is ever judged on.
    season : str
        What windows are compared by: ``none``, ``day``, ``week`` or ``auto``.
    excluded : sequence of tuple
        Spans, microseconds; windows that share time with one are left out.

    Raises
    ------
    BaselineError
        If one of them cannot be read, the windows are not those of the baseline, or all are excluded.
    """
    known = decode_baseline(baseline, name)
    histograms = decode_windows(windows, f"{name}.windows")
    records = read_records(baseline)
    strange = {place for place in histograms if place not in known.entries}
    if strange:
        segment, of = min(strange)
        raise BaselineError(
            f"{name}.windows has windows of {of} of segment {segment}, which {name} lacks: give the file "
            "that was written with it, or build the baseline again"
        )
    stride = calibration_stride(known.size, known.every)
    if any((found.starts % stride).any() for found in histograms.values()):
        raise BaselineError(
            f"{name}.windows has windows that begin where those of {name} do not: give the file that was "
            "written with it, or build the baseline again"
        )
    overlap = known.size / stride
    kept = {place: _apart(found, known.size, excluded) for place, found in histograms.items()}
    left = max((disjoint(found.starts, known.size, stride) for found in kept.values()), default=0)
    if excluded and histograms and not left:
        raise BaselineError(
            f"baseline.exclude leaves none of the windows of {name}: exclude less, or build it from more"
        )
    starts = np.unique(np.concatenate([np.zeros(0, np.int64), *(found.starts for found in kept.values())]))
    cycles, remark = season_for(season, size=known.size, starts=starts)
    fitted = emptied = 0
    for record in records:
        found = kept.get((record["segment"], record["part"]))
        if found is None:
            continue
        if not len(found.starts):  # what its null was fitted to is what is excluded
            record["null"] = None
            emptied += 1
            continue
        part = known.layout.part(record["part"])
        timed = found.compared_by(cycles, known.size)
        null = measure(part.kind).refit(part, record["profile"], timed, overlap=overlap, min_n=min_n)
        if null is not None:
            record["null"] = null
            fitted += 1
    data = encode_baseline(
        records,
        known.layout,
        model=known.model,
        size=known.size,
        every=known.every,
        segment_columns=known.segment_columns,
        windows=left if histograms else known.windows,
        created_at=known.created_at,
        min_n=min_n,
        rhythm=known.rhythm,
        calendar=known.calendar,
    )
    return Refit(data, fitted, len(records) - fitted - emptied, emptied, remark)


def _apart(found: WindowHistograms, size: int, excluded: Sequence[tuple[int, int]]) -> WindowHistograms:
    return found.only(apart(found.starts, size, excluded)) if excluded else found
