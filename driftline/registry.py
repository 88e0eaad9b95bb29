"""What may be named: sources, sinks, measures, statistics, tables; ours and those of installed packages."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOG = logging.getLogger(__name__)


class NotInstalledError(LookupError):
    """Something is named that neither comes with driftline nor with an installed package."""


class UnusableError(ImportError):
    """Something that an installed package announces cannot be used.

    Parameters
    ----------
    what, name : str
        Such as ``source`` and ``toy``.
    message : str
        What is wrong, as the end of a sentence that begins with the name.
    """

    def __init__(self, what: str, name: str, message: str, remedy: str) -> None:
        super().__init__(what, name, message, remedy)
        self.what, self.name, self.message, self.remedy = what, name, message, remedy

    def __str__(self) -> str:
        """Name it, then what is wrong, then what to do."""
        return f"{self.what} `{self.name}` {self.message}: {self.remedy}"


def _nothing(name: str, found: Any) -> None:
    """Find nothing wrong."""


@dataclass(frozen=True)
class Registry:
    """Objects by name, each imported when it is first asked for.

    Parameters
    ----------
    group : str
        Entry points in which packages announce theirs, such as ``driftline.sources``.
    what : str
        What they are called in a message, such as ``source``.
    built_in : mapping of str to str
        Ours: ``module:attribute`` by name. A package cannot take one of these names.
    check : function of a name and an object, optional
        Says what is wrong with an object of a package and what to do; None if nothing.

    Examples
    --------
    >>> shapes = Registry("example.shapes", "shape", {"square": "math:pow", "root": "math:sqrt"})
    >>> shapes.names, shapes.load("root")(9)
    (('square', 'root'), 3.0)
    >>> shapes.load("circle")
    Traceback (most recent call last):
    ...
    driftline.registry.NotInstalledError: shape `circle` is not installed; there are square, root: install ...
    """

    group: str
    what: str
    built_in: Mapping[str, str]
    check: Callable[[str, Any], tuple[str, str] | None] = _nothing

    @cached_property
    def _announced(self) -> dict[str, list[EntryPoint]]:
        """By name, ours first; more than one only where packages dispute a name."""
        found = {name: [EntryPoint(name, where, self.group)] for name, where in self.built_in.items()}
        for each in sorted(entry_points(group=self.group), key=lambda each: (each.name, brought_by(each))):
            if each.name in self.built_in:
                _LOG.warning(
                    "%s announces the %s `%s`, which comes with driftline: driftline's own is used; "
                    "announce it under another name",
                    *(brought_by(each), self.what, each.name),
                )
            else:
                found.setdefault(each.name, []).append(each)
        return found

    @cached_property
    def _loaded(self) -> dict[str, Any]:
        return {}

    @property
    def names(self) -> tuple[str, ...]:
        """All names, ours first."""
        return tuple(self._announced)

    def load(self, name: str) -> Any:
        """Give the object of a name.

        Returns
        -------
        object
            What the module holds under the attribute.

        Raises
        ------
        NotInstalledError
            If there is none of that name; says what there is.
        UnusableError
            If packages dispute the name, or what is announced raises an error or is not what it should be.
        """
        if name in self._loaded:
            return self._loaded[name]
        if name not in self._announced:
            known = ", ".join(self.names)
            raise NotInstalledError(
                f"{self.what} `{name}` is not installed; there are {known}: install the package that brings "
                "it, here and on the workers"
            )
        entry, *others = self._announced[name]
        if others:
            listed = " and ".join(brought_by(each) for each in (entry, *others))
            raise UnusableError(self.what, name, f"is announced by {listed}", "uninstall all of them but one")
        try:
            found = entry.load()
            wrong = None if name in self.built_in else self.check(name, found)
        except UnusableError:  # of what it needs in turn
            raise
        except Exception as error:  # whatever a package does when it is imported
            where = f"{entry.value} of {brought_by(entry)}"
            message = f"cannot be used: {where} raises {type(error).__name__}: {error}"
            remedy = f"repair, upgrade or uninstall {brought_by(entry)}"
            raise UnusableError(self.what, name, message, remedy) from error
        if wrong is not None:
            raise self.unusable(name, *wrong)
        self._loaded[name] = found
        return found

    def unusable(self, name: str, message: str, remedy: str) -> UnusableError:
        """Make the error of an object that is not what it should be; it names the package."""
        whose = brought_by(self._announced[name][0])
        return UnusableError(self.what, name, f"of {whose} {message}", remedy)

    def load_all(self) -> dict[str, Any]:
        """Give every object by its name."""
        return {name: self.load(name) for name in self.names}


def brought_by(entry: EntryPoint) -> str:
    """Name the package that announces an entry point, and its version."""
    return "driftline" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def other_name(name: str, found: Any) -> tuple[str, str] | None:
    """Check that what has a name is announced under it: it is looked up by either."""
    own = getattr(found, "name", None)
    return None if own == name else (f"has the name `{own}`", "announce it under its own name")
