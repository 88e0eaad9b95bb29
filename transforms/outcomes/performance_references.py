"""The performance in the reference, as the steps of a job get it: from the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.performance.performance_measure import PART

if TYPE_CHECKING:
    from driftline.performance import PerformanceReference
    from driftline.transforms.spine.baseline_source import BaselineSource


class BaselineReferences:
    """Gives the performance that the baseline takes as normal."""

    def __init__(self, baseline: BaselineSource) -> None:
        self._baseline = baseline

    @property
    def version(self) -> str:
        """Version of the baseline."""
        return self._baseline.get().version

    def refresh(self) -> None:
        """Look for a new version."""
        self._baseline.refresh()

    def reference(self, segment: str) -> PerformanceReference | None:
        """Give the reference of a segment; None if there were no labels."""
        baseline = self._baseline.get()
        known = (segment, PART.name) in baseline.entries
        return baseline.reference(segment, PART) if known else None
