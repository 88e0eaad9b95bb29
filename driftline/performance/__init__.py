"""How well a model does: losses, mergeable profiles of outcomes, what they measure, what they let expect."""

from driftline.losses import Loss, LossName
from driftline.performance.estimation import CalibrationMap, Estimate, estimate
from driftline.performance.loss_comparison import Comparison, compare
from driftline.performance.loss_null import LossNull
from driftline.performance.loss_periods import LossPeriods
from driftline.performance.metrics import Metrics, measure
from driftline.performance.performance_reference import PerformanceReference
from driftline.performance.performance_rows import performance_batch, performance_row
from driftline.performance.profile import PerformanceProfile

__all__ = [
    "CalibrationMap",
    "Comparison",
    "Estimate",
    "Loss",
    "LossName",
    "LossNull",
    "LossPeriods",
    "Metrics",
    "PerformanceProfile",
    "PerformanceReference",
    "compare",
    "estimate",
    "measure",
    "performance_batch",
    "performance_row",
]
