"""What a table is: its rows, what names a row for ever, and which of two rows of one name stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from driftline.tables.identity import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.schemas.fields import RowSchema


def always(config: Any) -> bool:  # noqa: ARG001  # one of the predicates that a table may have
    """Say of any configuration that its jobs write a table."""
    return True


@dataclass(frozen=True)
class Table:
    """Rows of one kind, as every sink carries them.

    Parameters
    ----------
    name : str
        Of its files and folders (``results.parquet``), of the key of its topic, and in the registry.
    title : str
        Its heading in the reference of rows.
    holds : str
        What its rows are, as the end of "Topic for ...".
    schema : RowSchema
        The columns. Among them are ``row_id``, ``model``, ``emitted_at``, `identity` and `rank`.
    identity : tuple of str
        The columns of text and of times whose values make the ``row_id``. What may still change of a row, as
        with late data, is not among them.
    rank : tuple of str
        Of rows that share their ``row_id`` the one stands that has the largest value in the first of these
        columns, then in the second, and so on.
    written_by : function of a Config
        Whether jobs of a configuration write the table.
    mark : tuple of str, optional
        What the ``row_id`` is made of besides, so that rows of two tables never share one. By default the
        word ``table`` and the name.

    Examples
    --------
    >>> from driftline.tables.detections import TABLE
    >>> TABLE.name, TABLE.identity
    ('detections', ('model', 'segment', 'signal', 'detector', 'at', 'detected_at'))
    """

    name: str
    title: str
    holds: str
    schema: RowSchema
    identity: tuple[str, ...]
    rank: tuple[str, ...] = ("emitted_at",)
    written_by: Callable[[Any], bool] = always
    mark: tuple[str, ...] | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """What stands before the values of `identity` in what is hashed."""
        return ("table", self.name) if self.mark is None else self.mark

    def row_id(self, *values: str | int, **named: str | int) -> str:
        """Name a row for ever, so that a replay overwrites it instead of adding one.

        Parameters
        ----------
        *values, **named : str or int
            Values of `identity`, in its order or by name. Times are microseconds since the epoch, UTC.

        Returns
        -------
        str
            32 lower-case hexadecimal digits.

        Raises
        ------
        ValueError
            If a value is missing, or there is one too many.

        Examples
        --------
        >>> from driftline.tables.results import TABLE
        >>> TABLE.row_id("flights", "origin=JFK", "distance", 0, window_end=1_800_000_000)
        'bd3b577940bd95be39905faa7e17276d'
        """
        rest = self.identity[len(values) :]
        if len(values) > len(self.identity) or set(named) != set(rest):
            raise ValueError(f"a row_id of {self.name} is made of {', '.join(self.identity)}, each once")
        whole = (*values, *(named[column] for column in rest))
        return identity(
            *self.marks, *(value if isinstance(value, str) else str(int(value)) for value in whole)
        )
