"""Expected square of a drift statistic as a function of the window's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WOBBLE = np.linspace(0.0, 1.0, 21)
_ENOUGH_DF = 50.0  # with fewer, tails do not carry the uncertainty of rho as well
_PLAUSIBLE = -2.7  # twice the log-likelihood ratio: a 90 % interval for one parameter


@dataclass(frozen=True, eq=False)
class Scale:
    """Fitted ``E T^2(n) = M ((1 - rho) n_h / n + rho)``.

    Part of the deviation of a window from the reference shrinks as its rows grow (sampling, clusters), part
    of it does not (the mean wobbles from window to window). rho is the share of the latter at n_h rows.

    Attributes
    ----------
    wobble : float
        Likelihood-weighted rho.
    plausible : ndarray of float64, shape (R,)
        Values of rho that the windows do not contradict.
    mean : ndarray of float64, shape (R,)
        M for each of them.
    weight : ndarray of float64, shape (R,)
        Their likelihoods, adding up to 1.
    typical_n : float
        n_h, harmonic mean of the windows' rows.
    known : tuple of float
        Range of n where the windows say what rho means; empty (inf, 0) if they are few.
    """

    wobble: float
    plausible: NDArray[np.float64]
    mean: NDArray[np.float64]
    weight: NDArray[np.float64]
    typical_n: float
    known: tuple[float, float]

    def relative(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``E T^2`` for windows of ``n`` rows over that at the typical number, shape (N,)."""
        factor: NDArray[np.float64] = (1 - self.wobble) * self.typical_n / n + self.wobble
        return factor

    def at(self, n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``E T^2`` for windows of ``n`` rows, shape (N,).

        Averaged over the plausible values of rho where many windows of the reference had about as many rows,
        else the largest of them: then p is a bound.
        """
        rho = self.plausible[:, None]
        each = self.mean[:, None] * ((1 - rho) * self.typical_n / n + rho)
        seen = (n >= self.known[0]) & (n <= self.known[1])
        return np.where(seen, self.weight @ each, each.max(0))


def factors_of(n: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what every share rho makes of windows of ``n`` rows.

    Returns
    -------
    inverse : ndarray of float64, shape (R, W)
        One over ``E T^2`` relative to that at the typical number of rows.
    log_factor : ndarray of float64, shape (R,)
        Logarithms of these factors, summed over the windows.
    """
    typical_n = 1 / float(np.mean(1 / n))
    factor = (1 - _WOBBLE)[:, None] * typical_n / n + _WOBBLE[:, None]
    return 1 / factor, np.log(factor).sum(1)


def fit_scale(
    squares: NDArray[np.float64],
    n: NDArray[np.float64],
    *,
    multinomial: float,
    shape_df: float,
    dependence: float,
    df: float,
    factors: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Scale:
    """Fit M and rho to the windows' squared statistics by gamma quasi-likelihood.

    Parameters
    ----------
    squares : ndarray of float64, shape (W,)
        Squared statistic of each window.
    n : ndarray of float64, shape (W,)
        Rows of each window.
    multinomial : float
        ``n E T^2`` if rows were independent: M is never below it, and neither is the part that shrinks.
    shape_df : float
        ``2 / var(T^2 / E T^2)``: degrees of freedom of one squared statistic.
    dependence : float
        By how much dependent windows thin out the likelihood.
    df : float
        Degrees of freedom of the windows.
    factors : tuple of ndarray of float64, optional
        Of `factors_of`, where many statistics of the same windows are fitted.

    Returns
    -------
    Scale
        The fit, with every rho within the 90 % likelihood interval.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., chapters 8 and 9.
    """
    typical_n = 1 / float(np.mean(1 / n))
    observed = float(squares.mean())
    floor = multinomial / typical_n
    mean = max(observed, floor)
    inverse, log_factor = factors if factors is not None else factors_of(n)
    means = np.full(len(_WOBBLE), mean)
    if observed > 0:
        means = np.maximum(mean * (inverse @ squares) / len(n) / observed, floor)
    with np.errstate(divide="ignore"):
        likelihood = -shape_df / dependence * (log_factor + len(n) * np.log(means))
    # what shrinks with n is at least multinomial sampling, give or take the error of M
    largest = 1 - floor / mean / (1 + np.sqrt(2 / shape_df / df)) if mean > 0 else 0.0
    likelihood[max(0.0, largest) + 1e-9 < _WOBBLE] = -np.inf
    likelihood = np.nan_to_num(likelihood, nan=0.0, posinf=0.0)
    likelihood -= likelihood.max()
    weight = np.exp(likelihood / 2)
    keep = likelihood > _PLAUSIBLE
    return Scale(
        float(weight @ _WOBBLE / weight.sum()),
        _WOBBLE[keep],
        means[keep],
        weight[keep] / weight[keep].sum(),
        typical_n,
        (float(n.min()), float(n.max())) if df >= _ENOUGH_DF else (np.inf, 0.0),
    )
