"""What may be named: sources, sinks, measures, statistics, tables; ours and those of installed packages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class NotInstalledError(LookupError):
    """Something is named that neither comes with driftline nor with an installed package."""


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

    @cached_property
    def _announced(self) -> dict[str, EntryPoint]:
        ours = {name: EntryPoint(name, where, self.group) for name, where in self.built_in.items()}
        others = sorted(entry_points(group=self.group), key=lambda each: each.name)
        return ours | {each.name: each for each in others if each.name not in ours}

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
        """
        if name not in self._announced:
            known = ", ".join(self.names)
            raise NotInstalledError(
                f"{self.what} `{name}` is not installed; there are {known}: install the package that brings "
                "it, here and on the workers"
            )
        return self._announced[name].load()

    def load_all(self) -> dict[str, Any]:
        """Give every object by its name."""
        return {name: self.load(name) for name in self.names}
