"""Predictions of more than two classes: the predicted class, and the probability of each, as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.feature_spec import PREDICTION, probability_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss

    Floats = NDArray[np.float64]


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


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
