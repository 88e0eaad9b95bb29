"""The dead letter: what could not be decoded or lacks a usable event time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline.schemas.fields import Field, RowSchema
from driftline.tables.identity import identities
from driftline.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

DEAD_LETTER = RowSchema(
    "DeadLetter",
    1,
    "One message or file row that could not be used, with its bytes.",
    (
        Field(
            "row_id",
            "string",
            "required",
            "Hash of model, source and position: the same in every replay.",
        ),
        Field("model", "string", "required", "Name of the model, from the configuration."),
        Field("reason", "string", "required", "Why it was rejected, one of a closed list of words."),
        Field("detail", "string", "nullable", "What exactly was wrong, for a person."),
        Field("source", "string", "required", "File, topic and partition, or subscription it came from."),
        Field(
            "position",
            "string",
            "required",
            "Where in the source: row of a file, offset of a partition or id of a message.",
        ),
        Field("payload", "bytes", "nullable", "The message as it came; of a file row, its JSON."),
        Field("emitted_at", "timestamp", "required", "When the row was written."),
    ),
)

TABLE: Final = Table(
    name="dead_letters",
    title="Dead letters",
    holds="dead letters, which are counted in any case",
    schema=DEAD_LETTER,
    identity=("model", "source", "position"),
    mark=("dead letter",),  # older than the rule that a table has a mark
)

dead_letter_id = TABLE.row_id


def dead_letter_ids(model: str, sources: Sequence[str], positions: Sequence[str]) -> list[str]:
    """Name many dead letters, as `dead_letter_id` does one by one.

    Parameters
    ----------
    sources, positions : sequence of str
        The same for each dead letter, n of each.

    Returns
    -------
    list of str
        n times 32 lower-case hexadecimal digits.

    Examples
    --------
    >>> dead_letter_ids("flights", ["data/a.jsonl"], ["17"])
    ['9b154ec6f78435ef39a75bcb0c220245']
    """
    return identities([*TABLE.marks, model], sources, positions)
