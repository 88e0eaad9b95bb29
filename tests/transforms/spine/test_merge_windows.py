"""Profiles merged by level: the same counts as looking at each window by itself."""

from __future__ import annotations

import itertools

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that
from hypothesis import given
from hypothesis import strategies as st

from driftline.measures.measure_registry import decode_profile, merge_encoded
from driftline.measures.slicing import profile_events
from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.layout import Layout
from driftline.segments import ALL
from driftline.transforms.spine.merge_encoded import MergeEncoded
from driftline.transforms.spine.merge_windows import MergeWindows, _in_its_windows, with_all_traffic
from driftline.transforms.spine.parts import split_part
from driftline.transforms.spine.profile_slices import ProfileSlices
from driftline.windows.slices import SliceLength
from tests.transforms.spine.test_late_data import of, run
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

LAYOUT = Layout.of(
    [
        NumericFeature("x", np.array([-1.0, 0.0, 1.0])),
        CategoricalFeature("c", ("a", "b"), np.zeros(0, np.uint64)),
    ]
)
PLAN = (LAYOUT.to_bytes(), ["s=A", "s=B"])


def some_events(seed, n, minutes=200):
    rng = np.random.default_rng(seed)
    return events(
        rng.uniform(-60, minutes - 60, n),
        rng.choice(["A", "B", "Z"], n),
        rng.normal(size=n),
        rng.choice(["a", "b", "new"], n),
    )


def encoded(seed, n=10):
    return next(part.profile for part in profile_events(some_events(seed, n), LAYOUT, None, 10**12))


# --- the CombineFn


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=60),
    st.lists(st.integers(1, 60), max_size=5),
    st.randoms(),
)
def test_however_inputs_are_split_the_merge_is_the_same(seeds, cuts, random):
    values = [bytes([seed]) for seed in seeds]

    def merge(parts):
        return b"".join(sorted(bytes([byte]) for part in parts for byte in part))

    combine = MergeEncoded(merge)
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    accumulators = []
    for low, high in itertools.pairwise(bounds):
        accumulator = combine.create_accumulator()
        for value in values[low:high]:
            accumulator = combine.add_input(accumulator, value)
        accumulators.append(combine.compact(accumulator) if random.random() < 0.5 else accumulator)
    random.shuffle(accumulators)
    result = combine.extract_output(combine.merge_accumulators(accumulators))
    assert result == merge(values)


def test_an_accumulator_stays_small_and_is_coded_without_pickle():
    combine = MergeEncoded(lambda parts: parts[0])
    accumulator = combine.create_accumulator()
    for i in range(1_000):
        accumulator = combine.add_input(accumulator, bytes([i % 7]))
        assert len(accumulator) < 20
    coder = combine.get_accumulator_coder()
    assert coder.decode(coder.encode([b"", b"\x00x"])) == [b"", b"\x00x"]
    assert b"pickle" not in coder.encode(accumulator)


def test_nothing_merges_to_nothing():
    combine = MergeEncoded(merge_encoded)
    assert combine.extract_output(combine.create_accumulator()) == b""
    assert combine.merge_accumulators([[], []]) == []


def test_a_merge_of_profiles_changes_none_of_them():
    values = [encoded(i) for i in range(40)]
    before = list(values)
    combine = MergeEncoded(merge_encoded)
    accumulator = combine.create_accumulator()
    for value in values:
        accumulator = combine.add_input(accumulator, value)
    assert values == before
    assert decode_profile(combine.extract_output(accumulator)).rows == sum(
        decode_profile(v).rows for v in values
    )


# --- all traffic


def test_a_segment_counts_for_itself_and_for_all_traffic():
    assert list(with_all_traffic((("s=A", "numeric/0"), b"p"))) == [
        (("s=A", "numeric/0"), b"p"),
        ((ALL, "numeric/0"), b"p"),
    ]
    assert list(with_all_traffic(((ALL, "coverage"), b"p"))) == [((ALL, "coverage"), b"p")]


# --- the levels


