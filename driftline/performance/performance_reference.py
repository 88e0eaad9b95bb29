"""The performance of a segment that is taken as normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline.performance.class_components import ClassComponents
from driftline.performance.estimation import CalibrationMap
from driftline.performance.metrics import Metrics, measure

if TYPE_CHECKING:
    from driftline.performance.loss_null import LossNull
    from driftline.performance.profile import PerformanceProfile


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
    null
        How far the outcomes of its own windows stray, None where they are too few.
    classes
        What error kinds and calibration are compared with; None of numbers, and where a class is absent.
    """

    profile: PerformanceProfile
    metrics: Metrics
    calibration: CalibrationMap | None
    null: LossNull | None
    classes: ClassComponents | None = None

    @classmethod
    def of(cls, profile: PerformanceProfile, null: LossNull | None = None) -> PerformanceReference:
        """Prepare a reference.

        Parameters
        ----------
        profile
            Profile of past outcomes taken as normal.
        """
        calibration = CalibrationMap.of(profile) if profile.loss.binary else None
        return cls(profile, measure(profile), calibration, null, ClassComponents.of(profile))
