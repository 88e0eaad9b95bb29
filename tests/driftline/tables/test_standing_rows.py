"""Which of the rows with one `row_id` stands, against the same rule in plain Python."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from driftline.tables import RESULT, standing_rows

SCHEMA = pa.schema([RESULT.arrow.field(name) for name in ("row_id", "n", "emitted_at", "pane_index")])

row = st.fixed_dictionaries(
    {
        "row_id": st.sampled_from(["a", "b", "c", "longer"]),
        "n": st.integers(0, 3),
        "emitted_at": st.integers(0, 3),
        "pane_index": st.integers(0, 2),
    },
)


def table(rows):
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
    return pa.table(
        {name: pa.array(values).cast(SCHEMA.field(name).type) for name, values in columns.items()}
    )


def by_hand(rows):
    best = {}
    for place, row in enumerate(rows):
        rank = (row["n"], row["emitted_at"], row["pane_index"], -place)
        if row["row_id"] not in best or rank > best[row["row_id"]][0]:
            best[row["row_id"]] = (rank, place)
    return sorted(place for _, place in best.values())


@given(st.lists(row, max_size=30), st.integers(1, 5))
def test_the_largest_n_then_the_newest_stands(rows, chunk):
    whole = table(rows)
    chunks = [whole.slice(start, chunk) for start in range(0, len(rows), chunk)]
    chunked = pa.concat_tables(chunks) if chunks else whole
    expected = whole.take(by_hand(rows)) if rows else whole
    assert standing_rows(whole).equals(expected)
    assert standing_rows(chunked).equals(expected)


def test_a_replay_changes_nothing():
    rows = [{"row_id": "a", "n": n, "emitted_at": at, "pane_index": 0} for n, at in [(5, 1), (7, 2), (7, 9)]]
    once = standing_rows(table(rows))
    assert once.to_pylist()[0]["emitted_at"].microsecond == 9
    assert standing_rows(pa.concat_tables([once, table(rows), once])).equals(once)


def test_all_columns_of_a_result_come_along():
    full = RESULT.arrow.empty_table()
    assert standing_rows(full).schema.equals(RESULT.arrow)
    record = dict.fromkeys(RESULT.names) | {
        "row_id": "a",
        "n": 3,
        "pane_index": 0,
        "emitted_at": 0,
        "quantiles": {"p01": 1.0},
        "bin_counts": [1, 2],
    }
    two = pa.Table.from_pylist([record, record | {"n": 4, "bin_counts": [2, 2]}], schema=RESULT.arrow)
    assert standing_rows(two)["bin_counts"].to_pylist() == [[2, 2]]


def test_text_of_other_readers_is_accepted():
    rows = table([{"row_id": "a", "n": n, "emitted_at": 0, "pane_index": 0} for n in (1, 2)])
    for text in (pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        other = rows.set_column(0, "row_id", rows["row_id"].cast(text))
        assert standing_rows(other)["n"].to_pylist() == [2]
