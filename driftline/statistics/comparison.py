"""What the job calls for every (segment, block) and window: counts in, statistics and p-values out."""

from driftline.statistics.categorical_comparison import (
    CategoricalComparison,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
)
from driftline.statistics.numeric_comparison import (
    NumericComparison,
    NumericCounts,
    NumericReference,
    compare_numeric,
)

__all__ = [
    "CategoricalComparison",
    "CategoricalCounts",
    "CategoricalReference",
    "NumericComparison",
    "NumericCounts",
    "NumericReference",
    "compare_categorical",
    "compare_numeric",
]
