"""What it costs to join labels: CPU on one core and state a prediction that waits, at a live rate.

Plays event time slice by slice through the steps of `JoinLabels`, with state held as the bytes a runner would
hold, until as many predictions wait as ever will, and measures the slices after that. Half of the predictions
get a label, after a delay of up to the wait. "decide" is the pure state machine, `settle`; "DoFn" is all of
the DoFn with its bags around it; "pack" is hashing 36-character request ids and packing both sides.

    python benchmarks/join.py                        # 10,000 predictions/s, 50 % labelled, 10 minutes wait
    python benchmarks/join.py --rate 100 --wait 1440 --bundle 60 --slice 900
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import driftline.transforms.outcomes.join_labels
from driftline.decoding.request_ids import request_keys
from driftline.outcomes import LABELS, PREDICTIONS, MatchRule
from driftline.outcomes.packed_rows import decode_block
from driftline.outcomes.row_arrays import Status
from driftline.outcomes.waiting import _held
from driftline.transforms.counters import TALLY
from driftline.transforms.outcomes.join_labels import JoinShard, PackByShard

SECOND = 1_000_000
SEGMENTS = pa.array([f"segment={n}" for n in range(10)])


class Bag:
    """Bag state in memory, counting what a runner would write and read."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.written = self.fetched = 0

    def read(self) -> list[bytes]:
        self.fetched += sum(map(len, self.values))
        return list(self.values)

    def add(self, value: bytes) -> None:
        self.values.append(value)
        self.written += len(value)

    def clear(self) -> None:
        self.values = []


class Cell:
    """Read-modify-write state in memory."""

    value: bytes | None = None

    def read(self) -> bytes | None:
        return self.value

    def write(self, value: bytes) -> None:
        self.value = value


class Timer:
    """The timer of a shard."""

    at = None

    def set(self, at: object) -> None:
        self.at = at


class Shard:
    """State of one key."""

    def __init__(self) -> None:
        self.arrived, self.held, self.later = Bag(), Bag(), Bag()
        self.ledger, self.timer = Cell(), Timer()

    @property
    def bags(self) -> tuple[Bag, Bag, Bag]:
        return self.arrived, self.held, self.later


class Clock:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.last = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.spent[name] += now - self.last
        self.last = now


class Traffic:
    """Predictions and, later, their labels."""

    def __init__(self, rate: float, share: float, wait: int) -> None:
        self._rng = np.random.default_rng(1)
        self._rate, self._share, self._wait = rate, share, wait
        self._number = 0
        self._times, self._ids = np.empty(0, np.int64), np.empty(0, np.int64)

    def between(self, start: int, end: int):
        """Batches of both sides whose times are in this stretch of event time."""
        n = round(self._rate * (end - start) / SECOND)
        numbers = np.arange(self._number, self._number + n)
        self._number += n
        at = np.sort(self._rng.integers(start, end, n))
        labelled = self._rng.random(n) < self._share
        known = at + self._rng.integers(0, self._wait, n)
        self._times = np.concatenate([self._times, known[labelled]])
        self._ids = np.concatenate([self._ids, numbers[labelled]])
        now = self._times < end
        labels = (self._ids[now], self._times[now])
        self._times, self._ids = self._times[~now], self._ids[~now]
        segments = SEGMENTS.take(pa.array(self._rng.integers(0, len(SEGMENTS), n)))
        return (
            (_ids(numbers), pa.array(at), segments, pa.array(self._rng.random(n))),
            (_ids(labels[0]), pa.array(labels[1]), pa.array(np.ones(len(labels[0]))), _positions(labels[0])),
        )


def _ids(numbers):
    digits = pa.array(numbers + 10**11).cast(pa.string())
    return pc.binary_join_element_wise("5f2b8a1c-7d43-4e0f-9a6b", digits, "-")


def _positions(numbers):
    return pc.binary_join_element_wise("labels-0", pa.array(numbers).cast(pa.string()), "@")


def _batch(schema, ids, *columns):
    return pa.RecordBatch.from_arrays([*request_keys(ids), *columns], schema=schema)


