"""Files of every format, whole and damaged, to events and dead letters on a local runner."""

import gzip
import json
from typing import ClassVar

import apache_beam as beam
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from driftline.decoding.event_schema import check_columns
from driftline.tables import DEAD_LETTER
from driftline.transforms.counters import TALLY, counts_of
from driftline.transforms.sources.files.read_files import ReadEvents, match_files, source_columns
from tests.driftline.decoding.writers import SCHEMA, arrow_bytes, container_bytes, expected, json_bytes, row

ROWS = [row(at=i, x=i / 2, kind=f"k{i % 3}") for i in range(200)]
TABLE = pa.Table.from_pylist(ROWS)
LINES = b"\n".join(map(json_bytes, ROWS)) + b"\n"


def write_parquet(path, table=TABLE):
    pq.write_table(table, path, row_group_size=50)


WRITERS = {
    "avro": lambda path: path.write_bytes(container_bytes(ROWS, codec="deflate", sync_interval=300)),
    "parquet": write_parquet,
    "jsonl": lambda path: path.write_bytes(LINES),
    "jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES[:300]) + gzip.compress(LINES[300:])),
    "jsonl.zst": lambda path: path.write_bytes(pa.Codec("zstd").compress(LINES, asbytes=True)),
    "arrow": lambda path: path.write_bytes(arrow_bytes(TABLE, file=True)),
    "arrows": lambda path: path.write_bytes(arrow_bytes(TABLE)),
}


class Keep(beam.DoFn):
    """Keeps what passes in a list of this process."""

    kept: ClassVar = {}

    def __init__(self, name):
        self.name = name

    def process(self, batch):
        self.kept[self.name] += batch.to_pylist()


def run(pattern, schema=SCHEMA, file_format=None, lost=None):
    Keep.kept = {"events": [], "letters": []}
    TALLY.clear()
    pipeline = beam.Pipeline(FnApiRunner())
    read = pipeline | ReadEvents("m", schema, str(pattern), file_format)
    read.events | "KeepEvents" >> beam.ParDo(Keep("events"))
    read.dead_letters | "KeepLetters" >> beam.ParDo(Keep("letters"))
    result = pipeline.run()
    result.wait_until_finish()
    events, letters = Keep.kept["events"], Keep.kept["letters"]
    counts = counts_of(result)
    assert counts == TALLY.snapshot()
    rejected = len(letters) if lost is None else lost
    assert counts.get("decoded", 0) == len(events) + rejected
    assert counts.get("rejected", 0) == rejected
    reasons = {name: number for name, number in counts.items() if name.startswith("rejected_")}
    assert sum(reasons.values()) == rejected
    assert len({letter["row_id"] for letter in letters}) == len(letters)
    return sorted(events, key=lambda e: e["time"]), letters


@pytest.mark.parametrize("suffix", WRITERS)
def test_whole_files(tmp_path, suffix):
    WRITERS[suffix](tmp_path / f"log.{suffix}")
    events, letters = run(tmp_path / f"*.{suffix}")
    assert (events, letters) == (expected(ROWS), [])
    assert check_columns(source_columns(str(tmp_path / f"*.{suffix}")), SCHEMA) == []


@pytest.mark.parametrize("suffix", ["avro", "parquet", "jsonl.gz", "arrow", "arrows"])
def test_files_cut_short_are_a_dead_letter_and_the_job_goes_on(tmp_path, suffix):
    WRITERS[suffix](tmp_path / f"a.{suffix}")
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"b.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / f"c.{suffix}").write_bytes(b"" if suffix != "jsonl.gz" else whole[:3])
    events, letters = run(tmp_path / f"*.{suffix}")
    assert len(events) >= 200
    assert [e for e in expected(ROWS) if e not in events] == []
    assert {letter["reason"] for letter in letters} == {"truncated"}
    assert {letter["source"][-len(suffix) - 2] for letter in letters} == {"b", "c"}


def test_an_empty_jsonl_file_has_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert run(tmp_path / "a.jsonl") == ([], [])
    assert source_columns(str(tmp_path / "a.jsonl")) is None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("string", "neither a record"),
        (
            {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]},
            "contains itself",
        ),
    ],
)
def test_an_avro_schema_that_cannot_be_used_is_said_before_the_job_and_in_the_dead_letter(
    tmp_path, schema, words
):
    with (tmp_path / "a.avro").open("wb") as file:
        fastavro.writer(file, schema, ["x"] if schema == "string" else [{"next": None}])
    with pytest.raises(ValueError, match=rf"a\.avro cannot be read as avro: .*{words}"):
        source_columns(str(tmp_path / "*.avro"))
    events, (letter,) = run(tmp_path / "a.avro")
    assert (events, letter["reason"]) == ([], "undecodable")
    assert words in letter["detail"]
    WRITERS["avro"](tmp_path / "b.avro")
    assert source_columns(str(tmp_path / "*.avro"))


def test_a_damaged_row_group_costs_only_itself(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path, row_group_size=50, compression="none", use_dictionary=False)
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 10] = b"\xff" * 10
    path.write_bytes(data)
    events, (letter,) = run(path, lost=50)
    assert events == expected(ROWS[:50] + ROWS[100:])
    assert (letter["reason"], letter["position"]) == ("truncated", "row group 1")


def test_a_damaged_avro_block_says_where(tmp_path):
    path = tmp_path / "a.avro"
    WRITERS["avro"](path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4] = b"\xff" * 4
    path.write_bytes(data)
    events, letters = run(path)
    assert 150 < len(events) < 200
    assert [e for e in events if e not in expected(ROWS)] == []
    assert {letter["reason"] for letter in letters} == {"truncated"}
    assert letters[0]["position"].startswith("byte ")


