"""Rows as messages: every value comes back, what is too large is shortened, version 1 stays readable."""

import base64
import io
import json
import math
from datetime import datetime, timezone
from pathlib import Path

import fastavro
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.tables import (
    DEAD_LETTER,
    DETECTION,
    PERFORMANCE,
    RESULT,
    Field,
    RowSchema,
    rows_of,
    standing_rows,
)
from driftline.tables.row_messages import row_headers, row_keys, row_values, shortened
from driftline.tables.single_object import single_object_prefix

NESTED = RowSchema(
    "Verdict",
    3,
    "What later tables look like: records in lists, times and bytes below the first level.",
    (
        Field("row_id", "string", "required", "."),
        Field(
            "guardrails",
            "record",
            "repeated",
            ".",
            (
                Field("name", "string", "required", "."),
                Field("value", "float64", "nullable", "."),
                Field("since", "timestamp", "nullable", "."),
                Field("proof", "bytes", "nullable", "."),
            ),
        ),
        Field("times", "timestamp", "repeated", "."),
    ),
)
SCHEMAS = pytest.mark.parametrize(
    "schema", [RESULT, DEAD_LETTER, PERFORMANCE, DETECTION, NESTED], ids=lambda schema: schema.name
)
FORMATS = pytest.mark.parametrize("value_format", ["json", "avro"])
VERSION_1 = json.loads((Path(__file__).parent / "messages_version_1.json").read_text())

VALUES = {
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=8),
    "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc)),
}


def values_of(field):
    one = rows_like(field.fields) if field.fields else VALUES[field.type]
    if field.mode == "repeated":
        one = st.lists(st.none() | one, max_size=3)
    return one if field.mode == "required" else st.none() | one


def rows_like(fields):
    return st.fixed_dictionaries({field.name: values_of(field) for field in fields})


DEFAULTS = {"string": "", "int64": 0, "float64": 0.0, "timestamp": 0}


def batch_of(rows, schema):
    """A batch of rows, in which what is required and not given is empty."""
    needed = {field.name: DEFAULTS[field.type] for field in schema.fields if field.mode == "required"}
    return pa.RecordBatch.from_pylist([needed | row for row in rows], schema=schema.arrow)


def messages(batch, schema, value_format, largest=None):
    keys = row_keys(batch)
    values = row_values(batch, schema, value_format, largest)
    return [
        (key, value, row_headers(key, schema, value_format)) for key, value in zip(keys, values, strict=True)
    ]


def comparable(value, *, finite):
    """A value that equals itself: NaN as text; null where JSON has no number."""
    if isinstance(value, dict):
        return {key: comparable(item, finite=finite) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item, finite=finite) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if finite else str(value)
    return value


@SCHEMAS
@FORMATS
@given(data=st.data())
@settings(max_examples=40)
def test_every_value_comes_back(schema, value_format, data):
    rows = data.draw(st.lists(rows_like(schema.fields), max_size=4))
    start = data.draw(st.integers(0, len(rows)))
    batch = batch_of(rows, schema).slice(start)
    found = rows_of(messages(batch, schema, value_format), schema)
    finite = value_format == "json"
    assert found.schema.equals(schema.arrow)
    assert comparable(found.to_pylist(), finite=False) == comparable(rows[start:], finite=finite)


def test_json_is_what_the_documentation_says():
    row = {"row_id": "a", "reason": "r", "payload": b"\x00\xff", "emitted_at": 1_795_350_000_123_456}
    (value,) = row_values(batch_of([row], DEAD_LETTER), DEAD_LETTER, "json")
    said = orjson.loads(value)
    assert list(said) == list(DEAD_LETTER.names)
    assert said["emitted_at"] == "2026-11-22T12:20:00.123456Z"
    assert base64.b64decode(said["payload"]) == b"\x00\xff"
    assert said["detail"] is None


