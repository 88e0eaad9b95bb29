"""How often a model is called worse when it is not, by the p-values of the table `performance`.

Prints, for windows without a change, the share with p_value below .05 and .01, beside p_iid (outcomes taken
for independent) and a random-effects model (DerSimonian and Laird 1986, Student's t); then power, the share
below .01 when the model does get worse.

    python benchmarks/performance_calibration.py                     # simulated outcomes, under two minutes
    python benchmarks/performance_calibration.py --flights DIR       # real flights by carrier and day

DIR is `examples/flights/data`, after `download.py` and `feature_log.py` of that example. The reference is
January to June; the labels of B6 are turned around from November on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import fastavro
import numpy as np
import pandas as pd
from scipy import special, stats

from driftline.performance import Loss, LossNull, LossPeriods, PerformanceProfile, compare
from driftline.performance.loss_moments import LossMoments

DAY = 86_400_000_000
MIN_N = 100
WINDOWS = (10, 30, 100)
REPLICATES, LIVE, WORSE = 150, 60, 20
OUTCOMES = 300
FLIP = pd.Timestamp("2013-11-01")


class Judged(NamedTuple):
    """p-values of one window."""

    n: int
    ours: float
    iid: float
    random_effects: float


class Reference:
    """Windows that are taken as normal, each (scores, labels)."""

    def __init__(self, loss, windows, times=None):
        self.loss = loss
        scores, labels = (np.concatenate(column) for column in zip(*windows, strict=True))
        lengths = [len(part) for part, _ in windows]
        days = np.arange(len(windows)) if times is None else np.asarray(times)
        self.whole = self.profile(scores, labels)
        periods = LossPeriods.of(DAY * np.repeat(days, lengths), loss.of(scores, labels), DAY)
        self.null = LossNull.fit(self.whole, periods, DAY * days, size=DAY, min_n=MIN_N)
        moments = [LossMoments.of(loss.of(*window)) for window in windows if len(window[0]) >= MIN_N]
        if self.null is not None:
            self.effects = random_effects(*(np.array(column) for column in zip(*moments, strict=True)))

    def profile(self, scores, labels):
        """What is kept of outcomes."""
        return PerformanceProfile.of_outcomes(self.loss, scores, labels, np.zeros(len(scores), np.int64))

    def judge(self, window):
        """Compare one window."""
        current = self.profile(*window)
        _, ours, iid, *_ = compare(current, self.whole, self.null)
        mean, between, error, variance, freedom = self.effects
        far = abs(current.losses.mean - mean) / np.sqrt(between + variance / current.n + error)
        return Judged(current.n, ours, iid, 2 * stats.t.sf(far, freedom))


def random_effects(n, means, m2):
    """Mean, variance between windows, variance of the mean, variance of one loss, degrees of freedom."""
    variance = m2.sum() / (n - 1).sum()
    weights = n / variance
    mean = (weights * means).sum() / weights.sum()
    q = (weights * (means - mean) ** 2).sum()
    freedom = len(n) - 1
    between = max(0.0, (q - freedom) / (weights.sum() - (weights**2).sum() / weights.sum()))
    return mean, between, 1 / (1 / (between + variance / n)).sum(), variance, freedom


def independent(rng, windows, rise=0.0):
    """Labels as likely as the scores say."""
    return weather(rng, windows, rise, spread=0.0)


def weather(rng, windows, rise=0.0, autocorrelation=0.0, spread=0.5):
    """Every window has its own odds of a label, which the scores do not know."""
    effect = rng.normal(0, spread, windows)
    for w in range(1, windows):
        effect[w] = autocorrelation * effect[w - 1] + np.sqrt(1 - autocorrelation**2) * effect[w]
    scores = rng.beta(0.8, 3, (windows, OUTCOMES))
    odds = special.logit(scores) + effect[:, None] + rise
    return list(zip(scores, (rng.random(scores.shape) < special.expit(odds)).astype(float), strict=True))


def spells(rng, windows, rise=0.0):
    """Weather that lasts: an autoregression of .8 from one window to the next."""
    return weather(rng, windows, rise, autocorrelation=0.8)


def users(rng, windows, rise=0.0):
    """Few users send most of the requests, and the model is wrong about each in its own way."""
    found = []
    for _ in range(windows):
        requests = np.minimum(rng.zipf(1.8, 60), 60)
        own = np.repeat(rng.normal(0, 1.5, 60), requests)
        scores = rng.beta(0.8, 3, len(own))
        labels = rng.random(len(own)) < special.expit(special.logit(scores) + own + rise)
        found.append((scores, labels.astype(float)))
    return found


def noise(rng, windows, rise=0.0):
    """Numbers with heavy tails, predicted better on some days than on others."""
    scale = np.exp(rng.normal(rise, 0.15, windows))
    labels = rng.standard_t(5, (windows, OUTCOMES)) * scale[:, None]
    return [(np.zeros(OUTCOMES), row) for row in labels]


STREAMS = (
    ("independent", independent, "zero_one", 0.5),
    ("weather by window", weather, "zero_one", 1.5),
    ("spells of weather, AR(1) .8", spells, "log", 1.5),
    ("few users send most", users, "zero_one", 1.5),
    ("noise of numbers by window", noise, "absolute", 0.5),
    ("noise of numbers by window", noise, "squared", 0.5),
)


def shares(judged, name, *alphas):
    """Share of windows with a p-value below each alpha."""
    values = np.array([getattr(each, name) for each in judged])
    return [float((values < alpha).mean()) for alpha in alphas]


def simulated():
    """Print the table of simulated outcomes."""
    print(f"{REPLICATES} references a row, {LIVE} windows after each; worse: {WORSE} windows")
    print("| outcomes | loss | windows | `p_iid` < .01 | random effects | `p_value` < .05, < .01 | power |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for number, (name, stream, loss, rise) in enumerate(STREAMS):
        for count in WINDOWS:
            calm, worse = [], []
            for replicate in range(REPLICATES):
                rng = np.random.default_rng([number, count, replicate])
                windows = stream(rng, count + LIVE)  # the live ones go on where the reference ends
                reference = Reference(Loss(loss), windows[:count])
                calm += [reference.judge(window) for window in windows[count:] if len(window[0]) >= MIN_N]
                worse += [reference.judge(window) for window in stream(rng, WORSE, rise)]
            (iid,), (effects,) = shares(calm, "iid", 0.01), shares(calm, "random_effects", 0.01)
            at_05, at_01 = shares(calm, "ours", 0.05, 0.01)
            print(
                f"| {name} | {loss} | {count} | {iid:.3f} | {effects:.3f} | {at_05:.3f}, {at_01:.3f} "
                f"| {shares(worse, 'random_effects', 0.01)[0]:.2f}, {shares(worse, 'ours', 0.01)[0]:.2f} |",
                flush=True,
            )


def outcomes(folder, part):
    """Predictions and labels of one part of the flights, joined by id."""

    def rows(directory):
        for path in sorted(directory.glob("*.avro")):
            with path.open("rb") as file:
                yield from fastavro.reader(file)

    log = pd.DataFrame(rows(folder / part), columns=["id", "departure", "carrier", "score"])
    labels = pd.DataFrame(rows(folder / "labels" / part)).drop_duplicates("id")
    joined = log.merge(labels[labels["late"].isin(["no", "yes"])], on="id")
    return joined.assign(day=joined["departure"] // 86_400, label=(joined["late"] == "yes").astype(float))


def by_day(rows):
    """Days, and (scores, labels) of each."""
    days = [(int(day), own["score"].to_numpy(), own["label"].to_numpy()) for day, own in rows.groupby("day")]
    return [day for day, *_ in days], [(scores, labels) for _, scores, labels in days]


def flights(folder):
    """Print the table of real flights."""
    past, live = outcomes(folder, "reference"), outcomes(folder, "live")
    print("| segment | loss | days judged until October | `p_iid` < .01 | `p_value` < .05, < .01 ", end="")
    print("| November and December: `p_iid` < .01 | `p_value` < .01 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for loss in ("zero_one", "log"):
        for segment in ("*", *sorted(past["carrier"].unique())):
            own = past if segment == "*" else past[past["carrier"] == segment]
            days, windows = by_day(own)
            # the first and the last day, of which a part is missing in UTC
            reference = Reference(Loss(loss), windows[1:-1], days[1:-1])
            if reference.null is None:
                continue
            days, windows = by_day(live if segment == "*" else live[live["carrier"] == segment])
            judged = [reference.judge(window) for window in windows]
            when = pd.to_datetime(days, unit="D")
            before = [x for x, day in zip(judged, when, strict=True) if day < FLIP and x.n >= MIN_N]
            after = [x for x, day in zip(judged, when, strict=True) if day >= FLIP and x.n >= MIN_N]
            at_05, at_01 = shares(before, "ours", 0.05, 0.01)
            print(
                f"| {segment} | {loss} | {len(before)} | {shares(before, 'iid', 0.01)[0]:.1%} "
                f"| {at_05:.1%}, {at_01:.1%} | {shares(after, 'iid', 0.01)[0]:.0%} "
                f"| {shares(after, 'ours', 0.01)[0]:.0%} |"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flights", type=Path, help="folder of the flights example's data")
    chosen = parser.parse_args()
    simulated() if chosen.flights is None else flights(chosen.flights)


if __name__ == "__main__":
    main()
