"""The online learning detector: rows/s of a core, bytes of state, how soon ADWIN sees a change in its gap.

python benchmarks/online_learning.py
python benchmarks/online_learning.py --rows 200000 --seeds 20
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pyarrow as pa

from driftline.detectors.adwin import ADWIN
from driftline.learning.online_learner import OnlineLearningDetector

SHAPES = ((5, 0, 2), (20, 0, 2), (60, 0, 2), (50, 10, 2), (60, 0, 5))
STREAMS = ((5, 0.0), (20, 0.0), (60, 0.0), (5, -3.0), (20, -3.0), (60, -3.0))


def throughput(rows, numbers, categories, classes):
    """CPU seconds, and the state and its bound in bytes."""
    rng = np.random.default_rng(1)
    columns = {f"x{i}": rng.normal(size=rows) for i in range(numbers)}
    columns |= {f"c{i}": rng.choice([f"value-{n}" for n in range(50)], rows) for i in range(categories)}
    names = list(columns)
    detector = OnlineLearningDetector(names[:numbers], names[numbers:], classes=range(classes))
    labels, losses = rng.integers(0, classes, rows).astype(float), np.ones(rows)
    batches = pa.table(columns).to_batches(max_chunksize=2_050)
    detector.update_many(batches[0].slice(0, 100), labels[:100], losses[:100])
    start, at = time.process_time(), 0
    for batch in batches:
        end = at + batch.num_rows
        detector.update_many(batch, labels[at:end], losses[at:end])
        at = end
    spent = time.process_time() - start
    more = 99 - detector.n % 100  # the partial batch at its largest
    detector.update_many(batches[0].slice(0, more), labels[:more], losses[:more])
    return spent, len(detector.to_bytes()), detector.largest_state


def change(features, base, seed, stable=40_000, after=20_000):
    """Detections before a quarter of the weights change sign, and labels until the first after, by signal."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(stable + after, features))
    weights = rng.normal(size=features) * 1.5 / np.sqrt(features)
    logit = x @ weights + base
    truth = logit.copy()
    weights[: max(1, features // 4)] *= -1
    truth[stable:] = x[stable:] @ weights + base
    label = rng.random(len(x)) < 1 / (1 + np.exp(-truth))
    frozen = np.logaddexp(0, np.where(label, -logit, logit))
    gaps, positions = OnlineLearningDetector([f"x{i}" for i in range(features)]).update_many(x, label, frozen)
    error = (frozen > np.log(2)).astype(float)
    found = (positions[ADWIN().update_many(gaps)], ADWIN().update_many(frozen), ADWIN().update_many(error))
    return [(int((at < stable).sum()), min(at[at >= stable] - stable, default=np.inf)) for at in found]


def main() -> None:
    """Print two tables."""
    warnings.filterwarnings("ignore", message="ADWIN got")  # the textbook one is looked at
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    print(
        f"{'numeric':>8}{'categorical':>12}{'classes':>8}{'rows/CPU s':>12}{'state':>9}{'at most':>9}  bytes"
    )
    for shape in SHAPES:
        spent, size, bound = throughput(options.rows, *shape)
        print(f"{shape[0]:>8}{shape[1]:>12}{shape[2]:>8}{options.rows / spent:>12,.0f}{size:>9,}{bound:>9,}")
    print(
        f"\n{options.seeds} streams each: 40,000 stable labels, 20,000 after a change; ADWIN on each signal:"
    )
    print("false alarms, changes missed, median labels to the detection")
    print(
        f"{'features':>9}{'base logit':>11}" + "".join(f"{s:>26}" for s in ("gap", "log-loss", "0/1 error"))
    )
    for features, base in STREAMS:
        runs = [change(features, base, seed) for seed in range(options.seeds)]
        cells = ""
        for signal in zip(*runs, strict=True):
            alarms, delays = np.array(signal).T
            cells += f"{alarms.sum():>10.0f}{np.isinf(delays).sum():>6}{np.median(delays):>10,.0f}"
        print(f"{features:>9}{base:>11}{cells}")


if __name__ == "__main__":
    main()
