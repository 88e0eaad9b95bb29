"""Error kinds, calibration gap and separation of windows as changes from normal windows, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.performance.class_components import COMPONENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.class_components import ClassComponents
    from driftline.performance.class_null import ClassNull

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_ERRORS: Final = ("false_positives", "false_negatives")


def class_changes(normal: ClassComponents, null: ClassNull, sums: Counts) -> dict[str, tuple[Floats, Floats]]:
    """Compare windows with normal ones.

    Parameters
    ----------
    sums
        (W, `CLASS_SUMS`) int64, of their outcomes; none without any.

    Returns
    -------
    dict of str to (ndarray, ndarray)
        By name (W,) float64 each: the change, of a rate on the arcsine scale, of scores as a number; and the
        same in standard deviations of normal windows. nan where that is not known.
    """
    n = sums[:, :2].sum(1).astype(np.float64)
    found, weight = normal.of_windows(sums), normal.scale(sums)
    added = {}
    for place, name in enumerate(_ERRORS):
        added[name] = np.zeros((len(sums), COMPONENTS))
        added[name][:, place] = np.where(weight[:, place] > 0, 1.0, np.nan)
    added |= {"calibration_gap": normal.gap(weight), "separation": normal.separation(weight)}
    return {name: null.changes(found, each, n) for name, each in added.items()}
