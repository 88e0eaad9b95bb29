"""Files that are damaged where nobody looks, or name a column twice: what is lost is counted."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.decoding.event_schema import EventSchema, column_problems
from driftline.decoding.events import events_of
from driftline.decoding.rejects import Reason
from driftline.feature_spec import FeatureSpec
from driftline.transforms.sources.files.file_formats import UnreadableFileError, columns_of, read_file
from driftline.transforms.sources.files.read_files import source_columns

SCHEMA = EventSchema("at", "s", (), (FeatureSpec("x", "numeric", "x"),))
ROWS = 5_003


def written(**options):
    file = io.BytesIO()
    table = pa.table({"at": np.arange(ROWS), "x": np.arange(ROWS) / 7})
    pq.write_table(table, file, compression="none", use_dictionary=False, **options)
    return bytearray(file.getvalue())


def read(data, kind="parquet", schema=SCHEMA, name="a"):
    results = [
        events_of(b.decoded, b.payloads, schema) for b in read_file(io.BytesIO(data), name, kind, schema)
    ]
    events = sum(result.events.num_rows for result in results)
    return (
        events,
        [reject for result in results for reject in result.rejects],
        sum(r.decoded for r in results),
    )


def test_a_flipped_bit_in_a_parquet_page_is_seen_by_its_checksum():
    data = written(write_page_checksum=True)
    at = data.index(np.float64(3_000 / 7).tobytes())
    data[at] ^= 1
    events, (reject,), decoded = read(data)
    assert (reject.reason, events + reject.rows, decoded) == (Reason.TRUNCATED, ROWS, ROWS)
    assert "CRC" in reject.detail


def test_rows_that_parquet_column_chunks_lack_are_lost_and_counted():
    data = written()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    count, more = bytes([0x96, 0x4E]), bytes([0x9A, 0x4E])  # 5,003 and 5,005 as Thrift writes them
    tail = bytes(data[footer:])
    assert tail.count(count) >= 4
    events, (reject,), decoded = read(bytes(data[:footer]) + tail.replace(count, more))
    assert (events, reject.rows, decoded) == (ROWS, 2, ROWS + 2)
    assert reject.reason is Reason.TRUNCATED
    assert f"rows {ROWS} to {ROWS + 1}" in reject.detail


def twice(names):
    return pa.Table.from_arrays([pa.array([1, 2]), pa.array([5.0, 6.0]), pa.array([3, 4])], names)


def file_of(table, kind):
    file = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, file)
    else:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("column", ["at", "x"])
def test_a_column_that_is_read_and_there_twice_is_refused_by_name(kind, column):
    data = file_of(twice(["at", "x", column]), kind)
    problems = column_problems(columns_of(io.BytesIO(data), "a", kind), SCHEMA)
    assert [key for key, said in problems if f"{column!r} is there 2 times" in said] == [
        "event_time" if column == "at" else "features.x"
    ]
    events, (reject,), _ = read(data, kind)
    assert (events, reject.reason) == (0, Reason.DUPLICATE_COLUMN)
    assert repr(column) in reject.detail
    assert reject.rows == (2 if kind == "parquet" else 1)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_column_that_is_not_read_may_be_there_twice(kind):
    table = twice(["at", "x", "y"]).append_column("y", pa.array([0, 0]))
    data = file_of(table, kind)
    assert column_problems(columns_of(io.BytesIO(data), "a", kind), SCHEMA) == []
    assert read(data, kind)[:2] == (2, [])


def test_every_line_before_the_cut_of_a_compressed_file_is_an_event():
    lines = b"".join(b'{"at": %d, "x": %d}\n' % (at, at % 97) for at in range(20_000))
    packed = gzip.compress(lines)
    whole = gzip.zlib.decompressobj(31).decompress(packed[: len(packed) * 95 // 100])
    events, (reject,), decoded = read(packed[: len(packed) * 95 // 100], "jsonl", name="a.jsonl.gz")
    assert events == whole.count(b"\n")
    assert (reject.reason, decoded) == (Reason.TRUNCATED, events + 1)
    assert f"line {events + 1}" in reject.detail
    assert lines.startswith(whole[: -len(reject.payload)] + reject.payload)
    assert read(packed + bytes(512), "jsonl", name="a.jsonl.gz")[:2] == (20_000, [])


def test_an_arrow_file_is_read_by_its_footer():
    batches = [
        pa.record_batch({"at": pa.array([n, n + 1]), "x": pa.array(["a", "b"], pa.string_view())})
        for n in range(3)
    ]
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    data = bytearray(sink.getvalue())
    schema = EventSchema("at", "s", (), (FeatureSpec("x", "categorical", "x"),))
    data[8:16] = bytes(8)  # no schema in front: only the footer has it, as in what polars writes
    assert read(bytes(data), "arrow", schema)[:2] == (6, [])
    cut = sink.getvalue()[:-20]
    events, (reject,), _ = read(cut, "arrow", schema)
    assert (events, reject.reason) == (6, Reason.TRUNCATED)
    assert "footer" in reject.detail


@pytest.mark.parametrize("kind", ["parquet", "avro", "arrow"])
def test_files_that_cannot_be_read_are_said_to_be_so(kind, tmp_path):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(bytes(4_000))
    with pytest.raises(UnreadableFileError, match=f"a.{kind} cannot be read as {kind}"):
        source_columns(str(path))
    path.write_bytes(b"")
    assert source_columns(str(path)) is None
