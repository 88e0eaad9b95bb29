"""When windows are given, and for how long they can still be corrected."""

from __future__ import annotations

from dataclasses import dataclass

_MILLISECOND = 1_000  # a timer is no finer


@dataclass(frozen=True)
class WindowRule:
    """Windows of a stream whose outcomes come late. Periods and ends of windows are counted in `every`.

    Period p holds the predictions from ``p * every`` on; the window that ends at e holds the periods from
    ``e - periods`` to ``e - 1``.

    Parameters
    ----------
    size, every
        Window length and period, microseconds; `size` is a multiple of `every`.
    hold
        How long after its end a window is first given, microseconds: all outcomes known by its end have come
        then.
    keep
        How long after its end a window is given again when labels come, microseconds.
    """

    size: int
    every: int
    hold: int
    keep: int

    @property
    def periods(self) -> int:
        """Periods a window."""
        return self.size // self.every

    def due(self, end: int) -> int:
        """Say when the window that ends at `end` is given, microseconds."""
        return -(-(end * self.every + self.hold) // _MILLISECOND) * _MILLISECOND

    def ended(self, now: int) -> int:
        """Find the last end that is due by `now`.

        Examples
        --------
        >>> rule = WindowRule(size=10_000, every=5_000, hold=2_000, keep=60_000)
        >>> rule.due(3), rule.ended(17_000), rule.ended(16_999)
        (17000, 3, 2)
        """
        end = (now - self.hold) // self.every
        return end if self.due(end) <= now else end - 1

    def first_open(self, now: int) -> int:
        """Find the first end whose window can still be corrected."""
        return (now - self.keep) // self.every + 1

    def first_kept(self, now: int) -> int:
        """Find the first period that is in a window which can still be corrected."""
        return self.first_open(now) - self.periods

    def forgets(self, period: int) -> int:
        """Find the first end at which a period is forgotten."""
        last = (period + self.periods) * self.every + self.keep
        return -(-(last - self.hold) // self.every)
