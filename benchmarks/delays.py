"""Delay until a fault raises an alarm, by rule, where every rule raises one false alarm a quarter.

    python benchmarks/delays.py                                   # simulated streams, some CPU minutes
    python benchmarks/delays.py --flights examples/flights/data   # real days, shuffled

Each reference is followed by windows in which nothing changes. In them false alarms are counted: beginnings of
bouts of alarms. Then the windows from some place on are changed, again and again at other places, and the
windows up to the first alarm are counted. driftline's rules get the budget and nothing else. All others get
the threshold that has one false alarm a quarter on these very streams, which nobody could know beforehand.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shuffled_flights
from alarm_rules import (
    Judged,
    bouts,
    first_at,
    page_hinkley,
    threshold_of_page_hinkley,
    threshold_of_scores,
    trends,
)
from followed_features import Categories, Numbers
from scipy import special, stats
from streams import BINS, Autoregressive, DailyCycle, Stream, Users, normal_numbers

from driftline.config.budgets import AlarmBudget
from driftline.statistics import BlockNull, CategoricalCounts, NumericCounts, NumericReference, fit_numeric

BUDGET = AlarmBudget.parse("1 per quarter")
DAY = 86_400_000_000
FAULTS = ("+.1 sd", "+.25 sd", "+.5 sd", "spread x 1.25", "5 % one value", "5 points swapped")
CHANGES = {"+.1 sd": (0.1, 1.0), "+.25 sd": (0.25, 1.0), "+.5 sd": (0.5, 1.0), "spread x 1.25": (0.0, 1.25)}
SCORES = {"Jensen-Shannon (NannyML)": "jensen_shannon", "PSI": "psi"}
PSI_LARGE = 0.25
RULES = ("trends", "`p_value`", "Page-Hinkley", *SCORES, f"PSI > {PSI_LARGE:.2f}".replace("0.", "."))
TRAFFIC = 1.5


@dataclass(frozen=True)
class Plan:
    """How a stream is followed; all but the number of references is in windows.

    Parameters
    ----------
    size
        Length of a window, microseconds.
    references, windows
        How many references there are, and how many windows each has.
    live
        Windows after a reference in which nothing changes.
    starts
        Where changes begin.
    before, after
        Windows before a change that rules see, and after it.
    """

    size: int
    references: int
    windows: int
    live: int
    starts: range
    before: int
    after: int

    def changed(self):
        """Places of all windows that are changed, those of a start after those of another."""
        return (np.array(self.starts)[:, None] + np.arange(self.after)).ravel()


DAILY = Plan(DAY, 20, 180, 913, range(64, 850, 60), 64, 60)
HALF_HOURLY = Plan(DAY // 48, 8, 1_440, 35_064, range(144, 34_000, 3_383), 144, 480)
FLIGHTS = Plan(DAY, 20, shuffled_flights.REFERENCE_DAYS, 215, range(50, 156, 15), 50, 60)
STREAMS = (
    (Stream("independent", normal_numbers()), 2_000, DAILY),
    (Users("clustered", normal_numbers()), 2_000, DAILY),
    (Autoregressive("AR(1) .95", normal_numbers()), 2_000, DAILY),
    (DailyCycle("daily cycle", normal_numbers()), 1_000, HALF_HOURLY),
)


@dataclass(frozen=True)
class Case:
    """A feature after one reference: windows in which nothing changes, and by fault those that are changed."""

    feature: Numbers | Categories
    usual: Judged
    changed: dict[str, Judged]

    def runs(self, fault, plan):
        """Yield for each start the windows before a change and after it."""
        for place, start in enumerate(plan.starts):
            after = slice(place * plan.after, (place + 1) * plan.after)
            before = self.usual.take(slice(start - plan.before, start))
            yield Judged.joined([before, self.changed[fault].take(after)])


def measured(cases, plan):
    """False alarms a quarter by rule, and delays in windows by (rule, fault)."""
    budget = BUDGET.in_time(plan.size)
    total = len(cases) * plan.live * budget
    limits = {"`p_value`": ("p_value", -budget), RULES[-1]: ("psi", PSI_LARGE)}
    for rule, score in SCORES.items():
        limits[rule] = score, threshold_of_scores([case.usual.scores[score] for case in cases], total)
    alarms = {
        rule: sum(bouts(case.usual.scores[score] > limit) for case in cases)
        for rule, (score, limit) in limits.items()
    }
    alarms["trends"] = sum(int(trends(c.feature.runs, [c.usual], budget)[1].sum()) for c in cases)
    means = [case.feature.means for case in cases]
    watched = means[0] is not None
    if watched:
        live = [case.usual.means for case in cases]
        threshold = threshold_of_page_hinkley(means, live, total)
        found = [page_hinkley(*each, threshold) for each in zip(means, live, strict=True)]
        alarms["Page-Hinkley"] = sum(map(len, found))
    delays = {}
    for case in cases:
        for fault in case.changed:
            runs = list(case.runs(fault, plan))
            over = {rule: [each.scores[s] > limit for each in runs] for rule, (s, limit) in limits.items()}
            over["trends"] = trends(case.feature.runs, runs, budget)[0] <= budget
            if watched:
                places = [page_hinkley(case.feature.means, each.means, threshold) for each in runs]
                over["Page-Hinkley"] = [np.isin(np.arange(len(runs[0].means)), each) for each in places]
            for rule, series in over.items():
                delays.setdefault((rule, fault), []).extend(first_at(each, plan.before) for each in series)
    return {rule: count / total for rule, count in alarms.items()}, delays


def bins_moved(shift, times):
    """Shares of each bin's rows that other bins get, where x becomes times * x + shift."""
    edges = np.concatenate([[-np.inf], stats.norm.ppf(np.arange(1, BINS) / BINS), [np.inf]])
    from_edges = (edges - shift) / times
    low = np.maximum(from_edges[None, :-1], edges[:-1, None])
    high = np.minimum(from_edges[None, 1:], edges[1:, None])
    shares = np.maximum(special.ndtr(high) - special.ndtr(low), 0.0)
    return shares / shares.sum(1, keepdims=True)


