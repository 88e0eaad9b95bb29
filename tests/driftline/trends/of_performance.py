"""A baseline that knows the performance of windows of twenty minutes, and outcomes to follow with it."""

from __future__ import annotations

from functools import cache

import numpy as np

from driftline.baseline import decode_baseline
from driftline.baseline.file import encode_baseline, read_records
from driftline.performance import (
    Loss,
    LossNull,
    LossPeriods,
    performance_batch,
    performance_row,
)
from driftline.performance.outcome_sums import sums_of_outcomes
from driftline.performance.performance_measure import PART, performance_record
from tests.driftline.performance.drawing import profile_of
from tests.transforms.timelines import MINUTE, encoded_baseline, reference_events

SIZE, EVERY = 20 * MINUTE, 10 * MINUTE
ZERO_ONE, ABSOLUTE = Loss("zero_one"), Loss("absolute")


def outcomes(rng, n, *, loss=ZERO_ONE, worse=0.0):
    """Scores and labels: a tenth of the classes is wrong, or numbers are off by 1; and more if `worse`."""
    if loss.binary:
        score = rng.choice([0.1, 0.2, 0.7, 0.9], n)
        return score, ((score >= 0.5) != (rng.random(n) < 0.1 + worse)).astype(float)
    return np.full(n, 5.0), 5.0 - rng.normal(worse, 1.0, n)


@cache
def encoded(loss=ZERO_ONE, windows=60, n=200):
    """Bytes of a baseline with the performance on all traffic and on segment A."""
    rng = np.random.default_rng(1)
    score, label = outcomes(rng, windows * n, loss=loss)
    times = rng.integers(0, windows * SIZE, windows * n)
    whole = profile_of(loss, score, label)
    labelled = LossPeriods.of(times, loss.of(score, label), EVERY, sums_of_outcomes(loss, score, label))
    made = LossPeriods.of_predictions(times, EVERY)
    periods = LossPeriods.merge_all([labelled.to_bytes(), made.to_bytes()])
    null = LossNull.fit(whole, periods, np.arange(0, (windows - 1) * SIZE, EVERY), size=SIZE, min_n=50)
    features = encoded_baseline(reference_events(windows=20, size=20), size=20, every=10)
    known = decode_baseline(features, "b")
    own = [performance_record(segment, whole.to_bytes(), null) for segment in ("*", "s=A")]
    heads = {name: getattr(known, name) for name in ("model", "size", "every", "segment_columns", "windows")}
    records = [*read_records(features), *own]
    return encode_baseline(records, known.layout, **heads, created_at=0, min_n=50)


@cache
def baseline(loss=ZERO_ONE):
    """The same, read."""
    return decode_baseline(encoded(loss), "b")


def row(window, score, label, *, loss=ZERO_ONE, segment="*", start=None, unlabelled=0, version=None):
    """A row of the table `performance`."""
    known = baseline(loss)
    profile = profile_of(loss, score, label, unlabelled=np.full(unlabelled, 0.2))
    start = window * SIZE if start is None else start
    return performance_row(
        profile,
        model="m",
        segment=segment,
        window=(start, start + SIZE),
        reference=known.reference(segment, PART),
        min_n=50,
        emitted_at=0,
        baseline_version=known.version if version is None else version,
    )


def batch(*rows):
    """Rows as a record batch."""
    return performance_batch(rows)
