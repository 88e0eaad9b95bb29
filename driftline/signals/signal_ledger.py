"""What is known of a signal without reading its state: how far it was followed and when to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from driftline.streaming.ledger import Ledger


@dataclass(frozen=True)
class SignalLedger(Ledger):
    """Times of a signal, microseconds since the epoch; None where there is none.

    Parameters
    ----------
    cut
        Values known before it were followed.
    due
        Time of the timer that is set.

    Examples
    --------
    >>> SignalLedger.from_bytes(SignalLedger(due=5).to_bytes())
    SignalLedger(cut=None, due=5)
    """

    TAG: ClassVar[bytes] = b"dSL"
    WHAT: ClassVar[str] = "ledger of a signal"

    cut: int | None = None
    due: int | None = None