def one_value(share):
    """A share of the rows becomes the 90 % point."""
    moved = np.eye(BINS) * (1 - share)
    moved[:, int(0.9 * BINS)] += share
    return moved


def swapped(present, points):
    """Rows of the most frequent category become the second, so many points of all."""
    moved = np.eye(len(present))
    first, second = np.argsort(-present)[:2]
    share = points / present[first]
    moved[first, first], moved[first, second] = 1 - share, share
    return moved


def counted(values, missing):
    """Counts with the moments of the bins' centres, and rows in what Doane's bins are of these."""
    centres = stats.norm.ppf((np.arange(BINS) + 0.5) / BINS)
    n = np.maximum(values.sum(1), 1)
    mean = values @ centres / n
    counts = NumericCounts(values, missing, np.zeros_like(missing), mean, values @ centres**2 / n - mean**2)
    sample = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    bins = np.searchsorted(np.histogram_bin_edges(sample, "doane"), centres)
    return counts, values @ (bins[:, None] == np.unique(bins)).astype(np.int64)


def cases_of_stream(stream, rows, plan):
    """Simulate references and what follows them: cases of the numeric feature, and of the categorical one."""
    numeric, categorical = [], []
    at = plan.changed()
    for reference in range(plan.references):
        rng = np.random.default_rng([11, reference])
        sizes = (rows * TRAFFIC ** rng.uniform(-1, 1, plan.windows + plan.live)).astype(np.int64)
        known = stream.windows(rng, sizes[: plan.windows])
        live = stream.windows(rng, sizes[plan.windows :])
        feature = numbers_of(stream, *counted(known.values, known.missing))
        kernels = {fault: bins_moved(*change) for fault, change in CHANGES.items()}
        kernels[FAULTS[4]] = one_value(0.05)
        changed = {
            fault: feature.judged(*counted(rng.multinomial(live.values[at], moved).sum(1), live.missing[at]))
            for fault, moved in kernels.items()
        }
        numeric.append(Case(feature, feature.judged(*counted(live.values, live.missing)), changed))
        categories = Categories(CategoricalCounts(known.categories, known.categories_missing))
        moved = swapped(known.categories.sum(0) / known.categories.sum(), 0.05)
        swap = CategoricalCounts(
            rng.multinomial(live.categories[at], moved).sum(1), live.categories_missing[at]
        )
        usual = categories.judged(CategoricalCounts(live.categories, live.categories_missing))
        categorical.append(Case(categories, usual, {FAULTS[5]: categories.judged(swap)}))
    return numeric, categorical


