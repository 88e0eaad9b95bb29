"""The season of a histogram: how its bins move together over a day or a week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.season_arrays import RANK, stored_bins
from driftline.statistics.null.season_model import choose_season

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.statistics.season import SeasonOfWindows

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeasonOfBins:
    """What is expected of the bins of W windows.

    Parameters
    ----------
    fitted : ndarray of float64, shape (W, B)
        By how much their fractions usually differ from the reference's at the windows' times.
    leverage : ndarray of float64, shape (W,)
        Part that each window has in that.
    arrays : dict of str to ndarray of float32
        The same for any time, as a null keeps it.
    """

    fitted: Floats
    leverage: Floats
    arrays: dict[str, NDArray[np.float32]]


def season_of_bins(
    residual: Floats,
    n: Floats,
    season: SeasonOfWindows | None,
    *,
    unit: Floats | None,
    overlap: float,
    places: NDArray[np.int64],
    bins: int,
) -> SeasonOfBins | None:
    """Learn what is usual of the bins' fractions at every time.

    Parameters
    ----------
    residual : ndarray of float64, shape (W, B)
        Fractions of the windows minus those of the reference, in time order.
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0.
    season : SeasonOfWindows or None
        When the windows were.
    unit : ndarray of float64, shape (B,), or None
        What a deviation of each bin is divided by. None if bins are in order of value: then it is the
        cumulative fractions that are to be predicted.
    overlap : float
        Window length over window period.
    places : ndarray of int64, shape (B,)
        Which of all bins they are.
    bins : int
        All of them.

    Returns
    -------
    SeasonOfBins or None
        None without a season.
    """
    series = residual.cumsum(1) if unit is None else residual / unit
    model = choose_season(series, n, season, overlap)
    if model is None:
        return None
    weights, directions = model.low_rank(model.coefficients(series), RANK)
    directions = np.diff(directions, prepend=0.0, axis=1) if unit is None else directions * unit
    arrays = stored_bins(weights, directions, places, bins)
    return SeasonOfBins(model.design @ weights @ directions, model.leverage(), arrays)
