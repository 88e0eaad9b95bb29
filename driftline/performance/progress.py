"""What is known of a segment's windows without reading them: how far they were given, and when to look."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from driftline.profiles.framing import check_tag

_TAG: Final = b"dPG"
_VERSION: Final = 1
_FORMAT: Final = struct.Struct("<3sBqqqq")
_NEVER: Final = -(1 << 63)


@dataclass(frozen=True)
class Progress:
    """How far a segment has come.

    Parameters
    ----------
    now
        Time of the last look, microseconds; None before the first.
    due
        Time of the timer that is set, microseconds; None if there is none.
    arrived
        Bytes that have arrived since the last look.
    merged
        Of these, bytes that are merged already.
    """

    now: int | None = None
    due: int | None = None
    arrived: int = 0
    merged: int = 0

    def to_bytes(self) -> bytes:
        """Write tag, version and the four numbers: 36 bytes."""
        times = (_NEVER if time is None else time for time in (self.now, self.due))
        return _FORMAT.pack(_TAG, _VERSION, *times, self.arrived, self.merged)

    @classmethod
    def from_bytes(cls, data: bytes) -> Progress:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Raises
        ------
        ValueError
            If the bytes are something else, too new, or cut short.

        Examples
        --------
        >>> Progress.from_bytes(Progress(due=5).to_bytes())
        Progress(now=None, due=5, arrived=0, merged=0)
        """
        check_tag(_TAG, _VERSION, "progress of a segment", data)
        if len(data) != _FORMAT.size:
            raise ValueError(
                f"progress of a segment cut short: {len(data)} bytes, expected {_FORMAT.size}; "
                "start from an older savepoint, or anew"
            )
        now, due, arrived, merged = _FORMAT.unpack(data)[2:]
        return cls(None if now == _NEVER else now, None if due == _NEVER else due, arrived, merged)
