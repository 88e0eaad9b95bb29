"""Let a learner take outcomes in the order of event time, whatever the order they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from driftline.learning.examples import Examples, decode_examples, encode_examples
from driftline.learning.learner_state import LearnerState
from driftline.signals.signal_values import SignalValues, parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline.outcomes.travelling_features import FeatureLayout


class Learnt(NamedTuple):
    """A learner that went on to a time.

    Parameters
    ----------
    gaps
        The frozen model's log-loss minus the learner's, nats, of the outcomes whose batch is complete, in
        order; with the times and ids of the outcomes.
    pending
        Blocks of examples whose time has not come.
    next
        When the first of those was known; None if there are none.
    late
        Number of examples dropped because one behind them in order had been learnt before they came.
    unusable
        Number of examples without the features of the layout; they are dropped.
    """

    state: LearnerState
    gaps: SignalValues
    pending: tuple[bytes, ...]
    next: int | None
    late: int
    unusable: int


def learn(state: LearnerState, blocks: Iterable[bytes], cut: int, layout: FeatureLayout) -> Learnt:
    """Learn, in order, from all outcomes that were known before a time.

    Parameters
    ----------
    blocks
        Encoded examples, in any order, from none of which it has learnt.
    cut
        Those known before it are learnt, microseconds since the epoch; never less than the last time.

    Notes
    -----
    The gaps do not depend on how outcomes in order are spread over blocks and calls.
    """
    examples = Examples.concatenate([decode_examples(data) for data in blocks])
    is_due = examples.known < cut
    waiting, due = examples.take(~is_due), examples.take(is_due)
    ours = layout.ours(due.features)
    due = due.take(ours)
    late = 0
    if state.last is not None and len(due.known):
        passed = due.losses.keys_before(state.last)
        late = int(np.count_nonzero(passed))
        due = due.take(~passed)
    gaps = SignalValues.of([], [])
    if len(due.known):
        state, gaps = _learn(state, due.in_order(), layout)
    return Learnt(
        state,
        gaps,
        tuple(encode_examples(part) for part in parts(waiting)),
        int(waiting.known.min()) if len(waiting.known) else None,
        late,
        len(ours) - int(np.count_nonzero(ours)),
    )


def _learn(state: LearnerState, due: Examples, layout: FeatureLayout) -> tuple[LearnerState, SignalValues]:
    learner, before = state.detector(layout)
    first = learner.n - len(before.known)
    found = learner.update_many(layout.decode(due.features), due.label, due.losses.value)
    keys = SignalValues.concatenate([before, due.losses])
    gaps = keys.take(found.positions - first)._replace(value=found.values)
    pending = keys.take(slice(len(keys.known) - learner.n % learner.batch, None))
    return LearnerState(learner.to_bytes(), pending, due.losses.last_key()), gaps
