"""The kinds of value a configuration holds: durations, words of a closed list, shares, counts, text."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from driftline.config.budgets import AlarmBudget
from driftline.config.durations import parse_duration, parse_length
from driftline.config.errors import did_you_mean
from driftline.config.times import REMEDY, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.registry import Registry


@dataclass(frozen=True)
class Shown:
    """How the reference calls a type of value."""

    text: str


def mistake(
    message: str, remedy: str, *, below: tuple[str | int, ...] = (), shown: bool = True
) -> PydanticCustomError:
    """Say what is wrong and what to do; a message never repeats the value, which may be a secret.

    Parameters
    ----------
    below : tuple of str and int
        Where in the value the mistake lies, as keys and indices from it.
    shown : bool
        Whether the value may be shown next to the message as it was written in the file.
    """
    context = {"message": message, "remedy": remedy, "below": below, "shown": shown}
    return PydanticCustomError("mistake", "{message}", context)


@contextmanager
def below(*path: str | int) -> Iterator[None]:
    """Say of a mistake where what it was made in lies."""
    try:
        yield
    except PydanticCustomError as error:
        known: Any = error.context
        raise mistake(
            known["message"],
            known["remedy"],
            below=(*path, *known.get("below", ())),
            shown=known.get("shown", True),
        ) from None


@dataclass(frozen=True)
class OneOf:
    """Accept only these words, and suggest the closest."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic call `check` before it looks at the type."""
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    @property
    def text(self) -> str:
        """How the reference calls it."""
        return "one of " + ", ".join(f"`{word}`" for word in self.words)

    def check(self, value: Any) -> Any:
        """Return the word or raise what is wrong with it."""
        if isinstance(value, str) and value in self.words:
            return value
        close = did_you_mean(value, self.words) if isinstance(value, str) else None
        listed = ", ".join(self.words)
        remedy = f"did you mean `{close}`?" if close else f"write one of {listed}"
        raise mistake(f"is not one of {listed}", remedy)


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        raise mistake("has no unit", "write a whole number and a unit, such as 90s, 30m, 6h or 7d")
    try:
        return parse_duration(value)
    except ValueError as error:
        message, _, remedy = str(error).partition(": ")
        raise mistake(message, remedy) from None


def _length(value: Any) -> Any:
    if not isinstance(value, str):
        raise mistake("has no unit", "write a whole number and a unit, such as 30m, 1d, 1w or 1mo")
    try:
        return parse_length(value)[0]
    except ValueError as error:
        message, _, remedy = str(error).partition(": ")
        raise mistake(message, remedy) from None


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        raise mistake("is not the name of a time zone", "write for example Europe/Berlin")
    try:
        ZoneInfo(value)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        close = did_you_mean(value, sorted(available_timezones()))
        remedy = f"did you mean `{close}`?" if close else "write for example Europe/Berlin"
        raise mistake("is not a time zone of the IANA database", remedy) from None
    return value


def _budget(value: Any) -> Any:
    if isinstance(value, AlarmBudget):
        return value
    if not isinstance(value, str):
        raise mistake("has no time", "write a number and a time, such as 1 per quarter")
    try:
        return AlarmBudget.parse(value)
    except ValueError as error:
        message, _, remedy = str(error).partition(": ")
        raise mistake(message, remedy) from None


def _instant(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        raise mistake("is a number, not a time", REMEDY)
    try:
        return parse_time(value)
    except ValueError as error:
        raise mistake(str(error), REMEDY) from None


def not_bool(value: Any) -> Any:
    """Refuse what YAML reads as a truth value where a number is asked for."""
    if isinstance(value, bool):
        raise mistake("must be a number", "YAML reads yes, no, on, off, true and false as truth values")
    return value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), Shown("text")]
Duration = Annotated[int, BeforeValidator(_duration), Shown("duration")]
Length = Annotated[int, BeforeValidator(_length), Shown("duration, weeks or months")]
Zone = Annotated[str, BeforeValidator(_zone), Shown("time zone")]
Instant = Annotated[int, BeforeValidator(_instant), Shown("time")]
Budget = Annotated[AlarmBudget, BeforeValidator(_budget), Shown("alarms per time")]
Flag = Annotated[bool, Shown("`true` or `false`")]
Level = Annotated[float, BeforeValidator(not_bool), Field(gt=0, lt=1), Shown("number between 0 and 1")]
Share = Annotated[float, BeforeValidator(not_bool), Field(ge=0, le=1), Shown("number from 0 to 1")]
Threshold = Annotated[float, BeforeValidator(not_bool), Field(ge=0), Shown("number, 0 or more")]
Count = Annotated[int, BeforeValidator(not_bool), Field(ge=1), Shown("whole number, 1 or more")]
Bins = Annotated[int, BeforeValidator(not_bool), Field(ge=2, le=1024), Shown("whole number, 2 to 1024")]


class Section(BaseModel):
    """A mapping of known keys; a key without a value is as good as absent.

    Its `repr` names the keys that were set and shows no value, because a value may be a secret.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
    )
    named_in: ClassVar[Registry | None] = None
    """Where the keys are registered, if they are names that packages may add to."""

    @classmethod
    def keys(cls) -> dict[str, Any]:
        """The keys as users write them, with their pydantic field."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = cls.keys()
        return {key: value for key, value in data.items() if value is not None or key not in known}

    def __repr__(self) -> str:
        """Name the keys that were set."""
        return f"{type(self).__name__}({', '.join(sorted(self.model_fields_set))})"

    __str__ = __repr__
