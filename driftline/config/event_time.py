"""Columns that hold a point in time."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from driftline.config.value_types import OneOf, Section, Text, mistake

Unit = Annotated[str, OneOf(("s", "ms", "us", "ns"))]


class EventTime(Section):
    """When a request happened."""

    column: Text = Field(description="Column that holds the event time.", examples=["time_hour"])
    unit: Unit | None = Field(
        default=None,
        description="Unit of integers since 1970. Without one the column holds ISO 8601 text (without an "
        "offset it is UTC) or Arrow timestamps.",
        examples=["ms"],
    )

    @model_validator(mode="before")
    @classmethod
    def _column_alone(cls, data: Any) -> Any:
        if isinstance(data, dict | cls):
            return data
        if isinstance(data, str):
            return {"column": data}
        raise mistake("is not a column", "write the column's name, or {column: ..., unit: ...}")
