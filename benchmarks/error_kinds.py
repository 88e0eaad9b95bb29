"""How often error kinds and calibration are called changed when they are not, and when they are.

Prints, for windows that go on as the reference, the share with `p_value` (the mean loss), `components_p` and
`performance_p` below .01; then, per change, the share below .01 of `p_value` and of `performance_p`:

    cancels     false positives x 1.5, and as many false negatives fewer
    outward     log odds of the scores x 1.5, the classes stay
    5 points    one more score in twenty is that of the other class
    positives   odds of class 1 x 2, with the scores of each class as they were: no worse model

    python benchmarks/error_kinds.py                     # simulated outcomes, some ten minutes
    python benchmarks/error_kinds.py --flights DIR       # real flights; DIR as for performance_calibration.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from performance_calibration import DAY, FLIP, MIN_N, by_day, outcomes
from scipy import special

from driftline.performance import (
    Loss,
    LossNull,
    LossPeriods,
    PerformanceProfile,
    PerformanceReference,
    compare,
    performance_row,
)
from driftline.performance.class_sums import sums_of_rows
from driftline.performance.component_comparison import compare_components, performance_p

WINDOWS, SIZES = (200, 30), (200, 2000)
REPLICATES, LIVE, CHANGED = 40, 100, 25
ODDS, APART, DAYS = -1.2, 1.4, 0.3
"""Log odds of class 1, distance of the classes in standard deviations, spread of odds between days."""
COLUMNS = ("p_value", "components_p", "performance_p")


class Reference:
    """Windows that are taken as normal, each (scores, labels)."""

    def __init__(self, loss, windows, days=None):
        self.loss = loss
        days = np.arange(len(windows)) if days is None else np.asarray(days)
        scores, labels = (np.concatenate(column) for column in zip(*windows, strict=True))
        times = DAY * np.repeat(days, [len(part) for part, _ in windows])
        whole = self.profile(scores, labels)
        rows = sums_of_rows(loss, scores, labels)
        periods = LossPeriods.of(times, loss.of(scores, labels), DAY, rows)
        null = LossNull.fit(whole, periods, DAY * days, size=DAY, min_n=MIN_N)
        self.reference = PerformanceReference.of(whole, null)

    def profile(self, scores, labels):
        """What is kept of outcomes."""
        return PerformanceProfile.of_outcomes(self.loss, scores, labels, np.zeros(len(scores), np.int64))

    def row(self, window):
        """The row of one window."""
        place = {"model": "m", "segment": "*", "window": (0, DAY), "min_n": MIN_N, "emitted_at": 0}
        return performance_row(self.profile(*window), reference=self.reference, **place)

    def judge(self, window):
        """Its p-values."""
        profile = self.profile(*window)
        loss = compare(profile, self.reference.profile, self.reference.null).p_value
        classes = compare_components(profile, self.reference).p_value
        return loss, classes, performance_p(loss, classes)


def independent(_, days):
    """All days alike."""
    return np.zeros((days, 3))


def of_positives(rng, days):
    """Every day has its own share of positives."""
    return rng.normal(size=(days, 3)) * [1, 0, 0]


def of_all(rng, days):
    """Every day has its own share of positives, its own level of scores, and positives as easy or hard."""
    return rng.normal(size=(days, 3))


def that_last(rng, days):
    """The same, as an autoregression of .8."""
    effects = rng.normal(size=(days, 3))
    for day in range(1, days):
        effects[day] = 0.8 * effects[day - 1] + 0.6 * effects[day]
    return effects


STREAMS = (
    ("independent", independent),
    ("days of more positives", of_positives),
    ("days that differ in all", of_all),
    ("the same, AR(1) .8", that_last),
)


def window(rng, n, day, *, odds=0.0):
    """Outcomes of one day, by its effects: two normal classes, scores that mean what they say."""
    share, easy, level = day
    labels = (rng.random(n) < special.expit(ODDS + DAYS * share + odds)).astype(float)
    latent = rng.normal(size=n) + APART * labels
    log_odds = APART * latent - APART**2 / 2 + ODDS + DAYS / 2 * (level + easy * labels)
    return special.expit(log_odds), labels


def cancels(rng, n, day):
    """False positives x 1.5; as many false negatives fewer."""
    scores, labels = window(rng, n, day)
    said = scores >= 0.5
    more = 0.5 * np.sum(said & (labels == 0))
    for own in (~said & (labels == 0), ~said & (labels == 1)):
        moved = own & (rng.random(n) < more / max(own.sum(), 1))
        scores[moved] = rng.choice(scores[said], moved.sum())
    return scores, labels


def outward(rng, n, day):
    """Scores nearer to 0 and 1, the classes stay."""
    scores, labels = window(rng, n, day)
    return special.expit(1.5 * special.logit(scores)), labels


def five_points(rng, n, day):
    """One in twenty has the score of the other class."""
    scores, labels = window(rng, n, day)
    return np.where(rng.random(n) < 0.05, 1 - scores, scores), labels


def positives(rng, n, day):
    """More positives, with scores as they were."""
    return window(rng, n, day, odds=np.log(2))


CHANGES = (("cancels", cancels), ("outward", outward), ("5 points", five_points), ("positives", positives))


def below(judged):
    """Share of windows below .01, by column."""
    return (np.array(judged) < 0.01).mean(0)


def simulated():
    """Print the table of simulated outcomes."""
    print(f"{REPLICATES} references a row, {LIVE} windows after each; changed: {CHANGED} windows")
    loss = Loss("zero_one")  # `components_p` is the same with log-loss
    print(f"| days | windows | n | {', '.join(f'`{name}`' for name in COLUMNS)} |", end="")
    print("".join(f" {name} |" for name, _ in CHANGES))
    print("|" + " --- |" * (4 + len(CHANGES)))
    for count in WINDOWS:
        for number, (name, stream) in enumerate(STREAMS):
            for n in SIZES:
                calm, changed = [], {change: [] for change, _ in CHANGES}
                for replicate in range(REPLICATES):
                    rng = np.random.default_rng([number, count, n, replicate])
                    days = stream(rng, count + LIVE)  # the live ones go on where the reference ends
                    reference = Reference(loss, [window(rng, n, day) for day in days[:count]])
                    calm += [reference.judge(window(rng, n, day)) for day in days[count:]]
                    for change, draw in CHANGES:
                        live = days[count : count + CHANGED]
                        changed[change] += [reference.judge(draw(rng, n, day)) for day in live]
                power = (below(judged)[[0, 2]] for judged in changed.values())
                rates = ", ".join(f"{share:.3f}" for share in below(calm))
                print(f"| {name} | {count} | {n} | {rates} |", end="")
                print("".join(f" {before:.2f}, {now:.2f} |" for before, now in power), flush=True)


def flights(folder):
    """Print the table of real flights."""
    past, live = outcomes(folder, "reference"), outcomes(folder, "live")
    names = ", ".join(f"`{name}`" for name in COLUMNS)
    print(f"| segment | loss | days until October: {names} < .01 | November and December | newest words |")
    print("| --- | --- | --- | --- | --- |")
    for loss in ("zero_one", "log"):
        for segment in ("*", *sorted(past["carrier"].unique())):
            own = past if segment == "*" else past[past["carrier"] == segment]
            days, windows = by_day(own)
            # the first and the last day, of which a part is missing in UTC
            reference = Reference(Loss(loss), windows[1:-1], days[1:-1])
            if reference.reference.null is None:
                continue
            days, windows = by_day(live if segment == "*" else live[live["carrier"] == segment])
            enough = [(day, each) for day, each in zip(days, windows, strict=True) if len(each[0]) >= MIN_N]
            when = pd.to_datetime([day for day, _ in enough], unit="D")
            judged = np.array([reference.judge(each) for _, each in enough])
            words = [reference.row(each)["change"] for _, each in enough if reference.row(each)["change"]]
            shares = (
                ", ".join(f"{share:.1%}" for share in below(judged[own]))
                for own in (when < FLIP, when >= FLIP)
            )
            print(f"| {segment} | {loss} | {' | '.join(shares)} | {words[-1] if words else ''} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flights", type=Path, help="folder of the flights example's data")
    chosen = parser.parse_args()
    simulated() if chosen.flights is None else flights(chosen.flights)


if __name__ == "__main__":
    main()
