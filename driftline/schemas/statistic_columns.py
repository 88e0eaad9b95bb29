"""The registry of statistics, and the columns that those of other packages add to a result row."""

from __future__ import annotations

from typing import Final

from driftline.registry import Registry
from driftline.schemas.fields import Field

STATISTICS: Final = Registry(
    "driftline.statistics",
    "statistic",
    {
        "smooth": "driftline.statistics.smooth:SMOOTH",
        "moments": "driftline.statistics.location_scale:LOCATION_SCALE",
        "range": "driftline.statistics.beyond_range:BEYOND_RANGE",
        "ks": "driftline.statistics.ks:KS",
        "psi": "driftline.statistics.psi:PSI",
        "wasserstein": "driftline.statistics.wasserstein:WASSERSTEIN",
        "missing": "driftline.statistics.missing_rate:OF_NUMBERS",
        "chi2": "driftline.statistics.chi_square:CHI_SQUARE",
        "chi2_typical": "driftline.statistics.chi_square:OF_TYPICAL_WINDOWS",
        "new": "driftline.statistics.new_categories:NEW_CATEGORIES",
        "missing_categories": "driftline.statistics.missing_rate:OF_CATEGORIES",
    },
)
"""Every statistic; a package adds its own under entry points of this group."""


def p_value_column(name: str) -> Field:
    """Declare the column of a calibrated p-value."""
    return Field(f"{name}_p", "float64", "nullable", f"Calibrated p-value of `{name}`.")


def added_columns() -> tuple[Field, ...]:
    """Declare the columns of statistics that installed packages bring: their own, then the p-value."""
    theirs = [STATISTICS.load(name) for name in STATISTICS.names if name not in STATISTICS.built_in]
    return tuple(column for each in theirs for column in (*each.columns, p_value_column(each.name)))
