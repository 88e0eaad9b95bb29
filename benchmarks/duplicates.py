"""What it costs to drop duplicates: CPU time a row on one core, step by step, and state an id.

Plays some slices of live traffic, bundle after bundle, through the steps of `DropDuplicates`, with state held
as the bytes a runner would hold. Coding is what a row pays for passing to the worker that keeps its ids.

    python benchmarks/duplicates.py                       # a minute at 50,000 rows/s, two sizes of bundle
    python benchmarks/duplicates.py --rate 10000 --bundles 1000
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import pyarrow as pa

from driftline.decoding.event_schema import REQUEST
from driftline.decoding.request_ids import request_hashes
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.sources.drop_duplicates import DropSeen, ShardEvents

SECOND = 1_000_000
SLICE = 60 * SECOND
SHARE = 0.01
"""Of rows that are duplicates."""


class Bag:
    """Bag state in memory, counting what a runner would write."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.written = 0

    def read(self) -> list[bytes]:
        return list(self.values)

    def add(self, value: bytes) -> None:
        self.values.append(value)
        self.written += len(value)

    def clear(self) -> None:
        self.values = []


class Timer:
    """A timer nobody waits for."""

    def set(self, _at: object) -> None:
        pass


class Stopwatch:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.last = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.spent[name] += now - self.last
        self.last = now


def events_of(rng, rows, features, start, seconds):
    """Events without request ids, in order of time."""
    columns = {
        "time": pa.array(np.sort(rng.integers(start, start + int(seconds * SECOND), rows))),
        "segment.s": pa.array(rng.choice([f"segment-{n}" for n in range(10)], rows)),
    }
    return columns | {f"feature.x{n}": pa.array(rng.normal(size=rows)) for n in range(features)}


def play(rate, bundle, features, seconds):
    """CPU seconds by step, rows, rows dropped, duplicates made and bags of state."""
    rng = np.random.default_rng(1)
    coder, shard, drop, timer = RecordBatchCoder(), ShardEvents(SLICE), DropSeen(SLICE), Timer()
    bags: dict[tuple[int, int], tuple[Bag, Bag]] = defaultdict(lambda: (Bag(), Bag()))
    watch, rows, kept, made = Stopwatch(), 0, 0, 0
    for number in range(int(rate * seconds) // bundle):
        columns = events_of(rng, bundle, features, int(number * bundle / rate * SECOND), bundle / rate)
        ids = rng.integers(10**17, 10**18, bundle)
        again = np.flatnonzero(rng.random(bundle) < SHARE)
        again = again[again > 0]
        ids[again] = ids[again - 1]
        made += bundle - len(np.unique(ids))
        texts = pa.array(ids).cast(pa.string())
        watch.lap("")
        columns[REQUEST] = request_hashes(texts)
        watch.lap("hash ids")
        shard.start_bundle()
        elements = list(shard.process(pa.RecordBatch.from_pydict(columns)))
        elements = [e.value for e in (*elements, *shard.finish_bundle())]
        watch.lap("shard")
        elements = [(key, coder.decode(coder.encode(events))) for key, events in elements]
        watch.lap("code")
        for key, events in elements:
            kept += sum(out.num_rows for out in drop.process((key, events), *bags[key], timer))
        watch.lap("drop")
        rows += bundle
    return watch.spent, rows, rows - kept, made, bags


def main() -> None:
    """Print a line for each size of bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=50_000, help="rows/s of the traffic")
    parser.add_argument("--bundles", type=int, nargs="+", default=[2_000, 20_000], help="rows a bundle")
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60, help="of event time; slices last 60")
    options = parser.parse_args()
    steps = ("hash ids", "shard", "code", "drop")
    print(f"{options.rate:,} rows/s for {options.seconds:.0f} s, {options.features} features; CPU us a row")
    print("".join(f"{name:>12}" for name in ("bundle", *steps, "rows/CPU s", "bytes/id", "writes")))
    for bundle in options.bundles:
        spent, rows, dropped, made, bags = play(options.rate, bundle, options.features, options.seconds)
        assert dropped == made, f"{dropped} dropped of {made} duplicates"
        whole = sum(spent[name] for name in steps)
        state = [bag for pair in bags.values() for bag in pair]
        held = sum(len(data) for bag in state for data in bag.values)
        written = sum(bag.written for bag in state)
        costs = "".join(f"{1e6 * spent[name] / rows:>12.2f}" for name in steps)
        print(
            f"{bundle:>12,}{costs}{rows / whole:>12,.0f}"
            f"{held / (rows - dropped):>12.2f}{written / held:>12.1f}"
        )


if __name__ == "__main__":
    main()
