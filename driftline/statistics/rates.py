"""Change of a rate, such as the share of rows without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_RARE = 5.0  # expected rows below which the normal approximation gives way to Fisher's exact test
_SUPPORT = 40  # P(X >= 40) < 1e-20 when fewer than five rows are expected


def arcsine_difference(events: ArrayLike, n: ArrayLike, reference_rate: ArrayLike) -> NDArray[np.float64]:
    """Difference of two rates on the arcsine scale, where its variance is about ``1/n`` whatever the rate.

    Parameters
    ----------
    events, n : array_like of int
        Events and rows of the window.
    reference_rate : array_like of float
        Rate of the reference.

    Returns
    -------
    ndarray of float64
        ``2 asin sqrt((x + 3/8) / (n + 3/4))`` of the window minus the same of the events the reference's rate
        would give; nan where n is 0.

    References
    ----------
    Anscombe, F. J. (1948). The transformation of Poisson, binomial and negative-binomial data.
    Biometrika 35, 246-254, section 3.

    Examples
    --------
    >>> float(arcsine_difference(10, 100, 0.1))
    0.0
    """
    events, n = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    expected = n * np.asarray(reference_rate, dtype=np.float64)

    def transformed(x: NDArray[np.float64]) -> NDArray[np.float64]:
        angle: NDArray[np.float64] = 2 * np.arcsin(np.sqrt((x + 0.375) / (n + 0.75)))
        return angle

    return np.where(n > 0, transformed(events) - transformed(expected), np.nan)


def iid_p_value(events: ArrayLike, n: ArrayLike, base: ArrayLike, m: ArrayLike) -> NDArray[np.float64]:
    """Two-sided p-value for two equal rates as if all rows were independent.

    The pooled two-proportion z test where every cell of the 2 x 2 table expects five rows, Fisher's exact
    test (summing all tables no more likely than the observed one) where one does not.

    Parameters
    ----------
    events, n : array_like of int, shape (F,)
        Events and rows of the current sample.
    base, m : array_like of int, shape (F,)
        Events and rows of the reference.

    Returns
    -------
    ndarray of float64, shape (F,)
        p-values; nan where a sample is empty.

    References
    ----------
    Fisher, R. A. (1934). Statistical Methods for Research Workers, section 21.02. Pearson, E. S. (1947). The
    choice of statistical tests illustrated on the interpretation of data classed in a 2 x 2 table.
    Biometrika 34, 139-167.

    Examples
    --------
    >>> round(float(iid_p_value([30], [100], [50], [100])[0]), 4)
    0.0039
    """
    x, n, y, m = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (events, n, base, m))
    x, n, y, m = np.broadcast_arrays(x, n, y, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (x + y) / (n + m)
        z = (x / n - y / m) / np.sqrt(rate * (1 - rate) * (1 / n + 1 / m))
    p = np.where(rate > 0, 2 * special.ndtr(-np.abs(z)), 1.0)
    scarce = np.minimum(n, m) * np.minimum(rate, 1 - rate) < _RARE
    exact = scarce & (rate > 0)
    if exact.any():
        p[exact] = _fisher(x[exact], n[exact], y[exact], m[exact])
    return np.where((n > 0) & (m > 0), p, np.nan)


def _fisher(
    x: NDArray[np.float64], n: NDArray[np.float64], y: NDArray[np.float64], m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fisher's exact p of tables in which the rarest cell expects fewer than five rows."""
    flip = x + y > (n + m) / 2  # count the rarer outcome
    x, y = np.where(flip, n - x, x), np.where(flip, m - y, y)
    swap = n > m  # in the smaller sample
    x, n, y, m = np.where(swap, y, x), np.where(swap, m, n), np.where(swap, x, y), np.where(swap, n, m)
    total = (x + y)[:, None]
    k = np.concatenate([np.broadcast_to(np.arange(_SUPPORT), (len(x), _SUPPORT)), x[:, None]], axis=1)

    def log_choose(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        log: NDArray[np.float64] = (
            special.gammaln(a + 1) - special.gammaln(b + 1) - special.gammaln(a - b + 1)
        )
        return log

    log_mass = (
        log_choose(n[:, None], k) + log_choose(m[:, None], total - k) - log_choose((n + m)[:, None], total)
    )
    mass = np.exp(log_mass)  # 0 where k is impossible: gammaln is infinite at 0, -1, -2, ...
    observed = mass[:, -1:]
    p = np.where(mass[:, :-1] <= observed * (1 + 1e-6), mass[:, :-1], 0.0).sum(1)
    return np.minimum(np.where(x < _SUPPORT, p, observed[:, 0]), 1.0)
