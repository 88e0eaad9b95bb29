"""The components of a window's outcomes of classes: error kinds, scores and log-losses by true class.

Each is a mean given the true class, so that more positives do not look like a worse model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.performance.class_sums import ONE, score_steps, sums_of_profile
from driftline.performance.score_grid import first_positive_bin
from driftline.statistics.rates import arcsine_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

COMPONENTS: Final = 6
"""Of negatives and of positives: errors, scores, log-losses; the order is part of format version 1 of
`ClassNull`."""
_CLASS: Final = np.array([0, 1, 0, 1, 0, 1])
_LEAST: Final = 1e-3  # variance, of one row, that the components before leave to the next one
_NOTHING: Final = 1e-9  # a standard deviation of scores or losses that is rounding


@dataclass(frozen=True, eq=False)
class ClassComponents:
    """What a window's outcomes are compared with, from the outcomes of the whole reference.

    Parameters
    ----------
    shares
        (2,) float64, share of negatives and of positives.
    rates
        (2,) float64, false positives among negatives, false negatives among positives.
    means, spreads
        (4,) float64, mean and standard deviation: of the scores of negatives and of positives, and of their
        log-losses.
    covariance
        (`COMPONENTS`, `COMPONENTS`) float64, of the components of one row, if rows are independent.
    """

    shares: Floats
    rates: Floats
    means: Floats
    spreads: Floats
    covariance: Floats

    @classmethod
    def of(cls, profile: PerformanceProfile) -> ClassComponents | None:
        """Prepare the outcomes of a reference; None if they are of numbers or one class is absent."""
        if not profile.loss.binary:
            return None
        sums = sums_of_profile(profile).astype(np.float64)
        if not sums[:2].all():
            return None
        shares, rates, means = sums[:2] / profile.n, sums[2:4] / sums[:2], sums[4:] / ONE / sums[_CLASS[2:]]
        score, *costs = score_steps(profile.loss.threshold) / ONE
        counts = np.stack([profile.negatives, profile.positives]).astype(np.float64)
        positive = np.arange(len(score)) >= first_positive_bin(profile.loss.threshold)
        # what one row adds: by its bin, (`COMPONENTS`, B)
        error = _standard(np.stack([positive, ~positive]) - rates[:, None], np.sqrt(rates * (1 - rates)))
        number = np.stack([score, score, *costs]) - means[:, None]
        spreads = np.sqrt((counts[_CLASS[2:]] * number**2).sum(1) / sums[_CLASS[2:]])
        row = np.concatenate([error, _standard(number, spreads)]) / np.sqrt(shares)[_CLASS, None]
        same = _CLASS[:, None] == _CLASS
        covariance = np.where(same, np.einsum("jb,kb,jb->jk", row, row, counts[_CLASS]) / profile.n, 0.0)
        # errors that never or always happen: the arcsine scale knows their variance
        errors = np.arange(2)
        covariance[errors, errors] = 1.0
        return cls(shares, rates, means, spreads, covariance)

    def scale(self, sums: Counts) -> Floats:
        """Weigh the components of each true class, (W, `CLASS_SUMS`) to (W, 2).

        By the root of the share of its rows, so that components have variance ``1 / n``; not more than the
        reference's share, so that what does not shrink with n is not blown up.
        """
        share = sums[:, :2] / np.maximum(sums[:, :2].sum(1), 1)[:, None]
        weight: Floats = np.sqrt(np.minimum(share, self.shares))
        return weight

    def of_windows(self, sums: Counts) -> Floats:
        """Give the components of windows.

        Parameters
        ----------
        sums
            (W, `CLASS_SUMS`) int64, of their outcomes.

        Returns
        -------
        ndarray of float64
            (W, `COMPONENTS`), 0 where a window has no outcome of the class. The same whatever the order of
            merges. Rates are on the arcsine scale, means in standard deviations of one row.
        """
        n = sums[:, :2]
        error = np.nan_to_num(arcsine_difference(sums[:, 2:4], n, self.rates))
        n = n[:, _CLASS[2:]]
        number = np.where(n > 0, sums[:, 4:] / ONE / np.maximum(n, 1) - self.means, 0.0)
        each: Floats = np.concatenate([error, _standard(number.T, self.spreads).T], axis=1)
        return each * self.scale(sums)[:, _CLASS]

    def gap(self, weight: Floats) -> Floats:
        """Give what the components of windows add to the calibration gap, (W, `COMPONENTS`).

        The gap is the mean score minus the share of positives, as it would be at the reference's share of
        positives; as a change since the reference.

        Parameters
        ----------
        weight
            (W, 2) float64, `scale` of the windows; without an outcome of a class the gap is nan.
        """
        return self._of_scores(self.shares, weight)

    def separation(self, weight: Floats) -> Floats:
        """Give what the components of windows add to the mean score of positives minus that of negatives.

        References
        ----------
        Yates, J. F. (1982). External correspondence: decompositions of the mean probability score.
        Organizational Behavior and Human Performance 30, 132-156 (the slope).
        """
        return self._of_scores(np.array([-1.0, 1.0]), weight)

    def independent(self, seen: Floats) -> Floats:
        """Combine components so that independent rows have covariance ``I / n``.

        Error kinds come first, then the calibration gap, then what is left of scores, then of losses.

        Parameters
        ----------
        seen
            (2,) bool, true classes that windows have outcomes enough of.

        Returns
        -------
        ndarray of float64
            (K, `COMPONENTS`); what is constant, or says what others do, is left out.
        """
        unit, known = np.eye(COMPONENTS), seen[_CLASS]
        gap = self._of_scores(self.shares, np.sqrt(self.shares)[None])[0]
        wanted = np.stack([unit[0], unit[1], gap, *unit[2:]]) * known
        return np.array(list(_orthonormal(wanted, self.covariance))).reshape(-1, COMPONENTS)

    def _of_scores(self, each: Floats, weight: Floats) -> Floats:
        added = np.zeros((len(weight), COMPONENTS))
        with np.errstate(divide="ignore"):
            added[:, 2:4] = np.where(weight > 0, each * self.spreads[:2] / weight, np.nan)
        return added


def _standard(deviations: Floats, spreads: Floats) -> Floats:
    """Divide rows by their standard deviations; 0 where there is none."""
    varies = spreads > _NOTHING
    found: Floats = np.where(varies[:, None], deviations / np.where(varies, spreads, 1.0)[:, None], 0.0)
    return found


def _orthonormal(wanted: Floats, covariance: Floats) -> Iterator[Floats]:
    """Take from each combination what those before it say (Gram-Schmidt, in the metric of the rows)."""
    chosen: list[Floats] = []
    for each in wanted:
        before = each @ covariance @ each
        if not before > 0:
            continue
        rest = each / np.sqrt(before)
        for other in chosen:
            rest = rest - (rest @ covariance @ other) * other
        left = rest @ covariance @ rest
        if left > _LEAST:
            chosen.append(rest / np.sqrt(left))
            yield chosen[-1]
