"""In which directions normal windows differ, and how far in each, from the reference's own windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID
from driftline.statistics.null.predictive_tail import predictive_quantiles
from driftline.statistics.null.window_series import WindowSeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.null.null_table import NullTable
    from driftline.statistics.null.scale import Scale
    from driftline.statistics.null.season_model import SeasonModel

    Floats = NDArray[np.float64]

_FOLDS: Final = 10
_SHRINKAGE: Final = np.array([0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0])
_ROBUST_DF: Final = 8.0  # of the t distribution by which shrinkages are compared: one storm must not choose


@dataclass(frozen=True, eq=False)
class Whitening:
    """Covariance of the components of normal windows, for windows of any size.

    Attributes
    ----------
    directions : ndarray of float64, shape (K, K)
        Eigenvectors in columns.
    scales : tuple of Scale
        Variance along each, as a function of the window's rows: a part that shrinks with them and a part that
        does not, neither negative, so the covariance is positive at every size.
    """

    directions: Floats
    scales: tuple[Scale, ...]

    def variances(self, n: Floats) -> Floats:
        """Variance along every direction for windows of n rows, (N,) to (N, K)."""
        return np.stack([scale.at(n) for scale in self.scales], axis=-1)

    def squares(self, components: Floats, n: Floats) -> Floats:
        """Squared lengths ``T^2`` (N,) of components (N, K) of windows of n rows."""
        total: Floats = ((components @ self.directions) ** 2 / self.variances(n)).sum(-1)
        return total


@dataclass(frozen=True, eq=False)
class _Fold:
    """Windows to learn from, and those left out."""

    series: WindowSeries
    deviations: Floats
    out_n: Floats
    out: Floats

    @cached_property
    def eigen(self) -> tuple[Floats, Floats, float, Scale]:
        """Eigenvalues and vectors at the typical size, their mean, and the scale of all together."""
        return _eigen(self.deviations, self.series)


def fit_whitening(
    components: Floats, n: Floats, overlap: float, season: SeasonModel | None = None
) -> tuple[NullTable, Whitening]:
    """Calibrate ``T^2``, the squared length of a window's whitened components.

    Parameters
    ----------
    components : ndarray of float64, shape (W, K)
        Deviations of the windows from their reference in time order, on a scale on which independent rows
        have covariance ``I / n``.
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0; more than two windows.
    overlap : float
        Window length over window period.
    season : SeasonModel, optional
        What gives the mean of every time; without it all windows have one.

    Returns
    -------
    NullTable
        Of ``T^2``, from windows that were left out in tenths of time: the next window is as new as they were.
    Whitening
        Directions and variances, from all windows.

    References
    ----------
    Hotelling, H. (1931). The generalization of Student's ratio. Annals of Mathematical Statistics 2, 360-378.
    Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance matrices.
    Journal of Multivariate Analysis 88, 365-411 (the shrinkage target).
    """
    unusual = components if season is None else components - _usual(components, n, season, slice(None))
    leverage = None if season is None else season.leverage()
    series = WindowSeries.of(n, overlap, unusual, leverage)
    folds = _folds(components, series, season)
    shrinkage = _best_shrinkage(folds)
    squares = [
        _whiten(fold.deviations, fold.series, shrinkage, fold.eigen).squares(fold.out, fold.out_n)
        for fold in folds
    ]
    left_out = np.concatenate([np.zeros(0), *squares])
    deviations = components - _usual(components, n, season, slice(None))
    deviations = deviations * series.left_out[:, None]
    whitening = _whiten(deviations, series, shrinkage, _eigen(deviations, series))
    quantiles = predictive_quantiles(left_out, components.shape[1], series.depends.square)
    table = np.broadcast_to(quantiles, (len(SIZE_GRID), len(P_GRID)))
    return series.table(table, 1 / float(np.mean(1 / n))), whitening


def _usual(components: Floats, n: Floats, season: SeasonModel | None, kept: Any) -> Floats:
    """Give the mean of the kept windows, or what they let expect of the time of every window."""
    if season is None:
        mean: Floats = n[kept] @ components[kept] / n[kept].sum()
        return mean
    return season.design @ season.coefficients(components, kept)


def _folds(components: Floats, series: WindowSeries, season: SeasonModel | None) -> list[_Fold]:
    """Leave out a tenth of the time at once; windows that share rows with it are in neither part."""
    windows, folds = len(components), []
    shared = int(np.ceil(series.overlap)) - 1
    for out in np.array_split(np.arange(windows), min(_FOLDS, windows)):
        kept = np.ones(windows, dtype=bool)
        kept[max(out[0] - shared, 0) : out[-1] + shared + 1] = False
        if kept.sum() < 2:
            continue
        rest = series.only(kept, None if season is None else season.leverage(kept))
        unusual = components - _usual(components, series.n, season, kept)
        deviations = unusual[kept] * rest.left_out[:, None]
        folds.append(_Fold(rest, deviations, series.n[out], unusual[out]))
    return folds


def _best_shrinkage(folds: list[_Fold]) -> float:
    """Choose how far the covariance is moved to a sphere by how likely the left-out windows become.

    All the way where the windows are so few that each shares rows with nearly all others.
    """
    if not folds:
        return float(_SHRINKAGE[-1])
    likelihood = np.zeros(len(_SHRINKAGE))
    for fold in folds:
        values, vectors, mean, scale = fold.eigen
        moved = (1 - _SHRINKAGE)[:, None] * values + _SHRINKAGE[:, None] * mean
        variances = moved[:, None, :] * scale.relative(fold.out_n)[None, :, None]
        squares = ((fold.out @ vectors) ** 2 / variances).sum(-1)
        t = (_ROBUST_DF + len(values)) / 2 * np.log1p(squares / _ROBUST_DF)
        likelihood -= (np.log(variances).sum(-1) / 2 + t).sum(-1)
    return float(_SHRINKAGE[likelihood.argmax()])


def _eigen(deviations: Floats, series: WindowSeries) -> tuple[Floats, Floats, float, Scale]:
    components = deviations.shape[1]
    scale = series.scale((deviations**2).sum(1), float(components), float(components))
    standard = deviations / np.sqrt(scale.relative(series.n))[:, None]
    values, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    least = 1 / scale.typical_n  # independent rows
    return np.maximum(values, least), vectors, max(float(values.mean()), least), scale


def _whiten(
    deviations: Floats,
    series: WindowSeries,
    shrinkage: float,
    eigen: tuple[Floats, Floats, float, Scale],
) -> Whitening:
    """Fit variances along the eigenvectors, each with its own share that does not shrink with the rows."""
    values, vectors, mean, scale = eigen
    moved = (1 - shrinkage) * values + shrinkage * mean
    relative = scale.relative(series.n)
    scales = []
    for along, variance in zip((deviations @ vectors).T, moved, strict=True):
        squares = along**2
        observed = float((squares / relative).mean())
        squares = squares * (variance / observed) if observed > 0 else variance * relative
        scales.append(series.scale(squares, 1.0, 1.0))
    return Whitening(vectors, tuple(scales))
