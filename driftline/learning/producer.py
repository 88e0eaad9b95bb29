"""Examples made of outcomes: for each segment and for all traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from driftline.learning.examples import Examples
from driftline.losses import Loss
from driftline.outcomes.travelling_features import features_of
from driftline.signals.producers import by_segment, losses_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_LOSS: Final = Loss("log")


def examples_of(outcomes: Any) -> tuple[int, Iterator[tuple[str, Examples]]]:
    """Make examples of outcomes.

    Parameters
    ----------
    outcomes
        `pyarrow.RecordBatch` with the columns of `OUTCOMES`, and their features.

    Returns
    -------
    int
        Number of outcomes that nothing can be learnt from: no probability, no class, or no features, as of
        predictions from before there was a learner.
    iterator of (str, Examples)
        Those of each segment, and all of them for all traffic.
    """
    losses = losses_of(outcomes, _LOG_LOSS)
    good = ~np.isnan(losses.value)
    features = features_of(outcomes)
    if features is None:
        good, features = np.zeros(len(good), bool), np.empty((len(good), 0), np.uint8)
    label = outcomes.column("label").to_numpy(zero_copy_only=False)
    classes = np.where(good, label, 0).astype(np.uint8)
    examples = Examples(losses, classes, features).take(good)
    segments = pc.dictionary_encode(outcomes.column("segment"))
    left_out = len(good) - int(np.count_nonzero(good))
    return left_out, by_segment(segments.indices.to_numpy()[good], segments.dictionary, examples)
