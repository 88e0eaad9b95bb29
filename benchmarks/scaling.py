"""How the cost grows: with windows, segments and features; bytes of a profile; time of all tests.

Costs are CPU seconds of the whole pipeline, Avro bytes to result rows on the DirectRunner, start-up taken
off, so they do not depend on what else the machine does. Baselines here are cheap: the null of all traffic
is used for every segment, since calibrating 60,000 (segment, feature) pairs would take longer than
everything that is measured.

With --memory it prints something else, and nothing of that: what a baseline of 1,001 segments and 60 features
takes in its file and in the memory of a process that reads it.

Usage: scaling.py [--rounds N] [--memory]
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys

import numpy as np
import pyarrow as pa
import yaml
from driftline_pipeline import prepare, run
from scenario import START, Messages, Scenario, Seconds, make

from driftline.baseline import encode_baseline
from driftline.config import parse_config
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.normalise import normalise
from driftline.judging import judge
from driftline.measures.measure_registry import decode_profile, merge_encoded
from driftline.measures.slicing import profile_events
from driftline.segments import ALL
from driftline.transforms.spine.baseline_source import read_baseline

REPEATS = 20
MOST_OVERLAP, MOST_BYTES, MOST_TEST_MS = 1.3, 4096, 10


def shared_baseline(scenario: Scenario, **changes: object):
    """A scenario's configuration, with a baseline that gives every segment what all traffic has."""
    learnt = read_baseline(
        prepare(dataclasses.replace(scenario, segments=1, rate=40, minutes=1)).baseline.path
    )
    shared = [
        {"part": part, "profile": entry.profile.to_bytes(), "null": entry.null.to_bytes()}
        for (label, part), entry in learnt.entries.items()
        if label == ALL
    ]
    labels = [ALL, *(f"segment={label}" for label in scenario.labels)]
    path = make(scenario) / "shared_baseline.avro"
    path.write_bytes(
        encode_baseline(
            [entry | {"segment": label} for label in labels for entry in shared],
            learnt.layout,
            model=learnt.model,
            size=learnt.size,
            every=learnt.every,
            segment_columns=learnt.segment_columns,
            windows=learnt.windows,
            created_at=learnt.created_at,
        )
    )
    return parse_config(yaml.safe_dump(scenario.config(baseline={"path": str(path)}, **changes)))


def cost(scenario: Scenario, rounds: int, **changes: object) -> tuple[float, int]:
    """CPU microseconds a row, start-up taken off, and the result rows."""
    config = shared_baseline(scenario, **changes)
    batches = Messages(scenario).batches
    first = min(scenario.rows, 20_000)
    (_, startup), _ = run(scenario, config, [(0, 0)])
    places = [(batch, turn) for turn in range(rounds) for batch in range(batches)]
    (_, whole), results = run(scenario, config, places)
    return 1e6 * (whole - startup) / (scenario.rows * rounds - first), results


def print_costs(title: str, cases: dict[str, tuple[Scenario, dict]], rounds: int) -> list[float]:
    """Print one comparison; the costs in order."""
    print(f"\n{title:34}{'rows':>12}{'result rows':>13}{'CPU us/row':>12}{'ratio':>8}", flush=True)
    costs = []
    for name, (scenario, changes) in cases.items():
        spent, results = cost(scenario, rounds, **changes)
        costs.append(spent)
        rows = scenario.rows * rounds
        print(f"  {name:32}{rows:>12,}{results:>13,}{spent:>12.2f}{spent / costs[0]:>8.2f}", flush=True)
    return costs


