"""How far the mean of a run of normal windows strays, from how those of a reference follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.statistics.null.dependence import autocorrelation
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RUNS: Final = np.array([2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128])
"""Numbers of windows whose mean is tested."""

KNOTS: Final = np.array([2.0, 8.0, 32.0, 128.0])
"""Numbers of windows for which the variance of a mean is kept."""

_LARGEST_FIRST: Final = 0.95
_NEGLIGIBLE: Final = 0.01
_FEWEST_RUNS: Final = 5.0
_SURE: Final = 1.5  # standard errors of a variance

RAREST: Final = 1e-4
"""No window counts as more unusual than this: a run is more than its most unusual window."""


def bounded(vectors: Floats, p: Floats, df: float | Floats) -> Floats:
    """Give vectors the lengths that normal ones of the same p-values have.

    Then their mean is near normal, and one storm does not make a trend.

    Parameters
    ----------
    vectors : ndarray of float64, shape (W, K)
        Deviations of windows.
    p : ndarray of float64, shape (W,)
        Calibrated p-values of their squared lengths.
    df : float or ndarray of float64, shape (W,)
        Degrees of freedom of the squared length; its mean, from then on.

    Returns
    -------
    ndarray of float64, shape (W, K)
        In steps whose sums are exact, however many windows they are taken over.
    """
    length = np.sqrt((vectors**2).sum(-1))
    wanted = np.sqrt(special.chdtri(df, np.clip(p, RAREST, 1.0)))
    factor = np.where(length > 0, wanted / np.where(length > 0, length, 1.0), 0.0)
    return in_steps(vectors * factor[..., None])


def fit_runs(vectors: Floats, p: Floats, overlap: float) -> dict[str, NDArray[np.float32]]:
    """Measure how windows that do not overlap follow each other.

    Parameters
    ----------
    vectors : ndarray of float64, shape (W, K)
        Deviations of the windows of a reference in time order.
    p : ndarray of float64, shape (W,)
        Calibrated p-values of their squared lengths.
    overlap : float
        Window length over window period.

    Returns
    -------
    dict of str to ndarray of float32
        ``run_variances`` (K * len(KNOTS),): by how much the variance of a run's mean is larger than that of
        independent windows around a known centre. ``run_shape`` (2,): degrees of freedom of a squared length,
        and of its scale.

    References
    ----------
    Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics
    Bulletin 2, 110-114 (degrees of freedom of a quadratic form).
    """
    vectors, p = vectors[:: max(round(overlap), 1)], p[:: max(round(overlap), 1)]
    windows = max(len(vectors), 1)
    square = vectors.T @ vectors
    spread = float((square**2).sum()) / max(float(np.trace(square)) ** 2, 1e-300)
    # covariances that are estimated from few windows look more uneven than they are
    df = float(np.clip(1 / max(spread - 1 / windows, 1e-9), 1.0, vectors.shape[1]))
    vectors = bounded(vectors, p, df)
    variances, whole = np.ones((vectors.shape[1], len(KNOTS))), 1.0
    for k, along in enumerate((vectors - vectors.sum(0) / windows).T):
        if not along.any():
            continue
        follows = _at_least_autoregressive(autocorrelation(along[:, None]), windows)
        total, lag = 1 + 2 * float(follows.sum()), np.arange(1, len(follows) + 1)
        for j, run in enumerate(KNOTS.astype(np.int64).tolist()):
            own = 1 + 2 * float((np.maximum(1 - lag / run, 0.0) * follows).sum())
            total = max(total, own := max(own, _seen_in_runs(along, run, own)))
            variances[k, j] = own + run / windows * total  # the centre is known no better than this
        whole = max(whole, total)
    return {
        "run_variances": variances.ravel().astype(np.float32),
        "run_shape": np.array([df, max(windows / whole - 1, 1.0)], np.float32),
    }


def _at_least_autoregressive(follows: Floats, windows: int) -> Floats:
    """Take correlations for no smaller than those of a first-order process with the first of them.

    Of few windows each is uncertain by ``1 / sqrt(W)``, and those further apart are cut off where they are no
    longer significant, though they are there: a change would be seen where there is none.
    """
    if not len(follows):
        return follows
    first = min(float(follows[0]) + 1 / np.sqrt(windows), _LARGEST_FIRST)
    lags = np.arange(1, max(len(follows), int(np.log(_NEGLIGIBLE) / np.log(first))) + 1)
    longer = np.zeros(len(lags))
    longer[: len(follows)] = follows
    found: Floats = np.maximum(first**lags, longer)
    return found


def _seen_in_runs(along: Floats, run: int, expected: float) -> float:
    """Give what the means of the reference's own runs vary by, if that is surely more than is expected.

    Many small correlations, none of them significant, add up over a long run.

    References
    ----------
    Meketon, M. S. and Schmeiser, B. (1984). Overlapping batch means: something for nothing? Proceedings of
    the 1984 Winter Simulation Conference, 226-230.
    """
    runs = len(along) / run
    if runs < _FEWEST_RUNS:
        return expected
    sums = np.concatenate([[0.0], along.cumsum()])
    means = (sums[run:] - sums[:-run]) / run
    variance = float((along**2).mean())
    seen = run * float((means**2).mean()) / variance / (1 - 1 / runs)
    return seen if seen > expected * (1 + _SURE * np.sqrt(2 / runs)) else expected
