"""Predictions on their way to their labels: the score, and of many classes the probability of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.outcomes.travelling_features import FEATURES, as_column, features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss

    Floats = NDArray[np.float64]

_BYTES: Final = 8  # a probability that travels


def travelling(scores: Floats, loss: Loss) -> tuple[Floats, Any | None]:
    """Split scores for their way to the labels: a column of numbers, and one of what does not fit in it.

    Parameters
    ----------
    scores
        As `driftline.decoding.class_scores.scores_of_events` gives them.

    Returns
    -------
    score, features
        (n,) float64, and a `pyarrow.FixedSizeBinaryArray`, None without probabilities.
    """
    if not loss.probabilities:
        return scores, None
    rows = np.ascontiguousarray(scores[:, 1:], "<f8")
    return scores[:, 0], as_column(rows.view(np.uint8).reshape(len(rows), _BYTES * rows.shape[1]))


def scores_of(batch: Any, loss: Loss) -> Floats:
    """Take the scores of predictions or outcomes (`pyarrow.RecordBatch`), (n,) or (n, 1 + K); null is nan."""
    score = _floats(batch.column("score"))
    if not loss.probabilities:
        return score
    K = len(loss.classes)
    given = np.full((len(score), K), np.nan)
    rows = features_of(batch)
    if rows is not None and rows.shape[1] == _BYTES * K:
        given = np.ascontiguousarray(rows).view("<f8").astype(np.float64)
    return np.column_stack([score, given])


def columns_of(loss: Loss) -> tuple[str, ...]:
    """Name the columns of predictions and outcomes that scores are made of."""
    return ("score", FEATURES) if loss.probabilities else ("score",)


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
