"""How often trends of performance cry wolf, and how soon they see a rise of errors that no window shows.

Prints, for simulated outcomes, the false alarms begun over those that the budget allows, and the median
number of windows until a rise is told: by trends, and by the first window whose performance_p is below the
same budget.

    python benchmarks/performance_trends.py     # five CPU minutes
"""

from __future__ import annotations

import numpy as np
from performance_calibration import DAY, MIN_N, independent, noise, spells, users, weather

from driftline.performance import (
    Loss,
    LossNull,
    LossPeriods,
    PerformanceProfile,
    PerformanceReference,
    compare,
)
from driftline.performance.component_comparison import compare_components, performance_p
from driftline.performance.component_runs import followed_vectors, two_sided
from driftline.performance.outcome_sums import sums_of_outcomes
from driftline.performance.performance_words import standardised
from driftline.trends import FollowedWindows, advance_trends, reference_runs
from driftline.trends.followed_windows import Followed

WINDOWS = (40, 100)
REPLICATES, LIVE, WORSE = 40, 90, 60
LIMIT = 1 / 91
STREAMS = (
    ("independent", independent, "zero_one", 0.25),
    ("weather by window", weather, "zero_one", 0.5),
    ("spells of weather, AR(1) .8", spells, "zero_one", 0.5),
    ("few users send most", users, "zero_one", 0.5),
    ("noise of numbers by window", noise, "absolute", 0.1),
)


class Model:
    """Windows that are taken as normal, and a part that is followed against them."""

    version, size, features, limit = "v", DAY, ("(performance)",), LIMIT

    def __init__(self, loss, windows):
        self._loss = loss
        scores, labels = (np.concatenate(column) for column in zip(*windows, strict=True))
        days = DAY * np.arange(len(windows))
        times = np.repeat(days, [len(part) for part, _ in windows])
        whole, sums = self._profile(scores, labels), sums_of_outcomes(loss, scores, labels)
        periods = LossPeriods.of(times, loss.of(scores, labels), DAY, sums)
        null = LossNull.fit(whole, periods, days, size=DAY, min_n=MIN_N)
        self._reference, self.runs = PerformanceReference.of(whole, null), reference_runs(null)

    def _profile(self, scores, labels):
        return PerformanceProfile.of_outcomes(self._loss, scores, labels, np.zeros(len(scores), np.int64))

    def words(self, statistic, place, sizes):  # noqa: ARG002
        """Say nothing."""
        return

    def follow(self, windows):
        """Give when alarms began, by window, and the p-values of single windows."""
        deviations, p = [], []
        for window in windows:
            profile = self._profile(*window)
            loss = compare(profile, self._reference.profile, self._reference.null)
            beside = compare_components(profile, self._reference)
            deviations.append(standardised(loss, beside))
            p.append(performance_p(loss.p_value, beside.p_value))
        statistics = {name: _followed(np.array([each[name] for each in deviations])) for name in self.runs}
        block = FollowedWindows(self.version, DAY, statistics).to_bytes()
        trends = advance_trends(None, [block], DAY * (len(windows) + 1), self).trends
        return [trend.alarm_since for trend in trends], np.array(p)


def _followed(along):
    told = np.flatnonzero(~np.isnan(along))
    vectors = followed_vectors(along[told]).astype(np.float32)
    place = np.zeros(len(told), np.int64)
    p = two_sided(along[told]).astype(np.float32)
    sizes = np.zeros_like(vectors)
    return Followed(place=place, start=DAY * told, n=place + 1, p=p, vectors=vectors, sizes=sizes)


def first(seen):
    """Windows until it is seen; more than there were if never."""
    return int(np.argmax(seen)) + 1 if np.any(seen) else WORSE + 1


def shown(delays):
    """Write the median, or that it is never seen in half of the replicates."""
    median = np.median(delays)
    return "-" if median > WORSE else f"{median:g}"


def main():
    """Print the table."""
    print(f"{REPLICATES} references a row, {LIVE} windows after each; worse: {WORSE} windows")
    print("| outcomes | windows | false alarms | `trends` sees a rise | `performance_p` does |")
    print("| --- | --- | --- | --- | --- |")
    for number, (name, stream, loss, rise) in enumerate(STREAMS):
        for count in WINDOWS:
            begun, trends, alone = 0, [], []
            for replicate in range(REPLICATES):
                rng = np.random.default_rng([number, count, replicate])
                windows = stream(rng, count + LIVE)
                model = Model(Loss(loss), windows[:count])
                since, _ = model.follow(windows[count:])
                begun += len({each for each in since if each is not None})
                since, p = model.follow(stream(rng, WORSE, rise))
                trends.append(first([each is not None for each in since]))
                alone.append(first(p < LIMIT))
            rate = begun / (REPLICATES * LIVE * LIMIT)
            print(f"| {name} | {count} | {rate:.2f} | {shown(trends)} | {shown(alone)} |", flush=True)


if __name__ == "__main__":
    main()
