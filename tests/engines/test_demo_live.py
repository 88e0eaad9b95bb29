"""The parts of ``make demo-live`` against a real broker, and its clock."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import fastavro
import numpy as np
import orjson
import pyarrow as pa
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from driftline.runners.cache import cache_folder
from driftline.tables import RESULT
from driftline.tables.row_messages import row_headers, row_keys, row_values
from tools.processes import wait_until

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
LIVE = FLIGHTS / "live"
FIRST = datetime(2013, 8, 31, tzinfo=timezone.utc)
MIDNIGHT = int(FIRST.timestamp())
HOUR = 3600


@pytest.fixture(autouse=True)
def on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(FLIGHTS))
    monkeypatch.syspath_prepend(str(LIVE))
    yield
    for name in ("replay", "recorded", "generator", "reader", "lines", "faults"):
        sys.modules.pop(name, None)


def module(name):
    return importlib.import_module(name)


def test_a_recorded_day_is_a_window_of_the_replay():
    day = 5000
    replay = module("replay").Replay.starting(FIRST, 1_700_000_001.234, 17_280)
    assert replay.begin == 1_700_000_005_000
    edges = MIDNIGHT + np.array([-1, 0, 24 * HOUR - 1, 24 * HOUR])
    assert (replay.restamped(edges) // day - replay.begin // day).tolist() == [-1, 0, 0, 1]
    noon = datetime.fromtimestamp(replay.begin / 1000 + 2.5, tz=timezone.utc)
    assert replay.recorded(noon) == FIRST + timedelta(hours=12)


@pytest.mark.parametrize("speed", [0, -5, 17_281, 100_000])
def test_a_day_lasts_whole_seconds(speed):
    with pytest.raises(ValueError, match=f"SPEED={speed}: 86400 must be a multiple of it"):
        module("replay").day_length(speed)


def test_the_generator_sends_each_request_once_at_its_time(broker, tmp_path):
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "departure", "type": "long"},
            {"name": "temp", "type": ["null", "double"]},
        ],
    }
    departures = [MIDNIGHT - 60, *(MIDNIGHT + 600 * number for number in range(200))]
    records = [{"id": f"flight-{at}", "departure": at, "temp": None} for at in departures]
    with (tmp_path / "2013-08.avro").open("wb") as file:
        fastavro.writer(file, schema, records)
    script = [
        sys.executable,
        str(LIVE / "generator.py"),
        "--brokers",
        broker.bootstrap,
        "--topic",
        "replayed",
    ]
    options = ["--log", str(tmp_path), "--from", f"{FIRST:%Y-%m-%d}", "--speed", "86400"]
    begin = time.time() + 2
    subprocess.run([*script, *options, "--begin", str(begin)], check=True, timeout=60)

    messages = consumed(broker, "replayed", len(departures) - 1)
    assert {each.partition() for each in messages} == {0, 1, 2, 3}
    values = sorted((orjson.loads(each.value()) for each in messages), key=lambda value: value["departure"])
    assert [value["departure"] for value in values] == departures[1:]
    assert values[0] == {
        "id": f"flight-{MIDNIGHT}",
        "departure": MIDNIGHT,
        "temp": None,
        "replayed_at": -(-int(begin * 1000) // 1000) * 1000,
    }
    early = [each for each in messages if orjson.loads(each.value())["replayed_at"] > each.timestamp()[1]]
    assert early == []


def consumed(broker, topic, count):
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "test"})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(4)])
    messages = []
    end = time.monotonic() + 60
    while len(messages) < count and time.monotonic() < end:
        messages += consumer.consume(1000, 0.5)
    consumer.close()
    return messages


def result(window_start, n=900, drifted=False, **values):
    row = dict.fromkeys(RESULT.names)
    row |= {
        "row_id": f"{values.get('segment', '*')} {window_start}",
        "model": "flights",
        "segment": "*",
        "segment_values": [],
        "feature": "distance",
        "kind": "numeric",
        "window_start": window_start,
        "window_end": window_start + timedelta(seconds=5),
        "pane": "on_time",
        "pane_index": 0,
        "emitted_at": window_start + timedelta(seconds=8),
        "n": n,
        "coverage": 1.0,
        "status": "ok",
        "missing_rate": 0.0,
        "nonfinite_rate": 0.0,
        "ks": 0.01,
        "psi": 0.02,
        "p_value": 0.5,
        "p_adjusted": 0.9,
        "drifted": drifted,
        "baseline_version": "1",
    }
    return row | values


def test_a_finding_without_values_is_told_too():
    row = result(FIRST, drifted=True, feature="temp", ks=None, missing_rate=1.0)
    assert (
        module("lines")
        ._finding(row)
        .endswith("* temp: PSI 0.02, missing 100%, p 5e-01, adjusted 9e-01, n 900")
    )


def send(broker, topic, rows):
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    batch = pa.RecordBatch.from_pylist(rows, schema=RESULT.arrow)
    for key, value in zip(row_keys(batch), row_values(batch, RESULT, "json"), strict=True):
        producer.produce(topic, value, key=key, headers=row_headers(key, RESULT, "json"))
    producer.flush(10)


def polled(reader, count):
    windows = []
    end = time.monotonic() + 60
    while len(windows) < count and time.monotonic() < end:
        windows += reader.poll(0.1)
    return windows


def test_windows_are_told_once_with_new_findings_and_what_is_over(broker, topic):
    replay = module("replay").Replay(FIRST, 1_700_000_000_000, 17_280)
    story = module("lines").Story(replay, module("faults").FAULTS)
    results = topic(partitions=2, name="results")
    reader = module("reader").ResultReader(broker.bootstrap, results)
    starts = [datetime.fromtimestamp(1_700_000_000 + 5 * day, tz=timezone.utc) for day in range(4)]
    found = {"segment": "origin=LGA", "drifted": True, "n": 200, "psi": 1.5, "ks": 0.55, "p_value": 2e-9}
    send(broker, results, [result(starts[0]), result(starts[0], n=200, segment="origin=LGA")])
    for start in starts[1:3]:
        send(broker, results, [result(start), result(start, **found)])
    send(broker, results, [result(starts[3])])
    send(broker, results, [result(starts[3])])  # a replay: the same row once more

    windows = polled(reader, 4)
    assert list(story.announce(starts[0])) == []
    told = [list(story.tell(window)) for window in windows]
    assert [lines[0][:10] for lines in told] == ["Sat 31 Aug", "Sun 01 Sep", "Mon 02 Sep", "Tue 03 Sep"]
    assert "900 requests, 2 segments, 2/2 results judged  nothing drifted" in told[0][0]
    assert len(told[0]) == 1
    assert "1 drifted, 1 new" in told[1][0]
    (finding,) = told[1][1:]
    assert finding.strip().startswith("DRIFT  origin=LGA distance: PSI 1.50, KS 0.55, missing 0%, p 2e-09")
    assert finding.endswith("<- put in")
    assert "1 drifted  " in told[2][0]
    assert len(told[2]) == 1
    assert told[3][1:] == ["      over   origin=LGA distance: drifted since Sun 01 Sep, no longer"]
    assert len(list(story.announce(starts[1]))) == 1
    (outcome,) = story.summary()
    assert outcome.endswith("from Sun 01 Sep: found in the window of Sun 01 Sep")

    send(broker, results, [result(starts[3], n=901)])
    (corrected,) = polled(reader, 1)
    assert list(story.tell(corrected)) == [
        "Tue 03 Sep  corrected: 901 requests with late ones, nothing drifted"
    ]
    reader.close()


@pytest.fixture
def flights(tmp_path):
    """The example with a small log of its own: 20 days of the reference, then 3 days to replay."""
    copy = tmp_path / "examples" / "flights"
    shutil.copytree(LIVE, copy / "live", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FLIGHTS / "faults.py", copy)
    write_log(copy / "data" / "reference" / "2013-01.avro", datetime(2013, 1, 1, tzinfo=timezone.utc), 20)
    write_log(copy / "data" / "live" / "2013-08.avro", FIRST, 100)
    write_log(copy / "data" / "live" / "2014-01.avro", datetime(2014, 1, 1, tzinfo=timezone.utc), 1)
    return copy


def write_log(path, first, days):
    text = {"id": "flight", "origin": "LGA", "carrier": "UA", "dest": "BOS"}
    numbers = (
        "distance",
        "hour",
        "airport_delay",
        "temp",
        "wind_speed",
        "visib",
        "precip",
        "pressure",
        "score",
    )
    fields = [{"name": name, "type": "string"} for name in text]
    fields += [{"name": name, "type": "double"} for name in numbers] + [{"name": "departure", "type": "long"}]
    random = np.random.default_rng(0)
    records = [
        {
            **text,
            **dict(zip(numbers, random.normal(size=len(numbers)).tolist(), strict=True)),
            "departure": at,
        }
        for at in range(int(first.timestamp()), int(first.timestamp()) + days * 24 * HOUR, 600)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "R", "fields": fields}, records)


@pytest.fixture
def demo(flights):
    """The whole demo as a user starts it, with what it prints going to a file."""
    root = Path(__file__).parents[2]
    environment = {"DRIFTLINE_CACHE": str(cache_folder()), "PYTHONPATH": str(root)}
    printed = flights / "printed.txt"
    command = [sys.executable, str(flights / "live" / "demo.py"), "--from", f"{FIRST:%Y-%m-%d}"]
    with printed.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    yield process, printed
    process.kill()
    process.wait()


def printed_soon(demo, pattern, seconds):
    process, printed = demo

    def found():
        return re.search(pattern, printed.read_text(), re.MULTILINE)

    wait_until(lambda: found() or process.poll() is not None, seconds, f"`{pattern}`")
    assert found(), printed.read_text()


def assert_all_ended(printed):
    folder = Path(printed.read_text().split("logs: ")[1].split()[0])
    listing = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
    left = [line for line in listing.splitlines() if str(folder) in line or str(printed.parent) in line]
    assert left == []
    assert not folder.exists()


def test_ctrl_c_while_it_starts_leaves_nothing_behind(demo):
    process, printed = demo
    printed_soon(demo, "Ctrl-C stops everything", 60)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert_all_ended(printed)


def test_the_demo_shows_windows_as_they_close_until_ctrl_c(demo):
    process, printed = demo
    # windows that close while the job catches up are printed in the order in which their rows come
    printed_soon(demo, r"^Sat 31 Aug +144 requests, 2 segments, \d+/22 results judged +nothing drifted", 300)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert_all_ended(printed)
