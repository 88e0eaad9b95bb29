"""Drift statistics on counts, their p-values, and the null distributions behind them."""

from driftline.statistics.categorical_comparison import (
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
)
from driftline.statistics.comparison import Comparison
from driftline.statistics.fit_nulls import fit_categorical, fit_numeric
from driftline.statistics.multiple import benjamini_hochberg
from driftline.statistics.null import BlockNull
from driftline.statistics.numeric_comparison import NumericCounts, NumericReference, compare_numeric
from driftline.statistics.statistic_registry import statistics_of

__all__ = [
    "BlockNull",
    "CategoricalCounts",
    "CategoricalReference",
    "Comparison",
    "NumericCounts",
    "NumericReference",
    "benjamini_hochberg",
    "compare_categorical",
    "compare_numeric",
    "fit_categorical",
    "fit_numeric",
    "statistics_of",
]