def print_profiles(scenario: Scenario) -> None:
    """Print the size of profiles, slice and merged, and the time to test a segment."""
    config = shared_baseline(scenario)
    baseline, windows = read_baseline(config.baseline.path), config.windows
    block = baseline.layout.blocks[0]
    schema = EventSchema.of(config)
    rng = np.random.default_rng(5)
    print(f"\n{'one segment':34}{'bytes a feature':>28}{'all tests, CPU ms':>20}")
    for n in (100, 1_000, 10_000, 100_000):
        x, _ = scenario.values(rng, n)
        columns = {name: pa.array(x[:, i], from_pandas=True) for i, name in enumerate(scenario.names)}
        times = pa.array(np.full(n, START), pa.timestamp("us", tz="UTC"))
        table = pa.table({"event_time": times, "segment": [scenario.labels[0]] * n} | columns)
        events = normalise(table, schema).events
        slices = [
            p.profile for p in profile_events(events, baseline.layout, baseline.monitored, windows.every)
        ]
        merged = merge_encoded(slices * 2)
        profile = decode_profile(merged)
        bounds = (START, START + windows.size)
        judge(profile, ALL, block, bounds, baseline=baseline, min_n=1)
        start = Seconds()
        for _ in range(REPEATS):
            judge(profile, ALL, block, bounds, baseline=baseline, min_n=1)
        spent = 1e3 * start.spent()[1] / REPEATS
        size = f"{len(slices[0]) / scenario.features:,.0f} ({len(merged) / scenario.features:,.0f} merged)"
        print(f"  {f'{n:,} rows, {scenario.features} features':32}{size:>28}{spent:>20.2f}")
    print(f"  (aims: at most {MOST_BYTES:,} bytes, less than {MOST_TEST_MS} ms)")


GROWTH = """
import gc, sys, time
from driftline.transforms.spine.baseline_source import read_baseline

def resident():
    gc.collect()
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))

read_baseline(sys.argv[1])   # what is imported on the way
before, start = resident(), time.perf_counter()
baseline = read_baseline(sys.argv[2])
print(time.perf_counter() - start, resident() - before)
"""


def print_memory(scenario: Scenario) -> None:
    """Print what a baseline takes in its file, before compression, and in memory."""
    small = shared_baseline(dataclasses.replace(scenario, segments=1)).baseline.path
    path = shared_baseline(dataclasses.replace(scenario, segments=1000)).baseline.path
    entries = read_baseline(path).entries
    pairs = len(entries) * scenario.features
    profile, null = (
        sum(len(getattr(entry, of).to_bytes()) for entry in entries.values()) / pairs
        for of in ("profile", "null")
    )
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, small, path], capture_output=True, text=True, check=True
    )
    seconds, growth = map(float, done.stdout.split())
    print(f"{len(entries):,} segments x {scenario.features} numeric features")
    print(f"  each in the file: {null / 1e3:.1f} kB calibration, {profile / 1e3:.1f} kB profile")
    print(f"  each in memory: {growth / pairs / 1e3:.1f} kB; all {growth / 1e6:.0f} MB in {seconds:.1f} s")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="half hours of events in each run")
    parser.add_argument("--memory", action="store_true", help="print what a baseline takes, and nothing else")
    asked = parser.parse_args()
    rounds, usual = asked.rounds, Scenario()
    if asked.memory:
        print_memory(usual)
        return
    windows = {
        f"30 min every {every}": (
            usual,
            {"windows": {"size": "30m", "every": every, "allowed_lateness": "10m"}},
        )
        for every in ("30m", "15m", "5m", "1m")
    }
    costs = print_costs("windows", windows, rounds)
    print(f"  30 min every 1 against every 30: {costs[-1] / costs[0]:.2f} (aim: at most {MOST_OVERLAP})")
    window = (costs[-1] - costs[0]) * usual.rate * 60  # a minute's rows cost more by what its window costs
    print(
        f"  so a window of {usual.segments + 1} segments costs {window / 1e3:,.0f} CPU ms; against every 30:"
    )
    for rate in (usual.rate, 4_000, 40_000):
        row = rate * 60 * costs[0]
        print(f"    {rate:>6,} rows/s: {1 + window / row:>6.2f}, {(row + window) / 60e6:.1%} of a core")
    segments = {f"{n} segments": (dataclasses.replace(usual, segments=n), {}) for n in (1, 10, 100, 1000)}
    print_costs("segments", segments, rounds)
    features = {
        f"{n} features": (dataclasses.replace(usual, features=n, rate=100), {}) for n in (10, 60, 600)
    }
    costs = print_costs("features", features, rounds)
    each = ", ".join(f"{spent / n:.3f}" for spent, n in zip(costs, (10, 60, 600), strict=True))
    print(f"  CPU us a value: {each}")
    print_profiles(usual)


if __name__ == "__main__":
    main()
