"""Rules that raise alarms on the windows of one feature: single windows, runs of windows, and detectors.

Every rule gets windows in time order. A false alarm is the beginning of a bout: of windows that follow each
other and all alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driftline.detectors import PageHinkley
from driftline.trends import FollowedWindows, advance_trends, alarm_limit
from driftline.trends.followed_windows import Followed
from driftline.trends.reference_runs import ReferenceRuns

_TOLERATED = 0.05  # what `StandardisedPageHinkley` tolerates, standard deviations
_HALVINGS = 25


@dataclass(frozen=True)
class Judged:
    """V windows of a feature as all rules see them.

    Parameters
    ----------
    scores
        By rule, an array (V,): more is more unusual.
    means
        Means (V,) in standard deviations of the reference's window means; None of categories.
    vectors
        By statistic that trends follow, arrays (V, K).
    p
        And the p-values (V,) of each.
    """

    scores: dict[str, np.ndarray]
    means: np.ndarray | None
    vectors: dict[str, np.ndarray]
    p: dict[str, np.ndarray]

    def take(self, where):
        """Keep some of the windows."""
        return Judged(
            {name: each[where] for name, each in self.scores.items()},
            None if self.means is None else self.means[where],
            {name: each[where] for name, each in self.vectors.items()},
            {name: each[where] for name, each in self.p.items()},
        )

    @staticmethod
    def joined(parts):
        """Put windows one after the other."""
        first = parts[0]
        return Judged(
            {name: np.concatenate([each.scores[name] for each in parts]) for name in first.scores},
            None if first.means is None else np.concatenate([each.means for each in parts]),
            {name: np.concatenate([each.vectors[name] for each in parts]) for name in first.vectors},
            {name: np.concatenate([each.p[name] for each in parts]) for name in first.p},
        )


class Series:
    """Stands in for a part of a baseline: S series of windows of the same feature, without words."""

    version, size = "series", 1

    def __init__(self, runs, series, limit):
        self.features = tuple(range(series))
        self.limit = limit
        self.runs = {
            name: ReferenceRuns(
                np.repeat(each.variances, series, axis=1),
                np.repeat(each.shape, series, axis=0),
                np.repeat(each.longest, series),
            )
            for name, each in runs.items()
        }

    def words(self, *_):
        """Say nothing."""


def trends(runs, series, budget):
    """Follow series that are equally long: the p-values (S, V), and where alarms begin (S, V).

    Parameters
    ----------
    runs
        From `reference_runs`, of one feature.
    series
        List of `Judged`.
    budget
        False alarms a window.
    """
    count, length = len(series), len(series[0].vectors[next(iter(runs))])
    place, start = np.repeat(np.arange(count), length), np.tile(np.arange(length), count)
    followed = {}
    for name in runs:
        vectors = np.concatenate([each.vectors[name] for each in series]).astype(np.float32)
        p = np.concatenate([each.p[name] for each in series]).astype(np.float32)
        sizes = np.zeros((len(vectors), 0), np.float32)
        rows = Followed(place, start, np.ones_like(place), p, vectors, sizes)
        followed[name] = rows.take(~np.isnan(vectors).any(1))
    block = FollowedWindows(Series.version, Series.size, followed).to_bytes()
    part = Series(runs, count, alarm_limit(budget, 1))
    p, begins = np.ones((count, length)), np.zeros((count, length), bool)
    for trend in advance_trends(None, [block], length + 1, part).trends:
        p[trend.feature, trend.start] = trend.p_value
        begins[trend.feature, trend.start] = trend.alarm_since == trend.start + Series.size
    return p, begins


def bouts(over):
    """Count the bouts of windows that alarm."""
    return int(np.count_nonzero(np.diff(over.astype(np.int8), prepend=0) == 1))


def threshold_of_scores(scores, alarms):
    """Give the lowest threshold at which, and at all higher ones, there are at most so many bouts.

    Parameters
    ----------
    scores
        Arrays of scores in time order; what is above a threshold alarms.
    """
    rises, falls = [], []
    for each in scores:
        before = np.concatenate([[-np.inf], each[:-1]])
        rising = each > before
        rises.append(each[rising])
        falls.append(before[rising])
    # a bout begins at a rise for every threshold from the lower score up to the higher
    ends = np.concatenate([*rises, *falls])
    steps = np.concatenate([np.ones(sum(map(len, rises))), -np.ones(sum(map(len, falls)))])
    order = np.lexsort((steps, -ends))
    begun = steps[order].cumsum()
    return float(ends[order][int(np.argmax(begun > alarms))])


def page_hinkley(reference, means, threshold):
    """Give the windows in which Page-Hinkley, which begins with the reference, finds a change."""
    found = PageHinkley(min_instances=1, delta=_TOLERATED, threshold=threshold, alpha=1.0).update_many(
        np.concatenate([reference, means])
    )
    return found[found >= len(reference)] - len(reference)


def threshold_of_page_hinkley(means, alarms):
    """Give the threshold with so many detections after the references.

    Parameters
    ----------
    means
        Pairs: means of a reference, and of the windows after it.
    """
    low, high = 1.0, 1e6
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        found = sum(len(page_hinkley(*each, middle)) for each in means)
        low, high = (middle, high) if found > alarms else (low, middle)
    return high


def first_at(over, change):
    """Windows from a change to the first that alarms, 1 if it is the first; inf if none does.

    Parameters
    ----------
    over
        Which windows alarm, array (V,).
    change
        Place of the first window that is changed.
    """
    found = np.flatnonzero(over[change:])
    return float(found[0] + 1) if len(found) else np.inf
