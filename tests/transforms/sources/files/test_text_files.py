"""CSV and JSON files of many forms, and columns in the names of folders."""

import bz2
import csv
import gzip
import io
import json

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.config.csv_dialect import CsvDialect
from driftline.decoding.event_schema import EventSchema, LabelColumn, check_columns
from driftline.decoding.events import events_of
from driftline.feature_spec import FeatureSpec
from driftline.transforms.sources.files.file_formats import (
    UnreadableFileError,
    columns_of,
    file_format,
    read_file,
)
from tests.transforms.sources.files.test_read_files import run

SCHEMA = EventSchema(
    "at",
    None,
    ("country",),
    (FeatureSpec("x", "numeric", "x"), FeatureSpec("kind", "categorical", "kind")),
    request_id="id",
)
ROWS = [
    {
        "id": str(k),
        "at": f"2026-01-01T00:00:{k:02d}",
        "country": "DE",
        "x": k / 4,
        "kind": 'a "b",\nc',
        "other": "é",
    }
    for k in range(20)
]
EVENTS = [
    {
        "time": 1767225600_000000 + k * 1_000_000,
        "segment.country": "DE",
        "feature.x": k / 4,
        "feature.kind": 'a "b",\nc',
    }
    for k in range(20)
]


def csv_text(rows=ROWS, **how):
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, rows[0].keys(), **how)
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode()


def read(data, path, schema=SCHEMA, dialect=None, kind=None):
    """Read a file's bytes: events, and reason, position and payload of each reject."""
    kind = kind or file_format(path)
    events, rejects = [], []
    for batch in read_file(io.BytesIO(data), path, kind, schema, dialect):
        result = events_of(batch.decoded, batch.payloads, schema)
        events += result.events.to_pylist()
        rejects += [
            (each.reason.value, batch.positions[each.message], each.payload) for each in result.rejects
        ]
    return sorted(events, key=lambda event: event["time"]), rejects


@pytest.mark.parametrize(
    ("path", "data", "dialect"),
    [
        ("a.csv", csv_text(), None),
        ("a.csv", b"\xef\xbb\xbf" + csv_text(lineterminator="\n"), None),
        ("a.tsv", csv_text(delimiter="\t"), None),
        ("a.csv", csv_text(delimiter=";", quotechar="'"), CsvDialect(";", "'")),
        ("a.csv", csv_text(quoting=csv.QUOTE_ALL), None),
        ("a.csv.gz", gzip.compress(csv_text()), None),
        ("a.tsv.bz2", bz2.compress(csv_text(delimiter="\t")), None),
        ("a.csv.zst", pa.Codec("zstd").compress(csv_text(), asbytes=True), None),
        ("a.csv", csv_text(), CsvDialect(names=tuple(ROWS[0]), header=True)),
        ("a.csv", csv_text().partition(b"\n")[2], CsvDialect(names=tuple(ROWS[0]), header=False)),
        ("a.json", json.dumps(ROWS).encode(), None),
        ("a.json", json.dumps(ROWS, indent=2).encode(), None),
        ("a.jsonl", "\n".join(json.dumps(row, indent=1) for row in ROWS).encode(), None),
        ("a.json.gz", gzip.compress(b"\xef\xbb\xbf" + json.dumps(ROWS, indent=2).encode()), None),
        ("a.ndjson", "\n".join(map(json.dumps, ROWS)).encode(), None),
    ],
)
def test_every_way_to_write_rows_gives_the_same_events(tmp_path, path, data, dialect):
    assert read(data, path, dialect=dialect) == (EVENTS, [])
    assert check_columns(columns_of(io.BytesIO(data), path, file_format(path), dialect), SCHEMA) == []
    if dialect is None:
        (tmp_path / path).write_bytes(data)
        assert run(tmp_path / path, SCHEMA) == (EVENTS, [])


