import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.measures.slicing import EventBuffer, SliceProfile, profile_events
from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.hashing import hash_text
from driftline.profiles.layout import Layout
from driftline.profiles.numeric import NumericProfile
from driftline.segments import ALL, OTHER, label_of

MINUTE = 60_000_000
YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999

LAYOUT = Layout.of(
    [
        NumericFeature("age", np.array([0.0, 10.0])),
        CategoricalFeature("carrier", ("UA", "DL"), np.unique(hash_text(pa.array(["UA", "DL"])))),
        NumericFeature("distance", np.array([5.0])),
    ]
)

NUMBER = st.none() | st.sampled_from([-3.0, 0.0, 5.0, 10.0, 7.25, np.nan, np.inf, -np.inf])
EVENT = st.fixed_dictionaries(
    {
        "time": st.integers(-3 * MINUTE, 3 * MINUTE) | st.sampled_from([YEAR_1, YEAR_9999, -1, 0, MINUTE]),
        "segment.origin": st.none() | st.sampled_from(["JFK", "EWR", "", "*", "(other)"]),
        "segment.fare": st.none() | st.sampled_from(["a", "b"]),
        "feature.age": NUMBER,
        "feature.carrier": st.none() | st.sampled_from(["UA", "DL", "XX", "YY"]),
        "feature.distance": NUMBER,
    }
)
SCHEMA = pa.schema(
    [
        ("time", pa.int64()),
        ("segment.origin", pa.string()),
        ("segment.fare", pa.string()),
        ("feature.age", pa.float64()),
        ("feature.carrier", pa.string()),
        ("feature.distance", pa.float64()),
    ]
)


def table_of(rows) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def assert_same_profile(block, one: bytes, two: bytes) -> None:
    kind = NumericProfile if block.kind == "numeric" else CategoricalProfile
    left, right = kind.from_bytes(one), kind.from_bytes(two)
    exact = ["missing", "counts"]
    exact += ["nonfinite", "minimum", "maximum"] if block.kind == "numeric" else ["unknown", "registers"]
    assert left.rows == right.rows
    for name in exact:
        assert np.array_equal(
            getattr(left, name), getattr(right, name), equal_nan=name in {"minimum", "maximum"}
        )
    if block.kind == "numeric":
        np.testing.assert_allclose(left.mean, right.mean, rtol=1e-9, atol=1e-9)
    else:
        assert [left.top(f, 9) for f in range(len(block))] == [right.top(f, 9) for f in range(len(block))]


def expected(rows, monitored, length):
    """Profile each group by itself, from Python lists."""
    groups = {}
    for row in rows:
        label = label_of({"origin": row["segment.origin"], "fare": row["segment.fare"]})
        if monitored is not None and label not in monitored:
            label = OTHER
        groups.setdefault((label, row["time"] // length * length), []).append(row)
    profiles = {}
    for (label, start), members in groups.items():
        for block in LAYOUT.blocks:
            columns = [[row[f"feature.{name}"] for row in members] for name in block.names]
            if block.kind == "numeric":
                values = np.array([[np.nan if v is None else v for v in column] for column in columns])
                missing = np.array([sum(v is None for v in column) for column in columns])
                profile = NumericProfile.of(block, values, missing)
            else:
                profile = CategoricalProfile.of(block, [pa.array(column, pa.string()) for column in columns])
            profiles[label, start, block.name] = profile.to_bytes()
    return profiles


def assert_expected(found, rows, monitored, length):
    wanted = expected(rows, monitored, length)
    keys = [tuple(part[:3]) for part in found]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(wanted)
    for part in found:
        assert isinstance(part.start, int)
        assert_same_profile(LAYOUT.block(part.part), part.profile, wanted[tuple(part[:3])])


MONITORED = st.none() | st.sets(
    st.sampled_from(["origin=JFK,fare=a", "origin=~,fare=~", "origin=,fare=b", "origin=%2A,fare=a", "unseen"])
)


@settings(max_examples=60)
@given(
    st.lists(EVENT, max_size=40),
    MONITORED,
    st.sampled_from([1, 7 * 10**6, MINUTE, 24 * 60 * MINUTE]),
    st.integers(0, 40),
)
def test_each_group_is_profiled_as_if_alone(rows, monitored, length, cut):
    monitored = None if monitored is None else frozenset(monitored)
    table = table_of(rows)
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    for events in (table, chunked, table.combine_chunks().to_batches()[0] if rows else table):
        assert_expected(list(profile_events(events, LAYOUT, monitored, length)), rows, monitored, length)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(EVENT, max_size=15), st.booleans()), max_size=6), MONITORED)
