"""Simulated predictions and outcomes."""

import numpy as np

from driftline.performance import Loss, PerformanceProfile

SECOND = 1_000_000


def outcomes(seed, n, *, binary=True):
    """Scores that mean what they say, their labels, and delays of hours."""
    r = np.random.default_rng(seed)
    if binary:
        scores = r.beta(0.8, 1.7, n)
        labels = (r.random(n) < scores).astype(float)
        scores[r.random(n) < 0.1] = 0.5  # an atom on the threshold
    else:
        scores = r.normal(1e6, 30, n)
        labels = scores + r.standard_t(3, n)
    return scores, labels, r.lognormal(8, 2, n).astype(np.int64) * SECOND


def profile_of(loss, scores, labels, delays=None, unlabelled=()):
    """A profile of outcomes, each a prediction too, and of predictions without labels."""
    delays = np.zeros(len(scores), np.int64) if delays is None else delays
    predictions = np.concatenate([scores, unlabelled])
    return PerformanceProfile.of_predictions(loss, predictions).add_outcomes(scores, labels, delays)


ZERO_ONE, LOG, SQUARED, ABSOLUTE = (Loss(name) for name in ("zero_one", "log", "squared", "absolute"))
