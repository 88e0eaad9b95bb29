"""Look for the run of newest windows whose mean is most unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from driftline.statistics.null.runs import RUNS

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


def scan_runs(rows: Followed, new: NDArray[np.int64], runs: ReferenceRuns) -> RunScan:
    """Scan the runs that end at some rows.

    Parameters
    ----------
    rows : Followed
        In order of feature and time.
    new : ndarray of int64, shape (N,)
        The rows that are scanned.
    runs : ReferenceRuns
        What they are judged by.

    Notes
    -----
    The vectors are in steps whose sums are exact, so it does not matter which windows stand before a run.

    References
    ----------
    Lai, T. L. (1998). Information bounds and quick detection of parameter changes in stochastic systems. IEEE
    Transactions on Information Theory 44, 2917-2929 (generalised likelihood ratio, limited to some lengths).
    """
    vectors = rows.vectors.astype(np.float64)
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), vectors.cumsum(0)])
    windows = new + 1 - np.searchsorted(rows.place, rows.place[new])  # of the feature, up to this one
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
    return found
