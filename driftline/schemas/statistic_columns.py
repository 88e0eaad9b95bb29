"""The registry of statistics, and the columns that they add to a result row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.registry import Registry, other_name
from driftline.schemas.fields import Field

if TYPE_CHECKING:
    from collections.abc import Sequence


def _wrong(name: str, found: Any) -> tuple[str, str] | None:
    """Check the name, and that there are columns."""
    if (wrong := other_name(name, found)) is not None:
        return wrong
    if not found.columns:
        return "has no columns", "give it the column of its value in `columns`"
    required = next((column for column in found.columns if column.mode == "required"), None)
    if required is None:
        return None
    return f"has the required column `{required.name}`", "make it nullable: other rows lack it"


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
        "cardinality": "driftline.statistics.cardinality:CARDINALITY",
        "missing_categories": "driftline.statistics.missing_rate:OF_CATEGORIES",
        "invalid": "driftline.statistics.invalid_rate:OF_NUMBERS",
        "invalid_categories": "driftline.statistics.invalid_rate:OF_CATEGORIES",
    },
    _wrong,
)
"""Every statistic; a package adds its own under entry points of this group."""


def p_value_column(name: str) -> Field:
    """Declare the column of a calibrated p-value."""
    return Field(f"{name}_p", "float64", "nullable", f"Calibrated p-value of `{name}`.")


def added_columns(before: Sequence[Field]) -> tuple[Field, ...]:
    """Declare the columns of the statistics that bring their own: these, then that of the p-value.

    Parameters
    ----------
    before : sequence of Field
        The columns in front of them.

    Raises
    ------
    UnusableError
        If two columns have one name.
    """
    names, added = {column.name for column in before}, []
    for name, each in STATISTICS.load_all().items():
        for column in (*each.columns, p_value_column(each.name)) if each.columns else ():
            if column.name in names:
                message = f"has the column `{column.name}`, which is there already"
                raise STATISTICS.unusable(name, message, "give the column another name")
            names.add(column.name)
            added.append(column)
    return tuple(added)


def added_values(kind: str) -> tuple[str, ...]:
    """Name the added columns that are numbers, of features of a kind."""
    return tuple(
        column.name
        for each in STATISTICS.load_all().values()
        if each.kind == kind
        for column in each.columns
        if column.type in {"float64", "int64"} and column.mode != "repeated"
    )