def test_times_in_json_compare_as_text():
    times = [0, 1, 999_999, 1_000_000, 1_795_350_000_000_000, 1_795_350_000_123_456]
    rows = [{"row_id": "a", "emitted_at": time} for time in times]
    texts = [
        orjson.loads(value)["emitted_at"] for value in row_values(batch_of(rows, RESULT), RESULT, "json")
    ]
    assert texts[0] == "1970-01-01T00:00:00.000000Z"
    assert sorted(texts) == texts


def test_avro_is_the_single_object_encoding():
    row = {"row_id": "a", "n": 3, "mean": math.nan}
    (value,) = row_values(batch_of([row], RESULT), RESULT, "avro")
    assert value[:10] == single_object_prefix(json.dumps(RESULT.avro))
    record = fastavro.schemaless_reader(io.BytesIO(value[10:]), RESULT.avro)
    assert record["n"] == 3
    assert math.isnan(record["mean"])


@pytest.mark.parametrize("name", ["json", "avro"])
def test_messages_of_version_1_are_read(name):
    """Written by the first release that wrote messages; the sink must always read them the same."""
    stored = VERSION_1[name]
    found = [
        (key.encode(), base64.b64decode(value), [(name, text.encode()) for name, text in headers])
        for key, value, headers in stored["messages"]
    ]
    table = rows_of(found, RESULT, [VERSION_1["schema"]])
    rows = [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in table.select(VERSION_1["columns"]).to_pylist()
    ]
    assert rows == stored["rows"]


def test_the_key_is_the_row_id_and_the_headers_say_what_it_is():
    batch = batch_of([{"row_id": "a"}, {"row_id": "b"}], NESTED)
    assert [(key, headers) for key, _, headers in messages(batch, NESTED, "avro")] == [
        (key, [("row_id", key), ("schema", b"Verdict/3"), ("content-type", b"avro/binary")])
        for key in (b"a", b"b")
    ]


def test_rows_of_other_tables_and_tombstones_are_left_out():
    letters = batch_of([{"row_id": "b"}], DEAD_LETTER)
    mixed = [(b"x", None, None), *messages(letters, DEAD_LETTER, "json")]
    mixed += messages(batch_of([{"row_id": "a", "n": 1}], RESULT), RESULT, "avro")
    assert rows_of(mixed, RESULT)["row_id"].to_pylist() == ["a"]
    assert rows_of(mixed, DEAD_LETTER)["row_id"].to_pylist() == ["b"]


def test_another_version_is_not_guessed_at():
    with pytest.raises(ValueError, match=r"b'a' is version 2 of Result, and this release reads version 1"):
        rows_of([(b"a", b"{}", [("schema", b"Result/2")])], RESULT)


def test_columns_that_were_added_since_are_null_and_those_of_the_future_left_out():
    older = RowSchema("Verdict", 3, ".", NESTED.fields[:1])
    for value_format in ("json", "avro"):
        old = messages(batch_of([{"row_id": "a"}], older), older, value_format)
        assert rows_of(old, NESTED, [older.avro]).to_pylist() == [
            {"row_id": "a", "guardrails": None, "times": None}
        ]
        new = messages(batch_of([{"row_id": "a", "times": []}], NESTED), NESTED, value_format)
        assert rows_of(new, older, [NESTED.avro]).to_pylist() == [{"row_id": "a"}]


def test_the_avro_of_an_unknown_release_is_named():
    older = RowSchema("Verdict", 3, ".", NESTED.fields[:1])
    old = messages(batch_of([{"row_id": "a"}], older), older, "avro")
    with pytest.raises(ValueError, match=r"key b'a' is no Verdict/3: .* fingerprint [0-9a-f]{16}.*`writers`"):
        rows_of(old, NESTED)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[1]",
        b"{",
        b'{"n": "many"}',
        b'{"emitted_at": "noon"}',
        b'{"emitted_at": 3}',
        single_object_prefix(json.dumps(RESULT.avro)),
        row_values(batch_of([{"row_id": "a"}], RESULT), RESULT, "avro")[0] + b"\x00",
        b'{"n": 9223372036854775808}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_row_is_named_by_its_key(value):
    good = messages(batch_of([{"row_id": "a"}], RESULT), RESULT, "json")
    with pytest.raises(ValueError, match=r"the message with key b'bad' is no Result/1: "):
        rows_of([*good, (b"bad", value, None)], RESULT)


