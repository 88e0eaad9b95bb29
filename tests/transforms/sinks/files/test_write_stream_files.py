"""Folders that grow while they are read: whole files only, and each row once for who keeps what stands."""

from __future__ import annotations

import apache_beam as beam
import duckdb
import fastavro
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.tables import DEAD_LETTER, RESULT, standing_rows
from driftline.tables.results import TABLE
from driftline.transforms.counters import TALLY
from driftline.transforms.sinks.files import write_stream_files
from driftline.transforms.sinks.files.read_rows import read_rows
from driftline.transforms.sinks.files.write_stream_files import (
    WriteFiles,
    WriteStreamFiles,
    content_name,
    folder_of,
    make_folder,
    told_apart_by,
)
from driftline.transforms.sinks.written import closed_windows
from tests.engines.sink_rows import letters, results

VERSIONS = told_apart_by(TABLE)
FORMATS = pytest.mark.parametrize("file_format", ["parquet", "avro", "jsonl"])


def table(*batches):
    return pa.Table.from_batches(batches)


def ordered(rows):
    return rows.sort_by("row_id").combine_chunks()


def set_up(folder, schema=RESULT, file_format="parquet"):
    write = WriteFiles(str(folder), schema, VERSIONS, file_format)
    write.setup()
    return write


def bundle(write, *batches):
    write.start_bundle()
    for batch in batches:
        write.process(batch)
    write.finish_bundle()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def count_of(path):
    if path.suffix == ".parquet":
        return pq.read_metadata(path).num_rows
    if path.suffix == ".avro":
        with path.open("rb") as file:
            return len(list(fastavro.reader(file)))
    return len([orjson.loads(line) for line in path.read_bytes().splitlines()])


@FORMATS
def test_a_pipeline_leaves_a_folder_of_whole_files(tmp_path, file_format):
    batches = [results(window) for window in range(3)]
    folder = folder_of(str(tmp_path), "results", file_format)
    make_folder(folder, RESULT, file_format)
    with beam.Pipeline("FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(batches).with_output_types(pa.RecordBatch)
            | WriteStreamFiles(str(tmp_path), TABLE, file_format)
        )
    assert names(tmp_path) == [f"results.{file_format}"]
    files = sorted((tmp_path / f"results.{file_format}").iterdir())
    assert [count_of(path) for path in files] == [0, 20, 20, 20]
    times = [path.name.split("-")[0] for path in files]
    assert times == ["00010101T000000Z", "20261122T120100Z", "20261122T120200Z", "20261122T120300Z"]
    assert {path.suffix for path in files} == {f".{file_format}"}


def test_every_reader_opens_the_folder_by_name(tmp_path):
    folder = tmp_path / "results.parquet"
    batches = [results(window) for window in range(3)]
    make_folder(str(folder), RESULT, "parquet")
    empty = [
        read_rows(str(folder), RESULT).num_rows,
        pq.read_table(folder).num_rows,
        len(pd.read_parquet(folder)),
        duckdb.sql(f"SELECT count(*) FROM '{folder}'").fetchall()[0][0],
    ]
    assert empty == [0, 0, 0, 0]
    bundle(set_up(folder), *batches)
    (folder / ".20261122T120000Z-0.parquet.0.unfinished").write_bytes(b"PAR1 half of a file")
    expected = ordered(table(*batches))
    assert ordered(pq.read_table(folder)).equals(expected)
    assert read_rows(str(folder), RESULT).equals(table(*batches).combine_chunks())
    assert len(pd.read_parquet(folder)) == 60
    found = duckdb.sql(f"SELECT row_id FROM '{folder}' ORDER BY row_id").fetchall()
    assert [row for (row,) in found] == expected["row_id"].to_pylist()


def test_a_replay_writes_the_same_files_again(tmp_path):
    panes = [results(0), results(0, n=120, pane_index=1, features=["f1"]), results(1)]
    bundle(set_up(tmp_path), *panes)
    before = names(tmp_path)
    assert len(before) == 3
    bundle(set_up(tmp_path), panes[2], results(0, emitted_at=5))  # computed again: only emitted_at differs
    bundle(set_up(tmp_path), panes[1].take(pa.array([0])))
    assert names(tmp_path) == before
    stand = standing_rows(read_rows(str(tmp_path), RESULT))
    assert stand.num_rows == 40
    assert sorted(stand["n"].to_pylist()) == [100] * 39 + [120]


