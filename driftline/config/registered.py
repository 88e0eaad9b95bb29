"""Sections whose keys are the names in a registry: ours, and those of installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field

from driftline.config.value_types import Section, mistake
from driftline.registry import UnusableError

if TYPE_CHECKING:
    from driftline.registry import Registry

BROUGHT: Final[dict[str, Any]] = {"brought": True}
"""Mark of a key that another package brings (``json_schema_extra``): the reference is of our own keys."""


def mark(registry: Registry, name: str) -> dict[str, Any] | None:
    """Mark the key of a name, unless it is ours."""
    return None if name in registry.built_in else BROUGHT


def optional_sections(registry: Registry, *, bare: bool = False) -> dict[str, Any]:
    """Make one optional key of every name.

    Parameters
    ----------
    registry : Registry
        Of objects whose ``settings`` is a `Section`; its docstring describes the key.
    bare : bool
        Whether ``settings`` may be None: there is no key then.

    Returns
    -------
    dict
        Fields for `pydantic.create_model`. A key of what cannot be used is refused when it is asked for.

    Raises
    ------
    UnusableError
        If something cannot be used that every configuration uses, such as a table.
    """
    found = {name: _optional(registry, name, bare=bare) for name in registry.names}
    return {name: key for name, key in found.items() if key is not None}


def _optional(registry: Registry, name: str, *, bare: bool) -> tuple[Any, Any] | None:
    extra = mark(registry, name)
    try:
        settings = getattr(registry.load(name), "settings", None)
        if bare and settings is None:
            return None
        if not (isinstance(settings, type) and issubclass(settings, Section)):
            raise registry.unusable(name, "has no Section as its `settings`", "give it the keys it has")
    except UnusableError as error:
        if error.what != registry.what:
            raise
        return Annotated[Any, BeforeValidator(_refuse(error))], Field(default=None, json_schema_extra=extra)
    return settings | None, Field(default=None, description=settings.__doc__, json_schema_extra=extra)


def _refuse(error: UnusableError) -> Any:
    def refuse(value: Any) -> Any:
        if value is not None:
            raise mistake(error.message, error.remedy)
        return value

    return refuse
