"""Partial profiles as they leave a bundle: every row once, at the end of its slice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.baseline import decode_baseline
from driftline.measures.measure_registry import decode_profile
from driftline.profiles.coverage import Coverage
from driftline.transforms.counters import PROFILED, TALLY
from driftline.transforms.spine import profile_slices
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.transforms.spine.parts import COVERAGE, fingerprint_of, part_of, split_part
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.windows.slices import SliceLength, slice_length
from tests.transforms.spine.test_merge_windows import LAYOUT, PLAN, some_events
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

LENGTH = SliceLength(15 * MINUTE, 5 * MINUTE)
FINGERPRINT = fingerprint_of(LAYOUT, PLAN[1])


def bundle(batches, step=None, plan=PLAN):
    """What one bundle gives."""
    step = step or ProfileSlices(LENGTH)
    step.setup()
    step.start_bundle()
    return [value for batch in batches for value in step.process(batch, plan)] + list(step.finish_bundle())


@given(st.integers(1, 100_000), st.booleans())
def test_slices_and_coverage_divide_the_period_in_whole_milliseconds(seconds, streaming):
    every = seconds * 1_000_000
    length = slice_length(every, streaming=streaming)
    for unit in (length.slice, length.coverage):
        assert every % unit == 0
        assert unit % 1_000 == 0  # what Beam keeps of a time between workers
    assert every // length.coverage <= 4
    assert length.slice == every or (streaming and length.slice <= 60_000_000)


@pytest.mark.parametrize(
    ("every", "slice_"),
    [
        (1, 1),
        (10, 10),
        (15, 7.5),
        (30, 10),
        (900, 10),
        (3_600, 18.75),
        (3_599, 17.995),
        (6 * 3_600, 45),
        (86_400, 60),
        (7 * 86_400, 60),
    ],
)
def test_slices_of_streams_grow_with_the_root_of_the_period_up_to_a_minute(every, slice_):
    assert slice_length(every * 1_000_000, streaming=True).slice == slice_ * 1_000_000


def test_coverage_does_not_depend_on_streaming():
    for every in (1, 7, 900, 1_000_003):
        both = {slice_length(every * 1_000, streaming=streaming).coverage for streaming in (True, False)}
        assert len(both) == 1


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 80), min_size=1, max_size=6), st.sampled_from([1, 50, 10**9]))
def test_every_row_is_in_one_partial(sizes, most_rows):
    batches = [some_events(seed, n) for seed, n in enumerate(sizes)]
    before, limit = TALLY.snapshot().get(PROFILED, 0), profile_slices._MOST_ROWS
    profile_slices._MOST_ROWS = most_rows
    try:
        found = bundle(batches)
    finally:
        profile_slices._MOST_ROWS = limit
    rows = {}
    for value in found:
        (segment, part), data = value.value
        block, fingerprint = split_part(part)
        assert fingerprint == FINGERPRINT
        if block != COVERAGE:
            start = (value.timestamp.micros + 1_000) - LENGTH.slice
            assert (segment, block, start) not in rows, "a partial came twice"
            rows[segment, block, start] = decode_profile(data).rows
    expected = {}
    for batch in batches:
        for time, s in zip(batch["time"].to_pylist(), batch["segment.s"].to_pylist(), strict=True):
            for block in ("numeric/0", "categorical/0"):
                key = (f"s={s}" if s in "AB" else "(other)", block, time // LENGTH.slice * LENGTH.slice)
                expected[key] = expected.get(key, 0) + 1
    assert rows == expected
    assert TALLY.snapshot().get(PROFILED, 0) - before == sum(sizes)


def test_coverage_comes_beside_the_profiles_at_the_end_of_each_unit():
    found = bundle([events([1, 3, 6, 31], "AABZ"), events([2, -1], "AA")])
    covered = [value for value in found if value.value[0] == ("*", part_of(COVERAGE, FINGERPRINT))]
    units = [Coverage.from_bytes(value.value[1]) for value in covered]
    assert [(int(u.first[0]), int(u.last[0])) for u in units] == [(-1, 0), (0, 1), (1, 2), (6, 7)]
    assert [value.timestamp.micros + 1_000 for value in covered] == [t * MINUTE for t in (0, 5, 10, 35)]


def test_a_bundle_without_rows_gives_nothing_and_forgets_the_one_before():
    step = ProfileSlices(LENGTH)
    assert bundle([], step) == []
    assert bundle([events([], [])], step) == []
    assert bundle([events([1], "A")], step) != []
    assert bundle([], step) == []


def test_a_full_buffer_is_flushed_within_the_bundle(monkeypatch):
    monkeypatch.setattr(profile_slices, "_MOST_BYTES", 1)
    step = ProfileSlices(LENGTH)
    step.setup()
    step.start_bundle()
    assert len(list(step.process(events([1, 2], "AB"), PLAN))) == 5
    assert len(list(step.process(events([1], "A"), PLAN))) == 3
    assert list(step.finish_bundle()) == []


def test_with_a_baseline_the_layout_and_the_segments_are_its_own(tmp_path):
    path = tmp_path / "b.avro"
    path.write_bytes(encoded_baseline(reference_events(windows=4, rows=60), max_segments=1))
    baseline = decode_baseline(path.read_bytes(), "b")
    [kept] = baseline.monitored
    step = ProfileSlices(LENGTH, BaselineSource(str(path)))
    found = bundle([events([1, 1, 1], "ABZ")], step, plan=None)
    rows = {}
    for value in found:
        (segment, part), data = value.value
        block, fingerprint = split_part(part)
        assert fingerprint == fingerprint_of(baseline.layout, [kept])
        if block != COVERAGE:
            rows[segment, block] = decode_profile(data).rows
    assert {segment for segment, _ in rows} == {kept, "(other)"}
    assert rows[kept, "numeric/0"] == 1
    assert rows["(other)", "numeric/0"] == 2


def test_a_feature_that_the_events_lack_is_named():
    with pytest.raises(ValueError, match="x"):
        bundle([events([1], "A").drop_columns(["feature.x"])])
