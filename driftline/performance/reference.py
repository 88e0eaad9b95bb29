"""The performance that is taken as normal: one profile a segment, as bytes for the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeGuard

from driftline.performance.estimation import CalibrationMap
from driftline.performance.metrics import Metrics, measure
from driftline.performance.profile import PerformanceProfile
from driftline.profiles.framing import frame, unframe

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAG: Final = b"dPR"
_VERSION: Final = 1
_WHAT: Final = "performance reference"


@dataclass(frozen=True, eq=False)
class PerformanceReference:
    """What the rows of a segment are compared with; computed once, used in every window.

    Parameters
    ----------
    profile
        Profile of the reference's outcomes.
    metrics
        What it measures.
    calibration
        Map of scores to probabilities, None where it cannot be learnt.
    """

    profile: PerformanceProfile
    metrics: Metrics
    calibration: CalibrationMap | None

    @classmethod
    def of(cls, profile: PerformanceProfile) -> PerformanceReference:
        """Prepare a reference.

        Parameters
        ----------
        profile
            Profile of past outcomes taken as normal.

        Returns
        -------
        PerformanceReference
            Ready to compare with.
        """
        calibration = CalibrationMap.of(profile) if profile.loss.binary else None
        return cls(profile, measure(profile), calibration)


def encode_profiles(profiles: Mapping[str, PerformanceProfile]) -> bytes:
    """Write the profiles of the reference's segments, format version 1.

    Parameters
    ----------
    profiles
        Segment label to profile.

    Returns
    -------
    bytes
        The same for equal profiles, whatever their order.
    """
    parts = {segment: profiles[segment].to_bytes() for segment in sorted(profiles)}
    lengths = [[segment, len(data)] for segment, data in parts.items()]
    return frame(_TAG, _VERSION, {"profiles": lengths}, b"".join(parts.values()))


def decode_profiles(data: bytes) -> dict[str, PerformanceProfile]:
    """Read what `encode_profiles` wrote.

    Parameters
    ----------
    data
        The bytes.

    Returns
    -------
    dict
        Segment label to profile.

    Raises
    ------
    ValueError
        If the bytes are something else, of a newer version, or damaged.
    """
    head, payload = unframe(_TAG, _VERSION, _WHAT, data)
    lengths = head.get("profiles")
    if not _lengths(lengths) or sum(length for _, length in lengths) != len(payload):
        raise ValueError(f"{_WHAT} of {len(data)} bytes is damaged or cut short; build the baseline again")
    profiles, at = {}, 0
    for segment, length in lengths:
        profiles[segment] = PerformanceProfile.from_bytes(payload[at : at + length])
        at += length
    return profiles


def _lengths(value: object) -> TypeGuard[list[tuple[str, int]]]:
    """Whether a head lists texts and lengths."""
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and [type(item) for item in pair] == [str, int]  # a bool is no length
        and pair[1] > 0
        for pair in value
    )
