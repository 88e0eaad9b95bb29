"""The dead letter: what could not be decoded or lacks a usable event time."""

from __future__ import annotations

from driftline.schemas.fields import Field, RowSchema

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
