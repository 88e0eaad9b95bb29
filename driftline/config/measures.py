"""Measures that come with no feature: what the configuration says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import create_model, model_validator

from driftline.config.registered import optional_sections
from driftline.config.value_types import Section, mistake
from driftline.measures.measure_registry import MEASURES, measure
from driftline.tables import TABLES

if TYPE_CHECKING:
    from driftline.registry import Registry


class AskedMeasures(Section):
    """Measures of whole rows that installed packages bring, each with keys of its own."""

    named_in: ClassVar[Registry | None] = MEASURES

    @model_validator(mode="after")
    def _their_tables_are_installed(self) -> AskedMeasures:
        for name in self.asked():
            absent = [table for table in measure(name).tables if table not in TABLES.names]
            if absent:
                remedy = "install the package that brings it, here and on the workers"
                raise mistake(f"needs the table {absent[0]}, which is not installed", remedy, below=(name,))
        return self

    def asked(self) -> dict[str, Any]:
        """Give the settings of those that are asked for, by name."""
        return {name: its for name in type(self).model_fields if (its := getattr(self, name)) is not None}


if TYPE_CHECKING:
    Measures = AskedMeasures
else:
    Measures = create_model(
        "Measures",
        __base__=AskedMeasures,
        __doc__=AskedMeasures.__doc__,
        **optional_sections(MEASURES, bare=True),
    )
    """The section `measures`: a key for each measure that is installed and asked for there."""
