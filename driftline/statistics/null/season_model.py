"""What the windows of each time of a season have on average: a ridge regression on waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.season import SeasonOfWindows

    Floats = NDArray[np.float64]

_FOLDS: Final = 10
_RIDGES: Final = (1e-4, 0.03, 0.3)  # of the weight of all windows; a wave has variance 1/2
_SURE: Final = 2.0  # standard errors by which a season must predict better than the average


@dataclass(frozen=True, eq=False)
class SeasonModel:
    """A weighted ridge regression of anything linear that was measured in W windows.

    Attributes
    ----------
    design : ndarray of float64, shape (W, 1 + P)
        Ones and waves; those that are not used are zeros.
    weights : ndarray of float64, shape (W,)
        Of the windows.
    ridge : float
        Penalty of a wave, as a part of all weights.
    """

    design: Floats
    weights: Floats
    ridge: float

    def coefficients(self, x: Floats, kept: Any = slice(None)) -> Floats:
        """Fit x (W, K) on some of the windows: (1 + P, K), for a row of the design."""
        design = self.design[kept]
        weighted = design * self.weights[kept, None]
        found: Floats = np.linalg.solve(_penalised(weighted.T @ design, self.ridge), weighted.T @ x[kept])
        return found

    def leverage(self, kept: Any = slice(None)) -> Floats:
        """Give the part that each of the kept windows has in what is expected at its own time."""
        design = self.design[kept]
        weighted = design * self.weights[kept, None]
        inverse = np.linalg.inv(_penalised(weighted.T @ design, self.ridge))
        part: Floats = np.einsum("wi,ij,wj->w", weighted, inverse, design)
        return part

    def low_rank(self, coefficients: Floats, rank: int) -> tuple[Floats, Floats]:
        """Keep what matters most of coefficients (1 + P, K): a product of (1 + P, rank) and (rank, K).

        References
        ----------
        Izenman, A. J. (1975). Reduced-rank regression for the multivariate linear model. Journal of
        Multivariate Analysis 5, 248-264.
        """
        values, vectors = np.linalg.eigh((self.design * self.weights[:, None]).T @ self.design)
        used = values > values[-1] * 1e-9
        root = vectors[:, used] * np.sqrt(values[used])
        left, sizes, right = np.linalg.svd(root.T @ coefficients, full_matrices=False)
        found = (vectors[:, used] / np.sqrt(values[used])) @ (left[:, :rank] * sizes[:rank])
        kept = found.shape[1]
        return np.pad(found, ((0, 0), (0, rank - kept))), np.pad(right[:rank], ((0, rank - kept), (0, 0)))


def choose_season(x: Floats, n: Floats, season: SeasonOfWindows | None, overlap: float) -> SeasonModel | None:
    """Choose waves and a penalty by how well tenths of the time are predicted by the others.

    Parameters
    ----------
    x : ndarray of float64, shape (W, K)
        What was measured in the windows, in time order; K numbers of like weight.
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0.
    season : SeasonOfWindows or None
        When the windows were.
    overlap : float
        Window length over window period: windows that share rows with those left out are left out too.

    Returns
    -------
    SeasonModel or None
        None where there is no season, or none that surely predicts better than the average.

    References
    ----------
    Hoerl, A. E. and Kennard, R. W. (1970). Ridge regression: biased estimation for nonorthogonal problems.
    Technometrics 12, 55-67. Stone, M. (1974). Cross-validatory choice and assessment of statistical
    predictions. Journal of the Royal Statistical Society B 36, 111-147.
    """
    if season is None:
        return None
    # a window's own wobble keeps a large one from outweighing a hundred small ones
    weights = 1 / (1 / n + float(np.mean(1 / n)))
    design = np.concatenate([np.ones((len(n), 1)), season.waves], axis=1)
    tenths = _by_tenths(x, design, weights, overlap)
    errors = {
        (columns, ridge): tenths.errors(columns, ridge)
        for columns in season.choices
        for ridge in (_RIDGES if columns else (0.0,))
    }
    columns, ridge = min(errors, key=lambda choice: errors[choice].sum())
    if not columns:
        return None
    if (0, 0.0) in errors:
        gain = errors[0, 0.0] - errors[columns, ridge]
        if gain.mean() <= _SURE * gain.std() / np.sqrt(max(len(gain) - 1, 1)):
            return None
    return SeasonModel(np.where(np.arange(design.shape[1]) <= columns, design, 0.0), weights, ridge)


@dataclass(frozen=True, eq=False)
class _Tenths:
    """Of each tenth, sums of products over its windows (own), and over those they are predicted from."""

    square: Floats
    product: Floats
    own_square: Floats
    own_product: Floats
    length: Floats

    def errors(self, columns: int, ridge: float) -> Floats:
        """Weighted squared errors of the windows that are left out, if the others predict them."""
        used = slice(0, columns + 1)
        alone = self.square[:, 0, 0] <= 0
        square = np.where(alone[:, None, None], 0.0, self.square[:, used, used])
        product = np.where(alone[:, None, None], 0.0, self.product[:, used])
        fitted = np.linalg.solve(_penalised(square, ridge), product)
        # nothing predicts a tenth that shares rows with all others
        fitted[alone] = 0.0
        along = (fitted * self.own_product[:, used]).sum((1, 2))
        own = (fitted * (self.own_square[:, used, used] @ fitted)).sum((1, 2))
        errors: Floats = self.length - 2 * along + own
        return errors


def _by_tenths(x: Floats, design: Floats, weights: Floats, overlap: float) -> _Tenths:
    """Leave out a tenth of the time after the other."""
    windows, shared = len(x), int(np.ceil(overlap)) - 1
    weighted = design * weights[:, None]

    def sums(of: slice) -> tuple[Floats, Floats]:
        return weighted[of].T @ design[of], weighted[of].T @ x[of]

    square, product = sums(slice(None))
    found = []
    for out in np.array_split(np.arange(windows), min(_FOLDS, windows)):
        near_square, near_product = sums(slice(max(int(out[0]) - shared, 0), int(out[-1]) + shared + 1))
        own = slice(int(out[0]), int(out[-1]) + 1)
        length = float((weights[own, None] * x[own] ** 2).sum())
        found.append((square - near_square, product - near_product, *sums(own), length))
    return _Tenths(*(np.array(each) for each in zip(*found, strict=True)))


def _penalised(square: Floats, ridge: float) -> Floats:
    """Add the penalty of waves, and 1 for columns that are all zeros, to squares (..., P, P)."""
    along = np.arange(square.shape[-1])
    diagonal = square[..., along, along]
    penalty = np.where(along > 0, ridge * square[..., :1, 0], 0.0)
    penalised: Floats = square.copy()
    penalised[..., along, along] += np.where(diagonal > 0, penalty, 1.0)
    return penalised
