"""Whether enough features drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def enough_features(drifted: Collection[bool], share: float) -> bool:
    """Decide whether at least a share of the features drifted.

    Parameters
    ----------
    drifted : collection of bool
        One a feature; False where it cannot be told.
    share : float
        More than 0 and at most 1.

    Returns
    -------
    bool
        False without features.

    Raises
    ------
    ValueError
        If `share` is not such a number.

    Examples
    --------
    >>> enough_features([True, False, False], 0.3), enough_features([True, False, False, False], 0.3)
    (True, False)
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share} is no share of the features: give more than 0 and at most 1")
    # divided, not multiplied: 0.28 * 25 is a little more than 7
    return bool(drifted) and sum(drifted) / len(drifted) >= share
