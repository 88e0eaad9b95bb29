"""The tables there are: ours, and those of installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.registry import Registry

if TYPE_CHECKING:
    from driftline.tables.table import Table

TABLES: Final = Registry(
    "driftline.tables",
    "table",
    {
        "results": "driftline.tables.results:TABLE",
        "performance": "driftline.tables.performance:TABLE",
        "detections": "driftline.tables.detections:TABLE",
        "dead_letters": "driftline.tables.dead_letters:TABLE",
    },
)


def table_named(name: str) -> Table:
    """Give the table of a name.

    Raises
    ------
    ValueError
        If the package that brings it announces it under another name than its own.
    """
    found: Table = TABLES.load(name)
    if found.name != name:
        raise ValueError(
            f"the table `{found.name}` is announced as `{name}`: give the entry point the table's own name"
        )
    return found


def all_tables() -> tuple[Table, ...]:
    """Give every table, ours first."""
    return tuple(table_named(name) for name in TABLES.names)


def tables_of(config: Any) -> tuple[Table, ...]:
    """Give the tables that a job writes.

    Returns
    -------
    tuple of Table
        Ours first.
    """
    return tuple(each for each in all_tables() if each.written_by(config))
