"""Null distributions of drift statistics, taken from the reference's own windows.

Requests are not independent, so the textbook null is too narrow. A statistic fits its null from the
histograms of the reference's windows; `BlockNull.stack` joins the features of a block; `BlockNull.p_values`
judges a window. `calibrate_difference` does it for one number a window, such as a mean.
"""

from driftline.statistics.null.block import (
    CALIBRATED,
    FEW_WINDOWS,
    UNCALIBRATED,
    BlockNull,
)
from driftline.statistics.null.calibrate import calibrate_difference
from driftline.statistics.null.null_table import ACTED_ON, NullTable, disjoint_windows

__all__ = [
    "ACTED_ON",
    "CALIBRATED",
    "FEW_WINDOWS",
    "UNCALIBRATED",
    "BlockNull",
    "NullTable",
    "calibrate_difference",
    "disjoint_windows",
]
