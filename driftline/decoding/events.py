"""From messages to events and rejects, whatever they were written in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.decoding.column_paths import at_paths
from driftline.decoding.event_schema import INVALID
from driftline.decoding.normalise import normalise
from driftline.decoding.rejects import Reason, Reject, keep_payload
from driftline.decoding.shown_values import row_json
from driftline.decoding.tombstones import decode_present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.decoding.decoded import Decoded, Decoder, Part
    from driftline.decoding.event_schema import EventSchema
    from driftline.decoding.normalise import RowReject
    from driftline.windows.calendar import Calendar


@dataclass(frozen=True, eq=False)
class DecodedEvents:
    """Events and rejects of a sequence of messages.

    Parameters
    ----------
    events
        Columns of `EventSchema.arrow`.
    message : ndarray of int64, shape (events,)
        Index of the message that each event came from.
    rejects
        What could not be used, with payloads.
    event : ndarray of int64, shape (events,), optional
        Index of each event in its message, -1 where the message is one event. None if all are.
    flagged
        What is wrong with the prediction or the label of events that are used all the same.
    absent, empty
        Events of records without a column, and of records read together of which none had a value in it, by
        the column of the features.
    """

    events: pa.RecordBatch
    message: NDArray[np.int64]
    rejects: tuple[Reject, ...]
    event: NDArray[np.int64] | None = None
    flagged: tuple[Reject, ...] = ()
    absent: Mapping[str, int] = field(default_factory=dict)
    empty: Mapping[str, int] = field(default_factory=dict)

    @property
    def invalid(self) -> dict[str, int]:
        """Events by feature in which its value is none of its kind."""
        return {
            name.removeprefix(INVALID): pc.sum(column).as_py() or 0
            for name, column in zip(self.events.schema.names, self.events.columns, strict=True)
            if name.startswith(INVALID)
        }

    @property
    def decoded(self) -> int:
        """Events read, and messages or events that could not be: what the counter counts."""
        return int(self.events.num_rows) + sum(reject.rows for reject in self.rejects)

    def filter(self, keep: NDArray[np.bool_]) -> DecodedEvents:
        """Keep some events, by a mask, and all rejects; the others are gone: count them first."""
        event = None if self.event is None else self.event[keep]
        events = self.events.filter(pa.array(keep))
        return replace(self, events=events, message=self.message[keep], event=event)


def decode_events(
    decoder: Decoder,
    payloads: Sequence[bytes | None],
    schema: EventSchema,
    record_times: NDArray[np.int64] | None = None,
) -> DecodedEvents:
    """Decode messages and normalise what they hold.

    Parameters
    ----------
    payloads
        The messages; 5,000 at a time is fastest. None is a message without a value, which is rejected.
    record_times : ndarray of int64, shape (messages,), optional
        As for `events_of`.

    Returns
    -------
    DecodedEvents
        The events, in the order of the messages within each writer's schema, and the rejects.
    """
    return events_of(decode_present(decoder, payloads), payloads, schema, record_times)


def events_of(
    decoded: Decoded,
    payloads: Sequence[bytes | None] | None,
    schema: EventSchema,
    record_times: NDArray[np.int64] | None = None,
) -> DecodedEvents:
    """Normalise decoded records and give every reject its payload.

    Parameters
    ----------
    payloads
        The messages. Without them, and for one event of a message that holds several, the payload
        of a rejected record is its JSON.
    record_times : ndarray of int64, shape (messages,), optional
        Times of the messages, milliseconds since the epoch, negative where a message has none. They replace
        the column of event times, one time for all events of a message.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> from driftline.decoding.json_messages import JsonDecoder
    >>> schema = EventSchema("at", None, ("origin",))
    >>> payloads = [b'[{"origin": "JFK"}, {"origin": "LGA"}]', b'{"origin": "EWR"}']
    >>> decoded = JsonDecoder(schema).decode(payloads)
    >>> events_of(decoded, payloads, schema, np.array([1_000, 2_000])).events.to_pylist()
    [{'time': 1000000, 'segment.origin': 'JFK'},
     {'time': 1000000, 'segment.origin': 'LGA'},
     {'time': 2000000, 'segment.origin': 'EWR'}]
    """
    batches, messages, places = [], [], []
    rejects = [_kept(reject, payloads) for reject in decoded.rejects]
    flagged = []
    absent: Counter[str] = Counter()
    empty: Counter[str] = Counter()
    for came in decoded.parts:
        part = replace(came, records=at_paths(came.records, schema.columns))
        times = None if record_times is None else record_times[part.message]
        result = normalise(part.records, schema, times)
        batches.append(_on_line(result.events, schema.calendar))
        messages.append(part.message[result.rows])
        places.append(np.int64(-1) if part.event is None else part.event[result.rows])
        absent.update(dict.fromkeys(result.absent, len(result.rows)))
        empty.update(dict.fromkeys(result.empty, len(result.rows)))
        rejects += [_kept(_row_reject(part, row, payloads), payloads) for row in result.rejects]
        flagged += [_kept(_row_reject(part, row, payloads), payloads) for row in result.flagged]
    if len(batches) != 1:
        tables = [schema.arrow.empty_table(), *(pa.Table.from_batches([batch]) for batch in batches)]
        # which columns of invalid values there are may differ
        events = _one_batch(pa.concat_tables(tables, promote_options="default"))
        message = np.concatenate(messages) if messages else np.zeros(0, np.int64)
    else:
        events, message = batches[0], messages[0]
    event = None
    if any(part.event is not None for part in decoded.parts):
        event = np.concatenate(
            [np.broadcast_to(place, len(rows)) for place, rows in zip(places, messages, strict=True)]
        )
    return DecodedEvents(events, message, tuple(rejects), event, tuple(flagged), absent, empty)


def reject_rows(
    result: DecodedEvents,
    mask: NDArray[np.bool_],
    reason: Reason,
    detail: str | Callable[[int], str],
    payloads: Sequence[bytes | None] | None = None,
) -> DecodedEvents:
    """Make rejects of events that turn out to be unusable after all.

    Parameters
    ----------
    mask : ndarray of bool, shape (events,)
        The events to reject.
    detail
        What is wrong, the same for all, or a function of the row of ``result.events``.
    payloads
        The messages. Without them, and for one event of a message that holds several, the payload is the
        normalised event as JSON.

    Returns
    -------
    DecodedEvents
        The other events, and the rejects with the new ones behind; `decoded` stays what it was.

    Examples
    --------
    >>> events = pa.RecordBatch.from_pydict({"time": [5, 9]})
    >>> result = DecodedEvents(events, np.array([0, 1]), ())
    >>> result = reject_rows(result, np.array([False, True]), Reason.INVALID_EVENT_TIME, "9 is too much")
    >>> result.events.to_pylist(), result.rejects
    ([{'time': 5}],
     (Reject(reason=<...>, detail='9 is too much', message=1, event=-1, payload=b'{"time":9}', rows=1),))
    """
    rows = np.flatnonzero(mask).tolist()
    if not rows:
        return result
    rejects = []
    for row in rows:
        event = -1 if result.event is None else int(result.event[row])
        payload = b"" if payloads is not None and event < 0 else row_json(result.events, row)
        said = detail if isinstance(detail, str) else detail(row)
        rejects.append(_kept(Reject(reason, said, int(result.message[row]), event, payload), payloads))
    kept = result.filter(~mask)
    return replace(kept, rejects=(*result.rejects, *rejects))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    table = table.combine_chunks()
    return pa.RecordBatch.from_arrays(
        [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in table.columns],
        schema=table.schema,
    )


def _on_line(events: pa.RecordBatch, calendar: Calendar) -> pa.RecordBatch:
    if calendar.is_utc:
        return events
    at = events.schema.get_field_index("time")
    times = pa.array(calendar.to_line(events.column(at).to_numpy()))
    return events.set_column(at, events.schema.field(at), times)


def _row_reject(part: Part, row: RowReject, payloads: Sequence[bytes | None] | None) -> Reject:
    message = int(part.message[row.row])
    event = -1 if part.event is None else int(part.event[row.row])
    payload = b"" if payloads is not None and event < 0 else row_json(part.records, row.row)
    return Reject(row.reason, row.detail, message, event, payload)


def _kept(reject: Reject, payloads: Sequence[bytes | None] | None) -> Reject:
    payload = reject.payload
    if not payload and payloads is not None and reject.message < len(payloads):
        payload = payloads[reject.message] or b""
    payload, detail = keep_payload(payload, reject.detail)
    return replace(reject, detail=detail, payload=payload)
