"""What is remembered of a window, as bytes that a later release must read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from driftline.judging.window_rows import WindowRows
from driftline.profiles.coverage import Coverage
from driftline.tables import RESULT
from tests.driftline.judging.test_settle import batch, row

DATA = Path(__file__).parent / "data"


def coverage(*units):
    return Coverage.of(np.array(units) * 10, 10)


def units(coverage):
    return [u for u in range(100) if coverage.count(u * 10, u * 10 + 10)]


def test_everything_comes_back():
    for rows in (
        WindowRows(),
        WindowRows((batch(row(), row("s=A")), batch(row("s=B"))), coverage(1, 2, 9)),
        WindowRows((), coverage(3)),
        WindowRows((batch(row()),)),
    ):
        again = WindowRows.from_bytes(rows.to_bytes())
        assert [b.to_pylist() for b in again.batches] == [b.to_pylist() for b in rows.batches]
        assert (again.coverage is None) == (rows.coverage is None)
        if rows.coverage is not None:
            assert units(again.coverage) == units(rows.coverage)


def test_parts_join():
    joined = WindowRows.merge(
        [
            WindowRows((batch(row()),), coverage(1)),
            WindowRows((), coverage(2)),
            WindowRows((batch(row("s=A")),), None),
        ]
    )
    assert [b["segment"].to_pylist() for b in joined.batches] == [["*"], ["s=A"]]
    assert units(joined.coverage) == [1, 2]
    assert WindowRows.merge([WindowRows()]).coverage is None


def test_a_part_holds_no_more_than_it_may_and_nothing_is_lost():
    rows = WindowRows((batch(*(row(f"s={i}") for i in range(7))), batch(row("s=7"))), coverage(1, 5))
    parts = [WindowRows.from_bytes(part.to_bytes()) for part in rows.split(3)]
    assert [part.batches[0]["segment"].to_pylist() for part in parts] == [
        ["s=0", "s=1", "s=2"],
        ["s=3", "s=4", "s=5"],
        ["s=6"],
        ["s=7"],
    ]
    assert [part.coverage is not None for part in parts] == [True, False, False, False]
    joined = WindowRows.merge(parts)
    assert units(joined.coverage) == [1, 5]
    assert pa.Table.from_batches(joined.batches).equals(pa.Table.from_batches(rows.batches))


def test_a_part_of_a_large_batch_is_written_without_the_rest():
    whole = batch(*(row(f"s={i}", bin_counts=list(range(i, i + 64))) for i in range(1000)))
    [one, *_] = WindowRows((whole,)).split(10)
    assert len(one.to_bytes()) < len(WindowRows((whole,)).to_bytes()) / 5


def test_a_newer_version_is_refused():
    data = WindowRows().to_bytes()
    with pytest.raises(ValueError, match="version 2: this release reads versions up to 1; upgrade driftline"):
        WindowRows.from_bytes(data[:3] + b"\x02" + data[4:])
    with pytest.raises(ValueError, match="cut short"):
        WindowRows.from_bytes(WindowRows((), coverage(3)).to_bytes()[:-1])


def test_rows_of_an_earlier_release_get_the_columns_that_came_later():
    old = batch(row(), row("s=A", psi=0.5))
    kept = [name for name in old.schema.names if name not in {"bin_counts", "new_categories", "calibration"}]
    sink = pa.BufferOutputStream()
    sink.write(WindowRows().to_bytes())
    with pa.ipc.new_stream(sink, old.select(kept).schema) as writer:
        writer.write_batch(old.select(kept))
    [again] = WindowRows.from_bytes(sink.getvalue().to_pybytes()).batches
    assert again.schema.equals(RESULT.arrow)
    assert again["calibration"].null_count == 2
    assert again.select(kept).to_pylist() == old.select(kept).to_pylist()


def test_rows_of_a_later_release_lose_the_columns_it_added():
    new = batch(row())
    more = new.append_column("from_the_future", pa.array([1]))
    sink = pa.BufferOutputStream()
    sink.write(WindowRows().to_bytes())
    with pa.ipc.new_stream(sink, more.schema) as writer:
        writer.write_batch(more)
    [again] = WindowRows.from_bytes(sink.getvalue().to_pybytes()).batches
    assert again.to_pylist() == new.to_pylist()


def test_version_1_is_readable():
    rows = WindowRows.from_bytes((DATA / "window_rows_v1.bin").read_bytes())
    assert units(rows.coverage) == [1, 2, 9]
    table = pa.Table.from_batches(rows.batches)
    assert table["segment"].to_pylist() == ["*", "s=A", "s=B"]
    assert table["n"].to_pylist() == [100, 7, 100]
    assert table["p_value"].to_pylist() == [1e-06, None, 1e-06]
    assert table["bin_counts"].to_pylist() == [[1, 2, 3], None, None]
    assert table["quantiles"][0].as_py()["p50"] == 0.5
    assert table["window_end"].cast(pa.int64()).to_pylist() == [1_800_000_000] * 3
    assert table["row_id"].to_pylist()[0] == "928aae0c2ddf5403661d79038b4c37d5"
