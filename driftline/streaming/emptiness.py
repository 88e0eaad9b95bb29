"""When a partition without messages stops holding the watermark back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Emptiness:
    """How long a partition has been seen to be empty, without a gap in the evidence.

    After a broker's outage producers send what they had kept, with event times of the outage. So a partition
    counts as idle only after repeated checks over a while found it empty. A message, an error or a new
    consumer starts the count again.

    Parameters
    ----------
    idle_after
        For how long, microseconds.

    Examples
    --------
    >>> emptiness = Emptiness(idle_after=20)
    >>> emptiness.confirmed(100), emptiness.confirmed(119), emptiness.confirmed(120)
    (False, False, True)
    >>> emptiness.reset()
    >>> emptiness.confirmed(121)
    False
    """

    idle_after: int
    since: int | None = None

    def confirmed(self, now: int) -> bool:
        """Take note that the reader stood at the partition's end.

        Parameters
        ----------
        now
            The clock *before* the end was asked for, microseconds: whatever is appended later is younger.

        Returns
        -------
        bool
            Whether the partition has been empty for long enough.
        """
        if self.since is None:
            self.since = now
        return now - self.since >= self.idle_after

    def reset(self) -> None:
        """Begin anew: there was a message, an error, or there is a new consumer."""
        self.since = None
