"""The baseline: where it is, and what of the reference it learns from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from driftline.config.value_types import Instant, OneOf, Section, Text, mistake

Cycle = Annotated[str, OneOf(("auto", "none", "day", "week"))]


class Excluded(Section):
    """A span of the reference that was not normal: nothing is learned from it."""

    from_: Instant = Field(
        alias="from",
        description="Its first moment, in UTC unless it says otherwise.",
        examples=["2026-01-31T08:30"],
    )
    to: Instant = Field(description="The first moment behind it.", examples=["2026-02-01"])
    reason: Text | None = Field(
        default=None, description="What happened, for those who come later.", examples=["outage"]
    )

    @property
    def span(self) -> tuple[int, int]:
        """First moment and first one behind it, microseconds since the epoch."""
        return self.from_, self.to

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.to <= self.from_:
            raise mistake("ends before it begins", "write `from` before `to`", below=("to",))
        return self


class Baseline(Section):
    """The artefact that windows are compared with."""

    path: Text = Field(
        description="File that `driftline baseline` writes and the other commands read.",
        examples=["baseline.avro"],
    )
    season: Cycle = Field(
        default="auto",
        description="What a window is compared with: `day`, what is usual at its hour; `week`, at its hour "
        "and day of the week; `auto`, what predicts the reference best of these; `none`, all of it.",
        examples=["auto"],
    )
    exclude: tuple[Excluded, ...] = Field(
        default=(),
        description="Spans of the reference that are left out.",
        examples=["[{from: 2026-01-31, to: 2026-02-01, reason: outage}]"],
    )

    @property
    def excluded(self) -> tuple[tuple[int, int], ...]:
        """The spans that are left out, microseconds since the epoch."""
        return tuple(each.span for each in self.exclude)
