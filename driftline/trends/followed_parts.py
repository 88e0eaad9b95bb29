"""What a part of one segment is followed by: its runs, its share of the budget, its words."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from driftline.measures.measure_registry import measure
from driftline.performance.performance_measure import PART
from driftline.performance.performance_words import gap_words, number_words, rate_words
from driftline.tables.trends import OF_PERFORMANCE
from driftline.trends.reference_runs import reference_runs
from driftline.trends.run_words import run_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.baseline import Baseline
    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.performance import PerformanceReference
    from driftline.trends.reference_runs import ReferenceRuns


class FollowedPart(Protocol):
    """A part of one segment as a baseline knows it, and the budget of each of its features."""

    @property
    def version(self) -> str:
        """Version of the baseline."""

    @property
    def size(self) -> int:
        """Window length, microseconds."""

    @property
    def features(self) -> Sequence[str]:
        """Names of the features, by place."""

    @property
    def runs(self) -> Mapping[str, ReferenceRuns]:
        """What `reference_runs` reads from the null."""

    @property
    def limit(self) -> float:
        """Largest p-value that raises an alarm."""

    def words(self, statistic: str, place: int, sizes: NDArray[np.float32]) -> str | None:
        """Say what a run of windows differs by, (run, M)."""


def followed_part(baseline: Baseline, segment: str, name: str, limit: float) -> FollowedPart:
    """Prepare to follow a part of one segment that the baseline has.

    Parameters
    ----------
    name
        Of the part.
    limit
        Largest p-value that raises an alarm.
    """
    kind = FollowedPerformance if name == PART.name else FollowedFeatures
    return kind(baseline, segment, name, limit)


class FollowedFeatures:
    """Features of a block; parameters as of `followed_part`."""

    def __init__(self, baseline: Baseline, segment: str, name: str, limit: float) -> None:
        self.version, self.size, self.limit = baseline.version, baseline.size, limit
        self._part, entry = baseline.layout.part(name), baseline.entries[segment, name]
        self.features = measure(self._part.kind).features(self._part)
        self.runs, self._profile = reference_runs(entry.null), entry.profile

    @cached_property
    def _reference(self) -> dict[str, ReferenceDistribution]:
        return dict(measure(self._part.kind).describe(self._part, self._profile))

    def words(self, statistic: str, place: int, sizes: NDArray[np.float32]) -> str | None:
        """Say what a run of windows differs by."""
        larger = self.runs[statistic].larger(len(sizes), place)
        return run_words(statistic, sizes.astype(np.float64), larger, self._reference[self.features[place]])


class FollowedPerformance:
    """How right the model is; parameters as of `followed_part`."""

    features = (OF_PERFORMANCE,)

    def __init__(self, baseline: Baseline, segment: str, name: str, limit: float) -> None:
        self.version, self.size, self.limit = baseline.version, baseline.size, limit
        self.runs = reference_runs(baseline.entries[segment, name].null)
        self._normal: PerformanceReference = baseline.reference(segment, PART)

    def words(self, statistic: str, place: int, sizes: NDArray[np.float32]) -> str | None:  # noqa: ARG002
        """Say from what to what it went, or by how much: the mean of the windows of a run."""
        normal, now = self._normal.metrics, float(sizes.astype(np.float64).mean())
        if statistic == "loss" and self._normal.profile.loss.name == "zero_one":
            return rate_words("errors", normal.mean_loss, now)
        said = {
            "loss": number_words("mean loss", normal.mean_loss, now, ".3g"),
            "false_positives": rate_words("false positives", normal.false_positive_rate, now),
            "false_negatives": rate_words("false negatives", normal.false_negative_rate, now),
            "calibration_gap": gap_words(now),
            "bias": number_words("bias", normal.bias, now, "+.3g"),
            "auc": number_words("AUC", normal.auc, now, ".2f"),
        }
        return said[statistic]
