"""Delay until a fault raises an alarm, by rule, where every rule raises one false alarm a quarter.

    python benchmarks/delays.py                                   # simulated streams, some CPU minutes
    python benchmarks/delays.py --flights examples/flights/data   # real days, shuffled

Each reference is followed by windows in which nothing changes; false alarms are counted in them. Then the
windows from some place on are changed, again and again at other places, and the windows up to the first alarm
are counted. driftline's rules get the budget and nothing else. Of the others all but "PSI > .25" get the
threshold that has one false alarm a quarter in these very windows, which nobody can know beforehand.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import shuffled_flights
from alarm_rules import (
    bouts,
    first_at,
    page_hinkley,
    threshold_of_page_hinkley,
    threshold_of_scores,
    trends,
)
from delay_cases import CHANGES, FAULTS, Plan, cases_of_flights, cases_of_stream
from streams import Autoregressive, DailyCycle, Stream, Users, normal_numbers

from driftline.config.budgets import AlarmBudget

BUDGET = AlarmBudget.parse("1 per quarter")
DAY = 86_400_000_000
PSI_LARGE = 0.25
SCORES = {
    "`p_value`": "p_value",
    "Jensen-Shannon (NannyML)": "jensen_shannon",
    "PSI": "psi",
    "PSI > .25": "psi",
}
RULES = ("`trends`", "`p_value`", "Page-Hinkley", "Jensen-Shannon (NannyML)", "PSI", "PSI > .25")

DAILY = Plan(DAY, 20, 180, 913, range(64, 850, 60), 64, 60)
HALF_HOURLY = Plan(DAY // 48, 6, 1_440, 35_064, range(144, 34_000, 3_383), 144, 480, "auto")
FLIGHTS = Plan(DAY, 20, shuffled_flights.REFERENCE_DAYS, 215, range(50, 156, 15), 50, 60)
STREAMS = (
    (Stream("independent", normal_numbers()), 2_000, DAILY),
    (Users("clustered", normal_numbers()), 2_000, DAILY),
    (Autoregressive("AR(1) .95", normal_numbers()), 2_000, DAILY),
    (DailyCycle("daily cycle, hours", normal_numbers()), 1_000, HALF_HOURLY),
)


def measured(cases, plan):
    """False alarms a quarter by rule, and delays in windows by (rule, fault)."""
    budget = BUDGET.in_time(plan.size)
    total = len(cases) * plan.live * budget
    limits = {"`p_value`": -budget, "PSI > .25": PSI_LARGE}
    for rule in SCORES.keys() - limits.keys():
        limits[rule] = threshold_of_scores([case.usual.scores[SCORES[rule]] for case in cases], total)
    alarms = {
        rule: sum(bouts(case.usual.scores[score] > limits[rule]) for case in cases)
        for rule, score in SCORES.items()
    }
    alarms["`trends`"] = sum(
        np.count_nonzero(trends(each.feature.runs, [each.usual], budget)[1]) for each in cases
    )
    means = [(case.feature.means, case.usual.means) for case in cases]
    watched = means[0][0] is not None
    if watched:
        threshold = threshold_of_page_hinkley(means, total)
        alarms["Page-Hinkley"] = sum(len(page_hinkley(*each, threshold)) for each in means)
    delays = {}
    for case in cases:
        for fault in case.changed:
            runs = list(case.runs(fault, plan))
            over = {
                rule: [each.scores[score] > limits[rule] for each in runs] for rule, score in SCORES.items()
            }
            over["`trends`"] = trends(case.feature.runs, runs, budget)[0] <= budget
            if watched:
                found = [page_hinkley(case.feature.means, each.means, threshold) for each in runs]
                over["Page-Hinkley"] = [np.isin(np.arange(len(runs[0].means)), each) for each in found]
            for rule, series in over.items():
                delays.setdefault((rule, fault), []).extend(first_at(each, plan.before) for each in series)
    return {rule: count / total for rule, count in alarms.items()}, delays


def shown(delays, plan):
    """Median and 90 % of delays in days; half-hour windows in hours."""
    unit = plan.size / DAY if plan.size >= DAY else plan.size * 24 / DAY
    cells = [
        "-" if each == np.inf else f"{each * unit:g}"
        for each in np.quantile(delays, [0.5, 0.9], method="inverted_cdf")
    ]
    return " / ".join(cells)


def print_head(faults):
    """Print the names of the columns."""
    print("| stream | rule | false alarms a quarter | " + " | ".join(faults) + " |")
    print("| --- " * (3 + len(faults)) + "|")


def print_table(what, groups, plan, faults):
    """Print a row for each rule, of all groups of cases that it can judge."""
    found = [measured(cases, plan) for cases in groups]
    for rule in RULES:
        alarms = " / ".join(f"{alarms[rule]:.2f}" for alarms, _ in found if rule in alarms)
        delays = {
            fault: each for _, all_of in found for (name, fault), each in all_of.items() if name == rule
        }
        cells = [shown(delays[fault], plan) if fault in delays else "" for fault in faults]
        print(f"| {what} | {rule} | {alarms} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flights", type=Path, metavar="DIR")
    folder = parser.parse_args().flights
    print_head(CHANGES if folder else FAULTS)
    if folder:
        for name, cases in cases_of_flights(folder, FLIGHTS).items():
            print_table(f"`{name}`", [cases], FLIGHTS, CHANGES)
        return
    for stream, rows, plan in STREAMS:
        print_table(stream.name, cases_of_stream(stream, rows, plan), plan, FAULTS)


if __name__ == "__main__":
    main()
