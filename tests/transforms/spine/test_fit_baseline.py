"""The second pass over a reference agrees with the same done without Beam."""

from __future__ import annotations

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.windows_file import decode_windows
from driftline.config import parse_config
from driftline.measures.measure_registry import measure
from driftline.measures.survey import Survey
from driftline.transforms.spine.fit_baseline import FitBaseline
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.windows.slices import SliceLength
from tests.transforms.spine.test_late_data import CONFIG
from tests.transforms.timelines import MINUTE, SPECS, encoded_baseline, reference_events

STRIDE = 15 * MINUTE


@pytest.fixture(scope="module")
def reference():
    return reference_events(windows=20, rows=150)


@pytest.fixture(scope="module")
def by_hand(reference):
    return decode_baseline(encoded_baseline(reference), "by hand")


@pytest.fixture(scope="module")
def path(tmp_path_factory, reference):
    path = tmp_path_factory.mktemp("fit") / "b.avro"
    layout = Survey.of(pa.table(reference), SPECS).layout(SPECS)
    config = parse_config(CONFIG % path)
    with beam.Pipeline("FnApiRunner") as pipeline:
        plan = pipeline | "Plan" >> beam.Create([(layout.to_bytes(), ["s=A", "s=B"])])
        _ = (
            pipeline
            | beam.Create([reference.slice(i, 500) for i in range(0, 3_000, 500)]).with_output_types(
                pa.RecordBatch
            )
            | beam.ParDo(
                ProfileSlices(SliceLength(STRIDE, STRIDE // 4)), beam.pvalue.AsSingleton(plan)
            ).with_output_types(tuple[tuple[str, str], bytes])
            | FitBaseline(plan, config, STRIDE, str(path))
        )
    return path


@pytest.fixture(scope="module")
def baseline(path):
    return decode_baseline(path.read_bytes(), "b")


def test_it_has_the_same_entries_and_counts(baseline, by_hand):
    assert set(baseline.entries) == set(by_hand.entries)
    for key, entry in by_hand.entries.items():
        mine = baseline.entries[key].profile
        assert mine.rows == entry.profile.rows
        assert mine.counts.tolist() == entry.profile.counts.tolist()
        assert mine.missing.tolist() == entry.profile.missing.tolist()


def test_the_null_is_that_of_the_windows_beside_it(baseline, path):
    windows = decode_windows((path.parent / "b.avro.windows").read_bytes())
    for (segment, name), entry in baseline.entries.items():
        block = baseline.layout.block(name)
        its = windows[segment, name]
        again = measure(block.kind).null_of(block, entry.profile, its, overlap=2, min_n=50)
        assert entry.null.to_bytes() == again.to_bytes()
        assert entry.null.statuses() == ["calibrated"]


def test_windows_that_do_not_overlap_are_counted(baseline, path):
    starts = decode_windows((path.parent / "b.avro.windows").read_bytes())["*", "numeric/0"].starts
    assert baseline.windows == 1 + (len(starts) - 1) // 2  # each begins in the middle of the one before


def test_the_windows_beside_it_count_every_row(path, reference):
    windows = decode_windows((path.parent / "b.avro.windows").read_bytes())
    times = reference["time"].to_numpy()
    s = np.array(reference["segment.s"].to_pylist())
    for (segment, _), found in windows.items():
        mine = times[(s == segment[-1]) | (segment == "*")]
        for start, counts in zip(found.starts, found.counts, strict=True):
            assert counts.sum() == ((mine >= start) & (mine < start + 2 * STRIDE)).sum()


def test_nothing_unfinished_is_left(path):
    assert sorted(file.name for file in path.parent.iterdir()) == ["b.avro", "b.avro.windows"]
