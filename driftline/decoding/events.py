"""From records as they came to events: one time, the segments, the features, each of one type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.decoding.columns import row_json, value_at
from driftline.decoding.rejects import Reason, Reject, keep_payload, shorten
from driftline.decoding.times import event_times
from driftline.decoding.values import numeric_values, text_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.decoding.decoded import Decoded, Decoder, Part
    from driftline.decoding.event_schema import EventSchema


@dataclass(frozen=True)
class RowReject:
    """One record that is no event.

    Parameters
    ----------
    row : int
        Row of the records.
    reason : Reason
        The class of the fault.
    detail : str
        The column and the value.
    """

    row: int
    reason: Reason
    detail: str


@dataclass(frozen=True, eq=False)
class Normalised:
    """Events, and the records that are none.

    Parameters
    ----------
    events : pyarrow.RecordBatch
        Columns of `EventSchema.arrow`.
    rows : ndarray of int64, shape (events,)
        Row of the records that each event came from.
    rejects : tuple of RowReject
        The others, in order.
    """

    events: pa.RecordBatch
    rows: NDArray[np.int64]
    rejects: tuple[RowReject, ...]


@dataclass(frozen=True, eq=False)
class DecodedEvents:
    """Events and rejects of a sequence of messages.

    Parameters
    ----------
    events : pyarrow.RecordBatch
        Columns of `EventSchema.arrow`.
    message : ndarray of int64, shape (events,)
        Index of the message that each event came from.
    rejects : tuple of Reject
        What could not be used, with payloads.
    """

    events: pa.RecordBatch
    message: NDArray[np.int64]
    rejects: tuple[Reject, ...]

    @property
    def decoded(self) -> int:
        """Events read, and messages or events that could not be: what the counter counts."""
        return int(self.events.num_rows) + len(self.rejects)


class _Fault(NamedTuple):
    """What is wrong with some rows of a column."""

    reason: Reason
    what: str
    column: str
    rows: NDArray[np.bool_]


def normalise(records: Any, schema: EventSchema) -> Normalised:
    """Bring records to the columns and types of events.

    Parameters
    ----------
    records : pyarrow.Table or pyarrow.RecordBatch
        Columns as they came; those not configured are ignored, configured ones that are absent are null.
    schema : EventSchema
        The columns.

    Returns
    -------
    Normalised
        Events and rejected rows. A row with several faults is rejected for the first: its time, then
        segments and features in order.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> schema = EventSchema("at", "s", ("origin",))
    >>> result = normalise(pa.table({"at": [1, None], "origin": ["JFK", "LGA"]}), schema)
    >>> result.events.to_pylist()
    [{'time': 1000000, 'segment.origin': 'JFK'}]
    >>> result.rejects
    (RowReject(row=1, reason=<Reason.MISSING_EVENT_TIME: 'missing_event_time'>, ...),)
    """
    count = records.num_rows
    times, missing, invalid = event_times(_column(records, schema.time_column), schema.time_unit)
    columns = [pa.array(times)]
    faults = [
        _Fault(Reason.MISSING_EVENT_TIME, "event_time", schema.time_column, missing),
        _Fault(Reason.INVALID_EVENT_TIME, "event_time", schema.time_column, invalid),
    ]
    wanted = [(f"segment {column!r}", column, False) for column in schema.segments]
    wanted += [(f"{f.kind} feature {f.name!r}", f.column, f.kind == "numeric") for f in schema.features]
    for what, column, numeric in wanted:
        values, wrong = (numeric_values if numeric else text_values)(_column(records, column))
        columns.append(values)
        faults.append(_Fault(Reason.WRONG_TYPE, what, column, wrong))
    batch = pa.RecordBatch.from_arrays(columns, schema=schema.arrow)
    if not any(fault.rows.any() for fault in faults):
        return Normalised(batch, np.arange(count, dtype=np.int64), ())
    rejects: dict[int, RowReject] = {}
    for fault in faults:
        for row in np.flatnonzero(fault.rows).tolist():
            if row not in rejects:
                rejects[row] = RowReject(row, fault.reason, _detail(fault, records, row, schema))
    kept = np.setdiff1d(np.arange(count, dtype=np.int64), np.fromiter(rejects, np.int64, len(rejects)))
    return Normalised(batch.take(pa.array(kept)), kept, tuple(rejects[row] for row in sorted(rejects)))


def decode_events(decoder: Decoder, payloads: Sequence[bytes], schema: EventSchema) -> DecodedEvents:
    """Decode messages and normalise what they hold.

    Parameters
    ----------
    decoder : Decoder
        Of the messages' format.
    payloads : sequence of bytes
        The messages; 5,000 at a time is fastest.
    schema : EventSchema
        The columns.

    Returns
    -------
    DecodedEvents
        The events, in the order of the messages within each writer's schema, and the rejects.
    """
    return events_of(decoder.decode(payloads), payloads, schema)


def events_of(decoded: Decoded, payloads: Sequence[bytes] | None, schema: EventSchema) -> DecodedEvents:
    """Normalise decoded records and give every reject its payload.

    Parameters
    ----------
    decoded : Decoded
        Records and rejects.
    payloads : sequence of bytes, optional
        The messages. Without them, and for one event of a message that holds several, the payload
        of a rejected record is its JSON.
    schema : EventSchema
        The columns.

    Returns
    -------
    DecodedEvents
        The events and all rejects.
    """
    batches, messages = [], []
    rejects = [_kept(reject, payloads) for reject in decoded.rejects]
    for part in decoded.parts:
        result = normalise(part.records, schema)
        batches.append(result.events)
        messages.append(part.message[result.rows])
        rejects += [_kept(_row_reject(part, row, payloads), payloads) for row in result.rejects]
    if len(batches) != 1:
        table = pa.Table.from_batches(batches, schema.arrow).combine_chunks()
        events = pa.RecordBatch.from_arrays(
            [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in table.columns],
            schema=schema.arrow,
        )
        message = np.concatenate(messages) if messages else np.zeros(0, np.int64)
        return DecodedEvents(events, message, tuple(rejects))
    return DecodedEvents(batches[0], messages[0], tuple(rejects))


def _column(records: Any, name: str) -> Any:
    index = records.schema.get_field_index(name)
    return pa.nulls(records.num_rows) if index < 0 else records.column(index)


def _detail(fault: _Fault, records: Any, row: int, schema: EventSchema) -> str:
    reason, what, column, _ = fault
    index = records.schema.get_field_index(column)
    if index < 0:
        return f"{what}: there is no column {column!r}"
    if reason is Reason.MISSING_EVENT_TIME:
        return f"{what}: column {column!r} is null"
    value = value_at(records.column(index), row)
    found = f"{what}: column {column!r} holds {shorten(value)}"
    if reason is Reason.WRONG_TYPE:
        return found
    if isinstance(value, (int, float)) and schema.time_unit is None:
        return f"{found}, a number without a unit; set event_time: {{column: {column}, unit: s}}"
    return f"{found}, which is no time in the years 1 to 9999"


def _row_reject(part: Part, row: RowReject, payloads: Sequence[bytes] | None) -> Reject:
    message = int(part.message[row.row])
    event = -1 if part.event is None else int(part.event[row.row])
    payload = b"" if payloads is not None and event < 0 else row_json(part.records, row.row)
    return Reject(row.reason, row.detail, message, event, payload)


def _kept(reject: Reject, payloads: Sequence[bytes] | None) -> Reject:
    payload = reject.payload
    if not payload and payloads is not None and reject.message < len(payloads):
        payload = payloads[reject.message]
    payload, detail = keep_payload(payload, reject.detail)
    return Reject(reject.reason, detail, reject.message, reject.event, payload)
