"""JSON messages: an object, or an array of objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from driftline.decoding.decoded import Decoded, Part, join_parts
from driftline.decoding.python_rows import table_of_rows
from driftline.decoding.rejects import Reason, Reject, shorten
from driftline.decoding.shown_values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from driftline.decoding.event_schema import EventSchema

# The Python objects of more do not stay in the processor's cache.
_CHUNK_MESSAGES: Final = 1_000
_CHUNK_BYTES: Final = 2_000_000


class JsonDecoder:
    """Decodes JSON.

    Duplicate keys: the last one counts. NaN and Infinity, which JSON does not know but Python
    writes, are read. Only configured columns are kept. (Not `pyarrow.json`: it is no faster on
    one core, and a line that holds only ``null`` crashes the process.)

    Parameters
    ----------
    constants
        Values of what a record lacks.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> decoded = JsonDecoder(EventSchema("at")).decode([b'{"at": 5}', b'[{"at": 6}, {"at": 7}]', b"{"])
    >>> decoded.parts[0].records.to_pylist()
    [{'at': 5}, {'at': 6}, {'at': 7}]
    >>> decoded.rejects[0].reason.value
    'undecodable'
    """

    def __init__(self, schema: EventSchema, constants: dict[str, Any] | None = None) -> None:
        self._schema = schema
        self._constants = constants

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages of one object or an array of objects each."""
        parts: list[Part] = []
        rejects: list[Reject] = []
        for start, stop in _chunks(payloads):
            chunk = payloads[start:stop]
            try:
                rows = [orjson.loads(payload) for payload in chunk]
            except orjson.JSONDecodeError:
                rows = []
            if rows and all(type(row) is dict for row in rows):
                message = np.arange(start, start + len(rows), dtype=np.int64)
                parts.append(Part(self._table(rows), message))
            else:
                parts += self._one_by_one(chunk, start, rejects)
        return Decoded(join_parts(parts), tuple(rejects))

    def _table(self, rows: Sequence[dict[str, Any]]) -> pa.Table:
        constants = self._constants
        return table_of_rows([constants | row for row in rows] if constants else rows, self._schema)

    def _one_by_one(self, chunk: Sequence[bytes], start: int, rejects: list[Reject]) -> Iterator[Part]:
        rows: list[dict[str, Any]] = []
        messages: list[int] = []
        events: list[int] = []
        for message, payload in enumerate(chunk, start):
            try:
                value = _loads(payload)
            except (ValueError, RecursionError) as error:
                rejects.append(Reject(Reason.UNDECODABLE, f"not JSON: {error}", message))
                continue
            batch = value if isinstance(value, list) else [value]
            origin = range(len(batch)) if batch is value else (-1,)
            for event, row in zip(origin, batch, strict=True):
                if not isinstance(row, dict):
                    rejects.append(_not_a_record(row, message, event))
            good = [event for event, row in zip(origin, batch, strict=True) if isinstance(row, dict)]
            rows += batch if len(good) == len(batch) else [row for row in batch if isinstance(row, dict)]
            messages += [message] * len(good)
            events += good
        if rows:
            table = self._table(rows)
            nested = None if set(events) == {-1} else np.array(events, np.int64)
            yield Part(table, np.array(messages, np.int64), nested)


def _chunks(payloads: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Cut messages into runs of at most so many messages and about so many bytes."""
    for first in range(0, len(payloads), _CHUNK_MESSAGES):
        start, size = first, 0
        last = min(first + _CHUNK_MESSAGES, len(payloads))
        for message in range(first, last):
            size += len(payloads[message])
            if size >= _CHUNK_BYTES or message == last - 1:
                yield start, message + 1
                start, size = message + 1, 0


def _loads(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        lenient = b"NaN" in payload or b"Infinity" in payload or "number is infinity" in str(error)
        if not lenient:
            raise
    value = json.loads(payload)
    json.dumps(value, ensure_ascii=False).encode()  # refuses the half characters that json lets pass
    return value


def _not_a_record(value: Any, message: int, event: int) -> Reject:
    detail = f"expected a JSON object, found {shorten(value)}"
    return Reject(Reason.NOT_A_RECORD, detail, message, event, b"" if event < 0 else to_json(value))
