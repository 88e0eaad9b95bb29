"""How often driftline alarms when nothing drifts, and how often when something does.

Prints, for windows without drift, the share alarmed at .05, .01 and .001 for every statistic and for the final
``drifted``, beside the p-values that take rows for independent; then power, beside the same statistic with its
exact (Monte Carlo) null; then the share of windows in which any of 600 tests says ``drifted``.

    python benchmarks/calibration.py --quick            # a few minutes
    python benchmarks/calibration.py                    # the tables of the documentation, about 20 minutes
    python benchmarks/calibration.py --flights DIR      # real flights with their days shuffled

A share outside [0.5, 1.5] x nominal is marked ``!``; ``?`` if the simulation's own error (two standard errors)
could explain it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from shuffled_flights import print_flights
from streams import all_streams

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    benjamini_hochberg,
    compare_categorical,
    compare_numeric,
    fit_categorical,
    fit_numeric,
)
from driftline.statistics import psi as psi_module
from driftline.statistics import rates, wasserstein
from driftline.statistics.chi_square import two_sample
from driftline.statistics.ks import iid_p_value as ks_iid_p_value

SIZES = (200, 2_000, 20_000, 1_000_000)
RATIOS = (0.2, 1.0, 5.0)
WINDOWS = (30, 60, 200)
SHIFTS = (0.05, 0.1, 0.25, 0.5)
ALPHAS = (0.05, 0.01, 0.001)
STATISTICS = ("ks", "psi", "wasserstein", "chi2", "missing", "numeric p_value", "categorical p_value")
DRIFTED = ("numeric drifted", "categorical drifted")
PSI_LARGE, WASSERSTEIN_LARGE, ALPHA = 0.25, 0.1, 0.01


def sizes_around(rng, n, windows):
    """Rows of windows of a stream whose traffic varies by 40 % either way."""
    return np.maximum((n * rng.uniform(0.6, 1.4, windows)).astype(np.int64), 2)


class Judge:
    """A reference of one stream, ready to judge many windows at once.

    Parameters
    ----------
    stream
        From `streams.all_streams`.
    reference
        Its window histograms.
    """

    def __init__(self, stream, reference):
        self.numbers = stream.numbers
        nothing = np.zeros_like(reference.missing)
        self.numeric = fit_numeric(reference.values, reference.missing, nothing, stream.numbers.gap)
        self.categorical = fit_categorical(reference.categories, reference.categories_missing)
        self.values = reference.values.sum(0)
        self.missing = reference.missing.sum()
        self.categories = reference.categories.sum(0)
        self.categories_missing = reference.categories_missing.sum()

    def __call__(self, live, *, iid=False):
        """Squared statistics, p-values and decisions for V windows: dicts of arrays (V,)."""
        count = len(live.missing)

        def same(x):
            return np.broadcast_to(x, (count, *np.shape(x)))

        zero = np.zeros(count, dtype=np.int64)
        current = NumericCounts(live.values, live.missing, zero)
        base = NumericCounts(same(self.values), same(self.missing), zero)
        reference = NumericReference(
            base,
            same(self.numbers.gap),
            same(self.numbers.iqr),
            np.ones(count),
            same(self.numbers.atoms),
        )
        numeric = compare_numeric(current, reference, _repeat(BlockNull.stack([self.numeric]), count))
        cat_current = CategoricalCounts(live.categories, live.categories_missing)
        cat_base = CategoricalCounts(same(self.categories), same(self.categories_missing))
        null = _repeat(BlockNull.stack([self.categorical]), count)
        categorical = compare_categorical(cat_current, CategoricalReference(cat_base), null)
        p = {
            "ks": numeric.ks_p,
            "psi": numeric.psi_p,
            "wasserstein": numeric.wasserstein_p,
            "chi2": categorical.chi2_p,
            "missing": numeric.missing_p,
            "numeric p_value": numeric.p_value,
            "categorical p_value": categorical.p_value,
        }
        large = (numeric.psi > PSI_LARGE) | (numeric.wasserstein_iqr > WASSERSTEIN_LARGE)
        drifted = {
            "numeric drifted": (numeric.p_value <= ALPHA) & large,
            "categorical drifted": (categorical.p_value <= ALPHA) & (categorical.psi > PSI_LARGE),
        }
        statistic = {
            "ks": numeric.ks,
            "psi": numeric.psi,
            "wasserstein": numeric.wasserstein,
            "chi2": categorical.chi2 / cat_current.rows,
        }
        if not iid:
            return p, drifted, statistic
        plain = self._as_if_independent(current, reference, numeric, cat_current, cat_base)
        plain_drifted = {
            "numeric drifted": (numeric.p_iid <= ALPHA) & large,
            "categorical drifted": (categorical.p_iid <= ALPHA) & (categorical.psi > PSI_LARGE),
        }
        plain |= {"numeric p_value": numeric.p_iid, "categorical p_value": categorical.p_iid}
        return p, drifted, statistic, plain, plain_drifted

    def _as_if_independent(self, current, reference, numeric, cat_current, cat_base):
        base = reference.counts
        difference = current.fractions - base.fractions
        bins = ((current.coarse(reference.decile_ends) + reference.coarse) > 0).sum(1)
        m, n = base.present[0], np.maximum(current.present, 1)  # a window without values has no distance
        # one simulation serves all sizes: the distance scales with the root of 1/n + 1/m
        scaled = numeric.wasserstein / np.sqrt(1 / n + 1 / m)
        earth = wasserstein.iid_p_value(
            scaled * np.sqrt(2), base.fractions[0], reference.gap[0], 1, 1, draws=10_000
        )
        return {
            "ks": ks_iid_p_value(difference, n, base.present, reference.spread_mass),
            "psi": psi_module.iid_p_value(numeric.psi, current.rows, base.rows, bins),
            "wasserstein": earth,
            "chi2": two_sample(cat_current.all, cat_base.all)[1],
            "missing": rates.iid_p_value(current.absent, current.rows, base.absent, base.rows),
        }


def _repeat(null, count):
    """Pretend that one feature is ``count`` features."""
    arrays = {
        field.name: np.broadcast_to(getattr(null, field.name), (count, *getattr(null, field.name).shape[1:]))
        for field in dataclasses.fields(null)
        if field.name != "statistics"
    }
    return dataclasses.replace(null, **arrays)


def cell(task):
    """Simulate one (stream, n, reference windows): alarms per replicate for every column."""
    kind, n, windows, replicates, live_windows, seed = task
    stream = all_streams()[kind]
    shares, statistics, powers = {}, {}, {}
    for replicate in range(replicates):
        rng = np.random.default_rng([seed, kind, n, windows, replicate])
        judge = Judge(stream, stream.windows(rng, sizes_around(rng, n, windows)))
        for ratio in RATIOS:
            live = stream.windows(rng, sizes_around(rng, ratio * n, live_windows))
            p, drifted, statistic, plain, plain_drifted = judge(live, iid=True)
            for alpha in ALPHAS:
                for label, columns in (("ours", p), ("plain", plain)):
                    for name, values in columns.items():
                        shares.setdefault((ratio, label, name, alpha), []).append(np.mean(values <= alpha))
            for label, columns in (("ours", drifted), ("plain", plain_drifted)):
                for name, values in columns.items():
                    shares.setdefault((ratio, label, name, ALPHA), []).append(np.mean(values))
            if ratio == 1 and windows == WINDOWS[-1]:
                for name, values in statistic.items():
                    statistics.setdefault((name, 0.0), []).append(values)
        if windows != WINDOWS[-1]:
            continue
        for shift in SHIFTS:
            live = stream.windows(rng, sizes_around(rng, n, live_windows), shift)
            p, _, statistic = judge(live)
            for name, values in statistic.items():
                statistics.setdefault((name, shift), []).append(values)
                for alpha in ALPHAS[:2]:
                    powers.setdefault((name, shift, alpha), []).append(np.mean(p[name] <= alpha))
    exact = {}
    for (name, shift), values in statistics.items():
        for alpha in ALPHAS[:2]:
            threshold = np.quantile(np.concatenate(statistics[name, 0.0]), 1 - alpha)
            exact[name, shift, alpha] = float(np.mean(np.concatenate(values) > threshold))
    return (
        (stream.name, n, windows),
        {key: (float(np.mean(v)), standard_error(v, live_windows, key[-1])) for key, v in shares.items()},
        {key: (float(np.mean(v)), exact[key]) for key, v in powers.items()},
    )


def standard_error(shares, live_windows, alpha):
    """Error of a mean of shares: what the references differ by, at least that of independent windows."""
    independent = np.sqrt(alpha * (1 - alpha) / live_windows / len(shares))
    return float(max(np.std(shares) / np.sqrt(len(shares)), independent))


def mark(share, error, nominal):
    """``!`` outside [0.5, 1.5] x nominal, ``?`` if the simulation's error could explain it."""
    outside = max(0.5 * nominal - share, share - 1.5 * nominal)
    return " " if outside <= 0 else "?" if outside <= 2 * error else "!"


