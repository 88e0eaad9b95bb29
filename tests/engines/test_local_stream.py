"""``driftline monitor`` with Kafka on the laptop: results as windows close, without a cluster."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.engine import ROOT, Producer, baseline_folder
from benchmarks.feature_stream import FeatureStream
from tests.engines.oracle import backtest, compare, standing

WINDOWS = {"size": "4s", "every": "2s", "allowed_lateness": "4s"}
STREAM = FeatureStream(features=6, segments=3, partitions=3, rate=1_500)
BACKLOG_S = 20


@pytest.fixture
def job(broker, topic, prism, tmp_path):
    """A running command, a producer with a backlog of some windows, and the configuration."""
    name = topic(STREAM.partitions, retention_ms=-1)
    base = baseline_folder(STREAM, WINDOWS)
    (tmp_path / "event.avsc").write_text(json.dumps(STREAM.avro_schema))
    kafka = {"brokers": [broker.bootstrap], "topic": name, "format": "avro", "start": "earliest"}
    kafka |= {"schema": str(tmp_path / "event.avsc"), "disorder": "1s", "group": name}
    config = STREAM.config(base, windows=WINDOWS) | {
        "source": {"kafka": kafka},
        "sinks": [{"files": {"path": str(tmp_path / "out")}}],
    }
    (tmp_path / "live.yaml").write_text(yaml.safe_dump(config))
    past = int(time.time() - BACKLOG_S) * 1000
    producer = Producer(broker.bootstrap, name, replace(STREAM, start_ms=past))
    command = [sys.executable, "-m", "driftline.pipelines.cli", "monitor", str(tmp_path / "live.yaml")]
    command += ["--", f"--prism_location={prism}"]
    log = (tmp_path / "log").open("w")
    monitor = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    yield monitor, producer, config
    monitor.kill()
    monitor.wait()
    producer.kill()
    log.close()


def newest(folder):
    """End of the newest window in a folder of results, seconds."""
    if not (folder / "results.parquet").is_dir():
        return 0.0
    ends = pq.read_table(folder / "results.parquet", columns=["window_end"])["window_end"].to_pylist()
    return max((end.timestamp() for end in ends), default=0.0)


def test_results_arrive_while_the_topic_fills_and_are_the_backtests(job, tmp_path):
    monitor, producer, config = job
    begin = producer.stream.start_ms
    until = time.time() + 150
    while newest(tmp_path / "out") < begin / 1000 + BACKLOG_S + 12:
        said = (tmp_path / "log").read_text()
        assert monitor.poll() is None, said
        assert time.time() < until, said[-3000:]
        time.sleep(0.5)
    time.sleep(3)  # windows that ended together come in no order
    monitor.send_signal(signal.SIGINT)
    assert monitor.wait(30) == 130
    said = (tmp_path / "log").read_text()
    assert "runner: PrismRunner (local, in this process)" in said
    assert "stopped: windows that had not ended were not reported" in said
    assert "Traceback" not in said
    end = int(newest(tmp_path / "out")) * 1000 - 2_000
    producer.stream.write_events(tmp_path / "events.parquet", producer.stream.between(begin, end))
    expected = backtest(config, tmp_path / "events.parquet", tmp_path)
    windows = {"windows_from": -(-begin // 2000) * 2000, "windows_to": end - 4_000 + 1}
    rows = pq.read_table(tmp_path / "out" / "results.parquet")
    assert compare(standing(rows, **windows), standing(expected, **windows)) == []


def test_without_prism_it_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    from driftline.pipelines.cli import main

    monkeypatch.setattr("driftline.pipelines.beam_options.prism_location", lambda: None)
    (tmp_path / "live.yaml").write_text(
        "model: m\nevent_time: t\nfeatures: {x: numeric}\nbaseline: {path: b.avro}\n"
        'source: {kafka: {brokers: ["localhost:1"], topic: t, format: json}}\nsinks: [files: {path: out}]\n'
    )
    assert main(["monitor", str(tmp_path / "live.yaml")]) == 2
    assert "install it once: go install github.com/apache/beam" in capsys.readouterr().err
