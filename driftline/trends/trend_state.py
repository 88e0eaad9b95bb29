"""What the trends of one (segment, part) remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from driftline.framing import ANEW, UnreadableBytesError, frame, refuses_damage, unframe
from driftline.trends.followed_windows import FollowedWindows

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAG: Final = b"dTS"
_VERSION: Final = 1
_WHAT: Final = "state of trends"


class Alarm(NamedTuple):
    """An alarm that is on.

    Attributes
    ----------
    since
        End of the window that raised it, microseconds.
    statistic
        What raised it, and alone can end it.
    """

    since: int
    statistic: str


@dataclass(frozen=True, eq=False)
class TrendState:
    """The newest windows, and which alarms are on.

    Parameters
    ----------
    windows
        Of each series as many as the longest run needs.
    alarms
        Those that are on, by feature.
    """

    windows: FollowedWindows
    alarms: Mapping[str, Alarm] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Write tag, version, a JSON head, the windows."""
        return frame(_TAG, _VERSION, {"alarms": dict(self.alarms)}, self.windows.to_bytes())

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> TrendState:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, windows = unframe(_TAG, _VERSION, _WHAT, data)
        try:
            alarms = {
                str(feature): Alarm(int(since), str(statistic))
                for feature, (since, statistic) in head["alarms"].items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnreadableBytesError(
                f"{_WHAT} is damaged ({type(error).__name__}: {error}); {ANEW}"
            ) from None
        return cls(FollowedWindows.from_bytes(windows), alarms)
