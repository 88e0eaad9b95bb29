"""The tables there are: ours, and those of installed packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from driftline.registry import Registry, other_name

if TYPE_CHECKING:
    from driftline.tables.table import Table

TABLES: Final = Registry(
    "driftline.tables",
    "table",
    {
        "results": "driftline.tables.results:TABLE",
        "performance": "driftline.tables.performance:TABLE",
        "trends": "driftline.tables.trends:TABLE",
        "detections": "driftline.tables.detections:TABLE",
        "dead_letters": "driftline.tables.dead_letters:TABLE",
    },
    other_name,
)


def table_named(name: str) -> Table:
    """Give the table of a name; see `Registry.load`."""
    return cast("Table", TABLES.load(name))


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
