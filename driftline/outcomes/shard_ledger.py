"""What a shard knows without looking at its rows: how far it has looked and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from driftline.streaming.ledger import Ledger


@dataclass(frozen=True)
class ShardLedger(Ledger):
    """Times of a shard, microseconds since the epoch; None where there is none.

    Parameters
    ----------
    cut
        Rows before this time were looked at.
    due
        Time of the timer that is set.
    horizon
        Rows of this time or later are put aside.
    later
        Earliest time of a row that is put aside.

    Examples
    --------
    >>> ShardLedger.from_bytes(ShardLedger(cut=5).to_bytes())
    ShardLedger(cut=5, due=None, horizon=None, later=None)
    """

    TAG: ClassVar[bytes] = b"dJG"
    WHAT: ClassVar[str] = "ledger of a shard"

    cut: int | None = None
    due: int | None = None
    horizon: int | None = None
    later: int | None = None
