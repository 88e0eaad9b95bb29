"""Histograms of the reference's own windows: what the null calibration learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles.encoded import decode_profile
from driftline.profiles.numeric import NumericProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.profiles.coverage import Coverage

#: windows that overlap more than this tell little new and cost memory
MOST_OVERLAP = 8


@dataclass(frozen=True, eq=False)
class WindowHistograms:
    """Counts of one (segment, block) in W reference windows, in time order.

    Parameters
    ----------
    starts
        Window starts, shape (W,), int64, microseconds.
    counts
        Bin counts, shape (W, F, width), int64.
    missing, nonfinite
        Rows, shape (W, F), int64.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]


def calibration_stride(size: int, every: int) -> int:
    """Choose the distance between the windows that calibrate the null.

    Parameters
    ----------
    size, every
        Window length and period of the job, microseconds; size is a multiple of every.

    Returns
    -------
    int
        The shortest multiple of `every` that divides `size` into at most `MOST_OVERLAP` parts.

    Examples
    --------
    >>> calibration_stride(7, 1)
    1
    >>> calibration_stride(30, 1)
    5
    """
    parts = size // every
    overlap = max(d for d in range(1, MOST_OVERLAP + 1) if parts % d == 0)
    return size // overlap


def full_windows(coverage: Coverage, size: int, stride: int, min_coverage: float) -> NDArray[np.int64]:
    """List the reference windows that hold enough of the model's traffic to learn from.

    Parameters
    ----------
    coverage
        The units of time in which the model had any row.
    size, stride
        Window length and distance between windows, microseconds.
    min_coverage
        Least share of a window's units with rows.

    Returns
    -------
    ndarray, shape (W,), int64
        Starts, microseconds, in time order. Windows that begin before the first row or end behind the last
        are left out.
    """
    if len(coverage.first) == 0:
        return np.zeros(0, np.int64)
    unit = coverage.unit
    first, last = coverage.first * unit, coverage.last * unit
    # only windows that touch a run: one event of a wrong year must not cost every window until then
    touching = [
        np.arange(low, high, stride, dtype=np.int64)
        for low, high in zip(
            -(-np.maximum(first - size + 1, first[0]) // stride) * stride,
            np.minimum(last, last[-1] - size + 1),
            strict=True,
        )
    ]
    starts = np.unique(np.concatenate(touching))
    covered = _covered_before(coverage, starts + size) - _covered_before(coverage, starts)
    return starts[covered * unit >= min_coverage * size]


def _covered_before(coverage: Coverage, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the units with rows before each time, a multiple of the unit."""
    units = times // coverage.unit
    lengths = coverage.last - coverage.first
    run = np.searchsorted(coverage.first, units, side="right") - 1
    within = np.minimum(units - coverage.first[run], lengths[run])
    before: NDArray[np.int64] = np.where(run < 0, 0, (lengths.cumsum() - lengths)[run] + within)
    return before


def window_histograms(slices: Mapping[int, bytes], starts: NDArray[np.int64], size: int) -> WindowHistograms:
    """Add the slices of one (segment, block) up to windows.

    Parameters
    ----------
    slices
        Encoded profiles by slice start, microseconds; not empty. A slice without rows may be absent.
    starts
        Window starts, shape (W,), multiples of the slices' length.
    size
        Window length, microseconds.

    Returns
    -------
    WindowHistograms
    """
    times = np.array(sorted(slices), dtype=np.int64)
    begin, end = np.searchsorted(times, starts), np.searchsorted(times, starts + size)
    first = decode_profile(slices[int(times[0])])
    shape = first.counts.shape
    # a long reference has thousands of slices: only their counts are held, and summed up feature by feature
    per_slice = np.zeros((len(times), shape[0], shape[1] + 2), np.int64)
    for row, time in enumerate(times):
        profile = decode_profile(slices[int(time)])
        per_slice[row, :, : shape[1]] = profile.counts
        per_slice[row, :, -2] = profile.missing
        if isinstance(profile, NumericProfile):
            per_slice[row, :, -1] = profile.nonfinite
    sums = np.empty((len(starts), *per_slice.shape[1:]), np.int64)
    for feature in range(shape[0]):
        cumulative = np.zeros((len(times) + 1, per_slice.shape[2]), np.int64)
        np.cumsum(per_slice[:, feature], axis=0, out=cumulative[1:])
        sums[:, feature] = cumulative[end] - cumulative[begin]
    return WindowHistograms(starts, sums[..., :-2], sums[..., -2], sums[..., -1])


def calibration_remarks(windows: int) -> list[str]:
    """Say what few reference windows mean.

    Parameters
    ----------
    windows
        Reference windows that do not overlap.

    Returns
    -------
    list of str
        Empty from 30 on.
    """
    advice = "build the baseline from a longer past, or choose shorter windows"
    if windows < 10:
        return [
            f"warning: {windows} reference windows, fewer than 10: nothing will be called drifted; {advice}"
        ]
    if windows < 30:
        return [f"note: {windows} reference windows, fewer than 30: p-values are less certain; {advice}"]
    return []
