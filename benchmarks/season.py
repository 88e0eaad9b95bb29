"""Half-hour windows of traffic with a daily cycle: what it brings to compare each with what is usual then.

Prints the share of windows alarmed at .05, .01 and .001 when nothing drifts, and at .01 when the mean moves
by a quarter of a standard deviation, without a season and with one.

    python benchmarks/season.py                  # the table of the documentation, a few minutes
    python benchmarks/season.py --quick
    python benchmarks/season.py --flights DIR    # real flights with their weeks shuffled
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import signal, special, stats
from shuffled_weeks import print_weeks
from streams import CATEGORIES, MISSING, Counts, normal_numbers

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
    fit_numeric,
)
from driftline.statistics.season import DAY, HOUR, season_for

SIZE = HOUR // 2
ALPHAS = (0.05, 0.01, 0.001)
SHIFT = 0.25
_CUTS = stats.norm.ppf(CATEGORIES.cumsum()[:-1])
_EDGES = stats.norm.ppf(np.arange(1, 64) / 64)
SHOWN = ("numeric p_value", "smooth", "ks", "psi", "missing", "categorical p_value", "chi2")


def windows(rng, first, count, *, rows, cycle, wobble, weekend=0.0, shift=0.0):
    """Draw half-hour windows in time order: mean, missing rate and traffic follow the hour and the weekday.

    Parameters
    ----------
    cycle
        Standard deviations by which the mean moves over the day, either way.
    wobble
        Standard deviation of what an AR(1) of two hours adds to it.
    weekend
        What Saturday and Sunday add.
    """
    starts = (first + np.arange(count)) * SIZE
    hour = 2 * np.pi * ((starts + SIZE // 2) % DAY) / DAY
    free = (starts // DAY) % 7 >= 5
    n = np.maximum((rows * np.exp(-1.2 * np.cos(hour)) * rng.uniform(0.8, 1.25, count)).astype(np.int64), 20)
    noise = rng.standard_normal((3, count + 100)) * wobble * np.sqrt(1 - 0.78**2)
    noise = signal.lfilter([1.0], [1.0, -0.78], noise, axis=1)[:, 100:]
    daily = cycle * (np.sin(hour) + 0.4 * np.cos(2 * hour)) + weekend * free
    mean = daily + noise[0] + shift
    rate = np.clip(MISSING * np.exp(daily + 2 * noise[1]), 0.0, 0.5)
    missing, categories_missing = rng.binomial(n, rate), rng.binomial(n, MISSING)

    def fractions(cuts, moved):
        return np.diff(special.ndtr(cuts - moved[:, None]), prepend=0.0, append=1.0)

    counts = Counts(
        rng.multinomial(n - missing, fractions(_EDGES, mean)),
        missing,
        rng.multinomial(n - categories_missing, fractions(_CUTS, daily + noise[2] + shift)),
        categories_missing,
    )
    return starts, counts


class Judge:
    """A reference, fitted without a season or with one, that judges windows of any time."""

    def __init__(self, starts, counts, asked):
        season, _ = season_for(asked, size=SIZE, starts=starts)
        season = season and season.of(starts, SIZE)
        self.gap = normal_numbers().gap
        nothing = np.zeros_like(counts.missing)
        self.numeric = BlockNull.stack(
            [fit_numeric(counts.values, counts.missing, nothing, self.gap, season=season)]
        )
        self.categorical = BlockNull.stack(
            [fit_categorical(counts.categories, counts.categories_missing, season=season)]
        )
        self.values, self.missing = counts.values.sum(0)[None], counts.missing.sum(keepdims=True)
        self.categories = CategoricalCounts(
            counts.categories.sum(0)[None], counts.categories_missing.sum(keepdims=True)
        )

    def __call__(self, starts, counts):
        """Give p-values (V,) by name."""
        zero = np.zeros(1, np.int64)
        base = NumericCounts(self.values, self.missing, zero)
        reference = NumericReference(base, self.gap[None], np.full(1, 1.349), np.ones(1))
        found = {name: [] for name in SHOWN}
        for row, start in enumerate(starts):
            when = np.array([start + SIZE // 2])
            current = NumericCounts(counts.values[row : row + 1], counts.missing[row : row + 1], zero)
            one = compare_numeric(current, reference, self.numeric, when)
            live = CategoricalCounts(
                counts.categories[row : row + 1], counts.categories_missing[row : row + 1]
            )
            other = compare_categorical(live, CategoricalReference(self.categories), self.categorical, when)
            each = (
                one.p_value,
                one.smooth_p,
                one.ks_p,
                one.psi_p,
                one.missing_p,
                other.p_value,
                other.chi2_p,
            )
            for name, p in zip(SHOWN, each, strict=True):
                found[name].append(float(p[0]))
        return {name: np.array(p) for name, p in found.items()}


STREAMS = {
    "daily cycle": {"cycle": 0.5, "wobble": 0.03},
    "daily cycle, wobble": {"cycle": 0.5, "wobble": 0.1},
    "weekends too": {"cycle": 0.5, "wobble": 0.05, "weekend": 0.4},
    "no cycle": {"cycle": 0.0, "wobble": 0.05},
}


def shares(kind, asked, *, days, rows, replicates, live, seed):
    """Shares alarmed, by (statistic, level); power at .01 under ``(statistic, "power")``."""
    found = {}
    for replicate in range(replicates):
        rng = np.random.default_rng([seed, replicate])
        count = days * 48
        judge = Judge(*windows(rng, 0, count, rows=rows, **STREAMS[kind]), asked)
        same = judge(*windows(rng, count, live * 48, rows=rows, **STREAMS[kind]))
        moved = judge(*windows(rng, count, live * 48, rows=rows, shift=SHIFT, **STREAMS[kind]))
        for name in SHOWN:
            for alpha in ALPHAS:
                found.setdefault((name, alpha), []).append(np.mean(same[name] <= alpha))
            found.setdefault((name, "power"), []).append(np.mean(moved[name] <= 0.01))
    return {key: float(np.mean(values)) for key, values in found.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer replicates")
    parser.add_argument("--days", type=int, default=28, help="length of the reference")
    parser.add_argument("--rows", type=int, default=1000, help="of a typical window")
    parser.add_argument("--streams", nargs="+", default=list(STREAMS), choices=list(STREAMS))
    parser.add_argument("--seasons", nargs="+", default=["none", "day", "auto"])
    parser.add_argument("--replicates", type=int)
    parser.add_argument("--live", type=int, default=7, help="days judged of each replicate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--flights", type=Path, metavar="DIR", help="folder with flights.csv or flights.csv.zip"
    )
    parser.add_argument("--hours", type=int, default=6, help="of a window of flights")
    arguments = parser.parse_args()
    replicates = arguments.replicates or (2 if arguments.quick else 12)
    if arguments.flights:
        print_weeks(arguments.flights, arguments.hours, arguments.seasons, replicates, SHIFT)
        return
    print(f"{arguments.days} days of half-hour windows, {replicates} references x {arguments.live} days")
    for kind in arguments.streams:
        for asked in arguments.seasons:
            found = shares(
                kind,
                asked,
                days=arguments.days,
                rows=arguments.rows,
                replicates=replicates,
                live=arguments.live,
                seed=arguments.seed,
            )
            for name in SHOWN:
                levels = "  ".join(f"{found[name, alpha]:.4f}" for alpha in ALPHAS)
                print(f"{kind:20s} {asked:5s} {name:20s} {levels}   +.25 sd {found[name, 'power']:.3f}")


if __name__ == "__main__":
    main()
