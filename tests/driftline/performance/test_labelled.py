"""When the labels of a window are in: samples, labels that come by and by, references that were cut off."""

import numpy as np
import pytest

from driftline.performance import LossNull, LossPeriods
from driftline.performance.labelled import labels_are_in, usual_share

from .drawing import ZERO_ONE, profile_of

DAY = 1_000


@pytest.mark.parametrize("usual", [0.02, 0.1, 0.5, 0.98])
def test_a_sample_of_labels_is_in_whatever_chance_does(usual):
    predictions = np.full(5_000, 800)
    n = np.random.default_rng(3).binomial(predictions, usual)
    assert labels_are_in(n, predictions, usual).mean() > 0.997
    assert not labels_are_in(n // 5, predictions, usual).any() or usual < 0.05


def test_without_predictions_nothing_is_missed():
    assert labels_are_in(np.array([7]), np.array([0]), 0.9).all()
    assert usual_share(np.array([7]), np.array([0])) == 0.0
    assert usual_share(np.array([5, 5, 1, 0]), np.array([10, 10, 10, 0])) == 0.5


def days(rng, number, errors):
    """Scores and labels of days of 300 predictions with these numbers of errors."""
    scores = np.full((number, 300), 0.9)
    wrong = np.argsort(rng.random((number, 300)), axis=1) < np.asarray(errors)[:, None]
    return scores, np.where(wrong, 0.0, 1.0)


def null_of(scores, labels, known):
    number = len(scores)
    times = np.broadcast_to(DAY * np.arange(number)[:, None], scores.shape)
    whole = profile_of(ZERO_ONE, scores[known], labels[known], unlabelled=scores[~known])
    parts = [
        LossPeriods.of(times[known], ZERO_ONE.of(scores[known], labels[known]), DAY),
        LossPeriods.of_predictions(times.ravel(), DAY),
    ]
    periods = LossPeriods.merge_all([part.to_bytes() for part in parts])
    return LossNull.fit(whole, periods, DAY * np.arange(number), size=DAY, min_n=50)


def test_a_day_of_the_reference_whose_labels_are_coming_does_not_blind_it():
    rng = np.random.default_rng(5)
    scores, labels = days(rng, 40, rng.binomial(300, 0.14, 40))
    known = np.ones(scores.shape, bool)
    clean = null_of(scores, labels, known)
    # of the last day only the wrong predictions are known, and a few more
    known[-1] = (labels[-1] == 0) | (np.arange(300) < 60)
    assert 50 <= known[-1].sum() < 120
    cut_off = null_of(scores, labels, known)
    assert cut_off.table.windows == 39
    for distance in (0.05, 0.1, 0.15):
        assert cut_off.p_value(distance, 300) == pytest.approx(clean.p_value(distance, 300), rel=0.35)