def test_a_buffer_gives_the_same_however_often_it_compacts(parts, monitored):
    monitored = None if monitored is None else frozenset(monitored)
    buffer = EventBuffer(LAYOUT, monitored, MINUTE)
    held = 0
    for rows, compact in parts:
        buffer.add(table_of(rows) if compact else table_of(rows).combine_chunks())
        held += len(rows)
        assert buffer.rows == held
        if compact:
            buffer.compact()
            held = 0
            assert buffer.rows == 0
    rows = [row for part, _ in parts for row in part]
    assert_expected(buffer.flush(), rows, monitored, MINUTE)
    assert (buffer.rows, buffer.bytes) == (0, 0)
    assert buffer.flush() == []


def test_a_buffer_knows_what_it_holds():
    buffer = EventBuffer(LAYOUT, None, MINUTE)
    events = table_of([{"time": 1}] * 1000)
    buffer.add(events)
    assert (buffer.rows, buffer.bytes) == (1000, events.nbytes)
    buffer.compact()
    assert buffer.rows == 0
    assert 0 < buffer.bytes < events.nbytes


def test_without_segment_columns_the_label_is_all_traffic():
    events = table_of([{"time": 1, "feature.age": 3.0}] * 5).drop(["segment.origin", "segment.fare"])
    for monitored in (None, frozenset(), frozenset({"origin=JFK"})):
        found = list(profile_events(events, LAYOUT, monitored, MINUTE))
        assert [part[:3] for part in found] == [(ALL, 0, "numeric/0"), (ALL, 0, "categorical/0")]


def test_all_traffic_is_left_to_merging():
    found = list(profile_events(table_of([{"time": 1, "segment.origin": "*"}]), LAYOUT, None, MINUTE))
    assert {part.segment for part in found} == {"origin=%2A,fare=~"}


@pytest.mark.parametrize("length", [MINUTE, 24 * 60 * MINUTE, 1])
def test_the_first_and_the_last_year(length):
    events = table_of([{"time": t} for t in (YEAR_9999, YEAR_1, -1)])
    starts = {part.start for part in profile_events(events, LAYOUT, None, length)}
    assert starts == {t // length * length for t in (YEAR_1, YEAR_9999, -1)}


def test_no_events_give_no_profiles():
    assert list(profile_events(SCHEMA.empty_table(), LAYOUT, None, MINUTE)) == []
    assert EventBuffer(LAYOUT, None, MINUTE).flush() == []


def test_a_feature_the_events_lack_is_named():
    events = table_of([{"time": 1}]).drop(["feature.age"])
    with pytest.raises(ValueError, match="lack: age; configure the same features"):
        list(profile_events(events, LAYOUT, None, MINUTE))


def test_events_are_not_changed():
    rows = [{"time": i * MINUTE, "feature.age": float(i)} for i in (3, 1, 2)]
    events = table_of(rows)
    list(profile_events(events, LAYOUT, None, MINUTE))
    assert events.equals(table_of(rows))


def many(segments: int, n: int) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "time": rng.integers(0, MINUTE, n),
            "segment.user": pa.array(rng.permutation(n) % segments).cast(pa.string()),
            "feature.age": rng.normal(size=n),
            "feature.carrier": pa.array(["UA", "XX"] * (n // 2)),
            "feature.distance": rng.normal(size=n),
        }
    )


def test_a_million_distinct_segments_take_seconds_and_stay_bounded():
    events = many(1_000_000, 1_000_000)
    monitored = frozenset(f"user={i}" for i in range(1000))
    started = time.perf_counter()
    found = list(profile_events(events, LAYOUT, monitored, MINUTE))
    assert time.perf_counter() - started < 20
    assert {part.segment for part in found} == {OTHER, *monitored}
    rows = {
        part.segment: NumericProfile.from_bytes(part.profile).rows
        for part in found
        if part.part == "numeric/0"
    }
    assert rows.pop(OTHER) == 999_000
    assert set(rows.values()) == {1}


def test_ten_thousand_slices_of_ten_segments_are_told_apart():
    events = many(10, 20_000).set_column(0, "time", pa.array(np.arange(20_000) // 2 * MINUTE))
    found = list(profile_events(events, Layout.of(LAYOUT.features[2:]), None, MINUTE))
    assert sum(CategoricalProfile.from_bytes(part.profile).rows for part in found) == 20_000
    assert {part.start for part in found} == set(range(0, 10_000 * MINUTE, MINUTE))


def test_a_slice_profile_reads_as_its_key_and_its_bytes():
    part = next(profile_events(table_of([{"time": -1}]), LAYOUT, None, MINUTE))
    assert isinstance(part, SliceProfile)
    assert part[:3] == ("origin=~,fare=~", -MINUTE, "numeric/0")
