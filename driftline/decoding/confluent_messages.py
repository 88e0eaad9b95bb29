"""Avro with the Confluent header: a magic byte and the id of the writer's schema."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from driftline.decoding.avro_canonical import AvroSchemaError
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.decoded import Decoded, join_parts
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from driftline.decoding.event_schema import EventSchema

FORGET_AFTER: Final = 30.0
"""Seconds after which a schema id that could not be used is looked up again: it may be registered late."""

_HEADER: Final = 5
_MAX_UNUSABLE: Final = 10_000


class SchemaIdError(LookupError):
    """A schema id whose messages cannot be decoded; the text becomes the detail of their dead letters."""


class SchemaResolver(Protocol):
    """Finds the writer's schema of an id."""

    def __call__(self, number: int) -> str:
        """JSON text of the Avro schema with this id.

        Raises
        ------
        SchemaIdError
            If the id is not known, or is of no Avro schema. Any other exception means that nothing is known
            about the id now; it fails the batch, which is then tried again.
        """


class ConfluentAvroDecoder:
    r"""Decodes Avro behind the Confluent header, each message by its writer's schema.

    A configured column that a writer's schema lacks is null in its events.

    Parameters
    ----------
    avro_schemas
        The writers' schemas by id, or what finds them when an id is first met.
    clock
        Seconds of a steady clock.

    Raises
    ------
    AvroSchemaError
        If one of the schemas of a mapping cannot be used.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> avro = {"type": "record", "name": "Event", "fields": [{"name": "at", "type": "long"}]}
    >>> decoder = ConfluentAvroDecoder(EventSchema("at"), {7: avro})
    >>> decoded = decoder.decode([b"\0\0\0\0\7\2", b"\0\0\0\0\6\2"])
    >>> decoded.parts[0].records.to_pylist(), decoded.rejects[0].detail
    ([{'at': 1}], 'unknown schema id 6; known: 7')
    """

    def __init__(
        self,
        schema: EventSchema,
        avro_schemas: Mapping[int, str | Mapping[str, Any]] | SchemaResolver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._schema = schema
        self._clock = clock
        self._decoders: dict[int, AvroDecoder] = {}
        self._unusable: dict[int, tuple[str, float]] = {}
        self._resolver: SchemaResolver
        if isinstance(avro_schemas, Mapping):
            self._decoders = {number: AvroDecoder(schema, avro) for number, avro in avro_schemas.items()}
            self._resolver = _no_other_than(avro_schemas)
        else:
            self._resolver = avro_schemas

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages.

        Returns
        -------
        Decoded
            The records and the rejects; those of unusable schema ids name the id.

        Raises
        ------
        Exception
            What the resolver raises when it cannot tell whether an id is known; nothing is lost by trying
            the same messages again.
        """
        ids = _schema_ids(payloads)
        parts = []
        rejects = []
        for message in np.flatnonzero(ids < 0).tolist():
            detail = f"no zero byte and schema id in front, but {payloads[message][:_HEADER]!r}"
            rejects.append(Reject(Reason.UNDECODABLE, detail, message))
        for number in np.unique(ids[ids >= 0]).tolist():
            group: list[int] = np.flatnonzero(ids == number).tolist()
            decoder = self._decoder(number)
            if isinstance(decoder, str):
                rejects += [Reject(Reason.UNDECODABLE, decoder, message) for message in group]
                continue
            decoded = decoder.decode([payloads[message][_HEADER:] for message in group])
            messages = np.array(group, np.int64)
            parts += [part.take_messages(messages) for part in decoded.parts]
            rejects += [Reject(r.reason, r.detail, group[r.message], r.event) for r in decoded.rejects]
        return Decoded(join_parts(parts), tuple(rejects))

    def _decoder(self, number: int) -> AvroDecoder | str:
        """The decoder of a schema id, or why there is none."""
        decoder = self._decoders.get(number)
        if decoder is not None:
            return decoder
        detail, since = self._unusable.get(number, ("", -np.inf))
        now = self._clock()
        if now - since < FORGET_AFTER:
            return detail
        try:
            self._decoders[number] = AvroDecoder(self._schema, self._resolver(number))
        except SchemaIdError as error:
            detail = str(error)
        except AvroSchemaError as error:
            detail = f"the schema of id {number} cannot be used: {error}"
        else:
            self._unusable.pop(number, None)
            return self._decoders[number]
        if len(self._unusable) >= _MAX_UNUSABLE:  # random bytes name many ids
            self._unusable.clear()
        self._unusable[number] = (detail, now)
        return detail


def _schema_ids(payloads: Sequence[bytes]) -> NDArray[np.int64]:
    """The schema id of each message, -1 where there is no header."""
    padded = b"".join([payload[:_HEADER].ljust(_HEADER, b"\xff") for payload in payloads])
    heads = np.frombuffer(padded, np.uint8).reshape(-1, _HEADER)
    sizes = np.fromiter(map(len, payloads), np.int64, len(payloads))
    ids: NDArray[np.int64] = np.ascontiguousarray(heads[:, 1:]).view(">u4").ravel().astype(np.int64)
    ids[(sizes < _HEADER) | (heads[:, 0] != 0)] = -1
    return ids


def _no_other_than(schemas: Mapping[int, Any]) -> SchemaResolver:
    known = ", ".join(map(str, sorted(schemas)[:20])) or "none"

    def resolve(number: int) -> str:
        raise SchemaIdError(f"unknown schema id {number}; known: {known}")

    return resolve
