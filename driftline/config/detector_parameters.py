"""Settings of detectors: which a configuration may give, and what each of them takes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from driftline.config.errors import did_you_mean
from driftline.config.value_types import Text, mistake, not_bool
from driftline.detectors.detector_registry import JOB_DETECTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = Annotated[float, BeforeValidator(not_bool), Field(allow_inf_nan=False)]
_WHOLE = Annotated[int, BeforeValidator(not_bool), Field(ge=0, le=2**53)]
_KINDS: Final[Mapping[type, tuple[str, TypeAdapter[Any]]]] = {
    bool: ("true or false", TypeAdapter(bool)),
    int: ("whole number", TypeAdapter(_WHOLE)),
    float: ("number", TypeAdapter(_NUMBER)),
    str: ("word", TypeAdapter(Text)),
}
"""By the type of a parameter's default: what it is called, and what reads it."""

_LARGEST: Final[Mapping[str, int]] = {"window_size": 1_000_000, "max_buckets": 1_000}
"""What decides how much each segment keeps: 8 bytes a value, 16 a bucket of each size."""


def parameters_of(detector: str) -> dict[str, Any]:
    """Say what a configuration may set of a detector: all that is one value.

    Returns
    -------
    dict
        Defaults by name; their types are those of the values to give.

    Examples
    --------
    >>> parameters_of("kswin")
    {'alpha': 0.005, 'window_size': 100, 'stat_size': 30, 'seed': 0}
    """
    signature = inspect.signature(JOB_DETECTORS[detector])
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    return {name: default for name, default in defaults.items() if type(default) in _KINDS}


def checked_parameters(detector: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings of a detector.

    Returns
    -------
    dict
        The same values, of the types that the detector takes.

    Raises
    ------
    PydanticCustomError
        Naming the setting, and what may be given.

    Examples
    --------
    >>> checked_parameters("adwin", {"delta": "1e-4", "clock": 64.0})
    {'delta': 0.0001, 'clock': 64}
    """
    defaults = parameters_of(detector)
    takes = f"{detector} takes {', '.join(f'{name} ({_kind(value)})' for name, value in defaults.items())}"
    read = {}
    for name, value in given.items():
        if name not in defaults:
            close = did_you_mean(name, defaults)
            remedy = f"did you mean `{close}`? {takes}" if close else takes
            raise mistake(f"is not a parameter of {detector}", remedy, below=(name,))
        try:
            read[name] = _KINDS[type(defaults[name])][1].validate_python(value)
        except ValidationError:
            message = f"must be a {_kind(defaults[name])}".replace("a true", "true")
            if type(defaults[name]) is int:
                message += ", 0 or more"
            remedy = f"write for example `{name}: {_written(defaults[name])}`; {takes}"
            raise mistake(message, remedy, below=(name,)) from None
    for name, largest in _LARGEST.items():
        if read.get(name, 0) > largest:
            remedy = f"give at most {largest}: every segment keeps so many; {takes}"
            raise mistake("is too large", remedy, below=(name,))
    refused = _refusal(detector, read)
    if refused:
        raise mistake(f"is refused by {detector}", f"{refused}; {takes}", below=(_culprit(detector, read),))
    return read


def _refusal(detector: str, parameters: Mapping[str, Any]) -> str:
    """What the detector asks for instead; empty if it takes them."""
    try:
        JOB_DETECTORS[detector](**parameters)
    except ValueError as error:
        return str(error).partition(": ")[2]
    return ""


def _culprit(detector: str, read: Mapping[str, Any]) -> str:
    """The parameter without which the others are taken; of several, the first that is not."""
    names = list(read)
    alone = [name for name in names if not _refusal(detector, {k: read[k] for k in names if k != name})]
    first = (name for i, name in enumerate(names) if _refusal(detector, {k: read[k] for k in names[: i + 1]}))
    return [*alone, *first][0]


def _kind(default: Any) -> str:
    return _KINDS[type(default)][0]


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"
