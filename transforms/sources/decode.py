"""From messages to events and dead letters; every source ends here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam import pvalue

import driftline.transforms.coders  # noqa: F401  # batches travel as Arrow IPC
from driftline.decoding.decoded import Decoded, Part
from driftline.decoding.events import DecodedEvents, events_of
from driftline.transforms.counters import (
    ABSENT_IN,
    DECODED,
    EMPTY_IN,
    INVALID_IN,
    LABELS_ALONE,
    UNUSABLE,
    count,
    count_rejected,
)
from driftline.transforms.sources.dead_letter_rows import (
    DEAD_LETTERS,
    by_reason,
    dead_letter_rows,
    position_of,
)
from driftline.transforms.sources.source import ReadOutputs

if TYPE_CHECKING:
    from driftline.decoding.decoded import Decoder
    from driftline.decoding.event_schema import EventSchema
    from driftline.decoding.formats import MessageFormat


WHERE: Final = "where"
"""Column of labels that come by themselves: their source, a tab, and their position in it."""


@dataclass(frozen=True)
class MessageBatch:
    """Messages of one source, read together.

    Parameters
    ----------
    payloads
        The messages; 5,000 to 10,000 together are decoded fastest.
    source
        Topic and partition, or subscription.
    positions
        Offset or id of each message.
    """

    payloads: list[bytes]
    source: str
    positions: Sequence[str] | Sequence[int]


@dataclass(frozen=True, eq=False)
class SourceBatch:
    """Records of a file, decoded and not yet normalised, and where they lie.

    Parameters
    ----------
    unit
        What positions count: ``row``, ``line``, ``byte``.
    payloads
        The bytes of each message, where the file has such; else a reject carries its record as JSON.
    """

    decoded: Decoded
    source: str
    positions: Sequence[int]
    unit: str
    payloads: Sequence[bytes] | None = None

    @classmethod
    def of_rows(cls, records: pa.Table, source: str, first: int) -> SourceBatch:
        """Take every row as a record, counted from the first."""
        positions = range(first, first + records.num_rows)
        return cls(Decoded((Part.of_rows(records),)), source, positions, "row")


class DecodeMessages(beam.DoFn):
    """Decodes batches of messages: events, and tagged ``dead_letters``.

    Raises
    ------
    ValueError
        At once, if the format or its Avro schema cannot be used.
    """

    def __init__(self, model: str, schema: EventSchema, message_format: MessageFormat) -> None:
        self._model = model
        self._schema = schema
        self._format = message_format
        message_format.decoder(schema)
        self._decoder: Decoder | None = None

    def setup(self) -> None:
        """Make the decoder."""
        self._decoder = self._format.decoder(self._schema)

    def process(self, batch: MessageBatch) -> Iterator[pa.RecordBatch]:
        """Decode a batch."""
        if self._decoder is None:
            self._decoder = self._format.decoder(self._schema)
        result = events_of(self._decoder.decode(batch.payloads), batch.payloads, self._schema)
        yield from outputs_of(result, self._schema, self._model, batch.source, batch.positions)


class NormaliseRecords(beam.DoFn):
    """Normalises records of files: events, and tagged ``dead_letters``."""

    def __init__(self, model: str, schema: EventSchema) -> None:
        self._model = model
        self._schema = schema

    def process(self, batch: SourceBatch) -> Iterator[pa.RecordBatch]:
        """Normalise a batch."""
        result = events_of(batch.decoded, batch.payloads, self._schema)
        yield from outputs_of(
            result, self._schema, self._model, batch.source, batch.positions, unit=batch.unit
        )


def normalise_records(batches: beam.PCollection, model: str, schema: EventSchema) -> ReadOutputs:
    """Normalise records right where they are read.

    Parameters
    ----------
    batches
        Instances of `SourceBatch`, from the step before.
    """
    step = beam.ParDo(NormaliseRecords(model, schema)).with_outputs(DEAD_LETTERS, main="events")
    outputs = batches | "Normalise" >> step
    return ReadOutputs(outputs.events, outputs[DEAD_LETTERS])


def outputs_of(
    result: DecodedEvents,
    schema: EventSchema,
    model: str,
    source: str,
    positions: Sequence[Any],
    *,
    unit: str = "",
) -> Iterator[Any]:
    """Count what was decoded and give the outputs of a decoding step.

    Parameters
    ----------
    source
        File, topic and partition, or subscription.
    unit
        What positions count, such as ``row``; empty for offsets and message ids.

    Yields
    ------
    TaggedOutput or pyarrow.RecordBatch
        Dead letters, then the events; labels that are alone have a column ``where``, their place.
    """
    alone = schema.label is not None and schema.label.alone
    prefix = LABELS_ALONE if alone else ""
    count(prefix + DECODED, result.decoded)
    if result.rejects:
        count_rejected(by_reason(result.rejects), prefix)
    for name, number in result.invalid.items():
        count(INVALID_IN + name, number)
    for name, number in result.empty.items():
        count(EMPTY_IN + name, number)
    for name, number in result.absent.items():
        count(ABSENT_IN + name, number)
    if result.flagged:
        count(UNUSABLE, len(result.flagged))
    placed = [(position_of(reject, positions, unit), reject) for reject in (*result.rejects, *result.flagged)]
    if placed:
        for rows in dead_letter_rows(model, source, placed, time.time()):
            yield pvalue.TaggedOutput(DEAD_LETTERS, rows)
    if result.events.num_rows:
        events = result.events
        yield events.append_column(WHERE, _places(result, source, positions, unit)) if alone else events


def _places(result: DecodedEvents, source: str, positions: Sequence[Any], unit: str) -> pa.Array:
    """Where each event lies, as a dead letter would say: the source, a tab, the position."""
    at = pa.array(positions).cast(pa.string()).take(pa.array(result.message))
    parts = [f"{source}\t{unit} " if unit else f"{source}\t", at]
    if result.event is not None:
        inside = pa.array(result.event)
        number = pc.binary_join_element_wise("#", inside.cast(pa.string()), "")
        parts.append(pc.if_else(pc.less(inside, 0), "", number))
    return pc.binary_join_element_wise(*parts, "")
