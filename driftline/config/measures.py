"""Measures that come with no feature: what the configuration says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import create_model, model_validator

from driftline.config.registered import optional_sections
from driftline.config.value_types import Section, mistake
from driftline.measures.measure_registry import MEASURES, measure
from driftline.tables import TABLES

if TYPE_CHECKING:
    from driftline.registry import Registry

_FILLED: Final = ("performance", "trends", "detections", "dead_letters")
"""Tables that take no rows of a measure."""


class AskedMeasures(Section):
    """Measures of whole rows that installed packages bring, each with keys of its own."""

    named_in: ClassVar[Registry | None] = MEASURES

    @model_validator(mode="after")
    def _tables_can_take_rows(self) -> AskedMeasures:
        asked = [(name, table) for name in self.asked() for table in measure(name).tables]
        for name, table in asked:
            if table not in TABLES.names:
                remedy = "install the package that brings it, here and on the workers"
                raise mistake(f"needs the table {table}, which is not installed", remedy, below=(name,))
            if table in _FILLED:
                remedy = "give its rows a table of their own, or results"
                raise mistake(f"gives rows of {table}, which the job fills itself", remedy, below=(name,))
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
