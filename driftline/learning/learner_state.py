"""What is remembered of a learner: the model, and which outcomes its partial batch holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe
from driftline.learning.online_learner import OnlineLearningDetector
from driftline.outcomes.travelling_features import HASHED_COLUMNS
from driftline.signals.packed_values import decode_block, encode_block
from driftline.signals.signal_values import SignalValues

if TYPE_CHECKING:
    from driftline.outcomes.travelling_features import FeatureLayout
    from driftline.signals.signal_values import Key

STATE_VERSION: Final = 1

_TAG: Final = b"dLS"
_WHAT: Final = "state of an online learner"


@dataclass(frozen=True)
class LearnerState:
    """Where the learner of a segment stands.

    Parameters
    ----------
    learner
        `OnlineLearningDetector.to_bytes`; empty before the first outcome.
    pending
        Losses, times and ids of the outcomes in the learner's partial batch.
    last
        Key of the last outcome; None before the first.
    """

    learner: bytes = b""
    pending: SignalValues | None = None
    last: Key | None = None

    def detector(self, layout: FeatureLayout) -> tuple[OnlineLearningDetector, SignalValues]:
        """Go on learning.

        Returns
        -------
        OnlineLearningDetector, SignalValues
            A learner that goes on from here, and its pending outcomes; a new one where the features have
            changed.
        """
        if self.learner:
            learner = OnlineLearningDetector.from_bytes(self.learner)
            known = learner.numeric, learner.categorical, learner.hashed_columns
            if known == (layout.numeric, layout.categorical, HASHED_COLUMNS):
                return learner, SignalValues.of([], []) if self.pending is None else self.pending
        new = OnlineLearningDetector(layout.numeric, layout.categorical, hashed_columns=HASHED_COLUMNS)
        return new, SignalValues.of([], [])

    def to_bytes(self) -> bytes:
        """Write the state.

        Returns
        -------
        bytes
            Tag, version, JSON head; the learner, the pending outcomes. No more than the learner's
            `largest_state` and 5 kB.
        """
        pending = b"" if self.pending is None or not len(self.pending.known) else encode_block(self.pending)
        head = {"last": self.last, "learner": len(self.learner)}
        return frame(_TAG, STATE_VERSION, head, self.learner + pending)

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> LearnerState:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(_TAG, STATE_VERSION, _WHAT, data)
        try:
            middle, last = int(head["learner"]), head["last"]
            pending = decode_block(payload[middle:]) if len(payload) != middle else None
            return cls(payload[:middle], pending, None if last is None else tuple(last))
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableBytesError(
                f"{_WHAT} is damaged ({type(error).__name__}: {error}); "
                "start from an older savepoint, or anew"
            ) from None
