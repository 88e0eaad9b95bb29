"""How far the area under the ROC curve of few outcomes strays by chance: from placement values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.performance.class_cells import GROUPS
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_LEAST: Final = 1e-9  # variance of placements that is rounding
_SYMMETRIC: Final = 1e-3  # skewness that needs no correction


@dataclass(frozen=True, eq=False)
class Placements:
    """Moments of the placement values of a reference.

    The placement value of a positive is the share of negatives below it, that of a negative the share of
    positives above it, ties counted half; the mean of either is the area under the ROC curve.

    Parameters
    ----------
    area
        Area under the ROC curve, of scores in groups.
    variances, thirds
        (2,) float64, second and third central moment, of negatives and of positives.

    References
    ----------
    DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or more
    correlated receiver operating characteristic curves: a nonparametric approach. Biometrics 44, 837-845.
    """

    area: float
    variances: Floats
    thirds: Floats

    @classmethod
    def of(cls, cells: Counts) -> Placements | None:
        """Measure a reference, (`CELLS`,) int64; None if a class is absent or scores tell nothing apart."""
        counts = cells.reshape(2, GROUPS).astype(np.float64)
        totals = counts.sum(1)
        if not totals.all():
            return None
        below = (np.cumsum(counts[0]) - counts[0] / 2) / totals[0]
        above = 1 - (np.cumsum(counts[1]) - counts[1] / 2) / totals[1]
        values = np.stack([above, below])
        area = float(counts[1] @ below / totals[1])
        second, third = ((counts * (values - area) ** power).sum(1) / totals for power in (2, 3))
        return cls(area, second, third) if (second > _LEAST).all() else None

    def distances(self, cells: Counts) -> tuple[Floats, Floats, Floats]:
        """Compare the areas of windows with the reference's.

        Parameters
        ----------
        cells
            (W, `CELLS`) int64.

        Returns
        -------
        far, size, change
            (W,) float64 each: the distance, brought from the skewed distribution of an area to a normal one
            (Wilson and Hilferty's cube root), of variance ``1 / size`` if rows are independent; that size;
            and the area minus the reference's. nan where a class is absent.

        References
        ----------
        Wilson, E. B. and Hilferty, M. M. (1931). The distribution of chi-square. Proceedings of the National
        Academy of Sciences 17, 684-688.
        """
        counts = cells.reshape(-1, 2, GROUPS).astype(np.float64)
        n = counts.sum(2)
        below = np.cumsum(counts[:, 0], axis=1) - counts[:, 0] / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            change = (counts[:, 1] * below).sum(1) / n.prod(1) - self.area
            variance = (self.variances / n).sum(1)
            skew = (self.thirds / n**2).sum(1) / variance**1.5
            far = in_steps(_normal_score(change / np.sqrt(variance), skew) * np.sqrt(variance))
        known = n.all(1)
        return (
            np.where(known, far, np.nan),
            np.where(known, 1 / variance, np.nan),
            np.where(known, change, np.nan),
        )


def _normal_score(standard: Floats, skew: Floats) -> Floats:
    """Bring gamma variables of mean 0, variance 1 and this skewness to normal ones."""
    skew = np.where(np.abs(skew) > _SYMMETRIC, skew, _SYMMETRIC)
    root = np.cbrt(np.maximum(skew * standard / 2 + 1, 0.0))
    found: Floats = 6 / skew * (root - 1) + skew / 6
    return found