def test_a_bad_line_is_a_dead_letter_with_its_line_and_bytes(tmp_path):
    lines = csv_text([dict(row, kind="k") for row in ROWS], lineterminator="\n").split(b"\n")
    lines[3:3] = [b"1,2", b"\xe9,,,,,", b"8,yesterday,DE,12,k,o"]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    events, letters = run(tmp_path / "a.csv", SCHEMA)
    assert len(events) == 20
    assert [(each["reason"], each["position"], each["payload"]) for each in letters] == [
        ("undecodable", "line 4", b"1,2"),
        ("undecodable", "line 5", b"\xe9,,,,,"),
        ("invalid_event_time", "line 6", b"8,yesterday,DE,12,k,o"),
    ]
    assert letters[0]["detail"] == "2 fields, not 6"


def test_a_file_in_another_encoding_is_a_reject_with_the_remedy():
    data = csv_text().decode().encode("utf-16")
    [batch] = read_file(io.BytesIO(data), "a.csv", "csv", SCHEMA)
    [reject] = batch.decoded.rejects
    said = "the file is UTF-16, not UTF-8 text; convert it"
    assert said in reject.detail
    with pytest.raises(UnreadableFileError, match=said):
        columns_of(io.BytesIO(data), "a.csv", "csv")


def test_a_name_that_is_there_twice_is_refused_where_it_is_read():
    data = csv_text()
    twice = data.replace(b"\r\n", b",at\r\n", 1)
    [batch] = read_file(io.BytesIO(twice), "a.csv", "csv", SCHEMA)
    [reject] = batch.decoded.rejects
    assert (reject.reason.value, "'at' is there 2 times" in reject.detail) == ("duplicate_column", True)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_empty_csv_file_has_no_rows(data):
    assert read(data, "a.csv") == ([], [])
    assert columns_of(io.BytesIO(data), "a.csv", "csv") is None


def test_a_line_without_end_is_oversized(monkeypatch):
    monkeypatch.setattr("driftline.transforms.sources.files.csv_files.LONGEST_RECORD", 500)
    monkeypatch.setattr("driftline.transforms.sources.files.text_blocks._READ", 100)
    lines = csv_text().split(b"\r\n")
    data = b"\r\n".join([*lines[:3], b"x" * 5_000, *lines[3:]])
    events, [(reason, line, payload)] = read(data, "a.csv")
    assert (events, reason, line) == (EVENTS, "oversized", 6)
    assert 0 < len(payload) <= 1_200


@pytest.mark.parametrize("size", [7, 50, 10_000])
@pytest.mark.parametrize("path", ["a.csv", "a.json"])
def test_reading_does_not_depend_on_where_the_blocks_end(monkeypatch, size, path):
    monkeypatch.setattr("driftline.transforms.sources.files.text_blocks._READ", size)
    data = csv_text() if path == "a.csv" else json.dumps(ROWS, indent=2).encode()
    events, rejects = read(data, path)
    assert (events, rejects) == (EVENTS, [])


def test_elements_of_an_array_have_places_of_their_own(tmp_path):
    rows = [*ROWS[:2], 7, {"id": "x"}, *ROWS[2:]]
    (tmp_path / "a.json").write_bytes(json.dumps(rows).encode() + b"\n")
    (tmp_path / "b.json").write_bytes(json.dumps(rows, indent=1).replace("\n 7,", "\n {1},").encode())
    events, letters = run(tmp_path / "*.json", SCHEMA)
    assert len(events) == 40
    places = sorted((each["source"][-6:], each["reason"], each["position"]) for each in letters)
    assert places == [
        ("a.json", "missing_event_time", "line 1#3"),
        ("a.json", "not_a_record", "line 1#2"),
        ("b.json", "missing_event_time", "line 19#3"),
        ("b.json", "undecodable", "line 18#2"),
    ]


def test_a_file_cut_short_keeps_what_is_whole(tmp_path):
    for name, data in (("a.csv.gz", csv_text()), ("b.json.gz", json.dumps(ROWS, indent=2).encode())):
        (tmp_path / name).write_bytes(gzip.compress(data)[:-20])
        events, letters = run(tmp_path / name, SCHEMA)
        assert {each["reason"] for each in letters} == {"truncated"}
        assert all(event in EVENTS for event in events)


