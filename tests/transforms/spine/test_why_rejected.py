"""Reasons and times of a reference: whatever the order, the same is said."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.config.event_time import EventTime
from driftline.transforms.spine.survey_reference import _plan
from driftline.transforms.spine.time_range import TimeRange
from driftline.transforms.spine.why_rejected import WhyRejected, complaints

REASONS = ("invalid_event_time", "truncated", "wrong_type")


def letters(rows):
    return pa.RecordBatch.from_pydict(
        {
            "reason": [reason for reason, _ in rows],
            "source": ["a.parquet" for _ in rows],
            "position": [f"row {row}" for _, row in rows],
            "detail": [f"{reason} in {row}" if row % 3 else None for reason, row in rows],
        },
        schema=pa.schema([(name, pa.string()) for name in ("reason", "source", "position", "detail")]),
    )


def combined(function, batches, parts, random):
    accumulators = [function.create_accumulator() for _ in range(parts)]
    for batch in batches:
        at = random.randrange(parts)
        accumulators[at] = function.add_input(accumulators[at], batch)
    coder = function.get_accumulator_coder()
    accumulators = [coder.decode(coder.encode(accumulator)) for accumulator in accumulators]
    return function.extract_output(function.merge_accumulators(accumulators))


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(REASONS), st.integers(0, 20)), min_size=1), max_size=5),
    st.integers(1, 4),
    st.randoms(),
)
def test_reasons_do_not_depend_on_the_order(batches, parts, random):
    rows = [row for batch in batches for row in batch]
    found = combined(WhyRejected(), map(letters, batches), parts, random)
    assert {reason: case[0] for reason, case in found.items()} == {
        reason: sum(its == reason for its, _ in rows) for reason in {reason for reason, _ in rows}
    }
    for reason, (_, source, position, _) in found.items():
        assert (source, position) == ("a.parquet", min(f"row {row}" for its, row in rows if its == reason))


@given(
    st.lists(st.lists(st.integers(-(2**60), 2**60), max_size=9), max_size=5), st.integers(1, 4), st.randoms()
)
def test_times_do_not_depend_on_the_order(batches, parts, random):
    times = np.array([time for batch in batches for time in batch], np.int64)
    records = [pa.RecordBatch.from_pydict({"time": pa.array(batch, pa.int64())}) for batch in batches]
    count, odd, first, last = combined(TimeRange(), records, parts, random)
    assert count == len(times)
    assert odd <= count
    if count:
        assert (first, last) == (times.min(), times.max())


def test_the_most_frequent_reason_is_said_first():
    said = complaints({"truncated": (1, "a", "byte 0", "cut"), "wrong_type": (1_200, "b", "row 7", "text")})
    assert said == ["1,200 wrong_type, such as b, row 7: text", "1 truncated, such as a, byte 0: cut"]


def test_no_usable_row_is_said_with_the_reasons():
    rejected = {"truncated": (2, "a.parquet", "byte 0", "no footer.")}
    with pytest.raises(
        Exception, match=r"no usable row: 2 truncated, such as a.parquet, byte 0: no footer\. Or"
    ):
        _plan(b"", (), {}, [], rejected, (0, 0, 0, 0), None)


def test_a_source_without_a_look_at_its_rows_is_doubted_too():
    seconds = 1_700_000_000_000  # read as milliseconds, in microseconds
    time = EventTime(column="at", unit="ms")
    with pytest.raises(Exception, match="these are s, not ms"):
        _plan(b"x", (), {}, [], {}, (9, 9, seconds, seconds + 9_000), time)
