"""Columns by path, in every format that can nest, against plain Python."""

import io

import fastavro
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.arrow_messages import ArrowDecoder
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.column_paths import parquet_paths
from driftline.decoding.event_schema import EventSchema, LabelColumn, check_columns
from driftline.decoding.events import decode_events, events_of
from driftline.decoding.json_messages import JsonDecoder
from driftline.feature_spec import FeatureSpec
from driftline.transforms.sources.files.file_formats import columns_of, read_file

AT = 1_600_000_000_000
SCHEMA = EventSchema(
    "meta.at",
    "ms",
    ("request.user.country",),
    (
        FeatureSpec("age", "numeric", "request.user.age"),
        FeatureSpec("tags", "numeric", "length(request.tags)"),
        FeatureSpec("lang", "categorical", "meta.attributes.lang"),
        FeatureSpec("prediction", "numeric", "score.value"),
    ),
    request_id="request.id",
    label=LabelColumn("outcome.clicked", (("0", "1"),)),
    joined=True,
)
KIND = pa.schema(
    [
        ("meta", pa.struct([("at", pa.timestamp("ms")), ("attributes", pa.map_(pa.string(), pa.string()))])),
        (
            "request",
            pa.struct(
                [
                    ("id", pa.string()),
                    ("user", pa.struct([("country", pa.string()), ("age", pa.float64())])),
                    ("tags", pa.list_(pa.string())),
                    ("unused", pa.binary()),
                ]
            ),
        ),
        ("score", pa.struct([("value", pa.float64())])),
        ("outcome", pa.struct([("clicked", pa.int64())])),
    ]
)
TEXT = ["null", "string"]
AVRO = {
    "type": "record",
    "name": "Event",
    "fields": [
        {
            "name": "meta",
            "type": {
                "type": "record",
                "name": "Meta",
                "fields": [
                    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                    {"name": "attributes", "type": {"type": "map", "values": "string"}},
                ],
            },
        },
        {
            "name": "request",
            "type": [
                "null",
                {
                    "type": "record",
                    "name": "Request",
                    "fields": [
                        {"name": "id", "type": TEXT},
                        {
                            "name": "user",
                            "type": [
                                "null",
                                {
                                    "type": "record",
                                    "name": "User",
                                    "fields": [
                                        {"name": "country", "type": TEXT},
                                        {"name": "age", "type": ["null", "double"]},
                                    ],
                                },
                            ],
                        },
                        {"name": "tags", "type": ["null", {"type": "array", "items": "string"}]},
                        {"name": "unused", "type": "string"},
                    ],
                },
            ],
        },
        {
            "name": "score",
            "type": {"type": "record", "name": "S", "fields": [{"name": "value", "type": "double"}]},
        },
        {
            "name": "outcome",
            "type": {
                "type": "record",
                "name": "O",
                "fields": [{"name": "clicked", "type": ["null", "long"]}],
            },
        },
    ],
}

words = st.sampled_from(["a", "DE", "é", ""])
row = st.fixed_dictionaries(
    {
        "meta": st.fixed_dictionaries(
            {"at": st.just(AT), "attributes": st.dictionaries(st.sampled_from(["lang", "os"]), words)}
        ),
        "request": st.none()
        | st.fixed_dictionaries(
            {
                "id": st.none() | words,
                "user": st.none()
                | st.fixed_dictionaries({"country": st.none() | words, "age": st.none() | st.floats(0, 99)}),
                "tags": st.none() | st.lists(words),
                "unused": st.just("x"),
            }
        ),
        "score": st.fixed_dictionaries({"value": st.floats(0, 1)}),
        "outcome": st.fixed_dictionaries({"clicked": st.none() | st.integers(0, 1)}),
    }
)


def wanted(row):
    request = row["request"] or {}
    user = request.get("user") or {}
    tags = request.get("tags")
    return {
        "time": AT * 1000,
        "segment.request.user.country": user.get("country"),
        "feature.age": user.get("age"),
        "feature.tags": None if tags is None else float(len(tags)),
        "feature.lang": row["meta"]["attributes"].get("lang"),
        "feature.prediction": row["score"]["value"],
        "label": row["outcome"]["clicked"],
    }


