"""Schemas and writers that the decoding tests share."""

import io
import json
import struct

import fastavro
import pyarrow as pa

from driftline.decoding.event_schema import EventSchema
from driftline.feature_spec import FeatureSpec

SCHEMA = EventSchema(
    "at", "ms", ("origin",), (FeatureSpec("x", "numeric", "x"), FeatureSpec("kind", "categorical", "kind"))
)
AVRO = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "at", "type": "long"},
        {"name": "origin", "type": ["null", "string"]},
        {"name": "x", "type": ["null", "double"]},
        {"name": "kind", "type": ["null", "string"]},
        {"name": "unused", "type": "int"},
    ],
}


def row(at=0, origin="JFK", x=1.5, kind="a", unused=0):
    return {"at": at, "origin": origin, "x": x, "kind": kind, "unused": unused}


def avro_bytes(value, schema=AVRO):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def confluent_bytes(value, number, schema=AVRO):
    return b"\0" + struct.pack(">I", number) + avro_bytes(value, schema)


def container_bytes(rows, schema=AVRO, **options):
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), rows, **options)
    return out.getvalue()


def arrow_bytes(table, *, file=False):
    sink = pa.BufferOutputStream()
    with (pa.ipc.new_file if file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def json_bytes(value):
    return json.dumps(value).encode()


def expected(values):
    return [
        {
            "time": v["at"] * 1000,
            "segment.origin": v["origin"],
            "feature.x": v["x"],
            "feature.kind": v["kind"],
        }
        for v in values
    ]
