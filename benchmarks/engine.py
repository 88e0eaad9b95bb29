"""A job under load: broker, Flink cluster, producer and sink of one benchmark, in one place."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.feature_stream import FeatureStream
from benchmarks.scenario import CACHE
from benchmarks.sink_tail import SinkTail
from tools.flink.cluster import FlinkCluster
from tools.kafka.broker import KafkaBroker
from tools.processes import Server, stop_group, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

ROOT = Path(__file__).parents[1]
#: a client's buffers are megabytes: without these, malloc gives them back to the system again and again
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "2000000000"}
WINDOWS = {"size": "60s", "every": "30s", "allowed_lateness": "30s"}
DISORDER = "2s"


def baseline_folder(stream: FeatureStream, windows: Mapping[str, str]) -> Path:
    """The folder with the baseline of a stream; made once."""
    name = json.dumps([replace(stream, start_ms=0, rate=1.0).to_json(), dict(windows)], sort_keys=True)
    folder = CACHE / f"engine-{sha256(name.encode()).hexdigest()[:12]}"
    if not (folder / "baseline.avro").exists():
        folder.mkdir(parents=True, exist_ok=True)
        stream.write_reference(folder, every_s=int(windows["every"].removesuffix("s")))
        (folder / "config.yaml").write_text(yaml.safe_dump(stream.config(folder, windows=dict(windows))))
        command = [sys.executable, "-m", "driftline.pipelines.cli", "baseline", str(folder / "config.yaml")]
        subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr)
    return folder


class Producer:
    """A producer in a process of its own."""

    def __init__(self, brokers: str, topic: str, stream: FeatureStream, *options: str) -> None:
        """Start sending."""
        command = [sys.executable, str(ROOT / "benchmarks" / "feature_producer.py"), brokers, topic]
        self._process = subprocess.Popen(
            [*command, stream.to_json(), *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **MALLOC},
            start_new_session=True,
        )
        first = json.loads(self._process.stdout.readline())
        self.stream = FeatureStream(**json.loads(first["stream"]))
        self._last: dict[str, Any] = {}
        # read all along: a full pipe would stop the producer
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def finish(self) -> dict[int, int]:
        """Stop, or wait for the end of a bounded one; events of each partition."""
        if "--rows" not in self._process.args:
            self._process.terminate()
        self._reader.join()
        assert self._process.wait() == 0, "the producer failed: see above"
        return {int(partition): count for partition, count in self._last["counts"].items()}

    def kill(self) -> None:
        """End it at once."""
        stop_group(self._process.pid, 0.0, self._process)
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._last = json.loads(line)


class Engine:
    """Servers that a job runs on, and what is needed to submit, load and watch it.

    Parameters
    ----------
    folder
        Logs, checkpoints, Kafka's data.
    stream
        What the events are like; the time axis is given to each producer.
    windows
        The configuration's.
    broker
        A broker that is not started yet, if not the usual one.
    running
        A cluster that runs, and goes on when the engine stops; by default one is started and stopped.
    cluster
        Arguments of `FlinkCluster`.
    """

    def __init__(
        self,
        folder: Path,
        stream: FeatureStream,
        windows: Mapping[str, str] = WINDOWS,
        broker: KafkaBroker | None = None,
        running: FlinkCluster | None = None,
        **cluster: Any,
    ) -> None:
        self.folder, self.stream, self.windows = folder, stream, dict(windows)
        self.broker = broker or KafkaBroker(folder / "kafka")
        self.cluster = running or FlinkCluster(folder / "flink", **cluster)
        self._starts_cluster = running is None
        self.sink: SinkTail
        self._stack = contextlib.ExitStack()
        self._drivers = 0

    def __enter__(self) -> Self:
        """Start the servers."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.broker)
            if self._starts_cluster:
                stack.enter_context(self.cluster)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop everything."""
        self._stack.close()

    def enter(self, server: Any) -> Any:
        """Start one more server; it is stopped with the engine."""
        return self._stack.enter_context(server)

    def topics(self, *names: str, partitions: int) -> None:
        """Make topics whose records carry the moment in which the broker got them."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap})
        settings = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
        made = admin.create_topics([NewTopic(name, partitions, 1, config=settings) for name in names])
        for future in made.values():
            future.result(20)
        for name in names:  # the broker's answers trail what it has accepted
            wait_until(lambda name=name: self._has(admin, name, partitions), 20, f"topic {name}")

    @staticmethod
    def _has(admin: AdminClient, topic: str, partitions: int) -> bool:
        return len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == partitions

    def config(self, topic: str, results: str, message_format: str = "avro", **changes: Any) -> dict:
        """The configuration of a job from one topic to another."""
        base = baseline_folder(self.stream, self.windows)
        schema = self.folder / "event.avsc"
        schema.write_text(json.dumps(self.stream.avro_schema))
        brokers = [changes.pop("brokers", self.broker.bootstrap)]
        source = {"brokers": brokers, "topic": topic, "format": message_format, "group": f"job-{topic}"}
        source |= {"start": "earliest", "disorder": DISORDER}
        source |= {"schema": str(schema)} if message_format == "avro" else {}
        sink = {"brokers": brokers, "results": results}
        return self.stream.config(base, windows=self.windows) | {
            "source": {"kafka": source},
            "baseline": {"path": str(base / "baseline.avro")},
            "sinks": [{"kafka": sink}],
            **changes,
        }

    def submit(self, config: Mapping[str, Any], *options: str, seconds: float = 180.0) -> str:
        """Submit a job and wait until all of it runs; its id."""
        self._drivers += 1
        path = self.folder / f"job-{self._drivers}.yaml"
        path.write_text(yaml.safe_dump(dict(config)))
        command = [sys.executable, "-m", "driftline.pipelines.cli", "monitor", str(path), "--"]
        before = set(self.cluster.rest.jobs())
        driver = Server(f"driver-{self._drivers}", [*command, *self.cluster.options(*options)], self.folder)
        self._stack.enter_context(driver)
        driver.wait_until(lambda: set(self.cluster.rest.jobs()) - before, seconds, "the job was submitted")
        (job,) = set(self.cluster.rest.jobs()) - before
        return self.cluster.rest.wait_running(job, seconds)

    def produce(self, topic: str, stream: FeatureStream, *options: str) -> Producer:
        """Start a producer; it is stopped with the engine."""
        producer = Producer(self.broker.bootstrap, topic, stream, *options)
        self._stack.callback(producer.kill)
        return producer

    def watch(self, results: str) -> SinkTail:
        """Follow a sink topic."""
        tail = SinkTail(self.broker.bootstrap, results)
        self._stack.callback(tail.close)
        return tail

    def lag(self, topic: str) -> int:
        """Messages that the job's consumer group has not committed, behind by up to a checkpoint."""
        settings = {"bootstrap.servers": self.broker.bootstrap, "group.id": f"job-{topic}"}
        consumer = Consumer(settings)
        try:
            partitions = [TopicPartition(topic, i) for i in range(self.stream.partitions)]
            committed = consumer.committed(partitions, timeout=10)
            ends = [consumer.get_watermark_offsets(each, timeout=10)[1] for each in partitions]
        finally:
            consumer.close()
        return sum(end - max(0, each.offset) for end, each in zip(ends, committed, strict=True))


def checkpoint_figures(engine: Engine, job: str) -> dict[str, float]:
    """Duration and size of a job's checkpoints."""
    found = engine.cluster.rest.checkpoints(job)
    summary, counts = found["summary"], found["counts"]
    return {
        "checkpoints": counts["completed"],
        "checkpoints_failed": counts["failed"],
        "checkpoint_ms_avg": summary["end_to_end_duration"]["avg"],
        "checkpoint_ms_max": summary["end_to_end_duration"]["max"],
        "state_mb_avg": summary["state_size"]["avg"] / 1e6,
        "state_mb_max": summary["state_size"]["max"] / 1e6,
    }


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The median and the 95th percentile; NaN of nothing."""
    return tuple(np.percentile(values, [50, 95])) if len(values) else (np.nan, np.nan)


def wait_until_wall(ms: float) -> None:
    """Sleep until a moment of the clock."""
    time.sleep(max(0.0, ms / 1000 - time.time()))