@FORMATS
@given(st.integers(0, 3_000), st.integers(700, 3_000), st.none() | st.text(max_size=30))
@settings(max_examples=60)
def test_a_dead_letter_is_cut_to_what_the_topic_takes(value_format, size, largest, detail):
    payload = bytes(range(256)) * 12
    payload = payload[:size]
    row = {"row_id": "a" * 32, "model": "m", "detail": detail, "payload": payload, "source": "s"}
    batch = batch_of([row], DEAD_LETTER)
    (whole,) = row_values(batch, DEAD_LETTER, value_format)
    ((key, value, headers),) = messages(batch, DEAD_LETTER, value_format, largest)
    assert len(value) <= largest
    (found,) = rows_of([(key, value, headers)], DEAD_LETTER).to_pylist()
    if len(whole) <= largest:
        assert value == whole
        return
    kept = len(found["payload"])
    assert payload[:kept] == found["payload"]
    note = f"(payload cut from {size} to {kept} bytes to fit the topic)"
    assert found["detail"] == " ".join(filter(None, [detail, note]))
    assert largest - len(value) < 30  # no more is cut than has to be


def test_only_what_is_too_large_is_cut():
    rows = [{"row_id": str(size), "payload": bytes(size)} for size in (10, 5_000, 20)]
    found = rows_of(messages(batch_of(rows, DEAD_LETTER), DEAD_LETTER, "json", 2_000), DEAD_LETTER)
    assert [len(payload) for payload in found["payload"].to_pylist()][::2] == [10, 20]
    assert found["row_id"].to_pylist() == ["10", "5000", "20"]


@FORMATS
def test_long_texts_are_cut_where_bytes_are_not_enough(value_format):
    letter = {"row_id": "a", "detail": "x" * 5_000, "payload": bytes(100)}
    found = rows_of(messages(batch_of([letter], DEAD_LETTER), DEAD_LETTER, value_format, 900), DEAD_LETTER)
    assert found["detail"].to_pylist()[0].startswith("x" * 199 + "… (payload cut from") or (
        found["payload"].to_pylist() == [bytes(100)] and found["detail"].to_pylist() == ["x" * 199 + "…"]
    )
    names = ["ü" * 1_000, None, "b"]
    result = {"row_id": "a", "n": 3, "new_categories": names, "bin_counts": [1, 2]}
    (found,) = rows_of(messages(batch_of([result], RESULT), RESULT, value_format, 1_800), RESULT).to_pylist()
    assert found["new_categories"] == ["ü" * 199 + "…", None, "b"]
    assert (found["n"], found["bin_counts"]) == (3, [1, 2])


def test_what_cannot_be_made_small_enough_is_an_error():
    row = batch_of([{"row_id": "a", "bin_counts": [1] * 1_000}], RESULT)
    with pytest.raises(ValueError, match=r"Result a has \d+ bytes, and 500 are allowed: raise max.message.b"):
        shortened(row, RESULT, "json", 500)


def test_standing_rows_keeps_each_dead_letter_once():
    rows = [{"row_id": name, "emitted_at": at} for name, at in [("a", 1), ("b", 5), ("a", 3), ("a", 2)]]
    found = standing_rows(pa.Table.from_batches([batch_of(rows, DEAD_LETTER)]))
    assert found["row_id"].to_pylist() == ["b", "a"]
    assert found["emitted_at"].cast(pa.int64()).to_pylist() == [5, 3]
