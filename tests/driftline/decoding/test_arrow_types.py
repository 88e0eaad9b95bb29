"""Every Arrow type as every column that is read: rows become events or rejects, and nothing else happens."""

import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.decoding.arrow_messages import ArrowDecoder
from driftline.decoding.event_schema import EventSchema, LabelColumn
from driftline.decoding.events import decode_events, events_of
from driftline.decoding.rejects import Reason
from driftline.feature_spec import FeatureSpec
from driftline.transforms.sources.files.file_formats import read_file

FAR = [0, None, 2**62, -(2**62)]
FAR_32 = [0, None, 2**31 - 1, -(2**31)]
BYTES = [b"a", None, b"\xff" * 20, b"2026-01-01"]
TEXT = ["a", None, "b" * 40, "2026-01-01"]
OF_ROWS = {
    Reason.MISSING_EVENT_TIME,
    Reason.INVALID_EVENT_TIME,
    Reason.WRONG_TYPE,
    Reason.UNKNOWN_CLASS,
}
BASE = {
    "at": pa.array([1, 2, 3, 4]),
    "g": pa.array(["s"] * 4),
    "x": pa.array([1.0, 2, 3, 4]),
    "c": pa.array(["a", "b", "c", "d"]),
    "id": pa.array([1, 2, 3, 4]),
    "y": pa.array([0, 1, 0, 1]),
}


def of_counts(values, kind, width=None):
    return pa.array(values, width or pa.int64()).view(kind)


def plain_arrays():
    arrays = {}
    for kind in (
        *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
        *(pa.timestamp("s", zone) for zone in ("UTC", "Europe/Berlin", "Mars/Phobos", "+25:00")),
        *(pa.date64(), pa.time64("us"), pa.time64("ns"), pa.duration("s"), pa.duration("ns"), pa.int64()),
    ):
        arrays[str(kind)] = of_counts(FAR, kind)
    for kind in (pa.date32(), pa.time32("s"), pa.time32("ms"), pa.int32()):
        arrays[str(kind)] = of_counts(FAR_32, kind, pa.int32())
    for kind in (pa.int8(), pa.uint16(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()):
        arrays[str(kind)] = pa.array([1, None, 0, 1]).cast(kind)
    arrays["bool"] = pa.array([True, None, False, True])
    arrays["uint64 at its end"] = pa.array([2**64 - 1, None, 0, 1], pa.uint64())
    arrays["wild floats"] = pa.array([float("nan"), None, float("inf"), 1e300])
    for kind in (pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(38, 37), pa.decimal256(76, 75)):
        arrays[str(kind)] = pa.array([Decimal(1), None, Decimal(0), Decimal(-1)], kind)
    arrays["large decimal"] = pa.array(
        [Decimal(10) ** 75, None, Decimal(1), Decimal(2)], pa.decimal256(76, 0)
    )
    digits = pa.array([1, 10**17, 2, 3, 4, 5, 6, 7]).buffers()[1]
    arrays["decimal of too many digits"] = pa.Array.from_buffers(pa.decimal128(3, 0), 4, [None, digits])
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        arrays[str(kind)] = pa.array(BYTES, kind)
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        arrays[str(kind)] = pa.array(TEXT, kind)
    arrays["string not UTF-8"] = pa.array(BYTES).view(pa.string())
    arrays["large string not UTF-8"] = pa.array(BYTES, pa.large_binary()).view(pa.large_string())
    arrays["string view not UTF-8"] = pa.array(BYTES, pa.binary_view()).view(pa.string_view())
    arrays["fixed binary"] = pa.array([b"aaaa", None, b"\xff" * 4, b"1234"], pa.binary(4))
    arrays["null"] = pa.nulls(4)
    arrays["interval"] = pa.array([(1, 2, 3), None, (1, 2, 3), (0, 0, 0)], pa.month_day_nano_interval())
    return arrays


def nested_arrays(plain):
    lists = [[1], None, [], [2, 3]]
    arrays = {
        str(kind): pa.array(lists, kind)
        for kind in (pa.list_(pa.int64()), pa.large_list(pa.int8()), pa.list_view(pa.int8()))
    }
    arrays["fixed list"] = pa.array([[1, 2], None, [3, 4], [5, 6]], pa.list_(pa.int8(), 2))
    arrays["list of views"] = pa.array([["a"], None, [], ["b"]], pa.list_(pa.string_view()))
    arrays["struct"] = pa.array([{"a": 1}, None, {"a": 2}, {"a": None}])
    views = pa.struct([("a", pa.string_view())])
    arrays["struct of views"] = pa.array([{"a": "x"}, None, {"a": "y"}, {"a": None}], views)
    arrays["map"] = pa.array([[("a", 1)], None, [], [("b", 2)]], pa.map_(pa.string(), pa.int64()))
    codes, offsets = pa.array([0, 1, 0, 2], pa.int8()), pa.array([0, 0, 1, 0], pa.int32())
    views = pa.array(["x"], pa.string_view())
    arrays["dense union"] = pa.UnionArray.from_dense(
        codes, offsets, [pa.array([1, None]), views, pa.array([[1]])]
    )
    arrays["sparse union"] = pa.UnionArray.from_sparse(
        codes, [pa.array([1, 2, None, 4]), plain["string_view"], plain["timestamp[s, tz=UTC]"]]
    )
    pairs = pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32())
    arrays["union of times"] = pa.UnionArray.from_dense(
        *pairs, [plain["interval"][:2], plain["duration[s]"][:2]]
    )
    arrays["union of unions"] = pa.UnionArray.from_dense(
        *pairs, [arrays["dense union"][:2], arrays["sparse union"][:2]]
    )
    return arrays


