"""Follow a signal in the order of event time, whatever the order its values come in."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.signals.confirmation import Confirmation, confirm
from driftline.signals.packed_values import decode_block, encode_block
from driftline.signals.signal_values import SignalValues, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from driftline.detectors.change import Change
    from driftline.signals.alarm_limits import Limits
    from driftline.signals.signal_state import SignalState, Watched

_TEXTBOOK: Final[Mapping[str, Limits | None]] = MappingProxyType({})


class Detection(NamedTuple):
    """A change that was detected.

    Parameters
    ----------
    at
        Event time of the first value after the change, microseconds since the epoch, UTC.
    detected_at
        When the value was known at which it was detected.
    before, after
        Means of the values before and after the change; `before` may be NaN.
    width
        Number of values after the change.
    calibrated
        Whether it is beyond what the reference knows.
    """

    detector: str
    at: int
    detected_at: int
    before: float
    after: float
    width: int
    calibrated: bool = False


class Advanced(NamedTuple):
    """A signal followed up to a time.

    Parameters
    ----------
    detections
        What was detected, by detector and in order.
    pending
        Blocks of values whose time has not come.
    next
        When the first of those was known; None if there are none.
    late
        Number of values dropped because a value behind them in order had been followed before they came.
    refused
        Number of values that a detector does not take, each counted once a detector.
    """

    state: SignalState
    detections: tuple[Detection, ...]
    pending: tuple[bytes, ...]
    next: int | None
    late: int
    refused: int


def advance(
    state: SignalState,
    blocks: Iterable[bytes],
    cut: int,
    *,
    once_a_time: bool = False,
    limits: Mapping[str, Limits | None] = _TEXTBOOK,
) -> Advanced:
    """Let detectors take, in order, all values that were known before a time.

    Parameters
    ----------
    blocks
        Encoded values, in any order, none of which was followed before.
    cut
        Values known before it are followed, microseconds since the epoch; never less than the last time.
    once_a_time
        Whether each time has one value and a second is a correction. Of those that wait the one with the
        largest ids stands; one that comes after its time was followed is ignored.
    limits
        By the names of the detectors that are calibrated: only what is beyond the limits is told; None tells
        nothing. The others tell all they find.

    Notes
    -----
    The detections do not depend on how values in order are spread over blocks and calls.
    """
    values = SignalValues.concatenate([decode_block(data) for data in blocks])
    is_due = values.known < cut
    waiting, due = values.take(~is_due), values.take(is_due)
    there = np.isfinite(due.value)
    refused = len(state.watched) * int(np.count_nonzero(~there))
    due = due.take(there)
    late = 0
    if state.last is not None:
        if once_a_time:
            passed = due.known <= state.last[0]
            late = int(np.count_nonzero(~np.isin(due.known[passed], _remembered(state))))
        else:
            passed = due.keys_before(state.last)
            late = int(np.count_nonzero(passed))
        due = due.take(~passed)
    due = due.in_order()
    if once_a_time and len(due.known):
        due = due.take(np.append(due.known[1:] != due.known[:-1], True))
    detections: list[Detection] = []
    if len(due.known):
        watched = []
        for one in state.watched:
            after, found, left_out = _follow(one, due, limits)
            watched.append(after)
            detections += found
            refused += left_out
        state = replace(state, n=state.n + len(due.known), last=due.last_key(), watched=tuple(watched))
    return Advanced(
        state,
        tuple(detections),
        tuple(encode_block(part) for part in parts(waiting)),
        int(waiting.known.min()) if len(waiting.known) else None,
        late,
        refused,
    )


def _follow(
    watched: Watched, values: SignalValues, limits: Mapping[str, Limits | None]
) -> tuple[Watched, list[Detection], int]:
    """Let one detector take values in order; also say how many it refuses."""
    detector = watched.detector()
    low, high = detector.LIMITS
    taken = (low <= values.value) & (values.value <= high)
    refused = len(taken) - int(np.count_nonzero(taken))
    if refused:
        values = values.take(taken)
    found: list[Detection] = []
    name = watched.spec.detector
    changes: Sequence[Change] = detector.changes(values.value)
    confirmation = watched.confirmation
    calibrated = name in limits
    if calibrated:
        known = limits[name]
        seen = np.array([change.position for change in changes], np.int64)
        confirmation, changes = (
            (Confirmation(), []) if known is None else confirm(confirmation, known, values.value, seen)
        )
    else:
        confirmation = Confirmation()
    for change in changes:
        first = change.position - change.width + 1
        at = int(values.time[first]) if first >= 0 else watched.times.ago(-first)
        detected_at = int(values.known[change.position])
        found.append(Detection(name, at, detected_at, change.before, change.after, change.width, calibrated))
    after = replace(
        watched,
        state=detector.to_bytes(),
        times=watched.times.extended(values.time),
        confirmation=confirmation,
    )
    return after, found, refused


def _remembered(state: SignalState) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int64), *(watched.times.newest for watched in state.watched)])
