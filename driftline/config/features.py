"""What the configuration says of a feature."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from driftline.config.value_types import Bins, OneOf, Section, Text, mistake
from driftline.feature_spec import FeatureSpec

Kind = Annotated[str, OneOf(("numeric", "categorical"))]


class Feature(Section):
    """One monitored feature."""

    kind: Kind = Field(description="How its values are compared.", examples=["numeric"])
    column: Text | None = Field(
        default=None,
        description="Column that holds it; the feature's own name if absent.",
        examples=["dist_km"],
    )
    bins: Bins | None = Field(
        default=None,
        description="Numeric: number of value bins. Categorical: number of categories counted by name.",
        examples=[32],
    )

    @model_validator(mode="before")
    @classmethod
    def _kind_alone(cls, data: Any) -> Any:
        if isinstance(data, dict | cls):
            return data
        if isinstance(data, str):
            return {"kind": data}
        raise mistake("has no kind", "write numeric or categorical, or {kind: ..., column: ..., bins: ...}")

    def spec(self, name: str) -> FeatureSpec:
        """What the jobs need to know of it, under its name in the configuration."""
        return FeatureSpec(name, self.kind, self.column or name, self.bins)
