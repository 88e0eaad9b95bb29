"""Real flights with their weeks shuffled: no drift by construction, every hour and weekday in its place."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from shuffled_flights import FEATURES, described, edges_of

from driftline.statistics import BlockNull, NumericCounts, NumericReference, compare_numeric, fit_numeric
from driftline.statistics.ks import atom_bins
from driftline.statistics.season import HOUR, WEEK, season_for

REFERENCE_WEEKS = 26
FEWEST = 100  # flights of a window that is judged: at night there are hardly any


def read_weeks(folder):
    """Read times (microseconds) and columns of the 52 whole weeks in flights.csv or flights.csv.zip."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    archive = next(iter(sorted(folder.rglob("flights.csv.zip"))), None)
    if archive is None:
        data = (folder / "flights.csv").read_bytes()
    else:
        with zipfile.ZipFile(archive) as opened:
            data = opened.read("flights.csv")
    convert = pa_csv.ConvertOptions(null_values=["", "NA"], include_columns=["time_hour", *FEATURES])
    table = pa_csv.read_csv(io.BytesIO(data), convert_options=convert)
    time = table["time_hour"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    time = time - time.min() // WEEK * WEEK - WEEK  # the first week begins before the year
    whole = (time >= 0) & (time < 2 * REFERENCE_WEEKS * WEEK)
    return time[whole], {name: table[name].to_numpy().astype(float)[whole] for name in FEATURES}


def shuffled_windows(time, values, rng, hours):
    """Put weeks in random order and cut them into windows: starts, and the values of each."""
    order = rng.permutation(2 * REFERENCE_WEEKS)
    moved = order[time // WEEK] * WEEK + time % WEEK
    size = hours * HOUR
    window = moved // size
    by = np.argsort(window, kind="stable")
    found, first = np.unique(window[by], return_index=True)
    return found * size, np.split(values[by], first[1:])


def judge_weeks(starts, windows, asked, hours, shift=0.0):
    """p-values of the live windows of one shuffle, all live values moved by `shift` standard deviations."""
    size, middle = hours * HOUR, REFERENCE_WEEKS * WEEK
    reference = [values for start, values in zip(starts, windows, strict=True) if start < middle]
    rows = np.concatenate(reference)
    present, edges = rows[np.isfinite(rows)], edges_of(rows)
    counts = [described(values, edges) for values in reference]
    values, missing, mean, variance = (np.array(column) for column in zip(*counts, strict=True))
    gap = np.diff(np.r_[edges[0], (edges[1:] + edges[:-1]) / 2, edges[-1]])
    season, _ = season_for(asked, size=size, starts=starts[: len(reference)])
    season = season and season.of(starts[: len(reference)], size)
    nothing = np.zeros_like(missing)
    null = BlockNull.stack(
        [fit_numeric(values, missing, nothing, gap, mean=mean, variance=variance, season=season)]
    )
    zero = np.zeros(1, np.int64)
    whole = np.array([present.mean()]), np.array([present.var()])
    base = NumericReference(
        NumericCounts(values.sum(0)[None], missing.sum()[None], zero, *whole),
        gap[None],
        np.array([np.subtract(*np.percentile(present, [75, 25]))]),
        np.array([present.std()]),
        atom_bins(edges)[None],
    )
    found = []
    for start, live in zip(starts, windows, strict=True):
        if start >= middle and len(live) >= FEWEST:
            count, absent, *moments = described(live + shift * present.std(), edges)
            current = NumericCounts(count[None], np.array([absent]), zero, *(np.array([m]) for m in moments))
            found.append(compare_numeric(current, base, null, np.array([start + size // 2])).p_value[0])
    return np.array(found)


def print_weeks(folder, hours, seasons, shuffles, shift):
    """Print the share of windows alarmed at .01, as they are and moved."""
    time, columns = read_weeks(folder)
    print(
        f"real flights, weeks shuffled {shuffles} times, windows of {hours} hours of {FEWEST} flights or more"
    )
    for name, values in columns.items():
        shares = {}
        for shuffle in range(shuffles):
            cut = shuffled_windows(time, values, np.random.default_rng(shuffle), hours)
            for asked in seasons:
                for moved in (0.0, shift):
                    p = judge_weeks(*cut, asked, hours, moved)
                    shares.setdefault((asked, moved), []).append(np.mean(p <= 0.01))
        for asked in seasons:
            none, some = np.mean(shares[asked, 0.0]), np.mean(shares[asked, shift])
            print(f"{name:12s} {asked:5s} alarmed {none:.4f}   +{shift:g} sd {some:.3f}")
