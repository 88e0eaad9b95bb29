"""What an online learner learns from, and how it is packed in running state and between workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from driftline.framing import Arrays, check_head, frame, refuses_damage, unframe
from driftline.outcomes.travelling_features import concatenate
from driftline.signals.packed_values import decode_block, encode_block
from driftline.signals.signal_values import SignalValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK_VERSION: Final = 1

_TAG: Final = b"dLE"
_WHAT: Final = "block of examples"


class Examples(NamedTuple):
    """Outcomes with features, any number, in any order.

    Parameters
    ----------
    losses
        Log-loss of the frozen model, nats, with the times and ids of each outcome.
    label
        (n,) uint8, class 0 or 1.
    features
        (n, w) uint8, as `FeatureLayout` encodes them.
    """

    losses: SignalValues
    label: NDArray[np.uint8]
    features: NDArray[np.uint8]

    @property
    def known(self) -> NDArray[np.int64]:
        """When each label and its prediction were known, microseconds since the epoch, UTC."""
        return self.losses.known

    @classmethod
    def concatenate(cls, parts: Sequence[Examples]) -> Examples:
        """Put examples one behind the other; narrower features get zeros behind."""
        if len(parts) == 1:
            return parts[0]
        lengths = [len(part.label) for part in parts]
        features = concatenate([part.features for part in parts], lengths)
        return cls(
            SignalValues.concatenate([part.losses for part in parts]),
            np.concatenate([np.empty(0, np.uint8), *(part.label for part in parts)]),
            np.empty((sum(lengths), 0), np.uint8) if features is None else features,
        )

    def take(self, rows: Any) -> Examples:
        """Choose rows by a mask, by their numbers or by a slice."""
        return Examples(self.losses.take(rows), self.label[rows], self.features[rows])

    def in_order(self) -> Examples:
        """Sort by (known, time, id_high, id_low, loss), then by label and features."""
        order = self.losses.order()
        keys = self.losses.take(order)
        same = np.ones(max(len(order) - 1, 0), bool)
        for column in keys:
            same &= column[1:] == column[:-1]
        if same.any():  # without request ids there may be several at one time
            tied = np.zeros(len(order), bool)
            tied[1:] |= same
            tied[:-1] |= same
            group = np.concatenate([[0], np.cumsum(~same)])[tied]
            some = order[tied]
            ranks = np.unique(self.features[some], axis=0, return_inverse=True)[1].ravel()
            order[tied] = some[np.lexsort((ranks, self.label[some], group))]
        return self.take(order)


def encode_examples(examples: Examples) -> bytes:
    """Pack examples.

    Returns
    -------
    bytes
        Tag, version, JSON head; a block of the losses, labels, features: 41 bytes each or less, and features.
    """
    losses = encode_block(examples.losses)
    n, width = examples.features.shape
    head = {"n": n, "width": width, "losses": len(losses), "first": int(examples.known.min())}
    payload = losses + examples.label.tobytes() + np.ascontiguousarray(examples.features).tobytes()
    return frame(_TAG, BLOCK_VERSION, head, payload)


@refuses_damage(_WHAT)
def decode_examples(data: bytes) -> Examples:
    """Read what `encode_examples` wrote; other bytes raise UnreadableBytesError."""
    head, payload = unframe(_TAG, BLOCK_VERSION, _WHAT, data)
    check_head(_WHAT, head, n=int, width=int, losses=int, first=int)
    n, width, middle = head["n"], head["width"], head["losses"]
    arrays = Arrays(payload, _WHAT, at=middle)
    label, features = arrays.take("u1", n), arrays.take("u1", n * width).reshape(n, width)
    arrays.done()
    return Examples(decode_block(payload[:middle]), label, features)


@refuses_damage(_WHAT)
def first_known(data: bytes) -> int:
    """Read the earliest ``known`` of a block without decoding it; other bytes raise UnreadableBytesError."""
    head, _ = unframe(_TAG, BLOCK_VERSION, _WHAT, data)
    check_head(_WHAT, head, first=int)
    earliest: int = head["first"]
    return earliest
