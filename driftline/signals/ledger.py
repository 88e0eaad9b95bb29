"""What is known of a signal without reading its state: how far it was followed and when to go on."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from driftline.profiles.framing import check_tag

LEDGER_VERSION: Final = 1

_TAG: Final = b"dSL"
_WHAT: Final = "ledger of a signal"
_FORMAT: Final = struct.Struct("<3sBqq")
_NEVER: Final = -(1 << 63)


@dataclass(frozen=True)
class SignalLedger:
    """Times of a signal, microseconds since the epoch; None where there is none.

    Parameters
    ----------
    cut : int, optional
        Values known before it were followed.
    due : int, optional
        Time of the timer that is set.
    """

    cut: int | None = None
    due: int | None = None

    def to_bytes(self) -> bytes:
        """Write tag, version and both times: 20 bytes."""
        times = (self.cut, self.due)
        return _FORMAT.pack(_TAG, LEDGER_VERSION, *(_NEVER if time is None else time for time in times))

    @classmethod
    def from_bytes(cls, data: bytes) -> SignalLedger:
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
        >>> SignalLedger.from_bytes(SignalLedger(due=5).to_bytes())
        SignalLedger(cut=None, due=5)
        """
        check_tag(_TAG, LEDGER_VERSION, _WHAT, data)
        if len(data) != _FORMAT.size:
            raise ValueError(
                f"{_WHAT} cut short: {len(data)} bytes, expected {_FORMAT.size}; "
                "start from an older savepoint, or anew"
            )
        return cls(*(None if time == _NEVER else time for time in _FORMAT.unpack(data)[2:]))
