"""A broker, a Flink cluster and the job on the cores of one machine: what they hold, and what it costs.

Usage: flink.py [--only drain live arrow] [--rows N] [--rates R ...] [--json FILE] [-- BEAM OPTIONS]

Windows of 30/15 minutes are compressed to 60/30 s. ``drain`` reads a backlog, ``live`` a steady stream,
``arrow`` a backlog of messages of 100 events. Rates above the listed ones are tried until one is not held.
Delays are from window end to the moment in which the broker has the row of the sink topic.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.engine import Engine, checkpoint_figures, percentiles, wait_until_wall
from benchmarks.feature_stream import FeatureStream
from benchmarks.process_watch import JOB, ProcessWatch, spent
from benchmarks.scenario import CACHE

if TYPE_CHECKING:
    from benchmarks.sink_tail import SinkTail

EVERY_MS = 30_000
DISORDER_MS = 2_000  # of the configuration; the stream keeps to half of it
SETTLE_S = 60  # what starting a rate disturbs is over
AXIS = 50_000  # rows a second of event time of a backlog
HIGHER = (75_000, 100_000, 125_000, 150_000, 175_000, 200_000)
HELD_S = 10.0
CLUSTER = ("task_managers", "slots", "workers", "checkpoint_seconds")
PARTS = ("producer", "broker", "job manager", "job server", "task manager", "worker pool", "worker", "driver")


class Mark(NamedTuple):
    """A moment and what had been used until then."""

    wall: float
    watch: float
    cpu: dict[str, float]


class Bench:
    """Runs cases on one engine and keeps their figures."""

    def __init__(self, engine: Engine, watch: ProcessWatch, options: list[str]) -> None:
        """Nothing has run."""
        self._engine, self._watch, self._options = engine, watch, options
        self.figures: list[dict] = []

    def drain(self, message_format: str, rows: int) -> None:
        """Rows a second of a backlog, between the first and the last window that its rows close."""
        engine, topic = self._engine, f"backlog-{message_format}"
        stream = replace(engine.stream, rate=AXIS, start_ms=int(time.time() * 1000) - rows * 1000 // AXIS)
        engine.topics(topic, partitions=stream.partitions)
        engine.topics(f"{topic}-results", partitions=1)
        began = time.monotonic()
        engine.produce(topic, stream, "--backlog", "--rows", str(rows), "--format", message_format).finish()
        say(f"{topic}: {rows:,} rows sent in {time.monotonic() - began:.0f} s")
        tail = engine.watch(f"{topic}-results")
        job = engine.submit(engine.config(topic, f"{topic}-results", message_format), *self._options)
        reached = stream.start_ms + rows * 1000 // AXIS - DISORDER_MS
        ends = reached // EVERY_MS * EVERY_MS
        marks: dict[int, Mark] = {}
        limit = time.monotonic() + 600
        while (newest := max(tail.arrivals, default=0)) < ends and time.monotonic() < limit:
            tail.poll(0.1)
            if tail.arrivals and max(tail.arrivals) > newest:
                marks[max(tail.arrivals)] = self._mark()
        assert len(marks) > 1, "fewer than two windows came: more --rows"
        first, last = min(marks), max(marks)
        figures = self._figures(
            f"drain, {message_format}", (last - first) * AXIS / 1000, marks[first], marks[last]
        )
        self.figures.append(figures | checkpoint_figures(engine, job))
        engine.cluster.rest.cancel(job)

    def live(self, message_format: str, rates: list[int], seconds: int) -> None:
        """Delays at steady rates, in one job; then the next higher until one is not held."""
        engine, topic = self._engine, f"live-{message_format}"
        engine.topics(topic, partitions=engine.stream.partitions)
        engine.topics(f"{topic}-results", partitions=1)
        tail = engine.watch(f"{topic}-results")
        job = engine.submit(engine.config(topic, f"{topic}-results", message_format), *self._options)
        higher = [rate for rate in HIGHER if rate > max(rates)]
        for rate in [*rates, *higher]:
            figures = self._at_rate(
                tail, replace(engine.stream, rate=rate, start_ms=0), message_format, seconds
            )
            self.figures.append(figures | checkpoint_figures(engine, job))
            if not figures["held"]:
                say(f"{rate:,} rows/s of {message_format} are not held")
                break
        engine.cluster.rest.cancel(job)

    def _at_rate(self, tail: SinkTail, stream: FeatureStream, message_format: str, seconds: int) -> dict:
        producer = self._engine.produce(f"live-{message_format}", stream, "--format", message_format)
        tail.follow(producer.stream.start_ms / 1000 + SETTLE_S - time.time())
        begin = self._mark()
        tail.follow(seconds)
        end = self._mark()
        sent = sum(producer.finish().values()) / (time.time() - producer.stream.start_ms / 1000)
        tail.follow(HELD_S + 2)  # windows that have ended may still be on their way
        last = int(end.wall * 1000) // EVERY_MS * EVERY_MS
        delays = tail.delays(begin.wall * 1000, last)
        p50, p95 = percentiles(delays)
        held = bool(last in tail.arrivals and p95 < HELD_S and sent > 0.95 * stream.rate)
        if held:
            wait_until_wall(last + EVERY_MS + 5_000)  # the next rate begins in a window of its own
        figures = self._figures(f"live, {message_format}", (end.wall - begin.wall) * stream.rate, begin, end)
        return figures | {"rate": stream.rate, "held": held, "delay_p50_s": p50, "delay_p95_s": p95}

    def _mark(self) -> Mark:
        return Mark(time.time(), self._watch.now, self._watch.cpu())

    def _figures(self, case: str, rows: float, begin: Mark, end: Mark) -> dict:
        cost, seconds = spent(begin.cpu, end.cpu, JOB), end.wall - begin.wall
        rss = self._watch.rss(begin.watch).items()
        return {
            "case": case,
            "rows": rows,
            "seconds": seconds,
            "rows_per_s": rows / seconds,
            "job_cores": cost / seconds,
            "cpu_s_per_million": cost / rows * 1e6,
            "cores": {part: spent(begin.cpu, end.cpu, (part,)) / seconds for part in PARTS},
            "rss_mb": {part: size / 1e6 for part, size in rss},
        }


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def table(figures: list[dict]) -> str:
    """One line a case."""
    head = f"{'case':14} {'rows/s':>9} {'p50 s':>6} {'p95 s':>6} {'cores':>6} {'CPU s/M':>8}"
    head += "".join(f" {part:>12}" for part in PARTS) + f" {'ckpt ms':>12} {'state MB':>10} {'RSS MB':>7}"
    lines = [head]
    for row in figures:
        delays = (f"{row.get(name, np.nan):6.1f}" for name in ("delay_p50_s", "delay_p95_s"))
        cost = f"{row['job_cores']:6.2f} {row['cpu_s_per_million']:8.1f}"
        parts = "".join(f" {row['cores'][part]:12.2f}" for part in PARTS)
        checkpoints = f"{row['checkpoint_ms_avg']:5.0f}/{row['checkpoint_ms_max']:<6.0f}"
        memory = sum(row["rss_mb"].get(part, 0.0) for part in JOB)
        held = "" if row.get("held", True) else "  NOT HELD"
        lines.append(
            f"{row['case']:14} {row['rows_per_s']:9,.0f} {' '.join(delays)} {cost}{parts} "
            f"{checkpoints} {row['state_mb_max']:10.1f} {memory:7.0f}{held}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=("drain", "live", "arrow"), default=["drain", "live", "arrow"]
    )
    parser.add_argument("--rows", type=int, default=12_000_000, help="of the backlog")
    parser.add_argument("--rates", type=int, nargs="+", default=[20_000, 50_000])
    parser.add_argument("--seconds", type=int, default=120, help="measured at each rate")
    parser.add_argument("--task-managers", type=int, default=1)
    parser.add_argument("--slots", type=int, default=2, help="of each task manager")
    parser.add_argument("--workers", type=int, default=2, help="of each task manager")
    parser.add_argument("--checkpoint-seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, default=CACHE / "flink.json")
    own, beam = split_beam(sys.argv[1:])
    arguments = parser.parse_args(own)
    cluster = {name: getattr(arguments, name) for name in CLUSTER}
    with (
        tempfile.TemporaryDirectory(prefix="driftline-bench-", ignore_cleanup_errors=True) as folder,
        ProcessWatch() as watch,
        Engine(Path(folder), FeatureStream(), **cluster) as engine,
    ):
        bench = Bench(engine, watch, beam)
        try:
            if "drain" in arguments.only:
                bench.drain("avro", arguments.rows)
            if "live" in arguments.only:
                bench.live("avro", arguments.rates, arguments.seconds)
            if "arrow" in arguments.only:
                bench.drain("arrow", arguments.rows)
        finally:
            print(table(bench.figures))
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps(bench.figures, indent=1))


def split_beam(words: list[str]) -> tuple[list[str], list[str]]:
    """What is ours, and behind ``--`` what is Beam's."""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


if __name__ == "__main__":
    main()
