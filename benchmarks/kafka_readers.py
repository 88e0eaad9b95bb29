"""driftline's Kafka source beside Beam's `ReadFromKafka`: one broker, one Flink cluster, one backlog.

Usage: kafka_readers.py [--rows N] [--seconds S] [--rounds N] [--cases NAME ...] [--json FILE]

60 features, schemaless Avro, 4 partitions. Each case is a job that reads the backlog from its beginning,
decodes it to batches of normalised events with driftline's decoder, and counts them; `raw` counts messages
as they come. Cases take turns, each measured from eight seconds after its first rows until nine tenths of
the backlog are read, or for S seconds. The peer has SDK 2.62, the runner's own release, in a venv and a
worker pool of its own; its Java parts run inside the task manager, which spares them a process and a network.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import yaml

from benchmarks.counted_rows import counted
from benchmarks.engine import Engine
from benchmarks.feature_stream import FeatureStream
from benchmarks.peers.environments import python
from benchmarks.process_watch import JOB, ProcessWatch, spent
from benchmarks.scenario import CACHE
from driftline.config import load_config
from driftline.decoding.event_schema import EventSchema
from driftline.runners.flink.options import overridden
from tools.flink.cluster import FlinkCluster
from tools.maven import jars, java
from tools.processes import Server, free_ports, wait_until

if TYPE_CHECKING:
    from driftline.config import Config

ROOT = Path(__file__).parents[1]
KAFKA_IO = Path(__file__).parent / "peers" / "kafka-io.xml"
NOT_SENT = "gradle/wrapper"  # archives in a folder of this name do not travel with every job
EXPANSION = "org.apache.beam.sdk.expansion.service.ExpansionService"
TOPIC = "backlog"
AXIS = 50_000  # rows a second of event time
WARM_S = 8.0
NOTHING_S = 60.0
READ = 0.9  # of the backlog: behind that, partitions end at different times


@dataclass(frozen=True)
class Case:
    """One way to read.

    Parameters
    ----------
    label
        For the table.
    kind
        ``decoded`` or ``raw``; nothing for driftline's own source.
    service
        The expansion service of a peer, by the way of reading that it chooses.
    """

    label: str
    kind: str = ""
    service: str = ""


CASES = {
    "ours": Case("ReadKafka, decoded"),
    "read": Case("ReadFromKafka, use_deprecated_read, decoded", "decoded", "read"),
    "read-raw": Case("ReadFromKafka, use_deprecated_read, raw", "raw", "read"),
    "sdf": Case("ReadFromKafka, splittable, decoded", "decoded", "sdf"),
}
SERVICES = {"read": ["--experiments=use_deprecated_read"], "sdf": []}


class ClusterWithKafkaIO(FlinkCluster):
    """A cluster whose Java processes have Beam's Kafka connector, as its unbounded source needs."""

    def _java(self, name, main, *flags, args):
        server = super()._java(name, main, *flags, args=args)
        place = server.command.index("-cp") + 1
        server.command[place] += f"{os.pathsep}{jars(KAFKA_IO, NOT_SENT)}/*"
        return server


class Peer:
    """What `ReadFromKafka` needs besides a cluster: its SDK, a worker pool, and Java that expands it."""

    def __init__(self, engine: Engine) -> None:
        """Start all of it; it is stopped with the engine."""
        self.python = python("read_from_kafka")
        folder = engine.folder / "peer"
        folder.mkdir()
        program = folder / "worker"
        program.write_text(f'#!/bin/sh\nexec {self.python} -m driftline.runners.flink.worker "$@" >&2\n')
        program.chmod(0o755)
        pool, *ports = free_ports(1 + len(SERVICES))
        words = ["-m", "apache_beam.runners.worker.worker_pool_main"]
        words += [f"--service_port={pool}", f"--container_executable={program}"]
        environment = {"PYTHONPATH": str(ROOT)}
        server = engine.enter(
            Server("worker-pool", [str(self.python), *words], folder, environment=environment)
        )
        server.wait_for_port(pool)
        self.pool = f"127.0.0.1:{pool}"
        self.services = {}
        # the cluster has the archives: nothing must be sent, but a class path with nothing to send is refused
        sent = folder / "sent"
        sent.mkdir()
        (sent / "nothing").touch()
        main = ["-cp", f"{jars(KAFKA_IO, NOT_SENT)}/*{os.pathsep}{sent}", EXPANSION]
        for (name, options), port in zip(SERVICES.items(), ports, strict=True):
            words = [*main, str(port), "--defaultEnvironmentType=EMBEDDED", *options]
            server = engine.enter(Server(f"expansion-{name}", [java(), "-Xmx256m", *words], folder))
            server.wait_for_port(port)
            self.services[name] = f"127.0.0.1:{port}"


