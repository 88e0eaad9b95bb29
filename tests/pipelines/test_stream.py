"""The job on a stream, as it is handed to a runner."""

from __future__ import annotations

import base64
import bz2
import os
import re
import signal
import time
from types import SimpleNamespace

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions

from driftline.config import load_config, parse_config
from driftline.measures.measure import Entry
from driftline.pipelines.baseline import lay_out_baseline
from driftline.pipelines.configured_sources import event_reader, label_reader
from driftline.pipelines.job import FIRST_READING
from driftline.pipelines.stream import StreamStopped, _interrupted_quietly, lay_out_stream, run_stream
from driftline.transforms.sources.kafka.partition import Partition
from driftline.transforms.sources.source import Source

CONFIG = """
model: m
event_time: {column: at, unit: ms}
features: {x: numeric}
request_id: id
source:
  kafka:
    brokers: ["localhost:1"]
    topic: t
    format: confluent
    registry:
      url: http://localhost:1
      options: {basic.auth.user.info: "ann:${REGISTRY_SECRET}"}
    deduplicate: true
    options: {sasl.password: "${SOURCE_SECRET}"}
baseline: {path: b.avro}
sinks:
  - kafka:
      brokers: ["localhost:1"]
      results: r
      dead_letters: d
      options: {sasl.password: "${SINK_SECRET}"}
  - files: {path: out}
"""
LABELS = """
prediction: p
labels:
  column: y
  source:
    kafka:
      brokers: ["localhost:1"]
      topic: l
      format: json
      event_time: record
      options: {sasl.password: "${LABELS_SECRET}"}
"""
SECRETS = {f"{place}_SECRET": f"unmistakable-{place}" for place in ("REGISTRY", "SOURCE", "SINK")}
# what Beam makes of a pickled function: compressed, then base64
PICKLED = re.compile(rb"QlpoO[A-Za-z0-9+/]+=*")


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setattr(
        "driftline.transforms.sources.kafka.positions.starting_partitions",
        lambda *_, **__: [Partition("t", 0, 0)],
    )
    (tmp_path / "c.yaml").write_text(CONFIG)
    return load_config(str(tmp_path / "c.yaml"))


class Submitted(Exception):  # noqa: N818  # nothing is wrong
    """A job would run now."""


def experiments_of_a_run(config, monkeypatch, *options):
    """What a job is handed to its runner with."""
    found = []

    def run(pipeline):
        found.extend(pipeline.options.view_as(DebugOptions).experiments or [])
        raise Submitted

    monkeypatch.setattr(beam.Pipeline, "run", run)
    for step in ("fitting_baseline", "prepare_sinks", "lay_out_stream", "write_summary"):
        monkeypatch.setattr(f"driftline.pipelines.stream.{step}", lambda *_, **__: None)
    with pytest.raises(Submitted):
        run_stream(config, PipelineOptions(["--streaming", *options]), print)
    return found


def test_the_local_runner_is_told_to_leave_bundles_whole(config, monkeypatch):
    options = ["--runner=PrismRunner", "--experiments=mine"]
    assert {"mine", "prism_disable_sdf_split"} <= set(experiments_of_a_run(config, monkeypatch, *options))


