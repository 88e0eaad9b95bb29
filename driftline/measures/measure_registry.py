"""The measures: by kind of a part, and by the tag in their bytes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from driftline.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.measures.measure import Measure

MEASURES: Final = Registry(
    "driftline.measures",
    "measure",
    {
        "numeric": "driftline.measures.numeric.numeric_measure:NUMERIC",
        "categorical": "driftline.measures.categorical.categorical_measure:CATEGORICAL",
        "coverage": "driftline.measures.coverage_measure:COVERAGE",
        "performance": "driftline.performance.performance_measure:PERFORMANCE",
    },
)
"""Every measure; a package adds its own under entry points of this group."""


class UnknownBytesError(ValueError):
    """Bytes are of no measure that is installed here."""


def measure(name: str) -> Measure[Any]:
    """Give the measure of a name; see `Registry.load`."""
    return cast("Measure[Any]", MEASURES.load(name))


@cache
def _by_tag() -> dict[bytes, Measure[Any]]:
    return {each.tag: each for each in MEASURES.load_all().values()}


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


def decode_profile(profile: bytes) -> Any:
    """Read an encoded profile, whatever its measure; see `Measure.decode`."""
    return measure_of(profile).decode(profile)
