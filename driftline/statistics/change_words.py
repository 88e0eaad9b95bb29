"""What of a feature changed, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline.statistics.rate_sizes import LEAST_POINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTABLE: Final = 3.0
"""Standard deviations of normal windows from which on something sticks out."""

UNUSUAL: Final = 0.0027
"""p-value that is as unusual as that."""

_TENTH: Final = 0.1  # log of a ratio that is worth a word
_SHAPE: Final = {2: ("skew to the left", "skew to the right"), 3: ("lighter tails", "heavier tails")}


def change_words(
    components: Sequence[float],
    shift: float,
    spread: float,
    missing: tuple[float, float] | None,
    notable: float = NOTABLE,
    *,
    outside: float | None = None,
    invalid: tuple[float, float] | None = None,
) -> str | None:
    """Name what sticks out, the most unusual first.

    Parameters
    ----------
    components : sequence of float
        Components of order 1 to 4, standardised: of shift, spread, skew and tails.
    shift : float
        In standard deviations of the reference.
    spread : float
        Of the window over that of the reference.
    missing : tuple of float, optional
        Missing rates of reference and window, if their change is unusual.

    notable : float
        Size of a component from which on it is named.
    outside : float, optional
        Share of the values beyond all of the reference, if it is unusual.
    invalid : tuple of float, optional
        Shares of invalid values in reference and window, if their change is unusual.

    Returns
    -------
    str or None
        None if nothing is to be named.

    Examples
    --------
    >>> change_words([9.0, -4.0, 1.0, 0.0], 0.31, 0.8, (0.01, 0.25))
    'missing 1 % to 25 %, shift +0.31 sd, spread x0.8'
    >>> change_words([1.0, 0.0, 0.0, 0.0], 0.1, 1.0, None) is None
    True
    """
    words = _missing_words(missing, invalid)
    if outside is not None:
        words.append(f"{100 * outside:.3g} % outside the reference's range")
    for order in sorted(range(len(components)), key=lambda k: -abs(components[k])):
        if abs(components[order]) < notable:
            break
        if order == 0:
            words.append(f"shift {shift:+.2g} sd")
        elif order == 1:
            words.append(f"spread x{spread:.2g}")
        else:
            words.append(_SHAPE[order][components[order] > 0])
    return ", ".join(words) or None


def category_words(
    cardinality: tuple[float, float] | None,
    concentration: tuple[float, float],
    new: float | None,
    missing: tuple[float, float] | None,
    invalid: tuple[float, float] | None = None,
) -> str | None:
    """Name what sticks out of a categorical feature.

    Parameters
    ----------
    cardinality : tuple of float, optional
        Distinct categories that a normal window has and that this one has, if it is unusual in them or in how
        unevenly rows fall on them.
    concentration : tuple of float
        Shares of the most frequent category of reference and window.
    new : float, optional
        Share of values in new categories, if it is unusual.
    missing : tuple of float, optional
        Missing rates of reference and window, if their change is unusual.
    invalid : tuple of float, optional
        Shares of invalid values in reference and window, likewise.

    Returns
    -------
    str or None
        None if nothing is unusual.

    Examples
    --------
    >>> category_words((1000.0, 1.0), (0.02, 1.0), 1.0, None)
    'new 100 %, cardinality 1,000 to 1, concentration 2 % to 100 %'
    >>> category_words((20.0, 20.0), (0.06, 0.31), None, None)
    'concentration 6 % to 31 %'
    """
    words = _missing_words(missing, invalid)
    if new is not None:
        words.append(f"new {100 * new:.3g} %")
    if cardinality is not None:
        usual, found = (max(round(each), 1) for each in cardinality)
        if abs(math.log(found / usual)) > _TENTH:
            words.append(f"cardinality {usual:,} to {found:,}")
        before, now = concentration
        if abs(now - before) > LEAST_POINTS:
            words.append(f"concentration {100 * before:.3g} % to {100 * now:.3g} %")
    return ", ".join(words) or None


def _missing_words(missing: tuple[float, float] | None, invalid: tuple[float, float] | None) -> list[str]:
    named = (("invalid", invalid), ("missing", missing))
    return [
        f"{what} {100 * rates[0]:.3g} % to {100 * rates[1]:.3g} %"
        for what, rates in named
        if rates is not None
    ]
