"""Measures that come with no feature: what the configuration says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from driftline.config.registered import BROUGHT
from driftline.config.value_types import Section
from driftline.measures.measure_registry import MEASURES


class AskedMeasures(Section):
    """Measures of whole rows that installed packages bring, each with keys of its own."""

    def asked(self) -> dict[str, Any]:
        """Give the settings of those that are asked for, by name."""
        return {name: its for name in type(self).model_fields if (its := getattr(self, name)) is not None}


def _keys() -> dict[str, Any]:
    theirs = {name: MEASURES.load(name) for name in MEASURES.names if name not in MEASURES.built_in}
    return {
        name: (
            each.settings | None,
            Field(default=None, description=each.settings.__doc__, json_schema_extra=BROUGHT),
        )
        for name, each in theirs.items()
        if each.settings is not None
    }


if TYPE_CHECKING:
    Measures = AskedMeasures
else:
    Measures = create_model("Measures", __base__=AskedMeasures, __doc__=AskedMeasures.__doc__, **_keys())
    """The section `measures`: a key for each measure that is installed and asked for there."""
