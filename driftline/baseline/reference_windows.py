"""The windows of a reference that its nulls are calibrated on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.config.baseline import Baseline as Configured
    from driftline.profiles.coverage import Coverage

#: windows that overlap more than this tell little new and cost memory
MOST_OVERLAP = 8


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


def full_windows(
    coverage: Coverage,
    size: int,
    stride: int,
    min_coverage: float,
    excluded: Sequence[tuple[int, int]] = (),
) -> NDArray[np.int64]:
    """List the reference windows that hold enough of the model's traffic to learn from.

    Parameters
    ----------
    coverage
        The units of time in which the model had any row.
    size, stride
        Window length and distance between windows, microseconds.
    min_coverage
        Least share of a window's units with rows.
    excluded
        Spans from which nothing is learned, microseconds: windows that share time with one look small.

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
    return starts[(covered * unit >= min_coverage * size) & apart(starts, size, excluded)]


def apart(starts: NDArray[np.int64], size: int, excluded: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Tell which windows share no time with any of some spans.

    Examples
    --------
    >>> apart(np.array([0, 10, 20]), 10, [(10, 15)]).tolist()
    [True, False, True]
    """
    free = np.ones(len(starts), bool)
    for begin, end in excluded:
        free &= (starts + size <= begin) | (starts >= end)
    return free


def disjoint(starts: NDArray[np.int64], size: int, stride: int) -> int:
    """Count windows as if they did not overlap: the limits of the calibration are about these."""
    return 1 + (len(starts) - 1) * stride // size if len(starts) else 0


def _covered_before(coverage: Coverage, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the units with rows before each time, a multiple of the unit."""
    units = times // coverage.unit
    lengths = coverage.last - coverage.first
    run = np.searchsorted(coverage.first, units, side="right") - 1
    within = np.minimum(units - coverage.first[run], lengths[run])
    before: NDArray[np.int64] = np.where(run < 0, 0, (lengths.cumsum() - lengths)[run] + within)
    return before


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


def season_remarks(asked: Configured, remark: str | None) -> list[str]:
    """Say what season was asked for and cannot be.

    Parameters
    ----------
    asked
        The configured baseline; of a season that it does not name nothing is said.
    remark
        What `season_for` says.
    """
    return [f"note: {remark}"] if remark and "season" in asked.model_fields_set else []
