"""Sections whose keys are the names in a registry: ours, and those of installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field

from driftline.config.value_types import mistake

if TYPE_CHECKING:
    from driftline.registry import Registry


BROUGHT: Final[dict[str, Any]] = {"brought": True}
"""Mark of a key that another package brings (``json_schema_extra``): the reference is of our own keys."""


def mark(registry: Registry, name: str) -> dict[str, Any] | None:
    """Mark the key of a name, unless it is ours."""
    return None if name in registry.built_in else BROUGHT


def optional_sections(registry: Registry) -> dict[str, Any]:
    """Make one optional key of every name.

    Parameters
    ----------
    registry : Registry
        Of objects whose ``settings`` is a `Section`; its docstring describes the key.

    Returns
    -------
    dict
        Fields for `pydantic.create_model`. A key whose package cannot be imported is refused when it is used.
    """
    return {name: _optional(registry, name) for name in registry.names}


def _optional(registry: Registry, name: str) -> tuple[Any, Any]:
    try:
        settings = registry.load(name).settings
    except Exception as error:  # noqa: BLE001  # whatever another package does when it is imported
        return Annotated[Any, BeforeValidator(_broken(registry.what, error))], Field(default=None)
    extra = mark(registry, name)
    return settings | None, Field(default=None, description=settings.__doc__, json_schema_extra=extra)


def _broken(what: str, error: Exception) -> Any:
    found = f"is a {what} that cannot be imported: {type(error).__name__}: {error}"

    def refuse(value: Any) -> Any:
        if value is not None:
            raise mistake(found, "repair or upgrade the package that brings it")
        return value

    return refuse
