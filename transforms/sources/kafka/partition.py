"""A partition to read and how far it has been read: what travels between steps and lies in checkpoints."""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass

import orjson

from driftline.framing import refuses_damage

FORMAT_VERSION = 1
_SPAN = struct.Struct(">Bqq")

#: Where a partition ends that never ends.
NEVER = 2**62


@dataclass(frozen=True)
class Partition:
    """One partition and the offsets of it that are wanted.

    Parameters
    ----------
    start
        The first offset to read.
    stop
        The offset behind the last one; `NEVER` for a stream.
    watermark
        No row of it is older than this, microseconds since the epoch; None where nobody knows.
    """

    topic: str
    number: int
    start: int
    stop: int = NEVER
    watermark: int | None = None

    @property
    def name(self) -> str:
        """What the partition is called in logs and dead letters, such as ``features-3``."""
        return f"{self.topic}-{self.number}"

    def to_bytes(self) -> bytes:
        """Encode: the same partition gives the same bytes.

        Returns
        -------
        bytes
            JSON with a format version.
        """
        return orjson.dumps({"v": FORMAT_VERSION, **asdict(self)}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    @refuses_damage("place of a Kafka partition")
    def from_bytes(cls, data: bytes) -> Partition:
        """Decode.

        Parameters
        ----------
        data
            What `to_bytes` gave, perhaps with keys added.

        Raises
        ------
        UnreadableBytesError
            If a newer release wrote it.
        """
        fields = orjson.loads(data)
        check_version(fields["v"], "partition")
        return cls(*(fields[name] for name in ("topic", "number", "start", "stop", "watermark")))


@dataclass(frozen=True)
class OffsetSpan:
    """The offsets of a partition still to be read, ``[start, stop)``."""

    start: int
    stop: int

    def to_bytes(self) -> bytes:
        """Encode.

        Returns
        -------
        bytes
            A format version and the offsets.
        """
        return _SPAN.pack(FORMAT_VERSION, self.start, self.stop)

    @classmethod
    @refuses_damage("offset span")
    def from_bytes(cls, data: bytes) -> OffsetSpan:
        """Decode what `to_bytes` gave, in this or an earlier version.

        Raises
        ------
        UnreadableBytesError
            If a newer release wrote it.
        """
        check_version(data[0], "offset span")
        _, start, stop = _SPAN.unpack(data)
        return cls(start, stop)


def check_version(version: int, what: str) -> None:
    """Refuse what a newer release wrote."""
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{what} in version {version}; this release reads up to {FORMAT_VERSION}: upgrade driftline"
        )
