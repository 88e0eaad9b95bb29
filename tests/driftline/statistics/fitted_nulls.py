"""Fit nulls on made-up references of every kind, and write down what comes out.

``python -m tests.driftline.statistics.fitted_nulls > tests/driftline/statistics/fitted_nulls.json`` accepts a
change. Every p-value of every user follows from these numbers: say in CHANGELOG.md why they move.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from driftline.statistics import fit_categorical, fit_numeric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.statistics.statistic import FittedNull

BINS = 16
EDGES = stats.norm.ppf(np.arange(1, BINS) / BINS)
GAP = np.diff(stats.norm.ppf((np.arange(BINS) + 0.5) / BINS))
CUTS = stats.norm.ppf(np.cumsum([0.4, 0.3, 0.15, 0.1, 0.02, 0.02, 0.005]))  # the last ones are rare
NUMBERS = ("typical_n", "n_min", "n_max", "windows", "df")


def histograms(n, mean, missing_rate, seed, cluster=1):
    """Rows by value bin, by category and missing of windows whose mean moves; a user sends `cluster` rows."""
    rng = np.random.default_rng(seed)
    found = []
    for rows, centre, rate in zip(n, mean, np.broadcast_to(missing_rate, len(n)), strict=True):
        missing = cluster * rng.binomial(rows // cluster, rate)
        x = np.repeat(centre + rng.standard_normal((rows - missing) // cluster + 1), cluster)[
            : rows - missing
        ]
        values = np.bincount(np.searchsorted(EDGES, x), minlength=BINS)
        found.append((values, np.bincount(np.searchsorted(CUTS, x), minlength=len(CUTS) + 1), missing))
    return [np.array(each) for each in zip(*found, strict=True)]


def references():
    """Rows of windows, and what a fit is told besides, by what they are like."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(400, 1_200, 60)
    still = np.zeros(60)
    wobble = 0.2 * rng.standard_normal(60)
    slow = np.convolve(rng.standard_normal(67), np.full(8, 0.1), "valid")
    moving_rate = 0.05 * np.exp(0.4 * rng.standard_normal(60))
    return {
        "independent rows": (histograms(sizes, still, 0.05, 2), {}),
        "windows of one size": (histograms(np.full(60, 700), still, 0.05, 3), {}),
        "clusters": (histograms(sizes, still, 0.05, 4, cluster=10), {}),
        "wobble": (histograms(sizes, wobble, moving_rate, 5), {}),
        "autocorrelated": (histograms(sizes, slow, 0.05, 6), {}),
        "overlapping": (histograms(sizes, slow, 0.05, 6), {"overlap": 4.0}),
        "wide range of sizes": (histograms(sizes * np.tile([1, 8], 30), wobble, 0.05, 7), {}),
        "thirty": (histograms(sizes[:30], still[:30], 0.05, 8), {}),
        "few": (histograms(sizes[:8], still[:8], 0.05, 9), {}),
        "two": (histograms(sizes[:2], still[:2], 0.05, 10), {}),
        "small windows to judge": (histograms(sizes, still, 0.0, 11), {"smallest": 30.0}),
        "hardly any missing": (histograms(sizes, still, 0.0005, 12), {}),
        "constant": (histograms(sizes, still + 50, 0.0, 13), {}),
        "equal": (
            [np.repeat(each[:1], 20, axis=0) for each in histograms(sizes[:1], still[:1], 0.05, 14)],
            {},
        ),
        "with empty windows": (histograms(sizes * (np.arange(60) % 7 > 0), still, 0.05, 15), {}),
        "empty": (histograms(np.zeros(5, int), np.zeros(5), 0.0, 16), {}),
    }


def numbers(fitted: Mapping[str, FittedNull]) -> dict[str, dict[str, list]]:
    """What is stored of a feature's nulls, at every other size and every third p-value."""
    found = {}
    for name, each in fitted.items():
        found[name] = {key: _rounded(getattr(each.table, key)) for key in NUMBERS}
        found[name]["log quantiles"] = _rounded(each.table.quantiles[::2, ::3])
        found[name] |= {key: _rounded(array) for key, array in each.arrays.items()}
    return found


def _rounded(values) -> list | float:
    return np.round(np.asarray(values, np.float64), 5).tolist()


def fitted_nulls() -> dict[str, dict[str, dict[str, list]]]:
    """All of them, by the reference and the kind of feature."""
    found = {}
    for name, ((values, categories, missing), told) in references().items():
        nonfinite = missing // 3
        numeric = fit_numeric(values, missing - nonfinite, nonfinite, GAP, **told)
        found[f"{name}, numeric"] = numbers(numeric)
        found[f"{name}, categorical"] = numbers(fit_categorical(categories, missing, **told))
    return found


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fitted_nulls().items()]
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")
