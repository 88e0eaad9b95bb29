"""What of a feature changed, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTABLE: Final = 3.0
"""Standard deviations of normal windows from which on something sticks out."""

_SHAPE: Final = {2: ("skew to the left", "skew to the right"), 3: ("lighter tails", "heavier tails")}


def change_words(
    components: Sequence[float],
    shift: float,
    spread: float,
    missing: tuple[float, float] | None,
    notable: float = NOTABLE,
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
    words = [] if missing is None else [f"missing {100 * missing[0]:.3g} % to {100 * missing[1]:.3g} %"]
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
