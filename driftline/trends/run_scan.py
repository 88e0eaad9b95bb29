"""Look for the run of newest windows whose mean is most unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from driftline.statistics.null.runs import RAREST, RUNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.trends.followed_windows import Followed
    from driftline.trends.reference_runs import ReferenceRuns

    Floats = NDArray[np.float64]


class RunScan(NamedTuple):
    """The most unusual run that ends at each of N rows.

    Attributes
    ----------
    p : ndarray of float64, shape (N,)
        p-value of its mean; 1 before a feature's second window.
    run : ndarray of int64, shape (N,)
        Windows of it.
    """

    p: Floats
    run: NDArray[np.int64]


def scan_runs(rows: Followed, new: NDArray[np.int64], runs: ReferenceRuns, size: int) -> RunScan:
    """Scan the runs that end at some rows.

    A run is as unusual as its mean. Two windows in a row that each are more unusual count as that too: so the
    second of them does not have to be independent of the first, and a reference whose windows follow each
    other closely does not hide a change that everyone sees.

    Parameters
    ----------
    rows : Followed
        In order of feature and time.
    new : ndarray of int64, shape (N,)
        The rows that are scanned.
    runs : ReferenceRuns
        What they are judged by.
    size : int
        Window length, microseconds.

    Notes
    -----
    A run does not bridge more time without windows than the longest run has: what was before is over.
    The vectors are in steps whose sums are exact, so it does not matter which windows stand before a run.

    References
    ----------
    Lai, T. L. (1998). Information bounds and quick detection of parameter changes in stochastic systems. IEEE
    Transactions on Information Theory 44, 2917-2929 (generalised likelihood ratio, limited to some lengths).
    """
    vectors = rows.vectors.astype(np.float64)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), vectors.cumsum(0)])
    windows = _without_gap(rows, runs, size)[new]
    found = RunScan(np.ones(len(new)), np.ones(len(new), np.int64))
    for larger, run in zip(runs.variances, RUNS.tolist(), strict=True):
        whole = np.flatnonzero((windows >= run) & (runs.longest[rows.place[new]] >= run))
        if not len(whole):
            break
        at = new[whole]
        total = sums[at + 1] - sums[at + 1 - run]
        df, scale_df = runs.shape[rows.place[at]].T
        squares = (total**2 / larger[rows.place[at]]).sum(1) / run
        p = special.fdtrc(df, scale_df, squares / df)
        better = p < found.p[whole]
        found.p[whole[better]] = p[better]
        found.run[whole[better]] = run
    _both_of_two(rows, new, windows, runs, found)
    return found


def _without_gap(rows: Followed, runs: ReferenceRuns, size: int) -> NDArray[np.int64]:
    """Count the windows of the feature up to each row, from the last long gap on."""
    every = np.arange(len(rows.place))
    begins = np.diff(rows.place, prepend=-1) != 0
    begins |= np.diff(rows.start, prepend=0) > size * runs.longest[rows.place]
    counted: NDArray[np.int64] = every + 1 - np.maximum.accumulate(np.where(begins, every, 0))
    return counted


def _both_of_two(
    rows: Followed, new: NDArray[np.int64], windows: NDArray[np.int64], runs: ReferenceRuns, found: RunScan
) -> None:
    """Where the last two windows are each more unusual than any run, take those that are as unusual."""
    p = rows.p.astype(np.float64)
    both = np.where(windows > 1, np.maximum(p[new], p[new - 1]), 1.0)
    unusual = np.concatenate([[0], (p <= RAREST).cumsum()])
    better = both < found.p
    found.p[better] = both[better]
    found.run[better] = RUNS[0]
    for run in RUNS[1:].tolist():
        as_long = better & (windows >= run) & (runs.longest[rows.place[new]] >= run)
        first = np.maximum(new + 1 - run, 0)
        found.run[as_long & (unusual[new + 1] - unusual[first] == run)] = run
