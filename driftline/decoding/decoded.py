"""What every decoder returns: records, where they came from, and rejects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from driftline.decoding.rejects import Reject


@dataclass(frozen=True, eq=False)
class Part:
    """Records of one Arrow schema.

    Parameters
    ----------
    records
        The columns as they came.
    message : ndarray of int64, shape (rows,)
        Index of the message that each record came from.
    event : ndarray of int64, shape (rows,), optional
        Index of the record in its message, -1 where the message is one record. None if all are.
    """

    records: pa.Table
    message: NDArray[np.int64]
    event: NDArray[np.int64] | None = None

    @classmethod
    def of_rows(cls, records: pa.Table) -> Part:
        """Take every row as a message of its own, as files do."""
        return cls(records, np.arange(records.num_rows, dtype=np.int64))

    def take_messages(self, message: NDArray[np.int64]) -> Part:
        """Translate message indices: index i becomes ``message[i]``."""
        return Part(self.records, message[self.message], self.event)


@dataclass(frozen=True, eq=False)
class Decoded:
    """Records and rejects of a sequence of messages.

    Parameters
    ----------
    parts
        One per Arrow schema met: messages written with different schemas differ in columns and types.
    rejects
        What could not be decoded.
    """

    parts: tuple[Part, ...]
    rejects: tuple[Reject, ...] = ()


class Decoder(Protocol):
    """Turns messages into records; bad messages become rejects, never exceptions."""

    def decode(self, payloads: Sequence[bytes]) -> Decoded:
        """Decode messages."""


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Concatenate the parts whose Arrow schemas are equal, in order of first appearance."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.records.schema.to_string(show_field_metadata=False), []).append(part)
    return tuple(_concatenate(group) for group in groups.values())


def _concatenate(group: Sequence[Part]) -> Part:
    if len(group) == 1:
        return group[0]
    event = None
    if any(part.event is not None for part in group):
        event = np.concatenate(
            [np.full(len(part.message), -1, np.int64) if part.event is None else part.event for part in group]
        )
    return Part(
        pa.concat_tables([part.records for part in group]),
        np.concatenate([part.message for part in group]),
        event,
    )
