"""What a shard knows without looking at its rows: how far it has looked and when to look again."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from driftline.profiles.framing import check_tag

LEDGER_VERSION: Final = 1

_TAG: Final = b"dJG"
_FORMAT: Final = struct.Struct("<3sBqqqq")
_NEVER: Final = -(1 << 63)


@dataclass(frozen=True)
class Ledger:
    """Times of a shard, microseconds since the epoch; None where there is none.

    Parameters
    ----------
    cut : int, optional
        Rows before this time were looked at.
    due : int, optional
        Time of the timer that is set.
    horizon : int, optional
        Rows of this time or later are put aside.
    later : int, optional
        Earliest time of a row that is put aside.
    """

    cut: int | None = None
    due: int | None = None
    horizon: int | None = None
    later: int | None = None

    def to_bytes(self) -> bytes:
        """Write tag, version and the four times.

        Returns
        -------
        bytes
            36 bytes.
        """
        times = (self.cut, self.due, self.horizon, self.later)
        return _FORMAT.pack(_TAG, LEDGER_VERSION, *(_NEVER if time is None else time for time in times))

    @classmethod
    def from_bytes(cls, data: bytes) -> Ledger:
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
        >>> Ledger.from_bytes(Ledger(cut=5).to_bytes())
        Ledger(cut=5, due=None, horizon=None, later=None)
        """
        check_tag(_TAG, LEDGER_VERSION, "ledger of a shard", data)
        if len(data) != _FORMAT.size:
            raise ValueError(
                f"ledger of a shard cut short: {len(data)} bytes, expected {_FORMAT.size}; "
                "start from an older savepoint, or anew"
            )
        return cls(*(None if time == _NEVER else time for time in _FORMAT.unpack(data)[2:]))
