"""Event times that the source knows, request ids, tombstones, and rows rejected after normalisation."""

import uuid

import numpy as np
import orjson
import pyarrow as pa
import pytest

from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events, events_of, reject_rows
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.rejects import Reason
from driftline.decoding.request_ids import request_hashes
from driftline.feature_spec import FeatureSpec
from driftline.profiles.hashing import hash_text
from driftline.schemas.time_range import MAX_TIME

SCHEMA = EventSchema("at", "ms", ("o",), (FeatureSpec("x", "numeric", "x"),))
WITH_ID = EventSchema("at", "ms", ("o",), (FeatureSpec("x", "numeric", "x"),), "id", deduplicate=True)
MESSAGES = [
    orjson.dumps({"at": 7, "o": "a", "x": 1, "id": "r1"}),
    orjson.dumps(
        [{"at": 8, "o": "b", "x": 2, "id": "r2"}, {"at": 9, "o": ["c"], "x": 3, "id": "r3"}, {"at": 10}]
    ),
    None,
    b"{",
    orjson.dumps({"o": "e", "x": 5}),
]


def decode(payloads=MESSAGES, schema=SCHEMA, times=None):
    return decode_events(JsonDecoder(schema), payloads, schema, times)


def test_the_record_s_time_is_the_time_of_all_its_events_and_the_payload_s_is_not_looked_at():
    result = decode(times=np.array([100, 200, 300, 400, 500]))
    by_message = sorted(zip(result.message.tolist(), result.events["time"].to_pylist(), strict=True))
    assert by_message == [(0, 100_000), (1, 200_000), (1, 200_000), (4, 500_000)]
    assert {r.reason for r in result.rejects} == {Reason.WRONG_TYPE, Reason.NO_VALUE, Reason.UNDECODABLE}
    assert len(decode().events["time"]) == 3  # message 4 has no time of its own


def test_records_without_a_time_are_rejected_and_so_are_times_that_overflow():
    messages = [MESSAGES[0]] * 4
    last = MAX_TIME // 1000
    result = decode(messages, times=np.array([-1, last, last + 1, 2**63 - 1]))
    assert result.events["time"].to_pylist() == [last * 1000]
    assert [(r.message, r.reason, r.payload) for r in result.rejects] == [
        (0, Reason.MISSING_EVENT_TIME, messages[0]),
        (2, Reason.INVALID_EVENT_TIME, messages[0]),
        (3, Reason.INVALID_EVENT_TIME, messages[0]),
    ]
    assert "record has no timestamp" in result.rejects[0].detail


def test_a_tombstone_is_rejected_as_itself_and_shifts_no_other_message():
    result = decode([None, *MESSAGES, None])
    plain = decode(MESSAGES)
    assert (result.message - 1).tolist() == plain.message.tolist()
    assert result.event.tolist() == plain.event.tolist()
    tombstones = [r for r in result.rejects if r.reason is Reason.NO_VALUE]
    assert [(r.message, r.event, r.payload) for r in tombstones] == [(0, -1, b""), (3, -1, b""), (6, -1, b"")]
    others = [(r.message - 1, r.reason, r.payload) for r in result.rejects if r.reason is not Reason.NO_VALUE]
    assert others == [
        (r.message, r.reason, r.payload) for r in plain.rejects if r.reason is not Reason.NO_VALUE
    ]
    assert result.decoded == plain.decoded + 2 == 4 + 2 + 2 + 1


def test_nothing_but_tombstones():
    result = decode([None, None])
    assert (result.events.num_rows, result.events.schema, result.decoded) == (0, SCHEMA.arrow, 2)


def test_rejected_rows_carry_what_they_were_and_where_they_stood():
    result = decode()
    late = result.events["time"].to_numpy() >= 7_000
    after = reject_rows(result, late, Reason.FUTURE_EVENT_TIME, lambda row: f"row {row}", MESSAGES)
    assert after.decoded == result.decoded
    assert after.events.num_rows == 0
    assert after.event.tolist() == after.message.tolist() == []
    new = after.rejects[len(result.rejects) :]
    found = {(r.message, r.event): r for r in new}
    assert set(found) == {(0, -1), (1, 0), (1, 2)}
    assert found[0, -1].payload == MESSAGES[0]
    assert orjson.loads(found[1, 0].payload) == {"time": 8_000, "segment.o": "b", "feature.x": 2}
    assert {r.reason for r in new} == {Reason.FUTURE_EVENT_TIME}
    assert sorted(r.detail for r in new) == ["row 0", "row 1", "row 2"]


