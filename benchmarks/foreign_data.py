"""Power on real data that nothing was tuned to: three tables out of packages, their windows shuffled.

A random half of the windows is the reference, the others are judged one by one: nothing drifts, so what
alarms then is false. Then each of them is changed. *Before* is the p-value that decided in release 0.1.0.

    python benchmarks/foreign_data.py
"""

from __future__ import annotations

import argparse

import numpy as np
from followed_features import repeated
from foreign_tables import TABLES, windows_of
from shuffled_flights import Shuffled, counted, feature_of

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
)
from driftline.statistics.chi_square import OF_TYPICAL_WINDOWS
from driftline.statistics.coincidence import coincidences
from driftline.statistics.multiple import bonferroni_pair

ALPHA = 0.01
NONE, SWAPPED = "no drift", "5 points swapped"
MOVED = {NONE: (0.0, 1.0), "+.25 sd": (0.25, 1.0), "spread x 1.25": (0.0, 1.25)}
CATEGORIES = 64
"""Those that the job counts by name; the others are *other*."""


def numbers_judged(shuffled, name):
    """p-values of the live windows of a numeric feature, as they are and changed: change to column to array.

    Spread is about the reference's mean.
    """
    edges, _, reference, null = feature_of(shuffled, name)
    count = len(shuffled.live)
    whole, nulls = repeated(reference, count), null.repeated(0, count)
    found = {}
    for change, (shift, times) in MOVED.items():
        offset = shift * reference.sd[0] + (1 - times) * reference.counts.mean[0]
        rows = counted([times * window[name] + offset for window in shuffled.live], edges)
        compared = compare_numeric(rows, whole, nulls)
        found[change] = {
            "before": bonferroni_pair(compared.ks_p, compared.missing_p),
            "smooth_p": compared.smooth_p,
            "after": compared.p_value,
        }
    return found


def categories_judged(counts, missing, known, live):
    """p-values of the live windows of a categorical feature, as they are and changed, as `numbers_judged`.

    Parameters
    ----------
    counts, missing : ndarray of int, shapes (W, K) and (W,)
        Rows of each window by category, and without one.
    known, live : ndarray of int
        Windows that are the reference, and the others.
    """
    order = np.argsort(-counts[known].sum(0), kind="stable")
    counts = counts[:, order]
    vocabulary = np.count_nonzero(counts[known].any(0))
    named = min(CATEGORIES, vocabulary)

    def profiled(rows, missing):
        return CategoricalCounts(
            np.column_stack([rows[:, :named], rows[:, named:].sum(1)]),
            missing,
            new=rows[:, vocabulary:].sum(1).astype(float),
            cardinality=np.count_nonzero(rows, axis=1).astype(float),
            buckets=rows,
        )

    windows, rare = profiled(counts[known], missing[known]), vocabulary - named
    pairs = coincidences(windows.categories, windows.buckets)
    null = fit_categorical(
        windows.categories,
        windows.missing,
        rare_categories=rare,
        cardinality=windows.cardinality,
        coincidences=pairs,
    )
    whole = CategoricalCounts(
        windows.categories.sum(0)[None], windows.missing.sum()[None], buckets=windows.buckets.sum(0)[None]
    )
    reference = repeated(CategoricalReference(whole, rare=np.array([rare])), len(live))
    now = BlockNull.stack([null]).repeated(0, len(live))
    then = now.only(set(now.statistics) - {OF_TYPICAL_WINDOWS.name})
    found = {}
    for change, rows in ((NONE, counts[live]), (SWAPPED, swapped(counts[live], missing[live]))):
        current = profiled(rows, missing[live])
        first = compare_categorical(current, reference, then)
        found[change] = {
            "before": bonferroni_pair(first.chi2_p, first.missing_p),
            "after": compare_categorical(current, reference, now).p_value,
        }
    return found


def swapped(counts, missing, points=0.05):
    """Move so many points of all rows from the first category to the second, as far as it has them."""
    moved = np.minimum(np.rint(points * (counts.sum(1) + missing)).astype(np.int64), counts[:, 0])
    changed = counts.copy()
    changed[:, 0] -= moved
    changed[:, 1] += moved
    return changed


def judged(table, shuffles, seed=0):
    """Shuffle the windows of a table again and again.

    Returns
    -------
    dict
        (feature, change, column) to the share of live windows with p < `ALPHA`, one for each shuffle.
    int
        Windows.
    """
    windows, words = windows_of(table)
    shares = {}
    for shuffle in range(shuffles):
        order = np.random.default_rng([seed, shuffle]).permutation(len(windows))
        known, live = order[: len(order) // 2], order[len(order) // 2 :]
        shuffled = Shuffled([windows[each] for each in known], [windows[each] for each in live])
        found = {name: numbers_judged(shuffled, name) for name in windows[0]}
        found |= {name: categories_judged(*counts, known, live) for name, counts in words.items()}
        for name, changes in found.items():
            for change, columns in changes.items():
                for column, p in columns.items():
                    shares.setdefault((name, change, column), []).append(np.mean(p < ALPHA))
    return shares, len(windows)


def print_table(tables, changes, columns):
    """Print a row a feature: for each change the mean share over all shuffles, column by column."""
    print(f"\nshare of windows with p < {ALPHA}, %: {' / '.join(columns)}\n")
    print("| data | feature | " + " | ".join(changes) + " |\n|" + " --- |" * (2 + len(changes)))
    for data, shares in tables.items():
        for name in dict.fromkeys(feature for feature, *_ in shares):
            if all((name, change, column) in shares for change in changes for column in columns):
                cells = [
                    " / ".join(f"{100 * np.mean(shares[name, change, column]):.1f}" for column in columns)
                    for change in changes
                ]
                print(f"| {data} | `{name}` | " + " | ".join(cells) + " |")


def main():
    """Judge every table and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shuffles", type=int, default=20)
    shuffles = parser.parse_args().shuffles
    found = {}
    for data, read in TABLES.items():
        found[data], count = judged(read(), shuffles)
        print(f"{data}: {count} windows, {count // 2} of them the reference, shuffled {shuffles} times")
    print_table(found, MOVED, ("before", "smooth_p", "after"))
    print_table(found, (NONE, SWAPPED), ("before", "after"))


if __name__ == "__main__":
    main()
