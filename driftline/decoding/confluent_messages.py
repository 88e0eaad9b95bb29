"""Avro with the Confluent header: a magic byte and the id of the writer's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.decoded import Decoded, join_parts
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.decoding.event_schema import EventSchema

_HEADER: Final = 5


class ConfluentAvroDecoder:
    """Decodes Avro behind the Confluent header, each message by its writer's schema.

    A configured column that a writer's schema lacks is null in its events.

    Parameters
    ----------
    schema : EventSchema
        The columns to keep.
    avro_schemas : mapping of int to str or mapping
        The writers' schemas by id.

    Raises
    ------
    AvroSchemaError
        If one of the schemas cannot be used.
    """

    def __init__(self, schema: EventSchema, avro_schemas: Mapping[int, str | Mapping[str, Any]]) -> None:
        self._decoders = {number: AvroDecoder(schema, avro) for number, avro in avro_schemas.items()}

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages."""
        groups: dict[int, list[int]] = {}
        rejects: list[Reject] = []
        for message, payload in enumerate(payloads):
            if len(payload) < _HEADER or payload[0] != 0:
                detail = f"no zero byte and schema id in front, but {payload[:_HEADER]!r}"
                rejects.append(Reject(Reason.UNDECODABLE, detail, message))
            else:
                groups.setdefault(int.from_bytes(payload[1:_HEADER], "big"), []).append(message)
        parts = []
        for number, group in groups.items():
            decoder = self._decoders.get(number)
            if decoder is None:
                known = ", ".join(map(str, sorted(self._decoders)[:20])) or "none"
                detail = f"unknown schema id {number}; known: {known}"
                rejects += [Reject(Reason.UNDECODABLE, detail, message) for message in group]
                continue
            decoded = decoder.decode([payloads[message][_HEADER:] for message in group])
            messages = np.array(group, np.int64)
            parts += [part.take_messages(messages) for part in decoded.parts]
            rejects += [Reject(r.reason, r.detail, group[r.message], r.event) for r in decoded.rejects]
        return Decoded(join_parts(parts), tuple(rejects))
