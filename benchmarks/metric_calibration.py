"""False alarms of AUC, log-loss and calibration gap on streams that do not change.

Run: python benchmarks/metric_calibration.py [--references 40]
"""

from __future__ import annotations

import argparse

import numpy as np

from driftline.losses import Loss
from driftline.performance import LossNull, LossPeriods, PerformanceProfile
from driftline.performance.class_cells import cells_of_rows
from driftline.performance.loss_comparison import compare
from driftline.performance.metric_comparison import compare_metrics
from driftline.performance.outcome_sums import sums_of_outcomes
from driftline.performance.performance_reference import PerformanceReference

LOSS = Loss("zero_one")
WINDOWS, ROWS, JUDGED = 60, 1500, 100


def rare(rng, n):
    """Give .25 % positives, and scores that know the risk but for noise."""
    risk = rng.beta(0.15, 60, n)
    return np.clip(risk * rng.lognormal(0, 0.3, n), 0, 1), (rng.random(n) < risk).astype(float)


def clustered(rng, n):
    """Give clusters of ten of one score, of whose labels seven of ten are drawn together."""
    risk = np.repeat(1 / (1 + np.exp(3 - rng.normal(size=n // 10))), 10)
    same = np.repeat(rng.random(n // 10), 10)
    return risk, (np.where(rng.random(n) < 0.7, same, rng.random(n)) < risk).astype(float)


def weather(rng, n):
    """Give windows whose scores and slopes move."""
    x = rng.normal(size=n) + 0.3 * rng.normal()
    return 1 / (1 + np.exp(-x)), (rng.random(n) < 1 / (1 + np.exp(-x * np.exp(0.15 * rng.normal())))).astype(
        float
    )


def profile_of(scores, labels):
    """Profile a window."""
    made = PerformanceProfile.of_predictions(LOSS, scores)
    return made.add_outcomes(scores, labels, np.zeros(len(scores), np.int64))


def reference_of(rng, make):
    """Calibrate on windows without a change."""
    scores, labels = np.array([make(rng, ROWS) for _ in range(WINDOWS)]).transpose(1, 0, 2).reshape(2, -1)
    times = np.repeat(np.arange(WINDOWS), ROWS)
    sums, cells = sums_of_outcomes(LOSS, scores, labels), cells_of_rows(LOSS, scores, labels)
    outcomes = LossPeriods.of(times, LOSS.of(scores, labels), 1, sums, cells).to_bytes()
    periods = LossPeriods.merge_all([outcomes, LossPeriods.of_predictions(times, 1).to_bytes()])
    whole = profile_of(scores, labels)
    return PerformanceReference.of(whole, LossNull.fit(whole, periods, np.arange(WINDOWS), size=1, min_n=200))


def main() -> None:
    """Print the share of windows with p below .05, .01 and .001."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--references", type=int, default=40)
    options = parser.parse_args()
    for make in (rare, clustered, weather):
        rng, found = np.random.default_rng(0), {}
        for _ in range(options.references):
            reference = reference_of(rng, make)
            for _ in range(JUDGED):
                window = profile_of(*make(rng, ROWS))
                compared = {"loss": compare(window, reference.profile, reference.null)}
                for name, each in (compared | compare_metrics(window, reference)).items():
                    found.setdefault(name, []).append(each.p_value)
        for name, p in found.items():
            shares = "  ".join(
                f"p < {level}: {(np.array(p) < level).mean():.4f}" for level in (0.05, 0.01, 0.001)
            )
            print(f"{make.__name__:<10} {name:<12} {shares}")


if __name__ == "__main__":
    main()