def play(options) -> None:
    """Print a line of costs and a line of state."""
    wait, slice_length = int(options.wait * 60 * SECOND), int(options.slice * SECOND)
    remember = wait if options.remember is None else int(options.remember * 60 * SECOND)
    join, pack = JoinShard(MatchRule(wait, remember), slice_length, 0), PackByShard()
    traffic, clock, shards = Traffic(options.rate, options.share, wait), Clock(), defaultdict(Shard)
    _time_settle(clock)
    warm = -(-(wait + remember) // slice_length) + 3
    looks, rows, slowest = 0, 0, 0.0
    before: tuple[int, int] = (0, 0)
    for number in range(warm + options.slices):
        if number == warm:
            clock.spent.clear()
            before = _moved(shards)
            looks = rows = 0
        start = number * slice_length
        for at in range(start, start + slice_length, int(options.bundle * SECOND)):
            predictions, labels = traffic.between(
                at, min(at + int(options.bundle * SECOND), start + slice_length)
            )
            clock.lap("")
            batches = [_batch(PREDICTIONS, *predictions), _batch(LABELS, *labels)]
            rows += sum(batch.num_rows for batch in batches)
            blocks = []
            for batch in batches:
                pack.start_bundle()
                list(pack.process(batch))
                blocks += [element.value for element in pack.finish_bundle()]
            clock.lap("pack")
            for shard, block in blocks:
                state = shards[shard]
                join.process((shard, block), state.arrived, state.later, state.ledger, state.timer)
            clock.lap("keep")
        began = time.process_time()
        for state in shards.values():
            while state.timer.at is not None and state.timer.at.micros <= start + slice_length:
                at, state.timer.at = state.timer.at, None
                list(join.look(at, *state.bags, state.ledger, state.timer))
                looks += 1
        slowest = max(slowest, time.process_time() - began)
        clock.lap("look")
    moved = tuple(after - then for after, then in zip(_moved(shards), before, strict=True))
    _report(options, clock.spent, rows, shards, moved, slowest)


def _time_settle(clock: Clock) -> None:
    real = driftline.transforms.outcomes.join_labels.settle

    def settle(*args):
        began = time.process_time()
        found = real(*args)
        clock.spent["decide"] += time.process_time() - began
        return found

    driftline.transforms.outcomes.join_labels.settle = settle


def _moved(shards) -> tuple[int, int]:
    bags = [bag for state in shards.values() for bag in state.bags]
    return sum(bag.written for bag in bags), sum(bag.fetched for bag in bags)


def _report(options, spent, rows, shards, moved, slowest) -> None:  # noqa: PLR0917
    waiting = held_rows = 0
    for state in shards.values():
        predictions, _ = _held([decode_block(block) for block in state.held.values])
        waiting += int((predictions.status == Status.WAITING).sum())
        held_rows += len(predictions)
    held = sum(len(block) for state in shards.values() for bag in state.bags for block in bag.values)
    event_seconds = options.slices * options.slice
    dofn = spent["keep"] + spent["look"]
    counts = TALLY.snapshot()
    print(
        f"{options.rate:,.0f} predictions/s, {options.share:.0%} labelled, wait {options.wait:g} min, slice "
        f"{options.slice:g} s, bundles of {options.bundle:g} s; {options.slices} slices with full state"
    )
    print("".join(f"{n:>14}" for n in ("", "decide", "DoFn", "pack", "all")))
    steps = [spent["decide"], dofn, spent["pack"], dofn + spent["pack"]]
    print(f"{'us a row':>14}" + "".join(f"{1e6 * s / rows:>14.2f}" for s in steps))
    print(f"{'rows/CPU s':>14}" + "".join(f"{rows / s:>14,.0f}" for s in steps))
    print(f"{'CPU of a core':>14}" + "".join(f"{s / event_seconds:>14.1%}" for s in steps))
    written, fetched = moved
    print(
        f"slowest look at all shards {slowest:.2f} s; waiting {waiting:,}; rows held {held_rows:,}; state "
        f"{held / 1e6:,.0f} MB = {held / max(waiting, 1):.1f} bytes a waiting prediction; "
        f"written {written / rows:.0f} bytes a row, read {fetched / event_seconds / 1e6:.2f} MB/s"
    )
    print(", ".join(f"{name} {number:,}" for name, number in sorted(counts.items())))


def main() -> None:
    """Play what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=10_000, help="predictions/s")
    parser.add_argument("--share", type=float, default=0.5, help="of predictions that get a label")
    parser.add_argument("--wait", type=float, default=10, help="minutes")
    parser.add_argument(
        "--remember", type=float, help="minutes after the deadline; default: as long as the wait"
    )
    parser.add_argument("--slice", type=float, default=60, help="seconds")
    parser.add_argument("--bundle", type=float, default=1, help="seconds of traffic")
    parser.add_argument("--slices", type=int, default=5, help="to measure")
    play(parser.parse_args())


if __name__ == "__main__":
    main()