def print_alarms(results, windows, alpha):
    """Alarm rates of no-drift windows: ours and, after a bar, as if rows were independent."""
    names = STATISTICS + (DRIFTED if alpha == ALPHA else ())
    for ratio in RATIOS:
        print(f"\nno drift, alpha {alpha}, {windows} reference windows, live n = {ratio:g} x the reference's")
        print(f"{'stream':14s}{'n':>9s}  " + "".join(f"{name[:19]:>20s}" for name in names))
        for (stream, n, w), (shares, _) in results.items():
            if w != windows:
                continue
            row = ""
            for name in names:
                share, error = shares[ratio, "ours", name, alpha]
                plain = shares[ratio, "plain", name, alpha][0]
                flag = " " if name in DRIFTED else mark(share, error, alpha)
                row += f"{share:11.4f}{flag}|{plain:7.3f}"
            print(f"{stream:14s}{n:9d}  {row}")


def print_power(results):
    """Power of our calibrated tests, and of the same statistics with their exact null."""
    for alpha in ALPHAS[:2]:
        print(f"\npower at alpha {alpha}, {WINDOWS[-1]} reference windows: ours|exact null; ! if .1 less")
        header = "".join(f"{f'{name} {shift:g}':>20s}" for name in STATISTICS[:4] for shift in SHIFTS)
        print(f"{'stream':14s}{'n':>9s}  {header}")
        for (stream, n, w), (_, powers) in results.items():
            if w != WINDOWS[-1]:
                continue
            row = ""
            for name in STATISTICS[:4]:
                for shift in SHIFTS:
                    ours, exact = powers[name, shift, alpha]
                    row += f"{ours:12.2f}{'!' if ours < exact - 0.1 else ' '}|{exact:6.2f}"
            print(f"{stream:14s}{n:9d}  {row}")