class Mark(NamedTuple):
    """A moment, what had been read and what had been used until then."""

    at: float
    rows: int
    cpu: dict[str, float]


class Bench:
    """Runs cases on one engine, one after another."""

    def __init__(self, engine: Engine, watch: ProcessWatch, rows: int, seconds: float) -> None:
        """Fill the topic and start the peer's servers."""
        self._engine, self._watch, self._rows, self._seconds = engine, watch, rows, seconds
        stream = replace(engine.stream, rate=AXIS, start_ms=int(time.time() * 1000) - rows * 1000 // AXIS)
        engine.topics(TOPIC, partitions=stream.partitions)
        engine.produce(TOPIC, stream, "--backlog", "--rows", str(rows)).finish()
        self._config = engine.folder / "readers.yaml"
        self._config.write_text(yaml.safe_dump(engine.config(TOPIC, "unused", "avro")))
        self._source = engine.folder / "source.json"
        self._source.write_text(json.dumps(plain_source(engine, load_config(self._config))))
        self._peer = Peer(engine)
        self._runs = 0

    def run(self, case: Case, *beam: str) -> dict:
        """Read for a while; the figures."""
        self._runs += 1
        folder = self._engine.folder / f"counted-{self._runs}"
        folder.mkdir()
        job = self._submit(case, folder, *beam)
        rest = self._engine.cluster.rest
        try:
            figures = self._measured(folder)
            assert not rest.failures(job), f"{case.label}: the job failed\n{rest.exceptions(job)}"
            figures["checkpoints"] = rest.checkpoints(job)["counts"]["completed"]
        finally:
            rest.cancel(job)
        return {"case": case.label} | figures

    def _submit(self, case: Case, folder: Path, *beam: str) -> str:
        cluster = self._engine.cluster
        before = set(cluster.rest.jobs())
        if case.service:
            # what our source needs of bundles would cost the peer a bundle a record: Beam's defaults
            options = [word for word in cluster.options() if not word.startswith("--max_bundle_")]
            options = overridden(options, [f"--environment_config={self._peer.pool}", *beam])
            script = [self._peer.python, ROOT / "benchmarks/peers/read_from_kafka.py", self._source, folder]
            command = [*script, self._peer.services[case.service], case.kind, "--", *options]
        else:
            script = [sys.executable, ROOT / "benchmarks/read_kafka_pipeline.py", self._config, folder]
            command = [*script, "--", *cluster.options()]
        subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
        wait_until(lambda: set(cluster.rest.jobs()) - before, NOTHING_S, "the job to be submitted")
        (job,) = set(cluster.rest.jobs()) - before
        return cluster.rest.wait_running(job)

    def _measured(self, folder: Path) -> dict:
        began = time.monotonic()
        while not counted(folder):
            time.sleep(0.1)
            if time.monotonic() - began > NOTHING_S:
                return {"rows_per_s": 0.0, "stuck": f"nothing came for {NOTHING_S:.0f} s"}
        first = time.monotonic() - began
        time.sleep(WARM_S)
        begin = self._mark(folder)
        end = begin
        while end.rows < READ * self._rows and end.at - begin.at < self._seconds:
            time.sleep(0.2)
            end = self._mark(folder)
        assert end.rows <= self._rows, f"{end.rows} of {self._rows} rows counted: some were counted twice"
        rows, seconds = end.rows - begin.rows, end.at - begin.at
        assert begin.rows < READ * self._rows, "all was read before measuring began: more --rows"
        if not rows:
            return {"rows_per_s": 0.0, "stuck": f"stopped after {end.rows:,} rows"}
        price = {
            name: spent(begin.cpu, end.cpu, roles) / rows * 1e6
            for name, roles in {
                "cpu_s_per_million": JOB,
                "python": ("worker", "worker pool"),
                "java": ("task manager", "job manager", "job server"),
            }.items()
        }
        return {"rows": rows, "seconds": seconds, "rows_per_s": rows / seconds, "first_rows_s": first} | price

    def _mark(self, folder: Path) -> Mark:
        rows = sum(bundle.rows for bundle in counted(folder))
        return Mark(time.monotonic(), rows, self._watch.cpu())


def plain_source(engine: Engine, config: Config) -> dict:
    """What the peer must know of the source; its venv has not all that a configuration is read with."""
    schema = EventSchema.of(config)
    columns = {
        "time_column": schema.time_column,
        "time_unit": schema.time_unit,
        "segments": schema.segments,
        "features": [(each.name, each.kind, each.column) for each in schema.features],
        "request_id": schema.request_id,
    }
    avro = json.dumps(engine.stream.avro_schema)
    return {"brokers": engine.broker.bootstrap, "topic": TOPIC, "avro": avro, "columns": columns}


def table(figures: list[dict]) -> str:
    """One line a case, the mean of its rounds."""
    head = f"{'case':44} {'rows/s':>9} {'ours is':>8} {'CPU s/M':>8} {'Python':>7} {'Java':>6} {'ours is':>8}"
    lines = [f"{head} {'checkpoints':>11}  rows/s of each round"]
    cases = list(dict.fromkeys(row["case"] for row in figures))
    runs = {case: [row for row in figures if row["case"] == case] for case in cases}
    ours = runs.get(CASES["ours"].label)
    for case, rows in runs.items():
        if not all(row["rows_per_s"] for row in rows):
            told = ", ".join(row.get("stuck", f"{row['rows_per_s']:,.0f} rows/s") for row in rows)
            lines.append(f"{case:44} {told}")
            continue
        rate, price = average(rows, "rows_per_s"), average(rows, "cpu_s_per_million")
        ratios = (
            ("", "")
            if ours is None
            else (
                f"{average(ours, 'rows_per_s') / rate:.1f}x",
                f"{price / average(ours, 'cpu_s_per_million'):.1f}x",
            )
        )
        checkpoints = "/".join(str(row["checkpoints"]) for row in rows)
        each = " ".join(f"{row['rows_per_s']:,.0f}" for row in rows)
        lines.append(
            f"{case:44} {rate:9,.0f} {ratios[0]:>8} {price:8.1f} {average(rows, 'python'):7.1f} "
            f"{average(rows, 'java'):6.1f} {ratios[1]:>8} {checkpoints:>11}  {each}"
        )
    return "\n".join(lines)


def average(figures: list[dict], name: str) -> float:
    """Mean of one figure over rounds."""
    return mean(row[name] for row in figures)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=6_000_000, help="of the backlog")
    parser.add_argument("--seconds", type=float, default=15, help="measured at most")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--json", type=Path, default=CACHE / "kafka_readers.json")
    parser.add_argument("--peer-option", action="append", default=[], help="of Beam, for the peer's jobs")
    arguments = parser.parse_args()
    figures: list[dict] = []
    with (
        tempfile.TemporaryDirectory(prefix="driftline-readers-", ignore_cleanup_errors=True) as folder,
        ProcessWatch() as watch,
    ):
        engine = Engine(Path(folder), FeatureStream())
        engine.cluster = ClusterWithKafkaIO(
            engine.folder / "flink", worker_environment={"PYTHONPATH": str(ROOT)}
        )
        with engine:
            bench = Bench(engine, watch, arguments.rows, arguments.seconds)
            try:
                for name in arguments.cases * arguments.rounds:
                    if any("stuck" in row and row["case"] == CASES[name].label for row in figures):
                        continue
                    figures.append(bench.run(CASES[name], *arguments.peer_option))
                    print(json.dumps(figures[-1]), file=sys.stderr, flush=True)
            finally:
                print(table(figures))
                arguments.json.parent.mkdir(parents=True, exist_ok=True)
                arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
