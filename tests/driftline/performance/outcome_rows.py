"""Record batches of predictions and outcomes, and the rolling error computed the slow way."""

import numpy as np
import pyarrow as pa

from driftline.outcomes import OUTCOMES, PREDICTIONS


def predictions(time, score, segment=None, ids=None):
    """Predictions as they travel."""
    n = len(time)
    ids = np.arange(n) if ids is None else ids
    segment = ["*"] * n if segment is None else list(segment)
    return pa.RecordBatch.from_pydict(
        {
            "id_high": np.asarray(ids, np.uint64) % np.uint64(3),
            "id_low": np.asarray(ids, np.uint64),
            "time": np.asarray(time, np.int64),
            "segment": segment,
            "score": np.asarray(score, np.float64),
        },
        schema=PREDICTIONS,
    )


def outcomes(time, known, score, label, segment=None, ids=None):
    """Outcomes as they travel."""
    rows = predictions(time, score, segment, ids).to_pydict()
    rows |= {"label": np.asarray(label, np.float64), "known": np.asarray(known, np.int64)}
    return pa.RecordBatch.from_pydict(rows, schema=OUTCOMES)


def rolling_error(rows, loss, end, last=1000):
    """Mean loss of the last outcomes known before `end`."""
    ordered = sorted(
        (r["known"], r["time"], r["id_high"], r["id_low"], r["score"], r["label"])
        for r in rows.to_pylist()
        if r["known"] < end
    )[-last:]
    if not ordered:
        return np.nan
    return loss.of(np.array([r[4] for r in ordered]), np.array([r[5] for r in ordered])).mean()
