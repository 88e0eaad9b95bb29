"""From normalised events to predictions and outcomes, and from records of labels to labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.arrays import nulls
from driftline.decoding.class_scores import scores_of_events
from driftline.decoding.event_schema import ID, LABEL
from driftline.outcomes.batch_schemas import LABELS, OUTCOMES, PREDICTIONS
from driftline.outcomes.class_scores import travelling
from driftline.outcomes.travelling_features import FEATURES
from driftline.profiles.row_groups import segment_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.losses import Loss
    from driftline.outcomes.travelling_features import FeatureLayout


def predictions_of(
    events: Any, monitored: frozenset[str] | None, loss: Loss, layout: FeatureLayout | None = None
) -> Any:
    """Take the predictions out of events.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch`).
    monitored
        Labels of the segments to tell apart; all others are ``(other)``. None tells all apart.
    loss
        How predictions are compared with labels: rows whose prediction cannot be are left out.
    layout
        Features that travel along, as one more column; none by default.

    Returns
    -------
    pyarrow.RecordBatch
        Of the schema `PREDICTIONS`. Without the columns of an id, ids are null.
    """
    return _predictions(events, monitored, loss, np.flatnonzero(usable_scores(events, loss)), layout)


def outcomes_of(
    events: Any, monitored: frozenset[str] | None, loss: Loss, layout: FeatureLayout | None = None
) -> Any:
    """Take the outcomes out of events that carry their label.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch`) with the column ``label``.
    monitored, loss, layout
        As for `predictions_of`.

    Returns
    -------
    pyarrow.RecordBatch
        Of the schema `OUTCOMES`: predictions whose label is not null, known at once. An id that is null, or
        no column, is 0: it only breaks ties.
    """
    rows = np.flatnonzero(usable_scores(events, loss) & ~nulls(events.column(LABEL)))
    predictions = _predictions(events, monitored, loss, rows, layout)
    labels = events.column(LABEL).take(pa.array(rows))
    high, low, time, segment, score, *features = predictions.columns
    ids = high.fill_null(0), low.fill_null(0)
    columns = [*ids, time, segment, score, labels, time]
    return _batch(columns, OUTCOMES, features)


def labels_of(records: Any) -> Any:
    """Take the labels out of normalised records of them.

    Parameters
    ----------
    records
        `pyarrow.RecordBatch` with `ID`, ``time``, ``label`` and ``where``.

    Returns
    -------
    pyarrow.RecordBatch
        Of the schema `LABELS`.
    """
    return pa.RecordBatch.from_arrays([records.column(name) for name in LABELS.names], schema=LABELS)


def usable_scores(events: Any, loss: Loss) -> NDArray[np.bool_]:
    """Tell which events, (n,) bool, have a prediction that can be compared with a label."""
    return loss.usable_scores(scores_of_events(events, loss))


def _predictions(
    events: Any,
    monitored: frozenset[str] | None,
    loss: Loss,
    rows: NDArray[np.intp],
    layout: FeatureLayout | None,
) -> Any:
    codes, names = segment_codes(events, monitored)
    wanted = pa.array(rows)
    joined = ID[0] in events.schema.names
    ids = [events.column(name).take(wanted) if joined else pa.nulls(len(rows), pa.uint64()) for name in ID]
    score, more = travelling(scores_of_events(events, loss), loss)
    columns = [
        *ids,
        events.column("time").take(wanted),
        names.take(pa.array(codes[rows])),
        pa.array(score[rows]),
    ]
    more = more if layout is None else layout.encode(events)
    return _batch(columns, PREDICTIONS, [] if more is None else [more.take(wanted)])


def _batch(columns: list[Any], schema: Any, features: list[Any]) -> Any:
    for column in features:
        schema = schema.append(pa.field(FEATURES, column.type))
    return pa.RecordBatch.from_arrays([*columns, *features], schema=schema)
