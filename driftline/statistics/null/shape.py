"""Shape of the null distribution of a squared drift statistic, relative to its mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = Callable[[NDArray[Any]], NDArray[Any]]
"""Squared statistics (..., S) of deviations (..., B) from the reference fractions."""

DRAWS = 4000
SIMULATED_SIZES = np.array([1.0, 3.0, 8.0])  # n over typical n; smaller windows have the shape at 1
_MEAN_DRAWS, _AT_ONCE = 1000, 500
_TRUSTED_DF = 19.0  # with fewer degrees of freedom a covariance's concentration is anyone's guess


@lru_cache(maxsize=16)
def normals(bins: int, draws: int) -> NDArray[np.float64]:
    """Standard normal draws, shape (draws, bins), the same ones at every call: refits are reproducible."""
    drawn = np.random.default_rng(bins).standard_normal((draws, bins))
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=16)
def _rounded_normals(bins: int) -> NDArray[np.float32]:
    """Draw normals in float32: what rounding adds is a thousandth of what the number of draws leaves open."""
    drawn = np.random.default_rng(bins).standard_normal((DRAWS, bins)).astype(np.float32)
    drawn.flags.writeable = False
    return drawn


def multinomial_mean(fractions: NDArray[np.float64], statistics: Statistics) -> NDArray[np.float64]:
    """Mean of ``n T^2`` if rows were independent, shape (S,), for reference ``fractions`` (B,)."""
    z = normals(len(fractions), _MEAN_DRAWS) * np.sqrt(fractions)
    mean: NDArray[np.float64] = statistics(z - z.sum(1, keepdims=True) * fractions).mean(0)
    return mean


@dataclass(frozen=True, eq=False)
class WindowCovariance:
    """Covariance of windows' deviations in units of ``sqrt(q)``, split into eigenvectors.

    Attributes
    ----------
    root : ndarray of float64, shape (B,)
        Square roots of the reference fractions q.
    values : ndarray of float64, shape (B,)
        Eigenvalues, ascending, for a window of the typical size.
    vectors : ndarray of float64, shape (B, B)
        Eigenvectors in columns.
    sampling : float
        Mean eigenvalue of the part that shrinks with the window's rows.
    noise : float
        Largest eigenvalue that this part alone explains.
    """

    root: NDArray[np.float64]
    values: NDArray[np.float64]
    vectors: NDArray[np.float64]
    sampling: float
    noise: float

    @property
    def wobbles(self) -> bool:
        """Whether something does not shrink with the window's rows."""
        return bool(self.values[-1] > self.noise)

    def at(self, size: float) -> NDArray[np.float64]:
        """Eigenvalues for windows of ``size`` times the typical rows."""
        if size == 1:
            return self.values
        wobble = self.values > self.noise
        shrinking = self.values / size
        return np.where(wobble, self.values + (1 / size - 1) * self.sampling, shrinking)


def window_covariance(
    deviations: NDArray[np.float64],
    fractions: NDArray[np.float64],
    factor: NDArray[np.float64],
    wobble: float,
    df: float,
) -> WindowCovariance:
    """Covariance of the windows' deviations, shrunk to multinomial until its concentration is unbiased.

    Parameters
    ----------
    deviations : ndarray of float64, shape (W, B)
        Left-out deviations of the windows.
    fractions : ndarray of float64, shape (B,)
        Reference fractions q > 0.
    factor : ndarray of float64, shape (W,)
        ``E T^2`` of each window relative to a window of the typical size.
    wobble : float
        Share rho that does not shrink with n.
    df : float
        Degrees of freedom of the windows.

    References
    ----------
    Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance matrices.
    Journal of Multivariate Analysis 88, 365-411 (the shrinkage target and form). Srivastava, M. S. (2005).
    Some tests concerning the covariance matrix in high dimensional data. Journal of the Japan Statistical
    Society 35, 251-272 (the unbiased tr S^2). Marchenko, V. and Pastur, L. (1967). Distribution of
    eigenvalues for some sets of random matrices. Mathematics of the USSR-Sbornik 1, 457-483 (the edge of the
    noise).
    """
    bins = len(fractions)
    root = np.sqrt(fractions)
    scaled = deviations / root / np.sqrt(factor)[:, None]
    multinomial = np.eye(bins) - np.outer(root, root)
    covariance = _shrunk(scaled.T @ scaled / len(scaled), df, multinomial)
    covariance += 1e-9 * max(float(np.trace(covariance)), 1e-6) * multinomial
    values, vectors = np.linalg.eigh(covariance)
    sampling = (1 - wobble) * float(np.trace(covariance)) / (bins - 1)
    noise = sampling * (1 + np.sqrt((bins - 1) / df)) ** 2
    return WindowCovariance(root, values, vectors, sampling, noise)


def _shrunk(
    covariance: NDArray[np.float64], df: float, multinomial: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move a covariance towards the multinomial one of the same trace until E tr S^2 is right."""
    if df <= _TRUSTED_DF:
        return covariance
    rank = len(covariance) - 1
    trace, square = float(np.trace(covariance)), float((covariance**2).sum())
    spherical = trace * trace / rank
    unbiased = df * df / ((df - 1) * (df + 2)) * (square - trace * trace / df)
    unbiased = min(max(unbiased, spherical), square)
    # of rank one the two squares are equal but for rounding
    kept = min(max((unbiased - spherical) / max(square - spherical, 1e-300), 0.0), 1.0)
    intensity = 1 - np.sqrt(kept)
    moved: NDArray[np.float64] = (1 - intensity) * covariance + intensity * trace / rank * multinomial
    return moved


def simulate(covariance: WindowCovariance, size: float, statistics: Statistics) -> NDArray[np.float64]:
    """Draw squared statistics of windows without drift, divided by their mean.

    Parameters
    ----------
    size : float
        Rows of the windows over the typical rows.
    statistics : callable
        Squared statistics of deviations.

    Returns
    -------
    ndarray of float64, shape (draws, S)
        ``T^2 / E T^2``; ones where a statistic cannot vary.
    """
    values = covariance.at(size)
    keep = values > values[-1] * 1e-6
    factor = (np.sqrt(values[keep]) * covariance.vectors[:, keep]).T * covariance.root
    z, factor = _rounded_normals(len(values))[:, keep], factor.astype(np.float32)
    # so few at once that they stay in the processor's cache
    parts = [statistics(z[start : start + _AT_ONCE] @ factor) for start in range(0, DRAWS, _AT_ONCE)]
    drawn = np.concatenate(parts).astype(np.float64)
    mean = drawn.mean(0)
    return np.where(mean > 0, drawn / np.where(mean > 0, mean, 1.0), 1.0)