def test_rows_not_rejected_keep_their_place():
    result = decode()
    far = result.events["time"].to_numpy() == 8_000
    after = reject_rows(result, far, Reason.FUTURE_EVENT_TIME, "far", MESSAGES)
    places = list(
        zip(after.message.tolist(), after.event.tolist(), after.events["time"].to_pylist(), strict=True)
    )
    assert sorted(places) == [(0, -1, 7_000), (1, 2, 10_000)]
    assert reject_rows(result, np.zeros(3, bool), Reason.FUTURE_EVENT_TIME, "far") is result


def test_the_request_is_the_last_column_and_only_where_asked_for():
    result = decode(schema=WITH_ID)
    assert result.events.schema == WITH_ID.arrow
    assert result.events.schema.names == [*SCHEMA.arrow.names, "request"]
    hashes = dict(zip(result.events["time"].to_pylist(), result.events["request"].to_pylist(), strict=True))
    wanted = hash_text(pa.array(["r1", "r2"])).tolist()
    assert hashes == {7_000: wanted[0], 8_000: wanted[1], 10_000: None}
    assert decode().events.schema.names == SCHEMA.arrow.names


def test_a_payload_without_the_column_has_no_ids():
    events = decode([orjson.dumps({"at": 1})], WITH_ID).events
    assert events["request"].to_pylist() == [None]


def test_dropping_duplicates_needs_an_id():
    with pytest.raises(ValueError, match="request_id: COLUMN"):
        EventSchema("at", deduplicate=True)


ID = uuid.UUID(int=2**127 + 5)


@pytest.mark.parametrize(
    ("ids", "texts"),
    [
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["é", None]).dictionary_encode(), ["é", None]),
        (pa.array([b"\xff\xfe", b""]), [b"\xff\xfe", None]),
        (pa.array([ID.bytes], pa.binary(16)), [ID.bytes]),
        (pa.array([7, -1, None]), ["7", "-1", None]),
        (pa.array([7.0, 0.5]), ["7", "0.5"]),
        (pa.array([True]), ["true"]),
        (pa.nulls(2), [None, None]),
        (pa.array([[1], None]), [None, None]),
        (pa.array([], pa.string()), []),
        (pa.array(["x" * 5_000, "x" * 4_999 + "y"]), ["x" * 5_000, "x" * 4_999 + "y"]),
        (pa.array(["skip", "", "c"]).slice(1), [None, "c"]),
        (pa.chunked_array([["a"], [None, "b"]]), ["a", None, "b"]),
    ],
    ids=str,
)
def test_ids_of_any_type_hash_as_their_bytes(ids, texts):
    as_bytes = pa.array([t.encode() if isinstance(t, str) else t for t in texts], pa.large_binary())
    wanted = [None if t is None else h for t, h in zip(texts, hash_text(as_bytes).tolist(), strict=True)]
    hashes = request_hashes(ids)
    assert hashes.type == pa.uint64()
    assert hashes.to_pylist() == wanted


def test_ids_that_are_text_in_some_rows_and_numbers_in_others():
    union = pa.UnionArray.from_dense(
        pa.array([0, 1, 0, 1], pa.int8()),
        pa.array([0, 0, 1, 1], pa.int32()),
        [pa.array(["7", None]), pa.array([7, 8])],
    )
    first, second, third, fourth = request_hashes(union).to_pylist()
    assert first == second != fourth
    assert third is None


def test_files_have_no_record_times():
    table = pa.table({"at": [1], "o": ["a"], "x": [1.0]})
    from driftline.decoding.decoded import Decoded, Part

    result = events_of(Decoded((Part.of_rows(table),)), None, SCHEMA)
    assert result.event is None
    assert result.events["time"].to_pylist() == [1_000]
