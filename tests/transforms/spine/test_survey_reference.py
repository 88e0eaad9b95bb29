"""The first pass over a reference: one survey of everything, and the largest segments."""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that
from hypothesis import given
from hypothesis import strategies as st

from driftline.measures.survey import Survey
from driftline.profiles.layout import Layout
from driftline.segments import largest
from driftline.transforms.spine.survey_reference import (
    CountSegments,
    SurveyBatches,
    SurveyReference,
    _Largest,
)
from tests.transforms.timelines import SPECS, events, reference_events


def plan_of(batches, check, *, segments=("s",), max_segments=10):
    with beam.Pipeline("FnApiRunner") as pipeline:
        plan = (
            pipeline
            | beam.Create(batches).with_output_types(pa.RecordBatch)
            | SurveyReference(SPECS, segments, max_segments)
        )
        assert_that(plan, lambda found: check(*found))


def test_the_layout_is_that_of_one_survey_of_all_batches():
    whole = reference_events(windows=5, rows=200)
    expected = Survey.of(whole, SPECS).layout(SPECS)

    def check(plan):
        layout = Layout.from_bytes(plan[0])
        assert layout.fingerprint == expected.fingerprint
        assert sorted(plan[1]) == ["s=A", "s=B"]

    plan_of([whole.slice(0, 300), whole.slice(300, 1), whole.slice(301)], check)


def test_the_largest_segments_of_all_batches_are_kept_ties_by_name():
    batches = [events([0] * 4, "CCAB"), events([0] * 4, "BDDC"), events([0], "A")]

    def check(plan):  # C 3; A, B, D 2 each
        assert plan[1] == ["s=C", "s=A"]

    plan_of(batches, check, max_segments=2)


def test_without_segment_columns_none_is_monitored():
    def check(plan):
        assert plan[1] == []

    plan_of([events([0] * 3, "ABC").drop_columns(["segment.s"])], check, segments=())


def test_no_usable_row_is_an_error_that_says_what_to_do():
    with pytest.raises(Exception, match=r"the reference has no usable row.*--input"):
        plan_of([], lambda *_: None)


@given(
    st.dictionaries(st.text(max_size=3), st.integers(1, 5), max_size=40),
    st.integers(1, 6),
    st.integers(1, 8),
    st.randoms(),
)
def test_the_largest_of_any_split_are_the_largest_of_all(counts, most, parts, random):
    combine = _Largest(most)
    accumulators = [combine.create_accumulator() for _ in range(parts)]
    items = list(counts.items())
    random.shuffle(items)
    for item in items:
        at = random.randrange(parts)
        accumulators[at] = combine.add_input(accumulators[at], item)
    coder = combine.get_accumulator_coder()
    sent = [coder.decode(coder.encode(accumulator)) for accumulator in accumulators]
    assert combine.extract_output(combine.merge_accumulators(sent)) == largest(counts, most)


def test_memory_for_counting_segments_is_bounded():
    combine = _Largest(3)
    accumulator = combine.create_accumulator()
    for i in range(20_000):
        accumulator = combine.add_input(accumulator, (f"s={i:05}", i % 97))
        assert len(accumulator) <= 1_020
    assert combine.extract_output(accumulator) == ["s=00096", "s=00193", "s=00290"]


def test_segments_are_counted_once_a_row_nulls_too():
    batch = events([0] * 6, ["A", None, "A", "a=b", "~", None])
    counts = dict(CountSegments(["s"]).process(batch))
    assert counts == {"s=A": 2, "s=~": 2, "s=a%3Db": 1, "s=%7E": 1}
    assert dict(CountSegments([]).process(batch)) == {"*": 6}


@pytest.mark.parametrize("most_rows", [1, 10, 10**9])
def test_batches_are_gathered_within_a_bundle_and_no_row_is_lost(monkeypatch, most_rows):
    monkeypatch.setattr(SurveyBatches, "MOST_ROWS", most_rows)
    whole = reference_events(windows=2, rows=20)
    step = SurveyBatches(SPECS)
    for _ in range(2):  # a bundle knows nothing of the one before
        step.start_bundle()
        made = [data for i in range(0, 40, 4) for data in step.process(whole.slice(i, 4))]
        given = [element.value for element in (*made, *step.finish_bundle())]
        assert sum(Survey.from_bytes(data).rows for data in given) == 40
        assert Survey.merge_all(given).layout(SPECS).fingerprint == (
            Survey.of(whole, SPECS).layout(SPECS).fingerprint
        )
    assert len(given) == {1: 10, 10: 4, 10**9: 1}[most_rows]


def test_an_empty_bundle_gives_nothing():
    step = SurveyBatches(SPECS)
    step.start_bundle()
    assert list(step.process(events([], []))) == []
    assert list(step.finish_bundle()) == []
