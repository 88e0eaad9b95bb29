"""How often driftline alarms when nothing drifts, and how often when something does.

Prints, for windows without drift, the share alarmed at .05, .01 and .001 for every statistic and for the
final ``drifted``, beside the p-values that take rows for independent; then power, beside the same statistic
with its exact (Monte Carlo) null; then the share of windows in which any of 600 tests says ``drifted``.

    python benchmarks/calibration.py --quick            # a few minutes
    python benchmarks/calibration.py                    # the tables of the documentation, about 20 minutes
    python benchmarks/calibration.py --flights DIR      # real flights with their days shuffled

The rows of the reference's windows vary by ``--traffic`` either way: by 1.5, so that live windows of 1/5 or 5
times as many rows are outside what the reference has seen and their p-values are bounds; then by 6, a daily
cycle, so that they are inside. A share outside [0.5, 1.5] x nominal is marked ``!``; ``?`` if the
simulation's own error (two standard errors) could explain it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from calibration_tables import ALPHAS, RATIOS, SHIFTS, print_alarms, print_power, print_summary
from shuffled_flights import print_flights
from stream_judge import ALPHA, Judge
from streams import all_streams

from driftline.statistics import benjamini_hochberg

SIZES = (200, 2_000, 20_000, 1_000_000)
WINDOWS = (30, 60, 200)
POWER_WINDOWS = 200
NARROW_TRAFFIC, DAILY_TRAFFIC = 1.5, 6.0


def sizes_around(rng, n, windows, traffic):
    """Rows of windows of a stream whose traffic varies by this factor either way."""
    return np.maximum((n * traffic ** rng.uniform(-1, 1, windows)).astype(np.int64), 2)


def cell(task):
    """Simulate one (stream, n, reference windows): alarm rates and power."""
    kind, n, windows, replicates, live_windows, seed, traffic = task
    stream = all_streams()[kind]
    shares, null, shifted, powers = {}, {}, {}, {}
    for replicate in range(replicates):
        rng = np.random.default_rng([seed, kind, n, windows, replicate])
        judge = Judge(stream, stream.windows(rng, sizes_around(rng, n, windows, traffic)))
        for ratio in RATIOS:
            judged = judge(stream.windows(rng, np.full(live_windows, int(ratio * n))))
            add_alarms(shares, ratio, judged)
            if ratio == 1:
                extend(null, judged.statistic)
        for shift in SHIFTS if windows == POWER_WINDOWS else ():
            judged = judge(stream.windows(rng, np.full(live_windows, n), shift))
            for name, values in judged.statistic.items():
                shifted.setdefault((name, shift), []).append(values)
                for alpha in ALPHAS[:2]:
                    powers.setdefault((name, shift, alpha), []).append(np.mean(judged.p[name] <= alpha))
    return (
        (stream.name, n, windows),
        {key: (float(np.mean(v)), standard_error(v, live_windows, key[-1])) for key, v in shares.items()},
        {
            (name, shift, alpha): (
                float(np.mean(v)),
                exact_power(null[name], shifted[name, shift], alpha),
            )
            for (name, shift, alpha), v in powers.items()
        },
    )


def add_alarms(shares, ratio, judged):
    """Append the shares of alarmed windows of one replicate."""
    for label, columns in (("ours", judged.p), ("plain", judged.plain)):
        for name, values in columns.items():
            for alpha in ALPHAS:
                shares.setdefault((ratio, label, name, alpha), []).append(np.mean(values <= alpha))
        for name, values in judged.drifted(label).items():
            shares.setdefault((ratio, label, name, ALPHA), []).append(np.mean(values))


def extend(lists, columns):
    """Append every column to the list of its name."""
    for name, values in columns.items():
        lists.setdefault(name, []).append(values)


def exact_power(null, shifted, alpha):
    """Power of a statistic whose critical value is known from simulation."""
    return float(np.mean(np.concatenate(shifted) > np.quantile(np.concatenate(null), 1 - alpha)))


def standard_error(shares, live_windows, alpha):
    """Error of a mean of shares: what the references differ by, at least that of independent windows."""
    independent = np.sqrt(alpha * (1 - alpha) / live_windows / len(shares))
    return float(max(np.std(shares) / np.sqrt(len(shares)), independent))


def family(windows, live_windows, seed, n=2_000, tests=600):
    """Share of windows without drift in which any of 600 tests is significant, and drifted."""
    streams = all_streams()
    columns = {"ours": [], "plain": []}
    large = []
    for i in range(tests // 2):
        stream = streams[i % len(streams)]
        rng = np.random.default_rng([seed, tests, windows, i])
        judge = Judge(stream, stream.windows(rng, sizes_around(rng, n, windows, NARROW_TRAFFIC)))
        judged = judge(stream.windows(rng, np.full(live_windows, n)))
        for kind in ("numeric", "categorical"):
            columns["ours"].append(judged.p[f"{kind} p_value"])
            columns["plain"].append(judged.plain[f"{kind} p_value"])
            large.append(judged.large[kind])
    shares = {}
    for label, values in columns.items():
        significant = np.array([benjamini_hochberg(window) <= ALPHA for window in np.array(values).T]).T
        shares[label] = (significant.any(0).mean(), (significant & np.array(large)).any(0).mean())
    return shares


def print_family(live_windows, seed):
    """Run and print `family` for every number of reference windows."""
    print("\nshare of no-drift windows with any of 600 tests (half categorical, all 8 streams, n 2000)")
    for windows in WINDOWS:
        for label, (significant, drifted) in family(windows, live_windows, seed).items():
            print(
                f"W {windows:4d} {label:6s} significant (BH .01): {significant:.3f}   drifted: {drifted:.3f}"
            )


def run(arguments, counts, traffic):
    """Simulate and print all cells for one kind of traffic."""
    sizes, kinds = arguments.sizes, arguments.streams
    tasks = [
        (kind, n, windows, arguments.replicates, arguments.live, arguments.seed, traffic)
        for windows in counts
        for kind in kinds
        for n in sizes
    ]
    results = {}
    start = time.perf_counter()
    with Pool(arguments.processes) as pool:
        for done, (key, shares, powers) in enumerate(pool.imap(cell, tasks), 1):
            results[key] = (shares, powers)
            if sys.stderr.isatty():
                print(
                    f"\r{done}/{len(tasks)} cells, {time.perf_counter() - start:.0f} s",
                    end="",
                    file=sys.stderr,
                )
    print(f"\n==== rows of the reference's windows vary by a factor of {traffic:g} either way ====")
    for windows in reversed(counts):
        for alpha in ALPHAS:
            print_alarms(results, windows, alpha)
    if POWER_WINDOWS in counts:
        print_power(results, POWER_WINDOWS)
    print_summary(results, counts)
    return [
        dict(
            zip(
                ("stream", "n", "windows", "ratio", "column", "statistic", "alpha"),
                (*key, *column),
                strict=True,
            )
        )
        | {"share": share, "error": error, "traffic": traffic}
        for key, (shares, _) in results.items()
        for column, (share, error) in shares.items()
    ]


def parse():
    """Read the command line."""

    def integers(text):
        return tuple(int(part) for part in text.split(","))

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer replicates: a few minutes")
    parser.add_argument(
        "--flights", type=Path, metavar="DIR", help="folder with flights.csv or flights.csv.zip"
    )
    parser.add_argument("--replicates", type=int, help="references per cell")
    parser.add_argument("--live", type=int, help="live windows per reference")
    parser.add_argument(
        "--streams", type=integers, default=tuple(range(8)), help="which streams to run, from 0"
    )
    parser.add_argument("--sizes", type=integers, default=SIZES, help="rows of a typical window")
    parser.add_argument("--windows", type=integers, default=WINDOWS, help="numbers of reference windows")
    parser.add_argument("--traffic", type=float, help="by what factor reference windows' rows vary")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the shares here")
    arguments = parser.parse_args()
    arguments.replicates = arguments.replicates or (12 if arguments.quick else 50)
    arguments.live = arguments.live or (60 if arguments.quick else 100)
    return arguments


def main():
    arguments = parse()
    if arguments.flights:
        print_flights(arguments.flights)
        return
    start = time.perf_counter()
    rows = run(arguments, arguments.windows, arguments.traffic or NARROW_TRAFFIC)
    if not (arguments.traffic or arguments.quick):
        rows += run(arguments, (POWER_WINDOWS,), DAILY_TRAFFIC)
    if arguments.windows == WINDOWS and arguments.streams == tuple(range(8)):
        print_family(40 if arguments.quick else 200, arguments.seed)
    seconds = time.perf_counter() - start
    print(f"\n{arguments.replicates} references x {arguments.live} live windows a cell, {seconds:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