FROM_FILES = """
prediction: p
labels: {column: y, source: {files: {pattern: "${HERE}/l*.jsonl"}}, time: known}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", False),
        ("prediction: p\nlabels: {column: y}", False),
        (LABELS, False),
        (FROM_FILES, True),
    ],
)
@pytest.mark.usefixtures("config")
def test_labels_that_are_read_only_once_are_named_where_the_job_starts(tmp_path, monkeypatch, more, said):
    (tmp_path / "l1.jsonl").write_text('{"id": "a", "y": 1, "known": "2026-01-01"}\n')
    config = parse_config(CONFIG + more, environ=SECRETS | {"LABELS_SECRET": "s", "HERE": str(tmp_path)})

    class Ended:
        def wait_until_finish(self):
            return "DONE"

    monkeypatch.setattr(beam.Pipeline, "run", lambda _: Ended())
    of_all = {"*": Entry(SimpleNamespace(n=1), "null")}
    baseline = SimpleNamespace(version="v", windows=0, of_part=lambda _: of_all)
    monkeypatch.setattr("driftline.pipelines.stream.fitting_baseline", lambda _: baseline)
    for step in ("prepare_sinks", "lay_out_stream", "write_summary"):
        monkeypatch.setattr(f"driftline.pipelines.stream.{step}", lambda *_, **__: None)
    lines = []
    run_stream(config, PipelineOptions(["--streaming"]), lines.append)
    assert lines[0].startswith("reading 1 partitions of t")
    assert ["once, now" in line and "l*.jsonl" in line for line in lines[1:]] == [True] * said
    assert not said or lines[1].endswith("for labels that keep coming, give labels.source.kafka")


class Ticks(Source):
    """A source without end that says nothing of where it begins."""

    endless = True


class TicksOfItsOwn(Ticks):
    def begins(self, key):
        return f"at the tick of {key}.tick"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "a new job begins at source.kafka.start"),
        (Ticks(), "a new job begins where source.kafka says"),
        (TicksOfItsOwn(), "a new job begins at the tick of source.kafka.tick"),
    ],
)
def test_a_source_says_where_a_new_job_begins(config, monkeypatch, source, said):
    class Interrupted:
        def wait_until_finish(self):
            raise KeyboardInterrupt

        def cancel(self):
            pass

    monkeypatch.setattr(beam.Pipeline, "run", lambda _: Interrupted())
    baseline = SimpleNamespace(version="v", windows=0, of_part=lambda _: {})
    monkeypatch.setattr("driftline.pipelines.stream.fitting_baseline", lambda _: baseline)
    if source is not None:
        monkeypatch.setattr("driftline.pipelines.stream.source_of", lambda _: source)
    for step in ("prepare_sinks", "lay_out_stream", "write_summary"):
        monkeypatch.setattr(f"driftline.pipelines.stream.{step}", lambda *_, **__: None)
    with pytest.raises(StreamStopped, match=re.escape(said)):
        run_stream(config, PipelineOptions(["--streaming", "--runner=PrismRunner"]), print)


def carriers(pipeline):
    """The steps of a job that carry each secret, and whatever else of the job does."""
    job = pipeline.to_runner_api()
    steps = {step.unique_name: step for step in job.components.transforms.values() if not step.subtransforms}
    for name, step in list(job.components.transforms.items()):
        if not step.subtransforms:
            del job.components.transforms[name]
    places = {name: step.SerializeToString() for name, step in steps.items()}
    places["elsewhere"] = job.SerializeToString()
    read = {name: data + b"".join(map(_opened, PICKLED.findall(data))) for name, data in places.items()}
    assert sum(bool(PICKLED.search(data)) for data in places.values()) > 5, "functions are written otherwise"
    return {
        secret: {name for name, data in read.items() if secret.encode() in data}
        for secret in SECRETS.values()
    }


def _opened(pickled):
    return bz2.decompress(base64.b64decode(pickled))


@pytest.mark.parametrize(("in_process", "reader"), [(False, "ReadStream"), (True, "ReadStreamInProcess")])
def test_a_secret_travels_with_the_step_that_needs_it_and_nowhere_else(config, in_process, reader):
    pipeline = beam.Pipeline(options=PipelineOptions(["--streaming"]))
    lay_out_stream(pipeline, config, event_reader(config, bounded=False, in_process=in_process))
    read = f"ReadEvents/ReadPartitions/ParDo({reader})"
    assert carriers(pipeline) == {
        "unmistakable-SOURCE": {"ReadEvents/DiscoverPartitions", read},
        "unmistakable-REGISTRY": {read},
        "unmistakable-SINK": {"WriteResults0/Produce", "WriteDeadLetters0/Produce"},
    }


def test_no_secret_travels_with_the_job_that_makes_a_baseline(config, tmp_path):
    (tmp_path / "events.jsonl").write_text('{"at": 1, "x": 1.0, "id": "a"}\n')
    pipeline = beam.Pipeline()
    reader = event_reader(config.with_input_files(str(tmp_path / "events.jsonl")), bounded=True)
    lay_out_baseline(pipeline, config, reader=reader, labels=None, path=str(tmp_path / "b"))
    assert carriers(pipeline) == {secret: set() for secret in SECRETS.values()}


@pytest.mark.usefixtures("config")
def test_a_baseline_of_topics_reads_events_twice_and_labels_once(tmp_path):
    config = parse_config(
        CONFIG + LABELS, environ=SECRETS | {"LABELS_SECRET": "unmistakable-SOURCE of labels"}
    )
    pipeline = beam.Pipeline()
    reader, labels = event_reader(config, bounded=True), label_reader(config, bounded=True)
    lay_out_baseline(pipeline, config, reader=reader, labels=labels, path=str(tmp_path / "b"))
    found = carriers(pipeline)
    reads = {f"{name}/ReadPartitions/ParDo(ReadToEnd)" for name in (FIRST_READING, "SecondReading")}
    assert found["unmistakable-REGISTRY"] == reads
    reads.add("Outcomes/ReadLabels/ReadPartitions/ParDo(ReadToEnd)")
    assert found["unmistakable-SOURCE"] == reads
    assert found["unmistakable-SINK"] == set()
    steps = {step.unique_name for step in pipeline.to_runner_api().components.transforms.values()}
    assert "DropDuplicates" in steps


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_does_not_hide_what_the_first_one_says(number):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    stopped = False
    with _interrupted_quietly(here=False):
        try:
            os.kill(os.getpid(), number)
            time.sleep(10)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            stopped = True
    assert stopped
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
