"""Message batches to events and dead letters on a local runner."""

import json

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from driftline.decoding.formats import MessageFormat
from driftline.transforms.counters import counts_of
from driftline.transforms.sources.decode import DecodeMessages, MessageBatch
from tests.driftline.decoding.writers import AVRO, SCHEMA, avro_bytes, json_bytes, row

FORMATS = {
    "avro": (MessageFormat("avro", json.dumps(AVRO)), avro_bytes),
    "json": (MessageFormat("json"), json_bytes),
}


@pytest.mark.parametrize("name", FORMATS)
def test_messages_to_events_and_dead_letters(name):
    message_format, write = FORMATS[name]
    good = [write(row(at=i)) for i in range(5)]
    batches = [
        MessageBatch([*good[:2], b"\xff"], "topic/0", [10, 11, 12]),
        MessageBatch([b"", *good[2:]], "topic/1", ["a", "b", "c", "d"]),
    ]
    pipeline = beam.Pipeline(FnApiRunner())
    done = (
        pipeline
        | beam.Create(batches)
        | beam.ParDo(DecodeMessages("m", SCHEMA, message_format)).with_outputs("dead_letters", main="events")
    )
    times = done.events | beam.FlatMap(lambda batch: batch["time"].to_pylist())
    places = done.dead_letters | "Places" >> beam.FlatMap(
        lambda batch: [(r["source"], r["position"], r["payload"], r["reason"]) for r in batch.to_pylist()]
    )
    assert_that(times, equal_to([0, 1000, 2000, 3000, 4000]), "times")
    wanted = [("topic/0", "12", b"\xff", "undecodable"), ("topic/1", "a", b"", "undecodable")]
    assert_that(places, equal_to(wanted), "places")
    result = pipeline.run()
    result.wait_until_finish()
    assert counts_of(result) == {"decoded": 7, "rejected": 2, "rejected_undecodable": 2}


def test_a_format_without_its_schema_is_refused_at_once():
    with pytest.raises(ValueError, match=r"schema: event\.avsc"):
        DecodeMessages("m", SCHEMA, MessageFormat("avro"))
