"""From YAML text to a `Config`, or to every mistake in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from driftline.config.document import read_document, show_path
from driftline.config.errors import ConfigError, Problem, did_you_mean
from driftline.config.models import RESERVED, Config
from driftline.config.value_types import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

    from driftline.config.document import Document, Path


def load_config(path: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> Config:
    """Read a configuration file.

    Parameters
    ----------
    path : str or path
        A local YAML file in UTF-8.
    environ : mapping of str to str
        Where ``${NAME}`` is looked up.

    Raises
    ------
    ConfigError
        With every mistake found, if there is any.
    """
    name = os.fspath(path)
    try:
        with open(name, encoding="utf-8-sig") as file:  # noqa: PTH123  # takes what the user typed, unchanged
            text = file.read()
    except FileNotFoundError:
        remedy = "check the path; configurations are read from the local disk"
        raise ConfigError(name, [Problem("", "does not exist", remedy)]) from None
    except UnicodeDecodeError as error:
        problem = Problem("", f"is not UTF-8 text (byte {error.start})", "save it as UTF-8")
        raise ConfigError(name, [problem]) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(name, [Problem("", f"cannot be read: {reason}", "name a readable file")]) from None
    return parse_config(text, name, environ)


def parse_config(text: str, name: str = "configuration", environ: Mapping[str, str] = os.environ) -> Config:
    """Check the text of a configuration.

    Parameters
    ----------
    name : str
        What messages call the file.
    environ : mapping of str to str
        Where ``${NAME}`` is looked up.

    Raises
    ------
    ConfigError
        With every mistake found, if there is any.

    Examples
    --------
    >>> config = parse_config('''
    ... model: flights
    ... event_time: time_hour
    ... features: {distance: numeric}
    ... source: {files: {pattern: data/*.parquet}}
    ... baseline: {path: baseline.avro}
    ... ''')
    >>> config.feature_specs
    (FeatureSpec(name='distance', kind='numeric', column='distance', bins=None),)
    """
    document = read_document(text, name, environ)
    config, problems = None, list(document.problems)
    try:
        config = Config.model_validate(document.values)
    except ValidationError as error:
        # Not chained: pydantic's own text shows values, and so secrets.
        problems += _explained(error, document)
    if problems or config is None:
        raise ConfigError(name, sorted(problems, key=lambda problem: problem.line or 0))
    return config.named(name)


def _explained(error: ValidationError, document: Document) -> list[Problem]:
    problems = []
    meant: set[Path] = set()
    details = error.errors(include_url=False, include_input=False)
    # Unknown keys first: a missing key that was only misspelt is said once.
    for detail in sorted(details, key=lambda detail: detail["type"] != "extra_forbidden"):
        context = detail.get("ctx", {})
        unknown = detail["type"] == "extra_forbidden"
        path = detail["loc"] if unknown else _as_written((*detail["loc"], *context.get("below", ())))
        if path in document.broken or path in meant:
            continue
        if unknown:
            message, remedy, suggestion = _unknown(path)
            if suggestion:
                meant.add((*path[:-1], suggestion))
        else:
            message, remedy = _wrong(detail, path)
        known = path
        # A shorthand (`distance: numeric`) has no key below it.
        while known and known not in document.lines and known[:-1] in document.written:
            known = known[:-1]
        value = document.show(known) if context.get("shown", True) else ""
        problems.append(Problem(show_path(known), message, remedy, value, document.line(known)))
    return problems


def _as_written(location: tuple[int | str, ...]) -> Path:
    """The path in the user's words: pydantic marks keys of mappings, and knows some fields by our name."""
    path = tuple(step for step in location if step != "[key]")
    field = _section_at(path[:-1]).model_fields.get(str(path[-1])) if path else None
    return (*path[:-1], field.alias) if field is not None and field.alias else path


def _unknown(path: Path) -> tuple[str, str, str | None]:
    key = str(path[-1])
    section = show_path(path[:-1])
    if not section and key in RESERVED:
        return "is reserved for a later release", "remove it for now", None
    inside = _section_at(path[:-1])
    known = list(inside.keys())
    suggestion = did_you_mean(key, known)
    if inside.named_in is not None:
        listed = f"there are {', '.join(known)}" if known else "there is none"
        there = f"{listed}: install the package that brings it, here and on the workers"
        remedy = f"did you mean `{suggestion}`?" if suggestion else there
        return f"is not a {inside.named_in.what} that is installed", remedy, suggestion
    message = f"is not a key of {section}" if section else "is not a key of the configuration"
    remedy = f"did you mean `{suggestion}`?" if suggestion else f"the keys here are {', '.join(known)}"
    return message, remedy, suggestion


def _wrong(detail: Any, path: Path) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "mistake":
        return context["message"], context["remedy"]
    example = _example(path)
    if kind == "missing":
        return "is missing", f"add {example}" if example else "add it"
    messages = {
        "string_type": ("is not text", "put it in quotes"),
        "string_too_short": ("is empty", "write a name"),
        "model_type": ("is not a mapping of keys", "write the keys below it, indented"),
        "dict_type": ("is not a mapping of keys", "write the keys below it, indented"),
        "tuple_type": ("is not a list", "write [a, b], or one item a line, each after a dash"),
        "too_short": ("is empty", "give at least one"),
        "bool_parsing": ("is neither true nor false", "write true or false"),
        "bool_type": ("is neither true nor false", "write true or false"),
    }
    message, remedy = messages.get(
        kind,
        (detail["msg"].replace("Input should be", "must be"), "correct the value"),
    )
    return message, f"{remedy}: {example}" if example else remedy


def _example(path: Path) -> str:
    """The key with a value that would do; empty for items of lists."""
    field = _field_at(path)
    if field is None:
        return ""
    example = field.examples[0] if field.examples else field.default
    plain = isinstance(example, str | int | float)
    return f"`{path[-1]}: {example}`" if plain else ""


def _field_at(path: Path) -> FieldInfo | None:
    if not path or not isinstance(path[-1], str):
        return None
    section = _section_at(path[:-1])
    return section.keys().get(path[-1])


def _section_at(path: Path) -> type[Section]:
    """The section a path leads to; the nearest around it where it leads to a plain value."""
    section: type[Section] = Config
    for step in path:
        # The steps inside a list or mapping of sections are no keys of a section: they are passed over.
        field = section.keys().get(step) if isinstance(step, str) else None
        inner = section_of(field.annotation) if field is not None else None
        section = inner or section
    return section


def section_of(annotation: Any) -> type[Section] | None:
    """The section inside an annotation such as ``tuple[Sink, ...]`` or ``Files | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for inner in get_args(annotation) if (found := section_of(inner))), None)
