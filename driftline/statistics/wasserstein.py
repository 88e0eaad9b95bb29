"""Wasserstein-1 (earth mover's) distance on histogram bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.statistics.distance import Distance
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray


_FARTHEST = 1e150  # what is farther is as far as float64 can tell


def distance(difference: NDArray[np.float64], gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area between two cumulative distributions whose mass sits in the centres of bins.

    Parameters
    ----------
    difference : ndarray of float64, shape (..., B)
        Bin fractions of one sample minus those of the other, bins in ascending order of value.
    gap : ndarray of float64, shape (B - 1,) or (..., B - 1)
        Distances of neighbouring bins' centres, in the feature's unit; padding is 0.

    Returns
    -------
    ndarray of float64, shape (...)
        ``sum |F - G| gap``, in the feature's unit.

    References
    ----------
    Vallender, S. S. (1974). Calculation of the Wasserstein distance between probability distributions on the
    line. Theory of Probability and its Applications 18, 784-786.

    Examples
    --------
    >>> float(distance(np.array([0.5, 0.0, -0.5]), np.array([1.0, 3.0])))
    2.0
    """
    area: NDArray[np.float64] = (np.abs(difference.cumsum(-1)[..., :-1]) * gap).sum(-1)
    return area


def distance_of_offsets(
    current: tuple[NDArray[np.float64], NDArray[np.float64]],
    reference: tuple[NDArray[np.float64], NDArray[np.float64]],
    widths: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Area between two cumulative distributions of which the mass and the mean of every bin are known.

    Where one distribution lies above the other all over a bin, masses and means tell the area exactly: it is
    how far the two move apart, whatever the shape. Where they cross, values spread evenly about the mean.

    Parameters
    ----------
    current, reference : tuple of ndarray of float64, shape (F, B)
        Fraction of the values in each bin, and the sum of their distances from the bin's anchor
        (`driftline.profiles.bin_offsets`) by number of all values: mass times mean.
    widths : ndarray of float64, shape (F, B)
        Of the bins; 0 for the two open ones and for padding.

    Returns
    -------
    ndarray of float64, shape (F,)
        In the unit of the feature.

    References
    ----------
    Vallender (1974), as for `distance`; inside a bin by integration by parts.

    Examples
    --------
    >>> even = np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 2.0, 0.0]])
    >>> high = np.array([[0.0, 0.5, 0.5]]), np.array([[0.0, 1.5, 3.0]])
    >>> distance_of_offsets(high, even, np.array([[0.0, 4.0, 0.0]])).tolist()  # the mean goes from 2 to 6.5
    [4.5]
    """
    (mass, moved), (usual_mass, usual) = current, reference
    end = (mass - usual_mass).cumsum(-1)
    start = np.concatenate((np.zeros((len(end), 1)), end[:, :-1]), axis=1)
    signed = np.abs(widths * end - (moved - usual))
    mean = np.where(usual_mass > 0, usual / np.where(usual_mass > 0, usual_mass, 1.0), widths / 2)
    spread = np.clip(2 * np.minimum(mean, widths - mean), 0.0, widths)
    apart = np.abs(start) + np.abs(end)
    crossed = (start**2 + end**2) / 2 / np.where(apart > 0, apart, 1.0) * spread
    area: NDArray[np.float64] = np.where(start * end < 0, np.maximum(signed, crossed), signed).sum(-1)
    return area


def in_reference_units(
    value: NDArray[np.float64], iqr: NDArray[np.float64], sd: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Express a distance in the reference's interquartile range, or its sd where the range is 0.

    Parameters
    ----------
    value, iqr, sd : ndarray of float64, shape (F,)
        Distance and spread of the reference, in the feature's unit.

    Returns
    -------
    ndarray of float64, shape (F,)
        Ratio; nan where the reference does not vary at all.
    """
    unit, ok = _reference_unit(iqr, sd)
    return np.where(ok, value / np.where(ok, unit, 1.0), np.nan)


def _reference_unit(
    iqr: NDArray[np.float64], sd: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give the interquartile range, or the sd where it is 0, and where that is a unit at all."""
    unit = np.where(iqr > 0, iqr, sd)
    return unit, (unit > 0) & np.isfinite(unit)


def iid_p_value(
    value: NDArray[np.float64],
    reference: NDArray[np.float64],
    gap: NDArray[np.float64],
    n: int,
    m: int,
    *,
    draws: int = 20_000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """p-value of distances as if all rows were independent, by simulation. For comparisons, not for the job.

    Under the null the difference of the two samples' fractions is asymptotically normal with the multinomial
    covariance ``(1/n + 1/m)(diag(q) - q q')``; the distance is recomputed on draws from it.

    Parameters
    ----------
    value : ndarray of float64, shape (N,)
        Distances of N windows of one feature.
    reference : ndarray of float64, shape (B,)
        Reference fractions q.
    gap : ndarray of float64, shape (B - 1,)
        Distances of neighbouring bins' centres.
    n, m : int
        Rows of either sample.
    draws, seed : int
        Size and seed of the simulation.

    Returns
    -------
    ndarray of float64, shape (N,)
        p-values, at least ``1 / (draws + 1)``.

    References
    ----------
    del Barrio, E., Gine, E. and Matran, C. (1999). Central limit theorems for the Wasserstein distance
    between the empirical and the true distributions. Annals of Probability 27, 1009-1071.
    """
    z = np.random.default_rng(seed).standard_normal((draws, len(reference))) * np.sqrt(reference)
    simulated = np.sort(distance(z - z.sum(1, keepdims=True) * reference, gap) * np.sqrt(1 / n + 1 / m))
    larger = draws - np.searchsorted(simulated, value, side="left").astype(np.float64)
    p: NDArray[np.float64] = (larger + 1.0) / (draws + 1.0)
    return p


def _one_row(
    rows: NDArray[np.float64], gap: NDArray[np.float64], unseen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One row beyond every bin that windows of so many rows rarely hit."""
    beyond = ((unseen * rows[:, None] < 1) * gap).sum(1) if len(gap) else np.zeros(len(rows))
    return np.asarray(beyond / rows)


class Wasserstein(Distance):
    """The distance in the feature's unit, and in the reference's interquartile range."""

    def values(self, pair: Any) -> dict[str, NDArray[np.float64]]:
        """Give both."""
        reference, current, base = pair.reference, pair.current, pair.reference.counts
        unit, ok = _reference_unit(reference.iqr, reference.sd)
        unit = np.where(ok, unit, 1.0)

        def settled(value: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.minimum(in_steps(value / unit) * unit, _FARTHEST)

        earth = self.of(pair)
        with np.errstate(over="ignore", invalid="ignore"):
            if current.mean is not None and base.mean is not None:
                # what lies beyond the reference moves the mean, and no distance is less
                farther = pair.comparable & pair.beyond.any(1)
                moved = settled(np.abs(current.mean - base.mean))
                earth = np.where(farther, np.fmax(earth, moved), earth)
            if current.offsets is not None and base.offsets is not None and reference.widths is not None:
                exact = distance_of_offsets(
                    (current.fractions, current.mean_offsets),
                    (base.fractions, base.mean_offsets),
                    reference.widths,
                )
                known = pair.comparable & np.isfinite(exact)
                earth = np.where(known, settled(exact), earth)
        return {
            "wasserstein": earth,
            "wasserstein_iqr": in_reference_units(earth, reference.iqr, reference.sd),
        }


WASSERSTEIN = Wasserstein("wasserstein", between=distance, one_row=_one_row)
