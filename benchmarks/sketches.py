"""Compare quantile sketches: the digest of the profiles, `tdigest`, datasketches, and the values themselves.

    python benchmarks/sketches.py [--values 6000] [--merges 30] [--features 60]

Each of 31 parts is sketched, the sketches are merged one after the other, and quantiles at 999 ranks are
looked up in all the values: the error is the distance of the rank asked for from the ranks that the answer
has there.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import datasketches
import numpy as np
import tdigest

from driftline.profiles.tdigest import TDigest

if TYPE_CHECKING:
    from collections.abc import Callable

RANKS = np.arange(1, 1000) / 1000
STREAMS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda r, size: r.normal(size=size),
    "lognormal": lambda r, size: r.lognormal(0, 1, size),
    "zero-inflated": lambda r, size: np.where(r.random(size) < 0.5, 0.0, r.lognormal(0, 1, size)),
    "heavy-tailed": lambda r, size: r.standard_cauchy(size),
}


@dataclass
class Sketch:
    """How to use one kind of sketch; `features` of them are handled in one call."""

    features: int
    make: Callable[[np.ndarray], Any]
    merge: Callable[[Any, Any], Any]
    size: Callable[[Any], float]
    quantiles: Callable[[Any, np.ndarray], np.ndarray]


def ours(features: int) -> Sketch:
    return Sketch(
        features,
        TDigest.of,
        lambda a, b: TDigest.merge_all([a, b]),
        lambda d: (d.centroids.nbytes + d.signed_weights.nbytes) / len(d.centroids),
        lambda d, x: d.quantiles(RANKS, x.min(1), x.max(1))[0],
    )


def package() -> Sketch:
    def make(x: np.ndarray) -> Any:
        digest = tdigest.TDigest()
        digest.batch_update(x[0])
        return digest

    return Sketch(
        1,
        make,
        lambda a, b: a + b,
        lambda d: len(json.dumps(d.to_dict())),
        lambda d, _: np.array([d.percentile(100 * q) for q in RANKS]),
    )


def apache(kind: Callable[[int], Any], k: int) -> Sketch:
    def make(x: np.ndarray) -> Any:
        sketch = kind(k)
        sketch.update(x[0])
        return sketch

    def merge(a: Any, b: Any) -> Any:
        a.merge(b)
        return a

    return Sketch(
        1,
        make,
        merge,
        lambda s: len(s.serialize()),
        lambda s, _: np.array([s.get_quantile(q) for q in RANKS]),
    )


def exact() -> Sketch:
    return Sketch(
        1,
        lambda x: np.sort(x[0]),
        lambda a, b: np.sort(np.concatenate((a, b))),
        lambda a: a.nbytes,
        lambda a, _: np.quantile(a, RANKS, method="inverted_cdf"),
    )


def rank_error(values: np.ndarray, estimates: np.ndarray) -> float:
    ordered = np.sort(values)
    low = np.searchsorted(ordered, estimates, "left") / len(ordered)
    high = np.searchsorted(ordered, estimates, "right") / len(ordered)
    return float(np.maximum(0, np.maximum(low - RANKS, RANKS - high)).max())


def measure(sketch: Sketch, values: int, merges: int) -> dict[str, float]:
    """CPU nanoseconds a value and microseconds a merge, bytes, and the worst rank error of each stream."""
    row: dict[str, float] = {}
    making, merging, sizes = [], [], []
    for name, draw in STREAMS.items():
        r = np.random.default_rng(20260101)
        parts = [draw(r, (sketch.features, values)) for _ in range(merges + 1)]
        sketch.make(parts[0])  # warm
        sketches = []
        for part in parts:
            start = time.process_time()
            sketches.append(sketch.make(part))
            making.append(time.process_time() - start)
        merged = sketches[0]
        for other in sketches[1:]:
            start = time.process_time()
            merged = sketch.merge(merged, other)
            merging.append(time.process_time() - start)
        sizes.append(sketch.size(merged))
        whole = np.concatenate(parts, axis=1)
        row[name] = rank_error(whole[0], sketch.quantiles(merged, whole))
    row["ns/value"] = 1e9 * float(np.median(making)) / values / sketch.features
    row["us/merge"] = 1e6 * float(np.median(merging)) / sketch.features
    row["bytes"] = max(sizes)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--values", type=int, default=6000, help="values of a part")
    parser.add_argument("--merges", type=int, default=30)
    parser.add_argument("--features", type=int, default=60, help="features that ours sketches in one call")
    options = parser.parse_args()
    sketches = {
        f"driftline, {options.features} features": ours(options.features),
        "driftline, 1 feature": ours(1),
        "datasketches kll, k=200": apache(datasketches.kll_doubles_sketch, 200),
        "datasketches kll, k=1600": apache(datasketches.kll_doubles_sketch, 1600),
    }
    if hasattr(datasketches, "tdigest_double"):
        sketches["datasketches tdigest, k=100"] = apache(datasketches.tdigest_double, 100)
    sketches["exact (all values)"] = exact()
    sketches["tdigest 0.5 (Python)"] = package()
    columns = ["ns/value", "us/merge", "bytes", *STREAMS]
    print(f"{options.merges + 1} parts of {options.values} values; worst rank error over 999 ranks\n")
    print(f"{'':28}" + "".join(f"{column:>15}" for column in columns))
    rows = {}
    for name, sketch in sketches.items():
        row = rows[name] = measure(sketch, options.values, options.merges)
        times = f"{row['ns/value']:15.1f}{row['us/merge']:15.1f}{row['bytes']:15,.0f}"
        print(f"{name:28}{times}" + "".join(f"{row[stream]:15.5f}" for stream in STREAMS), flush=True)
    first, *others = rows
    print(f"\nratios to {first} (above 1: ours is better)\n")
    print(f"{'':28}" + "".join(f"{column:>15}" for column in [*columns[:3], "worst error"]))
    for name in others:
        ratios = [rows[name][column] / rows[first][column] for column in columns[:3]]
        ratios.append(max(rows[name][s] for s in STREAMS) / max(rows[first][s] for s in STREAMS))
        print(f"{name:28}" + "".join(f"{ratio:15,.2f}" for ratio in ratios))
    worst = max(rows[first][stream] for stream in STREAMS)
    verdict = "holds" if worst <= 0.001 else "DOES NOT HOLD"
    print(f"\nworst rank error after {options.merges} merges: {worst:.5f} (promise <= .001: {verdict})")


if __name__ == "__main__":
    main()