def test_bad_lines_are_dead_letters_with_their_bytes_and_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    bad = b'{"at": 1, "origin": ["JFK"]}'
    path.write_bytes(
        b"\xef\xbb\xbf" + json_bytes(ROWS[0]) + b"\r\n\n  \n{nope\n" + bad + b"\n" + json_bytes(ROWS[1])
    )
    events, letters = run(path)
    assert events == expected(ROWS[:2])
    found = {letter["position"]: (letter["reason"], letter["payload"]) for letter in letters}
    assert found == {"line 4": ("undecodable", b"{nope"), "line 5": ("wrong_type", bad)}


def test_a_row_of_a_binary_file_is_its_json(tmp_path):
    write_parquet(
        tmp_path / "a.parquet",
        pa.table({"at": [None, 5], "x": [float("nan"), 1.0], "origin": ["JFK", "LGA"]}),
    )
    events, (letter,) = run(tmp_path / "a.parquet")
    assert len(events) == 1
    assert json.loads(letter["payload"]) == {"at": None, "x": None, "origin": "JFK"}
    assert (letter["reason"], letter["position"], letter["model"]) == ("missing_event_time", "row 0", "m")
    assert set(letter) == set(DEAD_LETTER.arrow.names)


def test_a_line_without_end_is_oversized(tmp_path, monkeypatch):
    monkeypatch.setattr("driftline.transforms.sources.files.json_files._LONGEST_LINE", 10_000)
    monkeypatch.setattr("driftline.transforms.sources.files.text_blocks._READ", 1_000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(json_bytes(ROWS[0]) + b"\n" + b"x" * 50_000 + b"\n" + json_bytes(ROWS[1]) + b"\n{")
    events, letters = run(path)
    assert events == expected(ROWS[:2])
    assert [(d["reason"], d["position"]) for d in letters] == [
        ("oversized", "line 2"),
        ("undecodable", "line 4"),
    ]


def test_lines_across_reads_keep_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("driftline.transforms.sources.files.text_blocks._READ", 7)
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[:2000].rsplit(b"\n", 1)[0] + b"\n?")
    number = path.read_bytes().count(b"\n") + 1
    events, letters = run(path)
    assert events == expected(ROWS[: number - 1])
    assert [d["position"] for d in letters] == [f"line {number}"]


def test_large_files_come_in_batches(tmp_path):
    from driftline.transforms.sources.files.file_formats import read_file

    table = pa.table({"at": range(150_000), "x": [1.0] * 150_000})
    for suffix in ("parquet", "arrow"):
        path = tmp_path / f"a.{suffix}"
        pq.write_table(table, path, row_group_size=60_000) if suffix == "parquet" else path.write_bytes(
            arrow_bytes(table, file=True)
        )
        with pa.OSFile(str(path)) as file:
            batches = list(read_file(file, str(path), suffix, SCHEMA))
        assert max(len(b.positions) for b in batches) <= 65_536
        assert [p for b in batches for p in b.positions] == list(range(150_000))
        assert set(batches[0].decoded.parts[0].records.schema.names) == {"at", "x"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("big*.parquet", ["big-1.parquet", "big-2.parquet"]),
        ("./big*.parquet", ["./big-1.parquet", "./big-2.parquet"]),
        ("big-1.parquet", ["big-1.parquet"]),
        ("*/big-[0-9].parquet", ["d/big-3.parquet"]),
        ("d*/big-3.parquet", ["d/big-3.parquet"]),
        ("d/*.parquet", ["d/big-3.parquet"]),
    ],
)
def test_a_relative_pattern_begins_at_the_working_directory(tmp_path, monkeypatch, pattern, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("big-1.parquet", "big-2.parquet", "d/big-3.parquet"):
        write_parquet(tmp_path / name)
    assert match_files(pattern) == expected
    assert source_columns(pattern)


def test_a_pattern_above_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path / "d")
    write_parquet(tmp_path / "big.parquet")
    assert match_files("../b*.parquet") == ["../big.parquet"]


def test_a_mistyped_name_in_the_working_directory_has_a_suggestion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_parquet(tmp_path / "events.parquet")
    with pytest.raises(FileNotFoundError, match=r"did you mean events\.parquet\?"):
        match_files("event.parquet")


def test_no_such_file(tmp_path):
    (tmp_path / "flights.avro").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"did you mean .*flights.avro"):
        match_files(str(tmp_path / "flight.avro"))
    with pytest.raises(FileNotFoundError, match="it is a folder"):
        match_files(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no file matches .* check the path"):
        match_files(str(tmp_path / "none" / "*.avro"))
    with pytest.raises(ValueError, match="nofs"):
        match_files("nofs://bucket/*.avro")


def test_unknown_suffix_and_format(tmp_path):
    (tmp_path / "log.xls").write_bytes(b"")
    with pytest.raises(ValueError, match=r"known: .avro.*`format:`.*avro, parquet, jsonl, csv, tsv, arrow"):
        source_columns(str(tmp_path / "log.xls"))
    with pytest.raises(ValueError, match="format: xls is unknown"):
        source_columns(str(tmp_path / "log.xls"), "xls")


def test_format_of_files_without_suffix(tmp_path):
    WRITERS["avro"](tmp_path / "part-0")
    assert run(tmp_path / "part-*", file_format="avro") == (expected(ROWS), [])


def test_columns_of_json_lines_by_their_first_rows(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1, "b": "x", "n": null, "m": 1}\n?\n{"a": 2.5, "m": "t", "l": [1]}\n')
    types = dict(source_columns(str(path)))
    assert types["a"] == pa.float64()
    assert types["b"] == pa.string()
    assert pa.types.is_null(types["n"])
    assert pa.types.is_union(types["m"])