def print_summary(results):
    """Count the cells inside and outside the goals."""
    print(
        "\nshare of cells within [0.5, 1.5] x nominal (sure failures, beyond simulation error), largest ratio"
    )
    for windows in WINDOWS:
        for alpha in ALPHAS:
            for name in STATISTICS:
                cells = [
                    (*shares[ratio, "ours", name, alpha], stream, n, ratio)
                    for (stream, n, w), (shares, _) in results.items()
                    for ratio in RATIOS
                    if w == windows
                ]
                marks = [mark(share, error, alpha) for share, error, *_ in cells]
                worst = max(cells)
                print(
                    f"W {windows:4d} alpha {alpha:<6g}{name:20s} within {marks.count(' '):3d}/{len(cells)}, "
                    f"sure failures {marks.count('!'):3d}; smallest {min(cells)[0] / alpha:5.2f}, largest "
                    f"{worst[0] / alpha:5.2f} x nominal ({worst[2]}, n {worst[3]}, live x {worst[4]:g})"
                )
    losses = [
        (exact - ours, stream, n, key)
        for (stream, n, _), (_, powers) in results.items()
        for key, (ours, exact) in powers.items()
    ]
    if losses:
        losses.sort(key=lambda loss: -loss[0])
        over = sum(loss[0] > 0.1 for loss in losses)
        print(f"power more than .1 below the exact null: {over} of {len(losses)}; the largest losses:")
        for loss, stream, n, (name, shift, alpha) in losses[:8]:
            print(f"  {loss:.2f}  {stream}, n {n}, {name}, shift {shift}, alpha {alpha}")


