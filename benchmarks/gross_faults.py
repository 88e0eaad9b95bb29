"""Show of faults that a person sees at once whether each is significant, large, and so `drifted`.

The reference is 60 windows of independent rows, as many as the window that is judged. `no fault` stands for
what must not be called drifted.

    python benchmarks/gross_faults.py            # a CPU minute
"""

from __future__ import annotations

import argparse

import numpy as np
import pyarrow as pa

from driftline import DriftDetector

WINDOWS = 60
SIZES = (200, 1_000, 10_000)
CODES = np.array([f"c{place:05d}" for place in range(20_000)], dtype=object)


def numbers(rng, n):
    return rng.normal(50, 10, n)


def amounts(rng, n):
    return rng.lognormal(3, 1, n)


def ages(rng, n):
    return rng.integers(18, 91, n).astype(float)


def some(share, fault):
    """Apply a fault to a share of the values."""

    def change(rng, values):
        return np.where(rng.random(len(values)) < share, fault(values), values)

    return change


def constant(value):
    return lambda values: np.full(len(values), value, dtype=values.dtype)


def flag(rate):
    return lambda rng, n: (rng.random(n) < rate).astype(object).astype(str).astype(object)


def category(kinds):
    return lambda rng, n: CODES[rng.integers(0, kinds, n)]


def halved(kinds):
    """Every second category is gone; its rows go to its neighbour."""
    return lambda rng, n: CODES[2 * rng.integers(0, kinds // 2, n)]


def unseen(kinds):
    """All categories are others than before, as many."""
    return lambda rng, n: CODES[len(CODES) // 2 + rng.integers(0, kinds, n)]


def only(kinds):
    return lambda rng, n: np.full(n, rng.choice(CODES[kinds - 1 : kinds]), dtype=object)


def missing_at(rate):
    def draw(rng, n):
        values = numbers(rng, n)
        values[rng.random(n) < rate] = np.nan
        return values

    return draw


def faults():
    """Yield what is faulty, draws of normal rows, and draws of faulty ones."""
    for name, draw in (("normal", numbers), ("lognormal", amounts), ("ages", ages)):
        yield f"no fault ({name})", draw, draw
        for share in (0.02, 0.05):
            for what, fault in (
                ("a hundredfold", lambda values: 100 * values),
                ("-999", constant(-999.0)),
                ("1e9", constant(1e9)),
                ("0 for missing", constant(0.0)),
            ):
                change = some(share, fault)
                yield f"{name}: {share:.0%} {what}", draw, lambda rng, n, c=change, d=draw: c(rng, d(rng, n))
    for before, after in ((0.002, 0.02), (0.01, 0.08), (0.05, 0.2), (0.3, 0.5)):
        yield f"flag: {before:.1%} to {after:.0%}", flag(before), flag(after)
    for before, after in ((0.001, 0.02), (0.01, 0.05), (0.1, 0.25)):
        yield f"missing: {before:.1%} to {after:.0%}", missing_at(before), missing_at(after)
    for kinds in (20, 50, 100, 300, 1_000, 10_000):
        usual = category(kinds)
        yield f"no fault ({kinds} categories)", usual, usual
        yield f"{kinds} categories: half gone", usual, halved(kinds)
        for share in (0.05, 0.2):
            change = some(share, constant("never seen"))
            yield (
                f"{kinds} categories: {share:.0%} new",
                usual,
                lambda rng, n, c=change, d=usual: c(rng, d(rng, n)),
            )
        yield f"{kinds} categories: all one", usual, only(kinds)
        if kinds >= 300:
            yield f"{kinds} categories: all N/A", usual, lambda _, n: np.full(n, "N/A", dtype=object)
            yield f"{kinds} categories: all new", usual, unseen(kinds)
            for share in (0.1, 0.5):
                heavy = some(share, constant(CODES[kinds - 1]))
                yield (
                    f"{kinds} categories: one takes {share:.0%}",
                    usual,
                    lambda rng, n, c=heavy, d=usual: c(rng, d(rng, n)),
                )


def judged(usual, faulty, n, seed):
    """Compare a window of n rows with the reference."""
    rng = np.random.default_rng([n, seed])
    reference = pa.table(
        {"at": np.arange(WINDOWS * n), "x": pa.array(usual(rng, WINDOWS * n), from_pandas=True)}
    )
    window = pa.table({"x": pa.array(faulty(rng, n), from_pandas=True)})
    return DriftDetector(reference, time="at", alpha=0.01).detect_all(window)[0]


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print("| fault | " + " | ".join(f"n = {n:,}" for n in SIZES) + " |\n| --- |" + " --- |" * len(SIZES))
    for seed, (what, usual, faulty) in enumerate(faults()):
        cells = []
        for n in SIZES:
            found = judged(usual, faulty, n, seed)
            seen = "drifted" if found.drifted else "not large" if found.p_value < 0.01 else "not seen"
            cells.append(f"{seen}, p {found.p_value:.1g}")
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