def arrow_file(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def events(result):
    assert result.rejects == ()
    return result.events.drop_columns(["id_high", "id_low"]).to_pylist()


def from_files(data, path, kind):
    batches = list(read_file(io.BytesIO(data), path, kind, SCHEMA))
    return [row for batch in batches for row in events(events_of(batch.decoded, batch.payloads, SCHEMA))]


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=8))
def test_every_format_gives_what_python_finds(rows):
    expected = [wanted(row) for row in rows]
    table = pa.Table.from_pylist(rows, KIND)
    assert events(decode_events(JsonDecoder(SCHEMA), list(map(orjson.dumps, rows)), SCHEMA)) == expected
    assert events(decode_events(ArrowDecoder(SCHEMA), [arrow_file(table)], SCHEMA)) == expected
    messages = []
    for each in rows:
        sink = io.BytesIO()
        fastavro.schemaless_writer(sink, AVRO, each)
        messages.append(sink.getvalue())
    assert events(decode_events(AvroDecoder(SCHEMA, AVRO), messages, SCHEMA)) == expected
    sink = io.BytesIO()
    fastavro.writer(sink, AVRO, rows)
    assert events(decode_events(AvroContainerDecoder(SCHEMA), [sink.getvalue()], SCHEMA)) == expected
    assert from_files(sink.getvalue(), "x.avro", "avro") == expected
    assert check_columns(columns_of(io.BytesIO(sink.getvalue()), "x.avro", "avro"), SCHEMA) == []
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert from_files(sink.getvalue(), "x.parquet", "parquet") == expected
    assert check_columns(columns_of(io.BytesIO(sink.getvalue()), "x.parquet", "parquet"), SCHEMA) == []


def test_parquet_reads_the_named_fields_only():
    sink = io.BytesIO()
    pq.write_table(KIND.empty_table(), sink)
    paths = parquet_paths(pq.ParquetFile(sink), SCHEMA.columns)
    assert paths == [
        "meta.at",
        "request.user.country",
        "request.user.age",
        "request.tags",
        "meta.attributes",
        "score.value",
        "request.id",
        "outcome.clicked",
    ]


def test_a_column_whose_name_has_the_dots_comes_first():
    schema = EventSchema("at", "s", ("a.b.c",))
    rows = [{"at": 1, "a.b.c": "name", "a": {"b": {"c": "path"}}}, {"at": 1, "a": {"b": {"c": "path"}}}]
    found = decode_events(JsonDecoder(schema), list(map(orjson.dumps, rows)), schema).events
    assert found["segment.a.b.c"].to_pylist() == ["name", "path"]
    table = pa.table({"at": [1], "a": [{"b": {"c": "path"}}], "a.b": [{"c": "half"}]})
    found = decode_events(ArrowDecoder(schema), [arrow_file(table)], schema).events
    assert found["segment.a.b.c"].to_pylist() == ["half"]
    table = pa.table({"at": [1], "a": [{"b": {"c": "path"}}], "a.b.c": ["name"]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    batch = next(read_file(io.BytesIO(sink.getvalue()), "x.parquet", "parquet", schema))
    assert events_of(batch.decoded, None, schema).events["segment.a.b.c"].to_pylist() == ["name"]


def test_what_is_not_nested_as_said_is_of_the_wrong_type():
    schema = EventSchema("at", "s", ("user.name",), (FeatureSpec("n", "numeric", "length(tags)"),))
    lines = [b'{"at":1,"user":"x"}', b'{"at":1,"tags":"abc"}', b'{"at":1,"tags":7}', b'{"at":1,"user":{}}']
    found = decode_events(JsonDecoder(schema), lines, schema)
    assert [(reject.message, reject.reason.value) for reject in found.rejects] == [(0, "wrong_type")]
    assert found.events["invalid.n"].to_pylist() == [True, True, False]
    table = pa.table({"at": [1, 2], "tags": ["abc", None]})
    found = decode_events(ArrowDecoder(schema), [arrow_file(table)], schema)
    assert found.events["invalid.n"].to_pylist() == [True, False]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("tags", "write length(tags) for its number of elements"),
        (
            "user",
            "column 'user' is a struct of 1 fields; a feature needs plain values; name one inside: user.age",
        ),
        ("user.aeg", "the data has no column 'user.aeg'; did you mean 'user.age'?"),
        ("length(user)", "length(user) is of no list and no map"),
        ("length(tags)", None),
        ("user.age", None),
    ],
)
def test_a_nested_column_is_refused_with_what_to_write(column, said):
    schema = EventSchema("at", "s", (), (FeatureSpec("x", "numeric", column),))
    kinds = [("at", pa.int64()), ("user", pa.struct([("age", pa.int64())])), ("tags", pa.list_(pa.string()))]
    found = check_columns(kinds, schema)
    assert (found == []) if said is None else (said in found[0])
