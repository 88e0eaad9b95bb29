"""What a season lets expect, as arrays of a null: of a few numbers, or of many bins that move together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.statistics.season import waves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Arrays = dict[str, NDArray[np.float32]]

SEASON: Final = "season"
"""Array that the null of a statistic has if it is compared with what is usual at the time."""

RANK: Final = 3
"""Ways in which bins move together over a day or a week."""

_BINS: Final = "season_bins"


def stored_season(coefficients: Floats) -> Arrays:
    """Lay out what is expected of a few numbers.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (1 + P, K)
        From `SeasonModel.coefficients`.

    Returns
    -------
    dict of str to ndarray of float32
        One-dimensional: ``season`` ((1 + P) * K,).
    """
    return {SEASON: coefficients.ravel().astype(np.float32)}


def expected(arrays: Mapping[str, NDArray[Any]], when: NDArray[np.int64] | None, numbers: int) -> Floats:
    """Give what is usual at a time beyond the average, (F, numbers); 0 without a season or a time.

    Parameters
    ----------
    arrays : mapping of str to ndarray, shape (F, ...)
        Of a null.
    when : ndarray of int64, shape (1,) or (F,), or None
        Middle of the window, microseconds.
    """
    known = arrays.get(SEASON)
    if known is None or when is None:
        return np.zeros((1, numbers))
    known = np.where(np.isfinite(known), known, 0.0)  # a feature without a season is all padding
    coefficients = known.reshape(len(known), known.shape[1] // numbers, numbers).astype(np.float64)
    design = np.concatenate([np.ones((len(when), 1)), waves(when, coefficients.shape[1] - 1)], axis=1)
    found: Floats = np.matmul(design[:, None], coefficients)[:, 0]
    return found


def stored_bins(weights: Floats, directions: Floats, places: NDArray[np.int64], bins: int) -> Arrays:
    """Lay out what is expected of many bins, as `RANK` directions and how far each is moved along at a time.

    Parameters
    ----------
    weights : ndarray of float64, shape (1 + P, RANK)
        From `SeasonModel.low_rank`.
    directions : ndarray of float64, shape (RANK, B)
        Changes of the fractions of some bins.
    places : ndarray of int64, shape (B,)
        Which of all they are.
    bins : int
        All of them.

    Returns
    -------
    dict of str to ndarray of float32
        One-dimensional: ``season`` ((1 + P) * RANK,) and ``season_bins`` (bins * RANK,).
    """
    every = np.zeros((bins, RANK))
    every[places] = directions.T
    return {**stored_season(weights), _BINS: every.ravel().astype(np.float32)}


def expected_bins(arrays: Mapping[str, NDArray[Any]], when: NDArray[np.int64] | None, bins: int) -> Floats:
    """Give by how much the bins' fractions usually differ at a time from the average, (F, bins)."""
    if _BINS not in arrays or when is None:
        return np.zeros((1, bins))
    known = arrays[_BINS]
    known = known.reshape(len(known), known.shape[1] // RANK, RANK)
    found = np.zeros((len(known), bins))
    with np.errstate(invalid="ignore"):  # features with fewer bins than others are padded with inf
        moved = np.matmul(known, expected(arrays, when, RANK).astype(np.float32)[:, :, None])[..., 0]
    found[:, : known.shape[1]] = np.where(np.isfinite(moved), moved, 0.0)
    return found