def test_what_is_written_is_counted(tmp_path):
    TALLY.clear()
    bundle(set_up(tmp_path), results(0), results(1, n=3, pane_index=1))
    bundle(set_up(tmp_path, DEAD_LETTER), letters(b"a", b"b"))
    found = TALLY.snapshot()
    assert (found["written"], found["sink_delay_ms_count"]) == (42, 1)
    assert closed_windows(results(0)) == [1_795_348_860_000]
    assert closed_windows(results(0, pane_index=1)) == closed_windows(letters(b"a")) == []


@pytest.mark.parametrize("change", [{"n": 101}, {"pane_index": 1}, {"features": ["f1"]}])
def test_another_pane_is_another_file(change):
    assert content_name(results(0), VERSIONS) != content_name(results(0, **change), VERSIONS)


def test_the_name_of_a_file_never_changes():
    """A job that is updated must write over what its predecessor wrote."""
    batch = results(0)
    assert content_name(batch, VERSIONS) == "20261122T120100Z-424b984df0f5a9c3"
    assert content_name(batch.take(pa.array(range(19, -1, -1))), VERSIONS) == content_name(batch, VERSIONS)


def test_dead_letters_share_a_file_until_it_is_large_or_old(tmp_path, monkeypatch):
    clock = [1_000.0]
    monkeypatch.setattr(write_stream_files.time, "time", lambda: clock[0])
    write = set_up(tmp_path, DEAD_LETTER)

    def files_after(*batches):
        bundle(write, *batches)
        return [count_of(tmp_path / name) for name in names(tmp_path)]

    assert files_after() == []
    assert files_after(letters(b"a")) == [1]
    assert files_after(letters(b"b", first=1), letters(b"c", first=2)) == [3]
    clock[0] += 61
    assert files_after(letters(b"d", first=3)) == [3, 1]
    clock[0] += 1
    assert files_after(letters(bytes(300_000), first=4)) == [3, 2]
    clock[0] += 1
    assert files_after(letters(b"e", first=5)) == [3, 2, 1]
    rows = read_rows(str(tmp_path), DEAD_LETTER)
    assert rows["position"].to_pylist() == ["0", "1", "2", "3", "4", "5"]


def test_many_dead_letters_of_one_bundle_are_written_on_the_way(tmp_path):
    write = set_up(tmp_path, DEAD_LETTER)
    write.start_bundle()
    for first in range(5):
        write.process(letters(bytes(10_000_000), first=first))
    assert read_rows(str(tmp_path), DEAD_LETTER).num_rows == 4
    write.finish_bundle()
    assert read_rows(str(tmp_path), DEAD_LETTER).num_rows == 5


def test_workers_never_write_over_each_others_dead_letters(tmp_path):
    for _ in range(2):
        bundle(set_up(tmp_path, DEAD_LETTER), letters(b"a", b"b"))
    rows = read_rows(str(tmp_path), DEAD_LETTER)
    assert rows.num_rows == 4
    assert standing_rows(rows).equals(table(letters(b"a", b"b")))


@pytest.mark.parametrize("schema", [RESULT, DEAD_LETTER], ids=["results", "dead_letters"])
def test_a_file_that_cannot_be_written_fails_the_bundle_and_leaves_nothing(tmp_path, monkeypatch, schema):
    batch = results(0) if schema is RESULT else letters(b"a")
    write = set_up(tmp_path, schema)
    with monkeypatch.context() as patch:
        patch.setattr(write_stream_files, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            bundle(write, batch)
    assert names(tmp_path) == []
    bundle(write, batch)
    assert standing_rows(read_rows(str(tmp_path), schema)).equals(table(batch))


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    pq.write_table(table(results(0)), tmp_path / "results.parquet")
    with pytest.raises(NotADirectoryError, match=r"results.parquet is a file, and .* move the file away"):
        make_folder(str(tmp_path / "results.parquet"), RESULT, "parquet")
    assert read_rows(str(tmp_path / "results.parquet"), RESULT).num_rows == 20


def test_files_of_an_older_release_lack_columns(tmp_path):
    new = table(results(0))
    pq.write_table(new.drop_columns(["calibration"]), tmp_path / "1.parquet")
    pq.write_table(table(results(1)), tmp_path / "2.parquet")
    rows = read_rows(str(tmp_path), RESULT)
    assert rows.schema.equals(RESULT.arrow)
    assert rows.num_rows == 40


def test_what_is_not_such_rows_is_named(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=r"1.parquet has no column row_id, so its rows are no Result"):
        read_rows(str(tmp_path), RESULT)
    (tmp_path / "1.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"1.parquet is no whole Parquet file"):
        read_rows(str(tmp_path), RESULT)
