"""Null distributions of drift statistics, taken from the reference's own windows.

Requests are not independent, so the textbook null is too narrow. `fit_numeric` and `fit_categorical`
calibrate one feature from its window histograms; `BlockNull.stack` joins the features of a block;
`BlockNull.p_values` judges a window.
"""

from driftline.statistics.null.block import (
    CALIBRATED,
    FEW_WINDOWS,
    UNCALIBRATED,
    BlockNull,
)
from driftline.statistics.null.features import CategoricalNull, NumericNull, fit_categorical, fit_numeric

__all__ = [
    "CALIBRATED",
    "FEW_WINDOWS",
    "UNCALIBRATED",
    "BlockNull",
    "CategoricalNull",
    "NumericNull",
    "fit_categorical",
    "fit_numeric",
]
