"""Follow what comes in any order in the order of event time: one timer a slice for each key."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import apache_beam as beam
from apache_beam.utils.timestamp import Timestamp

from driftline.signals import SignalLedger
from driftline.transforms.looks import Looks
from driftline.transforms.timestamps import stamped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.utils.windowed_value import WindowedValue


class Followed(NamedTuple):
    """What following a key up to a time gave.

    Parameters
    ----------
    pending
        Blocks whose time has not come.
    next
        When the first value of those was known; None if there are none.
    said
        Elements to give, each with the latest time in it, microseconds.
    """

    state: bytes
    pending: Sequence[bytes]
    next: int | None
    said: Sequence[tuple[Any, int]]


class FollowInOrder(beam.DoFn):
    """Keep blocks of values until their slice is over, then follow all that are due.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.

    Notes
    -----
    The state of a key is a bag of the blocks that wait; what following it remembers, one value that is read
    and written once a slice; and a ledger of 20 bytes, which is all that is read when values arrive. States
    and timer are the subclass's, with names and a type of key of their own.
    """

    def __init__(self, slice_length: int) -> None:
        self._slice = slice_length

    @abstractmethod
    def is_followed(self, key: Any) -> bool:
        """Say whether a key is, or still is, of interest."""

    @abstractmethod
    def delay(self, key: Any) -> int | None:
        """Say how long after a slice the values known in it are followed; None for bounded input."""

    @abstractmethod
    def first_known(self, block: bytes) -> int:
        """Read the earliest time at which a value of a block was known."""

    @abstractmethod
    def advance(self, key: Any, state: bytes | None, blocks: Sequence[bytes], cut: int) -> Followed:
        """Follow all values known before a time."""

    def keep(self, element: tuple[Any, bytes], waiting: Any, ledger: Any, due: Any) -> None:
        """Keep values until their slice is over."""
        key, block = element
        if not self.is_followed(key):
            return
        waiting.add(block)
        before = SignalLedger.from_bytes(ledger.read())
        at = Looks(self._slice, self.delay(key)).due(self.first_known(block), before.cut)
        if before.due is None or at < before.due:
            due.set(Timestamp(micros=at))
            ledger.write(SignalLedger(before.cut, at).to_bytes())

    def follow_due(  # noqa: PLR0917  (states and timers are parameters)
        self, key: Any, at: Timestamp, waiting: Any, memory: Any, ledger: Any, due: Any
    ) -> Iterator[WindowedValue]:
        """Follow what is due."""
        before = SignalLedger.from_bytes(ledger.read())
        if before.due is None:
            return
        if not self.is_followed(key):  # any more
            for state in (waiting, memory, ledger):
                state.clear()
            return
        now = min(at.micros, before.due)  # never look further than the watermark is sure to be
        looks = Looks(self._slice, self.delay(key))
        cut = looks.cut(now)
        if before.cut is not None:
            cut = max(cut, before.cut)
        found = self.advance(key, memory.read(), list(waiting.read()), cut)
        waiting.clear()
        for block in found.pending:
            waiting.add(block)
        memory.write(found.state)
        again = None if found.next is None else looks.due(found.next, cut)
        if again is not None:
            due.set(Timestamp(micros=again))
        ledger.write(SignalLedger(cut, again).to_bytes())
        for value, latest in found.said:
            yield stamped(value, looks.stamp(latest, now))
