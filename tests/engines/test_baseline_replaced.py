"""A job on the cluster whose baseline is replaced while it runs: nothing is lost, and nothing restarts."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
import yaml
from confluent_kafka import Producer

from benchmarks.engine import ROOT, baseline_folder
from benchmarks.feature_stream import FeatureStream
from benchmarks.sink_tail import SinkTail
from driftline.transforms.spine.baseline_source import read_baseline
from driftline.transforms.spine.baseline_versions import LOOK_EVERY, PREVIOUS
from driftline.transforms.write_file import write_atomically
from tests.engines.oracle import backtest, compare, conflicts, standing
from tools.processes import Server

WINDOWS = {"size": "4s", "every": "2s", "allowed_lateness": "4s"}
STREAM = FeatureStream(features=6, segments=3, partitions=3, rate=1_500)
SECOND = 1000
#: a new poll of an idle partition begins every second, and every bundle that begins a second later looks
SEEN_AFTER_S = 2 * LOOK_EVERY + 1


def spans(stream, from_ms, to_ms):
    """First event and number of events, of each partition, that are due in an interval."""
    found = {}
    for partition in range(stream.partitions):
        first = stream.due_by(partition, from_ms - 1)
        found[partition] = first, stream.due_by(partition, to_ms - 1) - first
    return found


@pytest.fixture
def send(broker):
    """Send the events of some spans: ``send(topic, stream, spans)``."""
    producer = Producer({"bootstrap.servers": broker.bootstrap})

    def send(topic, stream, each):
        for partition, (first, count) in each.items():
            for message in stream.avro(partition, first, count):
                producer.produce(topic, message, partition=partition)
        assert producer.flush(20) == 0

    return send


@pytest.fixture
def baselines():
    """Two baselines of the same features."""
    streams = STREAM, replace(STREAM, seed=2)
    return [baseline_folder(stream, WINDOWS) / "baseline.avro" for stream in streams]


@pytest.fixture
def job(broker, flink, topic, baselines, tmp_path):
    """A running job with the first baseline: its configuration, its id, and the tail of its results."""
    events, results = topic(STREAM.partitions, retention_ms=-1), topic(name="results")
    (tmp_path / "baseline.avro").write_bytes(baselines[0].read_bytes())
    (tmp_path / "event.avsc").write_text(json.dumps(STREAM.avro_schema))
    source = {"brokers": [broker.bootstrap], "topic": events, "format": "avro", "start": "earliest"}
    source |= {"schema": str(tmp_path / "event.avsc"), "disorder": "1s", "idle_after": "10m"}
    config = STREAM.config(tmp_path, windows=WINDOWS) | {
        "source": {"kafka": source},
        "sinks": [{"kafka": {"brokers": [broker.bootstrap], "results": results}}],
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "driftline.pipelines.cli", "monitor", str(tmp_path / "job.yaml"), "--"]
    driver = Server("driver", [*command, *flink.options()], tmp_path, environment={"PYTHONPATH": str(ROOT)})
    before = set(flink.rest.jobs())
    tail = SinkTail(broker.bootstrap, results)
    with driver:
        driver.wait_until(lambda: set(flink.rest.jobs()) - before, 240, "the job was submitted")
        (job,) = set(flink.rest.jobs()) - before
        yield config, flink.rest.wait_running(job, 120), tail
    tail.close()
    flink.rest.cancel(job)


def replaced(path, new):
    """Put another baseline in the place of one, as `driftline baseline` does."""
    write_atomically(path + PREVIOUS, Path(path).read_bytes())
    write_atomically(path, new.read_bytes())


def judged(stream, each, config, baseline, folder):
    """What a backtest says of the events of some spans, by one baseline."""
    folder.mkdir()
    stream.write_events(folder / "events.parquet", each)
    return standing(
        backtest(config | {"baseline": {"path": str(baseline)}}, folder / "events.parquet", folder)
    )


def test_later_windows_are_judged_by_the_new_baseline(flink, job, baselines, send, tmp_path):
    config, job_id, tail = job
    begin = (int(time.time()) - 600) // 4 * 4 * SECOND
    stream = replace(STREAM, start_ms=begin)
    # the watermark at the switch is that of second 6: windows that begin in 4 and 6 are astride
    switch, end = begin + 7 * SECOND, begin + 21 * SECOND
    early, late = spans(stream, begin, switch), spans(stream, switch, end)
    topic = config["source"]["kafka"]["topic"]

    send(topic, stream, early)
    tail.wait_for_window(begin + 4 * SECOND, 180)
    replaced(config["baseline"]["path"], baselines[1])
    time.sleep(SEEN_AFTER_S)
    send(topic, stream, late)
    tail.wait_for_window(end - 3 * SECOND, 180)

    first, second = (read_baseline(str(path)).version for path in baselines)
    rows = tail.rows()
    versions = {}
    for row in rows.select(["window_start", "baseline_version"]).to_pylist():
        start = round(row["window_start"].timestamp() - begin / SECOND)
        versions.setdefault(start, set()).add(row["baseline_version"])
    assert versions == {
        **{start: {first} for start in range(-4, 4, 2)},
        **{start: {first, second} for start in range(4, 8, 2)},
        **{start: {second} for start in range(8, 16, 2)},
    }
    assert conflicts(rows) == []
    # each version judged just the events that came while it was in use: none is lost or counted twice
    for version, each, baseline in ((first, early, baselines[0]), (second, late, baselines[1])):
        ours = standing(rows.filter(pc.equal(rows["baseline_version"], version)))
        expected = judged(stream, each, config, baseline, tmp_path / version)
        assert compare(ours, standing(expected, windows_to=end - 6 * SECOND)) == []
    assert flink.rest.running_jobs() == [job_id]
    assert flink.rest.failures(job_id) == 0
