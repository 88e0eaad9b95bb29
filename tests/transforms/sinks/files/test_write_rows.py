"""Rows in files: one file a table, whole, in the schema's types, rows or none."""

from __future__ import annotations

from datetime import datetime, timezone

import apache_beam as beam
import fastavro
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.tables import DEAD_LETTER, RESULT
from driftline.transforms.sinks.files.write_rows import WriteRows
from tests.driftline.judging.test_settle import batch, row

Q = dict.fromkeys(("p01", "p05", "p25", "p50", "p75", "p95", "p99"), 0.5)
SAID = {"pane": "late", "pane_index": 1, "coverage": 0.5, "emitted_at": 7}
WHOLE = row(
    bin_counts=[1, 2, 2**40],
    quantiles=Q,
    pane="on_time",
    pane_index=0,
    coverage=0.25,
    emitted_at=1_795_350_000_123_456,
    new_categories=["ü", "", "a\nb"],
    drifted=True,
    segment_values=["A", None],
)
LETTERS = pa.RecordBatch.from_arrays(
    [
        pa.array(values, field.type)
        for values, field in zip(
            [
                ["1", "2"],
                ["m", "m"],
                ["wrong_type", "truncated"],
                ["d", ""],
                ["s", "s"],
                ["row 1", "row 2"],
                [b'{"a": 1}', b"\xff\x00" * 1_000_000],
                [0, 1],
            ],
            DEAD_LETTER.arrow,
            strict=True,
        )
    ],
    schema=DEAD_LETTER.arrow,
)


def written(tmp_path, batches, schema, name, file_format):
    with beam.Pipeline("FnApiRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(batches).with_output_types(pa.RecordBatch)
            | WriteRows(str(tmp_path), name, schema, file_format)
        )
    [path] = tmp_path.iterdir()
    assert path.name == f"{name}.{file_format}"
    return path


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".avro":
        with path.open("rb") as file:
            return list(fastavro.reader(file))
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


FORMATS = pytest.mark.parametrize("file_format", ["parquet", "avro", "jsonl"])


@FORMATS
def test_no_rows_are_a_file_too(tmp_path, file_format):
    assert read(written(tmp_path, [], RESULT, "results", file_format)) == []


@FORMATS
def test_every_value_comes_back(tmp_path, file_format):
    late = row("s=A", **SAID)
    path = written(tmp_path, [batch(WHOLE), batch(late), batch()], RESULT, "results", file_format)
    rows = {row["segment"]: row for row in read(path)}
    assert set(rows) == {"*", "s=A"}
    whole = rows["*"]
    assert list(whole) == RESULT.arrow.names
    for name, value in WHOLE.items():
        if name not in {"window_start", "window_end", "emitted_at"}:
            assert whole[name] == value, name
    emitted = datetime(2026, 11, 22, 12, 20, 0, 123456, tzinfo=timezone.utc)
    assert whole["emitted_at"] == (emitted.isoformat() if file_format == "jsonl" else emitted)
    assert rows["s=A"]["ks"] is None
    assert rows["s=A"]["quantiles"] is None


@FORMATS
def test_bytes_of_dead_letters_come_back_or_are_shown(tmp_path, file_format):
    rows = read(written(tmp_path, [LETTERS], DEAD_LETTER, "dead_letters", file_format))
    payloads = [row["payload"] for row in rows]
    if file_format == "jsonl":
        assert payloads[0] == '{"a": 1}'
        assert payloads[1][:8] == "\\xff\x00\\xf"
    else:
        assert payloads == [b'{"a": 1}', b"\xff\x00" * 1_000_000]


def test_the_parquet_file_has_the_schema_and_is_compressed(tmp_path):
    path = written(tmp_path, [batch(WHOLE)], RESULT, "results", "parquet")
    assert pq.read_schema(path).equals(RESULT.arrow)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_what_is_there_is_replaced(tmp_path):
    for n in (1, 2):
        path = written(
            tmp_path, [batch(*[row(f"s={i}", **SAID) for i in range(n)])], RESULT, "results", "parquet"
        )
        assert len(read(path)) == n
