"""What the window tests share: a small baseline, and events at chosen minutes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from driftline.baseline import encode_baseline
from driftline.baseline.fit_entry import fit_entry
from driftline.feature_spec import FeatureSpec
from driftline.measures.measure_registry import merge_encoded
from driftline.measures.slicing import profile_events
from driftline.measures.survey import Survey
from driftline.measures.window_histograms import ReferenceWindows
from driftline.segments import ALL, labels, largest

MINUTE = 60_000_000
SPECS = (FeatureSpec("x", "numeric", "x"), FeatureSpec("c", "categorical", "c"))


def events(minutes, segments, x=None, c=None):
    """Normalised events at these minutes."""
    n = len(minutes)
    minutes = np.asarray(minutes, float)
    return pa.RecordBatch.from_arrays(
        [
            pa.array((minutes * MINUTE).astype(np.int64)),
            pa.array(list(segments), pa.string()),
            pa.array(np.zeros(n) if x is None else x, pa.float64()),
            pa.array(["a"] * n if c is None else c, pa.string()),
        ],
        names=["time", "segment.s", "feature.x", "feature.c"],
    )


def reference_events(seed=0, windows=40, rows=400, size=30):
    """A reference of `windows` disjoint windows of `rows` rows in segments A and B."""
    rng = np.random.default_rng(seed)
    n = windows * rows
    return events(
        np.sort(rng.uniform(0, windows * size, n)) - windows * size,
        rng.choice(["A", "B"], n),
        rng.normal(size=n),
        rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
    )


def encoded_baseline(reference, **settings):
    """Baseline bytes built without Beam: the pipeline must agree."""
    return baseline_and_windows(reference, **settings)[0]


def baseline_and_windows(
    reference, *, size=30, every=15, model="m", min_n=50, max_segments=1000, season=None
):
    """Baseline bytes, and the windows of all traffic by part."""
    layout = Survey.of(pa.table(reference), SPECS).layout(SPECS)
    counts = {}
    for label in labels(reference, ["s"]).to_pylist():
        counts[label] = counts.get(label, 0) + 1
    monitored = frozenset(largest(counts, max_segments))
    stride = every * MINUTE
    slices = {}
    for part in profile_events(reference, layout, monitored, stride):
        for segment in (part.segment, ALL):
            slices.setdefault((segment, part.part), {}).setdefault(part.start, []).append(part.profile)
    first = -(-min(reference["time"].to_numpy()) // stride) * stride
    starts = np.arange(first, max(reference["time"].to_numpy()) - size * MINUTE + 1, stride)
    records, histograms = [], {}
    for (segment, name), parts in slices.items():
        profiles = {start: merge_encoded(encoded) for start, encoded in parts.items()}
        whole = merge_encoded(list(profiles.values()))
        windows = ReferenceWindows(starts, size * MINUTE, stride, min_n, season)
        entry, found = fit_entry(segment, layout.part(name), whole, profiles, windows)
        records.append(entry)
        if segment == ALL:
            histograms[name] = found
    encoded = encode_baseline(
        records,
        layout,
        model=model,
        size=size * MINUTE,
        every=stride,
        segment_columns=("s",),
        windows=len(starts),
        created_at=0,
        min_n=min_n,
    )
    return encoded, histograms
