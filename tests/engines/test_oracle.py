"""The oracle finds what is wrong, and the generator's events are what its messages hold."""

from __future__ import annotations

import io
from dataclasses import replace

import fastavro
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from benchmarks.feature_stream import FeatureStream
from driftline.pipelines.cli import main
from tests.engines.oracle import DECIDED, backtest, compare, conflicts, rows_of, standing

STREAM = FeatureStream(features=4, segments=3, rate=50, pool=2_000, disorder_ms=500)
ROWS = 1_500  # of each partition: two minutes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle")
    STREAM.write_reference(folder, rows=90_000)
    STREAM.write_events(folder / "events.parquet", dict.fromkeys(range(4), (0, ROWS)))
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(STREAM.config(folder)))
    assert main(["baseline", str(path)]) == 0
    return folder


@pytest.fixture(scope="module")
def rows(folder):
    return backtest(STREAM.config(folder), folder / "events.parquet", folder)


def changed(rows, name, change, where=lambda row: row["n"] > 0 and row["segment"] == "*"):
    """Change one value of one row."""
    records = rows.to_pylist()
    index = next(i for i, row in enumerate(records) if where(row))
    records[index][name] = change(records[index][name])
    return pa.Table.from_pylist(records, rows.schema)


def test_equal_rows_are_equal(rows):
    assert compare(rows, rows) == []
    assert {True, False} <= set(rows["drifted"].to_pylist())


def test_columns_may_be_left_out(rows):
    other = changed(changed(rows, "drifted", lambda _: None), "status", lambda _: "partial")
    assert compare(other, rows) != []
    assert compare(other, rows, without=DECIDED) == []
    assert compare(changed(other, "psi", lambda psi: psi + 1), rows, without=DECIDED) != []


def test_the_backtest_counts_every_event(rows):
    whole = rows.filter(pc.and_(pc.equal(rows["segment"], "*"), pc.equal(rows["feature"], "f000")))
    assert pc.sum(whole["n"]).as_py() == 2 * 4 * ROWS


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("n", lambda n: n + 1),
        ("bin_counts", lambda counts: counts[::-1]),
        ("min", lambda value: np.nextafter(value, np.inf)),
        ("ks", lambda value: np.nextafter(value, 1)),
        ("p_adjusted", lambda value: value / 2),
        ("drifted", lambda value: not value),
        ("status", lambda _: "partial"),
        ("baseline_version", lambda _: "other"),
        ("mean", lambda value: value + 1e-8),
        ("variance", lambda value: value * (1 + 1e-8)),
        ("skewness", lambda value: value + 1e-8),
        ("skewness", lambda _: None),
        ("quantiles", lambda found: found | {"p50": found["p50"] + 0.02}),
        ("quantiles", lambda found: found | {"p01": found["p01"] - 0.5}),
    ],
)
def test_one_changed_value_is_found(rows, name, change):
    (difference,) = compare(changed(rows, name, change), rows)
    assert difference.startswith("* f000 ")
    assert name.removesuffix("s") in difference


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("emitted_at", lambda at: at.replace(year=2001)),
        ("pane", lambda _: "late"),
        ("pane_index", lambda index: index + 3),
        ("mean", lambda value: value + 1e-13),
        ("variance", lambda value: value * (1 + 1e-12)),
        ("quantiles", lambda found: found | {"p50": found["p50"] + 0.001}),
    ],
)
def test_what_two_right_runs_may_differ_in_is_none(rows, name, change):
    assert compare(changed(rows, name, change), rows) == []


def test_a_lost_and_an_invented_row_are_found(rows):
    assert compare(rows.slice(1), rows)[0].endswith("missing")
    assert "not expected" in compare(rows, rows.slice(1))[0]


def test_a_replay_may_repeat_but_not_contradict(rows):
    twice = pa.concat_tables([rows, changed(rows, "emitted_at", lambda at: at.replace(year=2001))])
    assert conflicts(twice) == []
    assert compare(standing(twice), rows) == []
    wrong = pa.concat_tables([rows, changed(rows, "max", lambda value: value + 1)])
    assert len(conflicts(wrong)) == 1


def test_an_older_count_does_not_stand(rows):
    fewer = changed(rows, "n", lambda n: n - 1)
    assert compare(standing(pa.concat_tables([fewer, rows, fewer])), rows) == []


def test_windows_can_be_chosen_by_their_start(rows):
    starts = sorted(set(rows["window_start"].to_pylist()))
    chosen = standing(rows, windows_from=int(starts[1].timestamp() * 1000))
    assert sorted(set(chosen["window_start"].to_pylist())) == starts[1:]


def test_rows_survive_json(rows):
    assert rows_of([orjson.dumps(row) for row in rows.to_pylist()]).equals(rows)


# --- the generator


@pytest.mark.parametrize(("partition", "first", "count"), [(0, 0, 7), (1, 1_990, 30), (3, 3_999, 4_100)])
def test_avro_messages_hold_the_events(partition, first, count):
    schema = fastavro.parse_schema(STREAM.avro_schema)
    messages = STREAM.avro(partition, first, count)
    decoded = [fastavro.schemaless_reader(io.BytesIO(message), schema, None) for message in messages]
    assert decoded == STREAM.events(partition, first, count).to_pylist()


def test_arrow_messages_hold_the_events():
    messages = STREAM.arrow(3, 1_900, 300)
    assert len(messages) == 3
    batches = [batch for message in messages for batch in pa.ipc.open_stream(message)]
    assert pa.Table.from_batches(batches).equals(pa.Table.from_batches([STREAM.events(3, 1_900, 300)]))


def test_no_event_is_like_another_and_order_is_bounded():
    events = pa.concat_tables(pa.Table.from_batches([STREAM.events(p, 0, ROWS)]) for p in range(4))
    assert len(set(events["request_id"].to_pylist())) == 4 * ROWS
    for partition in range(4):
        early = STREAM.due_ms(partition, np.arange(ROWS)) - (
            STREAM.events(partition, 0, ROWS)["event_time"].cast(pa.int64()).to_numpy()
        )
        assert early.min() >= 0
        assert 400 < early.max() <= STREAM.disorder_ms


@pytest.mark.parametrize("now", [-1, 0, 1, 19.9, 20, 12_345.6])
def test_what_is_due_is_what_has_a_time_before_now(now):
    for partition in range(4):
        count = STREAM.due_by(partition, STREAM.start_ms + now)
        times = STREAM.due_ms(partition, np.arange(count + 1)) - STREAM.start_ms
        assert (times[:count] <= now).all()
        assert times[count] > now - 1


def test_an_interval_of_event_time_has_all_its_events():
    begin, end = STREAM.start_ms + 12_345, STREAM.start_ms + 20_000
    for partition, (first, count) in STREAM.between(begin, end).items():
        times = STREAM.events(partition, 0, ROWS)["event_time"].cast(pa.int64()).to_numpy()
        inside = np.flatnonzero((times >= begin) & (times < end))
        assert first <= inside.min()
        assert inside.max() < first + count <= inside.max() + 50


def test_another_seed_is_another_stream():
    assert STREAM.avro(0, 0, 50) == STREAM.avro(0, 0, 50)
    assert STREAM.avro(0, 0, 50) != replace(STREAM, seed=2).avro(0, 0, 50)
