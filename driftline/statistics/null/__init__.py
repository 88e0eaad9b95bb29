"""Null distributions of drift statistics, taken from the reference's own windows.

Requests are not independent, so the textbook null is too narrow. `fit_numeric` and `fit_categorical`
calibrate one feature from its window histograms; `BlockNull.stack` joins the features of a block;
`BlockNull.p_values` judges a window. `calibrate_difference` does it for one number a window, such as a mean.
"""

from driftline.statistics.null.block import (
    CALIBRATED,
    FEW_WINDOWS,
    UNCALIBRATED,
    BlockNull,
)
from driftline.statistics.null.calibrate import ACTED_ON, NullTable, calibrate_difference, disjoint_windows
from driftline.statistics.null.fit import CategoricalNull, NumericNull, fit_categorical, fit_numeric

__all__ = [
    "ACTED_ON",
    "CALIBRATED",
    "FEW_WINDOWS",
    "UNCALIBRATED",
    "BlockNull",
    "CategoricalNull",
    "NullTable",
    "NumericNull",
    "calibrate_difference",
    "disjoint_windows",
    "fit_categorical",
    "fit_numeric",
]