def numbers_of(stream, windows, coarse):
    """Make the numeric feature of a reference."""
    numbers, absent = stream.numbers, windows.nonfinite
    moments = {"mean": windows.mean, "variance": windows.variance}
    null = fit_numeric(windows.values, windows.missing, absent, numbers.gap, **moments)
    n = windows.present
    mean = (n @ windows.mean) / n.sum()
    variance = n @ (windows.variance + (windows.mean - mean) ** 2) / n.sum()
    whole = (windows.values.sum(0), windows.missing.sum(), absent.sum(), mean, variance)
    reference = NumericReference(
        NumericCounts(*(np.array(each)[None] for each in whole)),
        numbers.gap[None],
        np.array([numbers.iqr]),
        np.sqrt([variance]),
        numbers.atoms[None],
    )
    return Numbers(windows, reference, BlockNull.stack([null]), coarse)


def cases_of_flights(folder, plan):
    """Shuffle the days: cases by feature."""
    cases = {name: [] for name in shuffled_flights.FEATURES}
    for shuffled in shuffled_flights.shuffled_days(folder, plan.references):
        for name, found in cases.items():
            edges, windows, reference, null = shuffled_flights.feature_of(shuffled, name)
            known, live = ([day[name] for day in days] for days in (shuffled.reference, shuffled.live))
            values = np.concatenate(known)
            doane = np.histogram_bin_edges(values[np.isfinite(values)], "doane")

            def judged(days, edges=edges, doane=doane):
                rows = [day[np.isfinite(day)] for day in days]
                inside = np.array([np.histogram(each, doane)[0] for each in rows])
                beyond = np.array([len(each) for each in rows]) - inside.sum(1)
                return shuffled_flights.counted(days, edges), np.column_stack([inside, beyond])

            feature = Numbers(windows, reference, null, judged(known)[1])
            sd = reference.sd[0]
            changed = {
                fault: feature.judged(*judged([times * day + shift * sd for day in live])).take(plan.changed())
                for fault, (shift, times) in CHANGES.items()
            }
            found.append(Case(feature, feature.judged(*judged(live)), changed))
    return cases


def shown(delays, plan):
    """Median and 90 % of delays in days; half-hour windows in hours."""
    unit = plan.size / DAY if plan.size >= DAY else plan.size * 24 / DAY
    cells = [
        "-" if each == np.inf else f"{each * unit:g}"
        for each in np.quantile(delays, [0.5, 0.9], method="inverted_cdf")
    ]
    return " / ".join(cells)


def print_table(what, groups, plan):
    """Print a table of groups of cases; the delays of a rule in all of them are a row."""
    found = [measured(cases, plan) for cases in groups]
    for rule in RULES:
        alarms = " / ".join(f"{alarms[rule]:.2f}" for alarms, _ in found if rule in alarms)
        delays = {fault: each for _, all_of in found for (name, fault), each in all_of.items() if name == rule}
        cells = [shown(delays[fault], plan) if fault in delays else "" for fault in FAULTS]
        print(f"| {what} | {rule} | {alarms} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=Path, metavar="DIR")
    folder = parser.parse_args().flights
    print("| stream | rule | false alarms a quarter | " + " | ".join(FAULTS) + " |")
    print("| --- " * (3 + len(FAULTS)) + "|")
    if folder:
        for name, cases in cases_of_flights(folder, FLIGHTS).items():
            print_table(f"`{name}`", [cases], FLIGHTS)
        return
    for stream, rows, plan in STREAMS:
        print_table(stream.name, cases_of_stream(stream, rows, plan), plan)


if __name__ == "__main__":
    main()
