import itertools
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.segments import ALL, OTHER, label_of, labels, largest, values_of

VALUE = st.none() | st.text(st.characters(codec="utf-8") | st.sampled_from(",=%*~(): "), max_size=8)


def events_of(columns: dict[str, list], chunks: int = 1) -> pa.Table:
    table = pa.table({f"segment.{name}": pa.array(values, pa.string()) for name, values in columns.items()})
    if chunks > 1 and table.num_rows:
        cuts = np.linspace(0, table.num_rows, chunks + 1).astype(int)
        table = pa.concat_tables([table.slice(a, b - a) for a, b in itertools.pairwise(cuts)])
    return table


@given(st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=30), st.integers(1, 4))
def test_labels_of_a_column_are_those_of_its_rows_and_read_back(rows, chunks):
    names = ["a", "b=", "c"]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    written = labels(events_of(columns, chunks), names).to_pylist()
    assert written == [label_of(dict(zip(names, row, strict=True))) for row in rows]
    assert [values_of(label) for label in written] == [list(row) for row in rows]


@given(VALUE, VALUE)
def test_a_value_never_looks_like_another_or_like_a_reserved_label(one, two):
    assert (label_of({"a": one}) == label_of({"a": two})) == (one == two)
    assert label_of({"a": one}) not in {ALL, OTHER}


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ({}, "*"),
        ({"origin": "JFK"}, "origin=JFK"),
        ({"origin": None}, "origin=~"),
        ({"origin": ""}, "origin="),
        ({"origin": "~"}, "origin=%7E"),
        ({"origin": "*"}, "origin=%2A"),
        ({"origin": "(other)"}, "origin=(other)"),
        ({"origin": "a,b=c%2C", "country": "日本"}, "origin=a%2Cb%3Dc%252C,country=日本"),
    ],
)
def test_labels_are_written_as_users_rely_on(values, label):
    assert label_of(values) == label
    assert values_of(label) == list(values.values())
    if values:
        assert labels(events_of({k: [v] for k, v in values.items()}), list(values)).to_pylist() == [label]


def test_reserved_labels_have_no_values():
    assert values_of(ALL) == []
    assert values_of(OTHER) == []


def test_a_text_that_is_no_label_is_refused():
    with pytest.raises(ValueError, match="'JFK' is not column=value"):
        values_of("origin=JFK,JFK")


def test_without_segment_columns_every_row_is_all_traffic():
    assert labels(pa.table({"time": [1, 2]}), []).to_pylist() == ["*", "*"]


@pytest.mark.parametrize(
    "events", [events_of({"a": [], "b": []}), events_of({"a": ["x"], "b": ["y"]}).slice(1)]
)
def test_no_rows_give_no_labels(events):
    assert len(labels(events, ["a", "b"])) == 0
    assert len(labels(events.combine_chunks(), ["a"])) == 0


def test_record_batches_and_slices_of_them():
    batch = events_of({"a": ["x", "y", None], "b": ["1", "2", "3"]}).to_batches()[0]
    assert labels(batch.slice(1), ["a", "b"]).to_pylist() == ["a=y,b=2", "a=~,b=3"]


def test_a_million_distinct_segments_take_seconds():
    events = pa.table(
        {
            "segment.user": pa.array(np.arange(1_000_000).astype(str)),
            "segment.country": pa.array(["a", "b"] * 500_000),
        }
    )
    started = time.perf_counter()
    assert len(labels(events, ["user", "country"]).dictionary) == 1_000_000
    assert time.perf_counter() - started < 20


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=8), st.integers(0, 9))
def test_largest_segments_are_by_rows_then_by_name(counts, k):
    chosen = largest(counts, k)
    assert len(chosen) == min(k, len(counts))
    rest = [(-counts[label], label) for label in counts if label not in chosen]
    ordered = [(-counts[label], label) for label in chosen]
    assert ordered == sorted(ordered)
    assert all(left < right for left in ordered for right in rest)


def test_many_values_in_many_columns_keep_their_combinations():
    n = 50_000
    texts = pa.array([str(i) for i in range(n)])
    events = pa.table({"time": np.arange(n), "segment.a": texts, "segment.b": texts, "segment.c": texts})
    found = labels(events, ["a", "b", "c"])
    assert len(found.dictionary) == n
    assert found[n - 1].as_py() == f"a={n - 1},b={n - 1},c={n - 1}"
