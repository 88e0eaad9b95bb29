"""Messages without a value, which Kafka calls tombstones: nothing to decode, and no fault of the decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from driftline.decoding.decoded import Decoded
from driftline.decoding.rejects import Reason, Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.decoding.decoded import Decoder

_DETAIL = "the message has a key at most and no value (a tombstone); features must be in the value"


def decode_present(decoder: Decoder, payloads: Sequence[bytes | None]) -> Decoded:
    """Decode the messages that have a value, reject those that are None; indices count all of them."""
    if None not in payloads:
        return decoder.decode(payloads)  # type: ignore[arg-type]  # just checked
    present = np.array([index for index, payload in enumerate(payloads) if payload is not None], np.int64)
    decoded = decoder.decode([payload for payload in payloads if payload is not None])
    absent = np.setdiff1d(np.arange(len(payloads)), present).tolist()
    return Decoded(
        tuple(part.take_messages(present) for part in decoded.parts),
        (
            *(replace(reject, message=int(present[reject.message])) for reject in decoded.rejects),
            *(Reject(Reason.NO_VALUE, _DETAIL, message) for message in absent),
        ),
    )
