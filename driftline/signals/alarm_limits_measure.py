"""The alarm limits of the losses, as an entry of the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.measures.measure import Measure
from driftline.profiles.layout import WholeRows
from driftline.segments import ALL
from driftline.signals.alarm_limits import AlarmLimits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.config.budgets import AlarmBudget
    from driftline.measures.measure import Entry
    from driftline.signals.alarm_limits import Limits

PART: Final = WholeRows("loss_limits", "alarm_limits")
"""The one part of the measure: those of the signal `loss`."""


class AlarmLimitsMeasure(Measure[WholeRows]):
    """Is read only: the limits of a segment are learnt from all of its reference at once."""

    name = PART.kind
    tag = b"dAL"
    tables = ()

    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Refuse: limits of parts say little about those of the whole."""
        raise NotImplementedError(
            f"{len(profiles)} alarm limits do not merge; merge what they are learnt from"
        )

    def decode(self, profile: bytes) -> AlarmLimits:
        """Read limits."""
        return AlarmLimits.from_bytes(profile)


ALARM_LIMITS: Final = AlarmLimitsMeasure()


def limits_record(segment: str, limits: AlarmLimits) -> dict[str, Any]:
    """Make the entry of a baseline file; for `driftline.baseline.encode_baseline`."""
    return {"segment": segment, "part": PART.name, "profile": limits.to_bytes(), "null": None}


def is_calibrated(entries: Mapping[str, Entry]) -> bool:
    """Say whether a baseline's entries of `PART`, by segment, are enough to calibrate detectors at all."""
    return ALL in entries


def segment_limits(entries: Mapping[str, Entry], segment: str, budget: AlarmBudget) -> Limits | None:
    """Give a segment its limits.

    Parameters
    ----------
    entries
        Of `PART`, by segment label.
    budget
        For the whole model: every segment that has limits gets the same share.

    Returns
    -------
    Limits or None
        None where the segment has too few values in the reference: there nothing is ever an alarm.
    """
    entry = entries.get(segment)
    if entry is None:
        return None
    limits: AlarmLimits = entry.profile
    return limits.limits(budget.in_time(1.0) / len(entries))
