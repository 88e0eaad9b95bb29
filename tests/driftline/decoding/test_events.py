"""Event times, feature values and categories out of every Arrow type."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.decoded import Decoded, Part
from driftline.decoding.event_schema import EventSchema, LabelColumn, check_columns
from driftline.decoding.event_times import event_times
from driftline.decoding.events import events_of
from driftline.decoding.normalise import normalise
from driftline.decoding.python_rows import column_of
from driftline.decoding.values import numeric_values, text_values
from driftline.feature_spec import FeatureSpec
from driftline.schemas.time_range import MAX_TIME, MIN_TIME

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def micros(moment):
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


def only(column, unit=None):
    times, missing, invalid = event_times(column, unit)
    return [
        None if m else "bad" if i else t for t, m, i in zip(times.tolist(), missing, invalid, strict=True)
    ]


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(timezones=st.none() | st.timezones() | st.just(dt.timezone.utc)),
    st.sampled_from(["T", " ", "t"]),
    st.booleans(),
)
def test_iso_text_as_python_reads_it(moment, separator, with_garbage):
    if moment.tzinfo is not None and (moment.utcoffset() is None or moment.utcoffset().seconds % 60):
        return
    text = moment.isoformat(sep=separator).replace("+00:00", "Z")
    aware = moment.replace(tzinfo=dt.timezone.utc) if moment.tzinfo is None else moment
    wanted = micros(aware)
    wanted = wanted if MIN_TIME <= wanted <= MAX_TIME else "bad"
    column = pa.array([text, None, "2023-02-30", ""] if with_garbage else [text])
    assert only(column) == ([wanted, None, "bad", "bad"] if with_garbage else [wanted])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2020-01-02", "2020-01-02T00:00:00"),
        ("2020-01-02T03", "2020-01-02T03:00:00"),
        ("2020-01-02T03:04Z", "2020-01-02T03:04:00"),
        (" 2020-01-02T03:04:05.123456789z ", "2020-01-02T03:04:05.123456"),
        ("2020-01-02T03:04:05,5", "2020-01-02T03:04:05.5"),
        ("20200102T030405Z", "2020-01-02T03:04:05"),
        ("2020-01-02T03:04:05+0530", "2020-01-01T21:34:05"),
        ("2020-01-02T03:04:05-01", "2020-01-02T04:04:05"),
        ("0001-01-01", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"),
        ("0000-12-31", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("10000-01-01", None),
        ("2020-13-01", None),
        ("2020-02-30T00:00:00Z", None),
        ("2020-01-02T24:00:00", None),
        ("2020-01-02T03:04:05 Europe/Berlin", None),
        ("1577934245", None),
        ("yesterday", None),
    ],
)
@pytest.mark.parametrize("beside", [[], ["2020-01-01T00:00:00Z"], ["2020-01-01"], ["?"]])
def test_forms_of_iso_text(text, wanted, beside):
    if wanted is not None:
        moment, _, fraction = wanted.partition(".")
        moment = dt.datetime.fromisoformat(moment + "+00:00")
        wanted = micros(moment) + int(fraction.ljust(6, "0") or 0)
    assert only(pa.array([text, *beside]))[0] == ("bad" if wanted is None else wanted)


def test_text_of_numbers_needs_the_unit():
    column = pa.array(["1577934245", "1577934245.25", "2020-01-02T03:04:05Z", None])
    assert only(column, "s") == [1577934245 * 10**6, 1577934245_250000, 1577934245 * 10**6, None]
    assert only(pa.array([str(MAX_TIME), str(MAX_TIME + 1)]), "us") == [MAX_TIME, "bad"]


@pytest.mark.parametrize(("unit", "scale"), [("s", 10**6), ("ms", 1000), ("us", 1)])
@pytest.mark.parametrize("kind", [pa.int64(), "timestamp"])
def test_the_years_1_to_9999_and_no_further(unit, scale, kind):
    first, last = MIN_TIME // scale, MAX_TIME // scale
    kind = pa.timestamp(unit, "America/New_York") if kind == "timestamp" else kind
    values = [first, last, first - 1, last + 1, 2**63 - 1, -(2**63), None, 0]
    found = only(pa.array(values, pa.int64()).cast(kind), unit if kind == pa.int64() else None)
    assert found == [first * scale, last * scale, "bad", "bad", "bad", "bad", None, 0]


@pytest.mark.parametrize(
    ("column", "unit", "wanted"),
    [
        (pa.array([1, None], pa.uint64()), "ms", [1000, None]),
        (pa.array([2**64 - 1], pa.uint64()), "ms", ["bad"]),
        (pa.array([1.5, np.nan, np.inf, 1e300, None]), "s", [1_500_000, "bad", "bad", "bad", None]),
        (pa.array([1e15, -1e15, 253402300800.0]), "s", ["bad", "bad", "bad"]),
        (pa.array([1999, -1001]), "ns", [1, -2]),
        (pa.array([1999.0]), "ns", [2]),
        (pa.array([decimal.Decimal("1.25")]), "s", [1_250_000]),
        (pa.array([1]), None, ["bad"]),
        (pa.array([True]), "s", ["bad"]),
        (pa.array([1_999], pa.timestamp("ns")), None, [1]),
        (pa.array([dt.date(1970, 1, 2), dt.date(1, 1, 1)]), None, [86_400_000_000, MIN_TIME]),
        (pa.array([3_000_000, -800_000], pa.int32()).cast(pa.date32()), None, ["bad", "bad"]),
        (pa.array([dt.date(1970, 1, 2)], pa.date64()), None, [86_400_000_000]),
        (pa.array(["1970-01-01T00:00:01Z", None]).dictionary_encode(), None, [1_000_000, None]),
        (pa.array(["1970-01-01T00:00:01Z"], pa.large_string()), None, [1_000_000]),
        (pa.array([b"1970-01-01T00:00:01Z", b"\xff"]), None, [1_000_000, "bad"]),
        (pa.chunked_array([["1970-01-01"], ["1970-01-02"]]), None, [0, 86_400_000_000]),
        (pa.nulls(2), None, [None, None]),
        (
            column_of([1, "1970-01-01T00:00:02Z", None, 2.5, [1]], numeric=False),
            "s",
            [1_000_000, 2_000_000, None, 2_500_000, "bad"],
        ),
    ],
)
def test_times_of_every_type(column, unit, wanted):
    assert only(column, unit) == wanted


@pytest.mark.parametrize(
    ("column", "wanted", "wrong"),
    [
        (pa.array([1.5, None, np.inf]), [1.5, None, np.inf], []),
        (pa.array([0.1], pa.float32()), [float(np.float32(0.1))], []),
        (pa.array(np.array([1.5], np.float16)), [1.5], []),
        (pa.array([2**53 + 1, None]), [float(2**53), None], []),
        (pa.array([2**64 - 1], pa.uint64()), [float(2**64)], []),
        (pa.array([True, False, None]), [1.0, 0.0, None], []),
        (pa.array([decimal.Decimal("1.25")]), [1.25], []),
        (pa.array([7, 8]).dictionary_encode(), [7.0, 8.0], []),
        (pa.nulls(2), [None, None], []),
        (pa.array(["1.5", None]), [1.5, None], []),
        (
            pa.array([" 12.5 ", "abc", "", "NaN", "-1e3", "1,5"]),
            [12.5, None, None, np.nan, -1e3, None],
            [1, 5],
        ),
        (pa.array([b"12.5", b"\xff"]), [12.5, None], [1]),
        (pa.array(["7", "x"]).dictionary_encode(), [7.0, None], [1]),
        (column_of([1.5, "2.5", "x"], numeric=True), [1.5, 2.5, None], [2]),
        (pa.array([decimal.Decimal("19.99"), None], pa.decimal128(10, 2)), [19.99, None], []),
        (pa.array([[1]]), [None], [0]),
        (pa.array([0], pa.timestamp("us")), [None], [0]),
        (column_of([1, "a", None, 2.5, True], numeric=True), [1.0, None, None, 2.5, 1.0], [1]),
    ],
)
def test_numbers_of_every_type(column, wanted, wrong):
    values, mask = numeric_values(column)
    np.testing.assert_array_equal(values.to_numpy(zero_copy_only=False), np.array(wanted, float))
    assert values.type == pa.float64()
    assert np.flatnonzero(mask).tolist() == wrong


def test_numbers_keep_their_bits():
    values = np.array([-0.0, 5e-324, 1e308, np.nan, -np.inf])
    found, _ = numeric_values(pa.array(values))
    assert found.to_numpy().tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("column", "wanted", "wrong"),
    [
        (pa.array(["a", None, ""]), ["a", None, ""], []),
        (pa.array(["a", None], pa.large_string()), ["a", None], []),
        (pa.array(["a", None], pa.string_view()), ["a", None], []),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"], []),
        (pa.array([b"a", b"\xff", None]), ["a", None, None], [1]),
        (pa.array([7, None]), ["7", None], []),
        (pa.array([7.0, 0.1, np.nan, 1e300, None]), ["7", "0.1", "nan", "1e+300", None], []),
        (pa.array([0.1], pa.float32()), ["0.1"], []),
        (pa.array([True, None]), ["true", None], []),
        (pa.array([dt.date(2020, 1, 2)]), ["2020-01-02"], []),
        (pa.array([decimal.Decimal("1.20"), decimal.Decimal("7.00")]), ["1.2", "7"], []),
        (pa.array([0.1 + 0.2, float(np.float32(0.1)), 1e300]), ["0.3", "0.1", "1e+300"], []),
        (pa.nulls(1), [None], []),
        (pa.array([["a"], None]), [None, None], [0]),
        (column_of([1, "a", None, 2.0, True, b"b"], numeric=False), ["1", "a", None, "2", "true", "b"], []),
    ],
)
def test_categories_of_every_type(column, wanted, wrong):
    values, mask = text_values(column)
    assert values.to_pylist() == wanted
    assert values.type == pa.string()
    assert np.flatnonzero(mask).tolist() == wrong


def test_text_that_is_not_utf8_inside_an_arrow_string_is_found():
    broken = pa.array([b"\xff\xfe", b"ok"]).view(pa.string())
    values, mask = text_values(broken)
    assert (values.to_pylist(), mask.tolist()) == ([None, "ok"], [True, False])


def test_a_category_of_10_megabytes_is_cut():
    long = "é" * 5_000_000
    values, _ = text_values(pa.array([long, long + "!", "é" * 128, None]))
    first, second, third, _ = values.to_pylist()
    assert first.startswith("é" * 200 + "…#")
    assert len(first) == 218
    assert first != second
    assert third == "é" * 128


SCHEMA = EventSchema(
    "at", "s", ("o",), (FeatureSpec("n", "numeric", "x"), FeatureSpec("c", "categorical", "x"))
)


def test_one_column_may_be_several_features_and_absent_ones_are_null():
    events = normalise(pa.table({"at": [1], "x": [7]}), SCHEMA).events
    assert events.to_pylist() == [{"time": 1_000_000, "segment.o": None, "feature.n": 7.0, "feature.c": "7"}]


def test_each_row_has_one_reject_the_first_fault():
    table = pa.table({"at": [None, 10**15, 3, 4], "x": ["a", "b", "c" * 1000, None], "o": [1, 2, 3, 4]})
    result = normalise(table, SCHEMA)
    assert [(r.row, r.reason.value) for r in result.rejects] == [
        (0, "missing_event_time"),
        (1, "invalid_event_time"),
    ]
    assert result.rows.tolist() == [2, 3]
    first, second = result.events.to_pylist()
    assert first["feature.c"].startswith("ccc")
    assert (first["feature.n"], first["invalid.n"]) == (None, True)
    assert second == {
        "time": 4_000_000,
        "segment.o": "4",
        "feature.n": None,
        "feature.c": None,
        "invalid.n": False,
    }


def test_a_segment_of_another_type_is_a_reject_and_says_so():
    table = pa.table({"at": [1], "x": [7], "o": [["c" * 1000]]})
    (reject,) = normalise(table, SCHEMA).rejects
    assert reject.reason.value == "wrong_type"
    assert reject.detail.startswith("segment 'o': column 'o' holds")
    assert len(reject.detail) < 130


def test_which_columns_the_records_lack_is_known():
    assert normalise(pa.table({"at": [1, 2]}), SCHEMA).absent == ("x",)
    parts = tuple(
        Part.of_rows(each) for each in (pa.table({"at": [1, 2]}), pa.table({"at": [3], "x": ["?"]}))
    )
    result = events_of(Decoded(parts), None, SCHEMA)
    assert (result.absent, result.invalid) == ({"x": 2}, {"n": 1})
    assert result.empty == {"x": 2}
    assert result.events["invalid.n"].to_pylist() == [None, None, True]
    assert result.filter(np.array([True, True, False])).invalid == {"n": 0}


def test_no_time_column_at_all():
    (reject,) = normalise(pa.table({"x": [7]}), SCHEMA).rejects
    assert reject.detail == "event_time: there is no column 'at'"


def test_integers_without_unit_say_what_to_set():
    (reject,) = normalise(pa.table({"at": [7]}), EventSchema("at")).rejects
    assert "set event_time: {column: at, unit: s}" in reject.detail


def test_unreadable_values_are_described_all_the_same():
    far = pa.array([2**62], pa.int64()).view(pa.timestamp("us"))
    broken = pa.array([b"\xff"]).view(pa.string())
    (reject,) = normalise(pa.table({"at": far, "o": broken}), EventSchema("at", None, ("o",))).rejects
    assert str(2**62) in reject.detail


EXOTIC = [
    pa.float16(),
    pa.int8(),
    pa.uint64(),
    pa.decimal128(5, 2),
    pa.decimal256(50, 3),
    pa.binary(),
    pa.binary(3),
    pa.large_binary(),
    pa.binary_view(),
    pa.string_view(),
    pa.large_string(),
    pa.time32("s"),
    pa.time64("ns"),
    pa.duration("ms"),
    pa.month_day_nano_interval(),
    pa.date32(),
    pa.date64(),
    pa.timestamp("s", "+05:30"),
    pa.timestamp("ns"),
    pa.timestamp("ms", "Nowhere/Land"),
    pa.list_(pa.int8()),
    pa.large_list(pa.string()),
    pa.list_(pa.int8(), 2),
    pa.struct([("a", pa.int8())]),
    pa.map_(pa.string(), pa.int8()),
    pa.null(),
    pa.bool_(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.float64()),
    pa.run_end_encoded(pa.int32(), pa.string()),
    pa.run_end_encoded(pa.int32(), pa.float32()),
]


@pytest.mark.parametrize("kind", EXOTIC, ids=str)
@pytest.mark.parametrize("unit", ["s", None])
def test_no_type_stops_the_job(kind, unit):
    from driftline.decoding.decoded import Decoded, Part
    from driftline.decoding.events import events_of

    if pa.types.is_run_end_encoded(kind):
        value = "5" if kind.value_type == pa.string() else 5.0
        column = pa.RunEndEncodedArray.from_arrays([1, 2], [None, value], kind)
    elif pa.types.is_primitive(kind) and kind.bit_width == 64:
        column = pa.array([None, 2**62], pa.int64()).view(kind)
    elif pa.types.is_dictionary(kind):
        column = pa.DictionaryArray.from_arrays(
            pa.array([None, 0], kind.index_type), pa.array([5]).cast(kind.value_type)
        )
    else:
        samples = [
            5,
            5.0,
            "5",
            b"555",
            True,
            [1, 2],
            ["a"],
            {"a": 1},
            [("a", 1)],
            decimal.Decimal(5),
            dt.timedelta(1),
            dt.date(2020, 1, 1),
            dt.time(1),
            dt.datetime(2020, 1, 1),
            pa.MonthDayNano([1, 1, 1]),
            None,
        ]
        for sample in samples:
            try:
                column = pa.array([None, sample], kind)
                break
            except (pa.ArrowException, TypeError, ValueError):
                continue
    records = pa.table({"at": column, "o": column, "x": column})
    result = events_of(
        Decoded((Part.of_rows(records),)), None, EventSchema("at", unit, ("o",), SCHEMA.features)
    )
    assert result.decoded == 2
    assert all(isinstance(reject.payload, bytes) and reject.detail for reject in result.rejects)
    kept = normalise(
        records.append_column("t", pa.array([1, 2])), EventSchema("t", "s", ("o",), SCHEMA.features[1:])
    )
    assert kept.events.num_rows + len(kept.rejects) == 2


def test_no_rows():
    result = normalise(pa.table({"at": pa.array([], pa.int64())}), SCHEMA)
    assert result.events.num_rows == 0
    assert result.events.schema == SCHEMA.arrow


def test_columns_are_checked_with_remedies():
    good = [("at", pa.int64()), ("o", pa.string()), ("x", pa.float64())]
    assert check_columns(good, SCHEMA) == []
    assert check_columns([*good[:2], ("x", pa.string())], SCHEMA) == []  # only the values can tell
    (date,) = check_columns([*good[:2], ("x", pa.date32())], SCHEMA)
    assert date.startswith("features.n: column 'x' is date32[day], not a number; declare it as categorical")
    missing = check_columns([("att", pa.int64())], SCHEMA)
    assert [m.split(":")[0] for m in missing] == ["event_time", "segments", "features.n", "features.c"]
    assert "did you mean 'att'?" in missing[0]
    (unit,) = check_columns(good, EventSchema("at"))
    assert "event_time: {column: at, unit: s}" in unit
    assert check_columns([("at", pa.bool_())], EventSchema("at")) == [
        "event_time: column 'at' is bool, which is not a point in time"
    ]
    nested = check_columns([("at", pa.int64()), ("o", pa.list_(pa.int8())), ("x", pa.struct([]))], SCHEMA)
    assert len(nested) == 3
    assert check_columns([("at", pa.null()), ("o", pa.null()), ("x", pa.null())], SCHEMA) == []


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="not one of s, ms, us, ns"):
        EventSchema("at", "h")


def test_the_event_schema_of_a_configuration():
    from driftline.config import parse_config

    text = """
model: m
event_time: {column: t, unit: ms}
request_id: id
prediction: score
segments: [o]
features: {x: numeric}
source: {files: {pattern: a.avro}}
baseline: {path: b.avro}
sinks: [{files: {path: out/}}]
"""
    schema = EventSchema.of(parse_config(text))
    assert schema.columns == ("t", "o", "x", "score", "id")
    assert schema.arrow.names == ["time", "segment.o", "feature.x", "feature.prediction"]


@pytest.mark.parametrize(
    ("schema", "needed"),
    [
        (EventSchema("at", request_id="id"), False),
        (EventSchema("at", request_id="id", joined=True, label=LabelColumn("y")), False),
        (EventSchema("at", request_id="id", deduplicate=True), True),
        (EventSchema("at", request_id="id", joined=True), True),
        (EventSchema("at", request_id="id", joined=True, label=LabelColumn("y", alone=True)), True),
    ],
)
def test_a_request_id_is_asked_for_only_where_something_is_found_by_it(schema, needed):
    found = check_columns([("at", pa.timestamp("us")), ("y", pa.int64())], schema)
    assert [problem.split(":")[0] for problem in found] == ["request_id"] * needed
