"""Losses against scikit-learn, and what is let in."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from driftline.losses import EPSILON, LARGEST_ERROR, Loss

outcomes = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=30)
pairs = st.lists(st.tuples(st.floats(-1e60, 1e60), st.floats(-1e60, 1e60)), min_size=1, max_size=30)


def columns(rows):
    scores, labels = np.array(rows, float).T
    return scores, labels


@given(outcomes, st.floats(0, 1))
def test_losses_of_classes_are_those_of_scikit_learn(rows, threshold):
    scores, labels = columns(rows)
    predicted = [1.0 if score >= threshold else 0.0 for score in scores]
    assert Loss("zero_one", threshold).of(scores, labels).mean() == pytest.approx(
        sklearn.metrics.zero_one_loss(labels, predicted)
    )
    assert Loss("log").of(scores, labels).mean() == pytest.approx(
        sklearn.metrics.log_loss(labels, scores, labels=[0, 1]), rel=1e-12, abs=1e-15
    )


@given(pairs)
def test_losses_of_numbers_are_those_of_scikit_learn(rows):
    scores, labels = columns(rows)
    assert Loss("absolute").of(scores, labels).mean() == pytest.approx(
        sklearn.metrics.mean_absolute_error(labels, scores)
    )
    assert Loss("squared").of(scores, labels).mean() == pytest.approx(
        sklearn.metrics.mean_squared_error(labels, scores)
    )


def test_no_loss_is_infinite():
    wrong = Loss("log").of(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert wrong.tolist() == pytest.approx([-np.log(EPSILON)] * 2)
    far = np.array([1.7e308]), np.array([-1.7e308])
    assert Loss("absolute").of(*far).tolist() == [LARGEST_ERROR]
    assert Loss("squared").of(*far).tolist() == [LARGEST_ERROR**2]


def test_what_is_a_score_and_what_a_label():
    values = np.array([0.0, -0.0, 1.0, 0.5, -1e-9, 1.0000001, 2.0, np.nan, np.inf, -np.inf])
    finite = [True] * 7 + [False] * 3
    for name in ("zero_one", "log"):
        assert Loss(name).usable_scores(values).tolist() == [True] * 4 + [False] * 6
        assert Loss(name).usable_labels(values).tolist() == [True] * 3 + [False] * 7
    for name in ("absolute", "squared"):
        assert Loss(name).usable_scores(values).tolist() == finite
        assert Loss(name).usable_labels(values).tolist() == finite


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hinge",), "loss 'hinge' is unknown; choose one of zero_one, log, absolute, squared"),
        (("log", 1.5), r"threshold 1.5 is no probability; choose one from 0 to 1"),
        (("zero_one", np.nan), "threshold nan is no probability"),
    ],
)
def test_what_is_no_loss_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Loss(*arguments)