def merged(batches, check, *, size=30, every=15, slice_=15, bundles=True):
    """Run the levels over batches and check ((segment, block, window start), profile) pairs."""
    length = SliceLength(int(slice_ * MINUTE), int(every * MINUTE // 4))
    with beam.Pipeline("FnApiRunner") as pipeline:
        plan = beam.pvalue.AsSingleton(pipeline | "Plan" >> beam.Create([PLAN]))
        profiles = (
            pipeline
            | beam.Create(batches).with_output_types(pa.RecordBatch)
            | beam.ParDo(ProfileSlices(length), plan).with_output_types(tuple[tuple[str, str], bytes])
            | MergeWindows(int(size * MINUTE), int(every * MINUTE), int(slice_ * MINUTE), 0)
            | beam.Map(lambda kv: (*kv[0][:3], kv[1]))
        )
        assert_that(profiles, lambda found: check(*found))


@pytest.mark.parametrize(
    ("size", "every", "slice_"), [(30, 15, 15), (30, 15, 1), (30, 30, 10), (60, 15, 5), (1, 0.5, 0.25)]
)
def test_every_window_holds_the_rows_of_its_time(size, every, slice_):
    batches = [some_events(seed, 150, minutes=200 if size > 1 else 3) for seed in range(3)]
    rows = [row for batch in batches for row in batch.to_pylist()]

    def check(*found):
        keys = [key for *key, _ in found]
        assert len({tuple(key) for key in keys}) == len(keys), "a window came twice"
        seen = 0
        for segment, part, start, data in found:
            block, _ = split_part(part)
            if block == "coverage":
                continue
            profile = decode_profile(data)
            inside = [
                row
                for row in rows
                if start <= row["time"] < start + size * MINUTE
                and segment in {ALL, {"A": "s=A", "B": "s=B"}.get(row["segment.s"], "(other)")}
            ]
            assert start % (every * MINUTE) == 0
            assert profile.rows == len(inside)
            if block == "numeric/0":
                seen += len(inside) if segment == ALL else 0
                bins = np.searchsorted([-1, 0, 1], [row["feature.x"] for row in inside], side="right")
                assert profile.counts[0].tolist() == np.bincount(bins, minlength=4).tolist()
            else:
                c = [row["feature.c"] for row in inside]
                assert profile.counts[0].tolist() == [c.count(v) for v in ("a", "b", "new")]
        assert seen == len(rows) * size / every

    merged(batches, check, size=size, every=every, slice_=slice_)


def test_windows_without_rows_do_not_come():
    def check(*found):
        assert {start // MINUTE for *_, start, _ in found} == {-15, 0, 975, 990}

    merged([events([1, 1000], "AA")], check)


# --- late rows, by the timelines of test_late_data


@pytest.fixture(scope="module")
def baseline_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "b.avro"
    path.write_bytes(encoded_baseline(reference_events(windows=6, rows=60)))
    return str(path)


@pytest.mark.parametrize("parts", [15, 1], ids=["slices of a minute", "slices of a period"])
def test_a_late_row_in_a_slice_that_is_out_already_counts_once(baseline_path, parts, monkeypatch):
    monkeypatch.setattr(
        "driftline.pipelines.monitor.slice_length", lambda every, **_: SliceLength(every // parts, every // 4)
    )
    early, late, later = events([20] * 60, "A" * 60), events([20] * 5, "AAABB"), events([20], "A")
    rows = run([early, 31, late, 32, later, 60], baseline_path)
    for start in (0, 15):
        counts = [row["n"] for row in of(rows, start=start)]
        assert counts[-1] == 66
        assert counts == sorted(counts)
        assert sum(of(rows, start=start)[-1]["bin_counts"]) == 66


@given(st.integers(1, 8), st.integers(1, 50), st.integers(-100, 100))
def test_a_period_belongs_to_every_window_that_holds_it(periods, every, number):
    size, start = periods * every, number * every
    found = [key for key, _ in _in_its_windows((("*", "p", start, start + every), b"x"), size)]
    assert sorted(found) == [
        ("*", "p", first, first + size)
        for first in range(start - 20 * size, start + 20 * size)
        if first % every == 0 and first <= start and start + every <= first + size
    ]
