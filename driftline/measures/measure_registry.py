"""The measures: by kind of a part, and by the tag in their bytes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from driftline.framing import refuses_damage
from driftline.registry import Registry, UnusableError, other_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.measures.measure import Measure

_TAG_LENGTH: Final = 3
"""Bytes of a tag."""


def _wrong(name: str, found: Any) -> tuple[str, str] | None:
    """Check name and tag: a second measure with the tag of another would be handed its bytes."""
    if (wrong := other_name(name, found)) is not None:
        return wrong
    tag = getattr(found, "tag", None)
    if not isinstance(tag, bytes) or len(tag) != _TAG_LENGTH:
        return f"has the tag {tag!r}", f"give it {_TAG_LENGTH} bytes that no other measure has"
    before = MEASURES.names[: MEASURES.names.index(name)]
    taken = next((other for other in before if (its := _usable(other)) is not None and its.tag == tag), None)
    if taken is None:
        return None
    return f"has the tag {tag!r}, which is that of `{taken}`", "give it one of its own"


MEASURES: Final = Registry(
    "driftline.measures",
    "measure",
    {
        "numeric": "driftline.measures.numeric.numeric_measure:NUMERIC",
        "categorical": "driftline.measures.categorical.categorical_measure:CATEGORICAL",
        "coverage": "driftline.measures.coverage_measure:COVERAGE",
        "performance": "driftline.performance.performance_measure:PERFORMANCE",
        "alarm_limits": "driftline.signals.alarm_limits_measure:ALARM_LIMITS",
    },
    _wrong,
)
"""Every measure; a package adds its own under entry points of this group."""


class UnknownBytesError(ValueError):
    """Bytes are of no measure that is installed here."""


def measure(name: str) -> Measure[Any]:
    """Give the measure of a name; see `Registry.load`."""
    return cast("Measure[Any]", MEASURES.load(name))


def _usable(name: str) -> Measure[Any] | None:
    try:
        return measure(name)
    except UnusableError:  # said where a configuration asks for it
        return None


@cache
def _by_tag() -> dict[bytes, Measure[Any]]:
    return {each.tag: each for name in MEASURES.names if (each := _usable(name)) is not None}


def measure_of(profile: bytes) -> Measure[Any]:
    """Find the measure that bytes are of.

    Raises
    ------
    UnknownBytesError
        If they begin with no known tag.
    """
    found = _by_tag().get(bytes(profile[:3]))
    if found is None:
        raise UnknownBytesError(
            f"bytes that begin with {bytes(profile[:3])!r} are of no measure that is installed (there are "
            f"{', '.join(MEASURES.names)}): check which step wrote them"
        )
    return found


def merge_encoded(profiles: Sequence[bytes]) -> bytes:
    """Merge encoded profiles of one part, whatever their measure.

    Returns
    -------
    bytes
        The merged profile; a single one as it is.

    Raises
    ------
    ValueError
        If they are of different parts or measures, or of none.
    """
    return profiles[0] if len(profiles) == 1 else measure_of(profiles[0]).merge(profiles)


@refuses_damage("profile")
def decode_profile(profile: bytes) -> Any:
    """Read an encoded profile, whatever its measure; see `Measure.decode`."""
    return measure_of(profile).decode(profile)
