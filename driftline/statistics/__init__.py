"""Drift statistics on counts, their p-values, and the null distributions behind them."""

from driftline.statistics.categorical_comparison import (
    CategoricalComparison,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
)
from driftline.statistics.multiple import benjamini_hochberg
from driftline.statistics.null import (
    BlockNull,
    CategoricalNull,
    NumericNull,
    fit_categorical,
    fit_numeric,
)
from driftline.statistics.numeric_comparison import (
    NumericComparison,
    NumericCounts,
    NumericReference,
    compare_numeric,
)

__all__ = [
    "BlockNull",
    "CategoricalComparison",
    "CategoricalCounts",
    "CategoricalNull",
    "CategoricalReference",
    "NumericComparison",
    "NumericCounts",
    "NumericNull",
    "NumericReference",
    "benjamini_hochberg",
    "compare_categorical",
    "compare_numeric",
    "fit_categorical",
    "fit_numeric",
]
