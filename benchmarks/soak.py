"""Does memory stay flat? A steady stream for a long time, with the memory of every process.

Usage: soak.py [--minutes 20] [--rate R] [--format arrow] [--output FOLDER] [-- BEAM OPTIONS]

Leaves soak.csv and soak.svg in FOLDER and prints how fast each process grows, in MB an hour, behind the
first quarter of the time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.engine import Engine, checkpoint_figures, percentiles
from benchmarks.feature_stream import FeatureStream
from benchmarks.flink import split_beam
from benchmarks.process_watch import ProcessWatch
from benchmarks.scenario import CACHE

if TYPE_CHECKING:
    from benchmarks.process_watch import Sample

SVG = "http://www.w3.org/2000/svg"
WARM_UP = 0.25
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 440, 56, 250, 20, 40
COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e5ea2", "#d98200", "#444444", "#0aa0a0", "#a05a2c")


def series_of(samples: list[Sample]) -> dict[str, np.ndarray]:
    """Minutes and MB, shape (2, samples), of each process, by role and number."""
    by_pid: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for sample in samples:
        by_pid[sample.role, sample.pid].append((sample.at / 60, sample.rss / 1e6))
    roles = [role for role, _ in by_pid]
    seen: dict[str, int] = defaultdict(int)
    found = {}
    for (role, _), points in by_pid.items():
        seen[role] += 1
        found[f"{role} {seen[role]}" if roles.count(role) > 1 else role] = np.array(points).T
    return found


def slope(points: np.ndarray, begin: float) -> float:
    """MB an hour behind a minute, by least squares; NaN of a process that did not live so long."""
    points = points[:, points[0] >= begin]
    return float(np.polyfit(points[0] / 60, points[1], 1)[0]) if points.shape[1] > 2 else np.nan


def plot(series: dict[str, np.ndarray], slopes: dict[str, float], begin: float) -> str:
    """All processes as one SVG."""
    minutes = max(points[0].max() for points in series.values())
    most = max(points[1].max() for points in series.values()) * 1.05
    x = lambda minute: LEFT + minute / minutes * (WIDTH - LEFT - RIGHT)  # noqa: E731
    y = lambda mb: HEIGHT - BOTTOM - mb / most * (HEIGHT - TOP - BOTTOM)  # noqa: E731
    parts = [
        f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{LEFT} {TOP}H{x(begin):.1f}V{HEIGHT - BOTTOM}H{LEFT}z" fill="#f2f2f2"/>',
    ]
    step = next(step for step in (50, 100, 200, 250, 500, 1_000, 2_000) if most / step <= 8)
    for mb in range(0, int(most) + 1, step):
        parts.append(f'<path d="M{LEFT} {y(mb):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(mb) + 4:.1f}" text-anchor="end">{mb}</text>')
    parts += [
        f'<text x="{x(minute):.1f}" y="{HEIGHT - 20}" text-anchor="middle">{minute:.0f}</text>'
        for minute in np.linspace(0, minutes, 6)
    ]
    parts.append(f'<text x="{x(minutes / 2):.1f}" y="{HEIGHT - 5}" text-anchor="middle">minutes</text>')
    parts.append(f'<text x="4" y="{TOP - 6}">resident memory, MB</text>')
    label = HEIGHT - BOTTOM + 15.0
    order = sorted(series, key=lambda name: series[name][1, -1])
    for number, name in enumerate(order):
        colour, points = COLOURS[number % len(COLOURS)], series[name]
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points.T)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        label = min(label - 15, y(points[1, -1]) + 4)
        text = f"{name}: {slopes[name]:+.1f} MB/h"
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{label:.1f}" fill="{colour}">{text}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Soak and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50_000)
    parser.add_argument("--format", choices=("avro", "arrow"), default="avro")
    parser.add_argument("--output", type=Path, default=CACHE)
    own, beam = split_beam(sys.argv[1:])
    arguments = parser.parse_args(own)
    with (
        tempfile.TemporaryDirectory(prefix="driftline-soak-", ignore_cleanup_errors=True) as folder,
        Engine(Path(folder), FeatureStream()) as engine,
    ):
        engine.topics("soak", partitions=engine.stream.partitions)
        engine.topics("results", partitions=1)
        tail = engine.watch("results")
        job = engine.submit(engine.config("soak", "results", arguments.format), *beam)
        stream = replace(engine.stream, rate=arguments.rate, start_ms=0)
        producer = engine.produce("soak", stream, "--format", arguments.format)
        with ProcessWatch(every=5) as watch:
            end = time.monotonic() + arguments.minutes * 60
            while time.monotonic() < end:
                tail.follow(5)
                tail.forget(2**62)
        sent = sum(producer.finish().values())
        delays = tail.delays(producer.stream.start_ms + 60_000, time.time() * 1000)
        figures = checkpoint_figures(engine, job)
    begin = arguments.minutes * WARM_UP
    series = {name: points for name, points in series_of(watch.samples).items() if points.shape[1] > 2}
    slopes = {name: slope(points, begin) for name, points in series.items()}
    arguments.output.mkdir(parents=True, exist_ok=True)
    watch.write(arguments.output / "soak.csv")
    (arguments.output / "soak.svg").write_text(plot(series, slopes, begin))
    print(f"{sent:,} rows in {arguments.minutes:g} minutes, windows {len(tail.arrivals)}")
    print("window end -> row in the sink: p50 {:.1f} s, p95 {:.1f} s".format(*percentiles(delays)))
    print(", ".join(f"{name} {value:,.1f}" for name, value in figures.items()))
    for name, points in series.items():
        print(f"{name:16} {points[1, -1]:8.0f} MB at the end, {slopes[name]:+8.1f} MB/h")


if __name__ == "__main__":
    main()
