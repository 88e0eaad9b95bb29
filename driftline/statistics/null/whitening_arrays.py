"""A whitening as arrays of a null, and the squared lengths that they give a block of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.statistics.null.lookup_grid import SIZE_GRID, at_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.null.whitening import Whitening

    Floats = NDArray[np.float64]


def stored_whitening(
    centre: Floats,
    combinations: Floats | None = None,
    whitening: Whitening | None = None,
    typical_n: float = 1.0,
) -> dict[str, NDArray[np.float32]]:
    """Lay a whitening out; without one every squared length is 0.

    Parameters
    ----------
    centre : ndarray of float64, shape (M,)
        What normal windows have on average.
    combinations : ndarray of float64, shape (K, M)
        What was whitened, from deviations from the centre; K at most M.
    whitening : Whitening
        Of the K combinations.
    typical_n : float
        Rows of a typical window.

    Returns
    -------
    dict of str to ndarray of float32
        One-dimensional: ``centre`` (M,), ``directions`` (M * M,), ``log_variances`` (sizes * M,),
        ``typical_n``.
    """
    width = len(centre)
    directions, log_variances = np.zeros((width, width)), np.zeros((len(SIZE_GRID), width))
    if combinations is not None and whitening is not None:
        used = len(combinations)
        directions[:, :used] = combinations.T @ whitening.directions
        log_variances[:, :used] = np.log(whitening.variances((SIZE_GRID * typical_n).astype(np.float64)))
    stored = {
        "centre": centre,
        "directions": directions.ravel(),
        "log_variances": log_variances.ravel(),
        "typical_n": np.array([typical_n]),
    }
    return {name: array.astype(np.float32) for name, array in stored.items()}


def directions_and_precision(n: Floats, arrays: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats]:
    """Read directions (F, M, M), and one over the variances (F, M) along them in windows of n rows (F,)."""
    features, width = arrays["centre"].shape
    known = arrays["log_variances"].reshape(features, len(SIZE_GRID), width)
    log_variance = at_size(known, arrays["typical_n"][:, 0], n)
    directions = arrays["directions"].reshape(features, width, width).astype(np.float64)
    return directions, np.exp(-log_variance)


def whitened(deviations: Floats, n: Floats, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """Whiten deviations (F, M) from the centre in windows of n rows (F,): (F, M), unused ones 0."""
    directions, precision = directions_and_precision(n, arrays)
    white: Floats = np.einsum("fm,fmd->fd", deviations, directions) * np.sqrt(precision)
    return white


def squared_length(deviations: Floats, n: Floats, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """Compute ``T^2`` (F,) of deviations (F, M) from the centre in windows of n rows (F,)."""
    directions, precision = directions_and_precision(n, arrays)
    along = np.einsum("fm,fmd->fd", deviations, directions)
    squared: Floats = (along**2 * precision).sum(-1)
    return squared