def every_array():
    plain = plain_arrays()
    arrays = plain | nested_arrays(plain)
    coded = {}
    for name, values in arrays.items():
        coded[f"dictionary of {name}"] = pa.DictionaryArray.from_arrays(
            pa.array([3, 0, None, 1], pa.int32()), values
        )
        try:
            coded[f"runs of {name}"] = pa.RunEndEncodedArray.from_arrays(
                pa.array([1, 2, 3, 4], pa.int16()), values
            )
        except pa.ArrowInvalid:  # pyarrow makes no runs of values that their type forbids
            continue
    storage = pa.array([1, None, 0, 1], pa.int8())
    extensions = {
        "uuid": pa.array([b"0" * 16, None, b"\xff" * 16, b"1" * 16], pa.uuid()),
        "bool8": pa.ExtensionArray.from_storage(pa.bool8(), storage),
        "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", None, "{}", "x"])),
        "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.int8(), "kind", "vendor"), storage),
        "tensor": pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int8(), [2]), arrays["fixed list"]),
    }
    return arrays | coded | extensions


ARRAYS = every_array()


def schema(unit, label):
    features = (FeatureSpec("x", "numeric", "x"), FeatureSpec("c", "categorical", "c"))
    return EventSchema("at", unit, ("g",), features, "id", deduplicate=True, joined=True, label=label)


SCHEMAS = (
    schema("ms", LabelColumn("y", (("0", "1"),), alone=False)),
    schema(None, LabelColumn("y", (), alone=True)),
)


def stream(table, batches=1):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for _ in range(batches):
            writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("name", ARRAYS)
def test_every_type_as_every_column_of_messages(name):
    for column in BASE:
        table = pa.table({**BASE, column: ARRAYS[name]})
        message = stream(table)
        if name.startswith("dictionary of "):
            try:
                pa.ipc.open_stream(message).read_all()
            except pa.ArrowInvalid:
                pytest.skip("pyarrow writes what it cannot read")
        for events in SCHEMAS:
            result = decode_events(ArrowDecoder(events), [message, stream(table.slice(1), 2)], events)
            assert result.decoded == 10
            assert {reject.reason for reject in result.rejects} <= OF_ROWS
            assert all(reject.payload for reject in result.rejects)


@pytest.mark.parametrize("column", BASE)
def test_every_type_as_every_column_of_parquet(column):
    read = 0
    for values in ARRAYS.values():
        file = io.BytesIO()
        try:
            pq.write_table(pa.table({**BASE, column: values}), file)
        except (pa.ArrowException, TypeError):  # no Parquet column holds it
            continue
        read += 1
        for events in SCHEMAS:
            file.seek(0)
            batches = read_file(file, "a", "parquet", events)
            decoded = [events_of(batch.decoded, None, events) for batch in batches]
            assert sum(result.decoded for result in decoded) == 4
            reasons = {reject.reason for result in decoded for reject in result.rejects}
            assert reasons <= OF_ROWS | {Reason.TRUNCATED}
    assert read > 50


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize("column", ["at", "g", "c"])
def test_one_value_that_is_not_utf_8_costs_its_row_or_itself(kind, column):
    times = [f"2026-01-0{day}".encode() for day in range(1, 8)]
    values = pa.array([*times[:3], times[3] + b"\xb5", *times[4:]], pa.binary())
    binary = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}.get(kind, pa.binary_view())
    base = {name: pa.array([text.decode() for text in times]) for name in ("at", "g", "c")}
    table = pa.table({**base, column: values.cast(binary).view(kind)})
    events = EventSchema("at", None, ("g",), (FeatureSpec("c", "categorical", "c"),))
    result = decode_events(ArrowDecoder(events), [stream(table)], events)
    if column == "c":
        assert (result.rejects, result.events["invalid.c"].to_pylist()) == (
            (),
            [day == 3 for day in range(7)],
        )
        return
    (reject,) = result.rejects
    assert (result.events.num_rows, reject.event) == (6, 3)
    assert reject.reason is (Reason.INVALID_EVENT_TIME if column == "at" else Reason.WRONG_TYPE)


@pytest.mark.parametrize(
    "far",
    [
        *(of_counts([0, 2**61, 3], pa.timestamp(unit)) for unit in ("s", "ms", "us")),
        of_counts([0, 2**61, 3], pa.timestamp("s", "UTC")),
        of_counts([0, 2**31 - 1, 3], pa.date32(), pa.int32()),
        of_counts([0, 86_400, 3], pa.time32("s"), pa.int32()),
    ],
    ids=str,
)
def test_one_time_that_cannot_be_written_is_one_invalid_value(far):
    events = EventSchema("at", "ms", (), (FeatureSpec("c", "categorical", "c"),))
    result = decode_events(ArrowDecoder(events), [stream(pa.table({"at": [1, 2, 3], "c": far}))], events)
    assert (result.rejects, result.events["invalid.c"].to_pylist()) == ((), [False, True, False])
    texts = result.events["feature.c"].to_pylist()
    assert texts[1] is None
    assert all(len(text) < 30 for text in texts if text is not None)
