"""The measure of outcomes: how right the model was in the reference, as an entry of the baseline.

Its windows do not ride the spine. A window of outcomes is given again as labels come, for as long as
`labels.wait` says, often days; the spine would keep whole profiles of every open window for that long, where
`driftline.performance.periods` keeps sparse sums. docs/benchmarks.md has the measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.measures.measure import Entry, Measure
from driftline.performance import profile_format
from driftline.performance.loss_null import LossNull
from driftline.performance.performance_reference import PerformanceReference
from driftline.performance.profile import PerformanceProfile
from driftline.profiles.layout import WholeRows

if TYPE_CHECKING:
    from collections.abc import Sequence

PART: Final = WholeRows("performance", "performance")
"""The one part of the measure."""


class PerformanceMeasure(Measure[WholeRows]):
    """Merges and is read; outcomes are profiled, judged and given by `driftline.performance`."""

    name = PART.kind
    tag = profile_format.TAG
    tables = ("performance",)

    def merge(self, profiles: Sequence[bytes]) -> bytes:
        """Merge profiles of disjoint predictions."""
        return PerformanceProfile.merge_all(profiles).to_bytes()

    def decode(self, profile: bytes) -> PerformanceProfile:
        """Read a profile."""
        return PerformanceProfile.from_bytes(profile)

    def read_null(self, null: bytes) -> LossNull:
        """Read how far the mean loss of the reference's windows strays."""
        return LossNull.from_bytes(null)

    def reference(self, part: WholeRows, entry: Entry) -> PerformanceReference:  # noqa: ARG002
        """Prepare what the performance on a segment is compared with."""
        return PerformanceReference.of(entry.profile, entry.null)


PERFORMANCE: Final = PerformanceMeasure()


def performance_record(segment: str, profile: bytes, null: LossNull | None) -> dict[str, Any]:
    """Make the entry of a baseline file that says how right the model was on a segment.

    Parameters
    ----------
    segment
        Segment label.
    profile
        Encoded `PerformanceProfile` of the whole reference.
    null
        How far the mean loss of its windows strays, None where they are too few.

    Returns
    -------
    dict
        For `driftline.baseline.encode_baseline`.
    """
    packed = None if null is None else null.to_bytes()
    return {"segment": segment, "part": PART.name, "profile": profile, "null": packed}