def family(windows, live_windows, seed, n=2_000, tests=600):
    """Share of windows without drift in which any of 600 tests is significant, and drifted."""
    streams = all_streams()
    columns = {"ours": [], "plain": []}
    larges = []
    for i in range(tests // 2):
        stream = streams[i % len(streams)]
        rng = np.random.default_rng([seed, 600, windows, i])
        judge = Judge(stream, stream.windows(rng, sizes_around(rng, n, windows)))
        live = stream.windows(rng, sizes_around(rng, n, live_windows))
        p, drifted, _, plain, _ = judge(live, iid=True)
        for label, values in (("ours", p), ("plain", plain)):
            columns[label] += [values["numeric p_value"], values["categorical p_value"]]
        # what is large, whatever its p: judged again with every p taken as significant
        larges += [_large(judge, live, "numeric"), _large(judge, live, "categorical")]
    large = np.array(larges)
    shares = {}
    for label, values in columns.items():
        significant = np.array([benjamini_hochberg(window) <= ALPHA for window in np.array(values).T]).T
        shares[label] = (significant.any(0).mean(), (significant & large).any(0).mean())
    return shares


def _large(judge, live, kind):
    count = len(live.missing)
    if kind == "categorical":
        current = np.column_stack([live.categories_missing, live.categories])
        base = np.r_[judge.categories_missing, judge.categories]
        return psi_module.psi(current, np.broadcast_to(base, current.shape)) > PSI_LARGE
    ends = psi_module.decile_ends(judge.values)[None]
    current = psi_module.sum_deciles(live.values[:, None].astype(float), ends)[:, 0]
    base = psi_module.sum_deciles(judge.values[None].astype(float), ends)[0]
    value = psi_module.psi(
        np.column_stack([current, live.missing]),
        np.broadcast_to(np.r_[base, judge.missing], (count, len(base) + 1)),
    )
    difference = live.values / live.values.sum(1, keepdims=True) - judge.values / judge.values.sum()
    earth = wasserstein.distance(difference, judge.numbers.gap) / judge.numbers.iqr
    return (value > PSI_LARGE) | (earth > WASSERSTEIN_LARGE)


def print_family(live_windows, seed):
    """Run and print `family` for every number of reference windows."""
    print(
        "\nshare of no-drift windows with any of 600 tests (300 numeric, 300 categorical, all 8 streams, n 2000)"
    )
    for windows in WINDOWS:
        for label, (significant, drifted) in family(windows, live_windows, seed).items():
            print(
                f"W {windows:4d} {label:6s} significant after BH at .01: {significant:.3f}   drifted: {drifted:.3f}"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer replicates: a few minutes")
    parser.add_argument(
        "--flights", type=Path, metavar="DIR", help="folder with flights.csv or flights.csv.zip"
    )
    parser.add_argument("--replicates", type=int, help="references per cell")
    parser.add_argument("--live", type=int, help="live windows per reference")
    parser.add_argument("--streams", help="comma-separated numbers of the streams to run, from 0")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the shares here")
    arguments = parser.parse_args()
    if arguments.flights:
        print_flights(arguments.flights)
        return
    replicates = arguments.replicates or (16 if arguments.quick else 80)
    live_windows = arguments.live or (60 if arguments.quick else 100)
    kinds = range(len(all_streams()))
    if arguments.streams:
        kinds = [int(kind) for kind in arguments.streams.split(",")]
    tasks = [
        (kind, n, windows, replicates, live_windows, arguments.seed)
        for windows in WINDOWS
        for kind in kinds
        for n in SIZES
    ]
    start = time.perf_counter()
    results = {}
    with Pool(arguments.processes) as pool:
        for done, (key, shares, powers) in enumerate(pool.imap(cell, tasks), 1):
            results[key] = (shares, powers)
            if sys.stderr.isatty():
                print(
                    f"\r{done}/{len(tasks)} cells, {time.perf_counter() - start:.0f} s",
                    end="",
                    file=sys.stderr,
                )
    for windows in reversed(WINDOWS):
        for alpha in ALPHAS:
            print_alarms(results, windows, alpha)
    print_power(results)
    print_summary(results)
    if not arguments.streams:
        print_family(40 if arguments.quick else 200, arguments.seed)
    print(
        f"\n{replicates} references x {live_windows} live windows a cell, {time.perf_counter() - start:.0f} s"
    )
    if arguments.json:
        flat = [
            {
                "stream": s,
                "n": n,
                "windows": w,
                "ratio": r,
                "column": label,
                "statistic": name,
                "alpha": a,
                "share": share,
                "error": error,
            }
            for (s, n, w), (shares, _) in results.items()
            for (r, label, name, a), (share, error) in shares.items()
        ]
        arguments.json.write_text(json.dumps(flat))


if __name__ == "__main__":
    main()
