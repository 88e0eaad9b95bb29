"""Windows of parts whose references are known, without result rows."""

from __future__ import annotations

import numpy as np

from driftline.statistics.null.runs import RUNS
from driftline.trends import FollowedWindows
from driftline.trends.followed_windows import Followed
from driftline.trends.reference_runs import ReferenceRuns

SIZE = 60_000_000
FEATURES = ("x", "y", "z")


class Part:
    """Stands in for a part of a baseline: three features, and words that tell what they were asked for."""

    version, size, features, limit = "v1", SIZE, FEATURES, 1e-3

    def __init__(self, runs):
        self.runs = runs

    def words(self, statistic, place, sizes):
        return f"{statistic} {place} {len(sizes)} {sizes.mean():.3f}"


def independent(longest=16, numbers=2, features=3):
    """Runs of windows that do not follow each other, around a centre that is known."""
    return ReferenceRuns(
        np.ones((len(RUNS), features, numbers)),
        np.tile([numbers, 1e6], (features, 1)).astype(float),
        np.full(features, longest),
    )


def rows(places, starts, vectors, n=None, p=1.0):
    """Rows of one statistic; starts in windows."""
    vectors = np.asarray(vectors, np.float32)
    places = np.asarray(places, np.int64)
    starts = np.asarray(starts, np.int64) * SIZE
    n = np.full(len(places), 100) if n is None else np.asarray(n, np.int64)
    p = np.broadcast_to(np.asarray(p, np.float32), len(places))
    return Followed(places, starts, n, p, vectors, starts[:, None].astype(np.float32) / SIZE)


def block(version="v1", **statistics):
    return FollowedWindows(version, SIZE, statistics).to_bytes()


def steps(rng, shape):
    """Normal numbers whose sums are exact."""
    return np.round(rng.normal(size=shape) * 2**12) / 2**12
