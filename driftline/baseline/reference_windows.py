"""The windows of a reference that its nulls are calibrated on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles.coverage import Coverage
from driftline.profiles.rhythm import Rhythm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.baseline.artefact import Baseline
    from driftline.config.baseline import Baseline as Configured

#: windows that overlap more than this tell little new and cost memory
MOST_OVERLAP = 8
#: units with rows that a window has at least, if shorter ones are to be more
_UNITS_TO_SPLIT = 2


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


@lru_cache(maxsize=2)
def reference_windows(
    coverage: bytes,
    size: int,
    stride: int,
    min_coverage: float,
    excluded: tuple[tuple[int, int], ...] = (),
) -> tuple[NDArray[np.int64], Rhythm | None]:
    """Learn when rows come, and list the windows to learn from: the same for all that a baseline holds.

    Parameters
    ----------
    coverage
        Encoded `Coverage` of the reference.
    size, stride, min_coverage, excluded
        As for `full_windows`.

    Returns
    -------
    ndarray, shape (W,), int64
        As of `full_windows`; read-only.
    Rhythm or None
        None if there is no row.
    """
    known = Coverage.from_bytes(coverage)
    rhythm = Rhythm.learn(known, period=stride, excluded=excluded) if len(known.first) else None
    starts = full_windows(known, size, stride, min_coverage, excluded, rhythm)
    starts.flags.writeable = False
    return starts, rhythm


def full_windows(  # noqa: PLR0917  (they say which windows)
    coverage: Coverage,
    size: int,
    stride: int,
    min_coverage: float,
    excluded: Sequence[tuple[int, int]] = (),
    rhythm: Rhythm | None = None,
) -> NDArray[np.int64]:
    """List the reference windows that hold enough of the model's traffic to learn from.

    Parameters
    ----------
    coverage
        The units of time in which the model had any row.
    size, stride
        Window length and distance between windows, microseconds.
    min_coverage
        Least coverage of a window.
    excluded
        Spans from which nothing is learned, microseconds: windows that share time with one look small.
    rhythm
        When rows usually come; None if that is always.

    Returns
    -------
    ndarray, shape (W,), int64
        Starts, microseconds, in time order. Windows that begin before the first row or end behind the last
        are left out, unless no rows are usual there.
    """
    if len(coverage.first) == 0:
        return np.zeros(0, np.int64)
    unit = coverage.unit
    first, last = coverage.first * unit, coverage.last * unit
    # only windows that touch a run: one event of a wrong year must not cost every window until then
    touching = [
        np.arange(low, high, stride, dtype=np.int64)
        for low, high in zip(
            -(-(first - size + 1) // stride) * stride,
            last,
            strict=True,
        )
    ]
    starts: NDArray[np.int64] = np.unique(np.concatenate(touching))
    starts = starts[apart(starts, size, excluded)]
    if rhythm is None:
        starts = starts[(starts >= first[0]) & (starts + size <= last[-1])]
        covered = _covered_before(coverage, starts + size) - _covered_before(coverage, starts)
        return starts[covered * unit >= min_coverage * size]
    early = rhythm.expected(starts, np.maximum(first[0], starts))
    late = rhythm.expected(np.minimum(last[-1], starts + size), starts + size)
    starts = starts[(early == 0) & (late == 0)]
    covered_share = rhythm.coverages(coverage, starts, size)
    # windows without any row teach nothing
    return starts[(covered_share >= min_coverage) & (covered_share > 0)]


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


def calibration_remarks(built: Baseline) -> list[str]:
    """Say what few reference windows mean.

    Parameters
    ----------
    built
        The baseline; its windows are counted as if they did not overlap.

    Returns
    -------
    list of str
        Empty from 30 windows on. Shorter windows are advised where there would be more of them: not where
        all rows of a window come in one batch.
    """
    windows, advice = built.windows, "build the baseline from a longer past"
    if built.rhythm is None or built.rhythm.usual_units(built.size) >= _UNITS_TO_SPLIT:
        advice += ", or choose shorter windows"
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
