"""Texts on which JSON parsers differ: what is read of them, and how the rest is refused."""

import math

import pytest

from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.rejects import Reason
from driftline.feature_spec import FeatureSpec

SCHEMA = EventSchema("t", "s", (), (FeatureSpec("x", "numeric", "x"), FeatureSpec("c", "categorical", "c")))

NUMBERS = {
    b"0": 0.0,
    b"-0": -0.0,
    b"1E+2": 100.0,
    b"1e-2": 0.01,
    b"123.456e-789": 0.0,
    b"-1.5": -1.5,
    b"9007199254740993": 9007199254740992.0,
    b"18446744073709551616": 1.8446744073709552e19,
    b"1e999": math.inf,
    b"-1e999": -math.inf,
    b"NaN": math.nan,
    b"-Infinity": -math.inf,
    b"true": 1.0,
    b"null": None,
}
NO_NUMBERS = [
    b"+1",
    b"01",
    b"-01",
    b".5",
    b"1.",
    b"1.e1",
    b"0x1F",
    b"1e",
    b"1e+",
    b"--1",
    b"1_000",
    b"nan",
    b"- 1",
    b"\xef\xbc\x91",
]

TEXTS = {
    rb'"\u0041\n\/\\"': "A\n/\\",
    rb'"\uD83D\uDE00"': "\U0001f600",
    b'"\xf0\x9f\x98\x80"': "\U0001f600",
    rb'"\u0000"': "\x00",
    b'""': "",
    b'"\x7f"': "\x7f",
    b'"\xef\xbf\xbf"': "\uffff",
}
NO_TEXTS = [
    rb'"\uD83D"',
    rb'"\uDE00\uD83D"',
    rb'"\x41"',
    rb'"\u00"',
    rb'"\a"',
    b'"\xff"',
    b'"\xc0\xaf"',
    b'"\xed\xa0\x80"',
    b'"a\tb"',
    b'"a\nb"',
    b'"a\x00b"',
    b"'a'",
    b'"a',
    b"a",
]

NO_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"{]",
    b'{"t": 1,}',
    b'{"t": 1 "x": 2}',
    b'{"t"}',
    b'{"t": }',
    b"{t: 1}",
    b"{1: 1}",
    b'{"t": 1}}',
    b'{"t": 1}{"t": 1}',
    b'{"t": 1} x',
    b'{"t": 1} // why',
    b'{/* */"t": 1}',
    b'[{"t": 1},]',
    b'[,{"t": 1}]',
    b'[{"t": 1}',
    b'{"t": 1}\x00',
    b"\xff\xfe{\x00}\x00",
    b'\xc2\xa0{"t": 1}',
    b"[" * 100_000,
    b'{"t":' * 100_000,
    b'{"t": 1, "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
]


def decode(payload):
    return decode_events(JsonDecoder(SCHEMA), [payload], SCHEMA)


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_that_are_read(text):
    (event,) = decode(b'{"t": 1, "x": ' + text + b"}").events.to_pylist()
    found, wanted = event["feature.x"], NUMBERS[text]
    assert found == wanted or (math.isnan(found) and math.isnan(wanted))


@pytest.mark.parametrize("text", TEXTS)
def test_text_that_is_read(text):
    (event,) = decode(b'{"t": 1, "c": ' + text + b"}").events.to_pylist()
    assert event["feature.c"] == TEXTS[text]


@pytest.mark.parametrize(
    "payload",
    [
        *NO_JSON,
        *(b'{"t": 1, "x": ' + text + b"}" for text in NO_NUMBERS),
        *(b'{"t": 1, "c": ' + text + b"}" for text in NO_TEXTS),
    ],
    ids=lambda payload: repr(payload[:30]),
)
def test_what_is_no_json_is_one_reject(payload):
    result = decode(payload)
    assert ([reject.reason for reject in result.rejects], result.decoded) == ([Reason.UNDECODABLE], 1)
    beside = decode_events(JsonDecoder(SCHEMA), [b'{"t": 1}', payload, b'{"t": 2}'], SCHEMA)
    assert (beside.events.num_rows, len(beside.rejects)) == (2, 1)


@pytest.mark.parametrize("payload", [b"1", b'"a"', b"true", b"null", b"[1]", b"[[]]", b'[{"t": 1}, null]'])
def test_json_that_is_no_object_is_no_record(payload):
    assert [reject.reason for reject in decode(payload).rejects] == [Reason.NOT_A_RECORD]


@pytest.mark.parametrize("payload", [b"[]", b" [ ] "])
def test_an_empty_array_is_no_event(payload):
    assert decode(payload).decoded == 0


@pytest.mark.parametrize(
    "payload", [b'\r\n\t {"t": 1}\r\n', b'{"t": 5, "t": 1}', b'{"": 0, "t": 1, "t\\u0000": 2}']
)
def test_space_and_odd_keys(payload):
    (event,) = decode(payload).events.to_pylist()
    assert event["time"] == 1_000_000