def test_a_label_of_csv_is_a_number_or_a_class():
    rows = [dict(row, y=str(k % 2)) for k, row in enumerate(ROWS)]
    number = EventSchema("at", None, label=LabelColumn("y"))
    events, rejects = read(csv_text(rows), "a.csv", number)
    assert ([event["label"] for event in events], rejects) == ([k % 2 for k in range(20)], [])
    classes = EventSchema("at", None, label=LabelColumn("y", (("0", "1"),)))
    assert read(csv_text(rows), "a.csv", classes) == (events, [])


DAYS = EventSchema(
    "day", None, ("country",), (FeatureSpec("x", "numeric", "x"), FeatureSpec("h", "numeric", "hour"))
)
FOLDERS = "log/day=2026-01-02/country=S%C3%A3o%20Tom%C3%A9/hour=07"


def files_of(rows):
    table = pa.Table.from_pylist(rows)
    parquet, arrow, avro = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pq.write_table(table, parquet)
    with pa.ipc.new_file(arrow, table.schema) as writer:
        writer.write_table(table)
    kinds = {float: "double", str: "string"}
    fields = [{"name": name, "type": kinds[type(value)]} for name, value in rows[0].items()]
    fastavro.writer(avro, {"type": "record", "name": "R", "fields": fields}, rows)
    plain = {"name": "b", "type": "bytes"}  # a type that is read row by row
    slow = io.BytesIO()
    fastavro.writer(
        slow, {"type": "record", "name": "R", "fields": [*fields, plain]}, [{**row, "b": b""} for row in rows]
    )
    lines = "\n".join(map(json.dumps, rows)).encode()
    return {
        "a.parquet": parquet.getvalue(),
        "a.arrow": arrow.getvalue(),
        "a.avro": avro.getvalue(),
        "b.avro": slow.getvalue(),
        "a.jsonl": lines,
        "a.json": json.dumps(rows, indent=1).encode(),
        "a.csv": csv_text(rows),
    }


@pytest.mark.parametrize("name", files_of([{"x": 1.5}]))
def test_folders_name_columns(name):
    data = files_of([{"x": 1.5}, {"x": 2.5}])[name]
    event = {"time": 1767312000_000000, "segment.country": "São Tomé", "feature.h": 7.0}
    events, rejects = read(data, f"{FOLDERS}/{name}", DAYS)
    assert (events, rejects) == ([{**event, "feature.x": 1.5}, {**event, "feature.x": 2.5}], [])
    columns = columns_of(io.BytesIO(data), f"{FOLDERS}/{name}", file_format(name))
    assert check_columns(columns, DAYS) == []
    default = "log/day=2026-01-02/country=__HIVE_DEFAULT_PARTITION__/hour=x"
    events, rejects = read(data, f"{default}/{name}", DAYS)
    assert ([event["feature.h"] for event in events], rejects) == ([None, None], [])
    events, rejects = read(data, f"{default[:-6]}hour=1/{name}", DAYS)
    assert [event["segment.country"] for event in events] == [None, None]


@pytest.mark.parametrize("name", files_of([{"x": 1.5}]))
def test_a_column_of_the_file_comes_before_a_folder(name):
    data = files_of([{"x": 1.5, "country": "DE"}])[name]
    events, _ = read(data, f"{FOLDERS}/x=9/{name}", DAYS)
    assert [(event["segment.country"], event["feature.x"]) for event in events] == [("DE", 1.5)]


def test_a_job_reads_folders(tmp_path):
    for day in (2, 3):
        folder = tmp_path / f"day=2026-01-0{day}" / "country=DE" / "hour=1"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"x": [1.0, 2.0]}), folder / "part.parquet")
    events, letters = run(tmp_path / "*" / "*" / "*" / "*.parquet", DAYS)
    assert [event["time"] // 86_400_000_000 for event in events] == [20455, 20455, 20456, 20456]
    assert letters == []
