"""Predictions of more than two classes: the predicted class, and the probability of each, as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.feature_spec import PREDICTION, probability_of
from driftline.outcomes.travelling_features import FEATURES, as_column, features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss

    Floats = NDArray[np.float64]

_BYTES: Final = 8  # a probability that travels


def scores_of_events(events: Any, loss: Loss) -> Floats:
    """Take the predictions of n events as the loss takes them.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch`).

    Returns
    -------
    ndarray of float64
        (n,), or (n, 1 + K) with the probabilities of K classes. The predicted class is that of the column of
        predictions; without one it is the most probable, the first of several. nan where it is none of them.
    """
    name = f"feature.{PREDICTION}"
    there = name in events.schema.names
    if not loss.classes:
        return _floats(events.column(name))
    places = np.zeros(events.num_rows)
    if there:
        place = pc.index_in(events.column(name), pa.array(loss.classes, pa.string()))
        places = _floats(place.cast(pa.float64()))
    if not loss.probabilities:
        return places
    given = np.column_stack(
        [_floats(events.column(f"feature.{probability_of(each)}")) for each in loss.classes]
    )
    if not there:
        known = np.isfinite(given.sum(axis=1))
        places = np.where(known, np.argmax(np.where(known[:, None], given, 0.0), axis=1), np.nan)
    return np.column_stack([places, given])


def travelling(scores: Floats, loss: Loss) -> tuple[Floats, Any | None]:
    """Split scores for their way to the labels: a column of numbers, and one of what does not fit in it.

    Parameters
    ----------
    scores
        As `scores_of_events` gives them.

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
