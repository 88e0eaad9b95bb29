"""Columns that hold a point in time."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from driftline.config.time_format import check_format
from driftline.config.value_types import OneOf, Section, Text, mistake

Unit = Annotated[str, OneOf(("s", "ms", "us", "ns"))]


class EventTime(Section):
    """When a request happened."""

    column: Text = Field(description="Column that holds the event time.", examples=["time_hour"])
    unit: Unit | None = Field(
        default=None,
        description="Unit of numbers since 1970. Without one the column holds ISO 8601 text (without an "
        "offset it is UTC) or Arrow timestamps.",
        examples=["ms"],
    )
    format: Text | None = Field(
        default=None,
        description="How times are written, in the directives of strptime, where that is not ISO 8601; whole "
        "numbers such as 20260131 too. Without `%z` they are UTC; names of months and days are English.",
        examples=['"%d.%m.%Y %H:%M"'],
    )

    @model_validator(mode="before")
    @classmethod
    def _column_alone(cls, data: Any) -> Any:
        if isinstance(data, dict | cls):
            return data
        if isinstance(data, str):
            return {"column": data}
        raise mistake(
            "is not a column",
            "write the column's name, {column: ..., unit: ...} or {column: ..., format: ...}",
        )

    @field_validator("format")
    @classmethod
    def _is_a_format(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                check_format(value)
            except ValueError as error:
                message, _, remedy = str(error).partition(": ")
                raise mistake(message, remedy) from None
        return value

    @model_validator(mode="after")
    def _unit_or_format(self) -> Self:
        if self.unit is not None and self.format is not None:
            raise mistake(
                "stands beside a unit, and numbers have one or the other",
                "remove unit for dates such as 20260131, or format for numbers since 1970",
                below=("format",),
            )
        return self
