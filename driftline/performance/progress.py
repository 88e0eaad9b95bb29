"""What is known of a segment's windows without reading them: how far they were given, and when to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from driftline.streaming.ledger import Ledger


@dataclass(frozen=True)
class Progress(Ledger):
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

    Examples
    --------
    >>> Progress.from_bytes(Progress(due=5).to_bytes())
    Progress(now=None, due=5, arrived=0, merged=0)
    """

    TAG: ClassVar[bytes] = b"dPG"
    WHAT: ClassVar[str] = "progress of a segment"

    now: int | None = None
    due: int | None = None
    arrived: int = 0
    merged: int = 0
