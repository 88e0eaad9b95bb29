"""What a profile measures, against scikit-learn and the definition."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.performance import Loss, measure
from driftline.performance.metrics import area_under_curve
from driftline.performance.score_grid import bins_of

from .drawing import ABSOLUTE, LOG, SQUARED, ZERO_ONE, outcomes, profile_of

rows = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0])), st.integers(0, 1)),
    min_size=1,
    max_size=60,
)


@given(rows, st.floats(0, 1))
def test_auc_is_exact_up_to_ties_within_a_bin(drawn, threshold):
    scores, labels = np.array(drawn, float).T
    found = measure(profile_of(Loss("zero_one", threshold), scores, labels)).auc
    if len(set(labels)) < 2:
        assert np.isnan(found)
        return
    bins = bins_of(scores, threshold)
    assert found == pytest.approx(sklearn.metrics.roc_auc_score(labels, bins), abs=1e-12)
    shared = np.mean([[a == b for a in bins[labels == 1]] for b in bins[labels == 0]])
    assert abs(found - sklearn.metrics.roc_auc_score(labels, scores)) <= shared / 2 + 1e-12


@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.3, 0.3), (5, 5), (1, 100), (0.05, 5), (0.02, 20)])
def test_auc_is_within_a_thousandth_for_smooth_scores(a, b):
    r = np.random.default_rng(0)
    scores = r.beta(a, b, 200_000)
    labels = (r.random(200_000) < scores).astype(float)
    exact = sklearn.metrics.roc_auc_score(labels, scores)
    assert measure(profile_of(ZERO_ONE, scores, labels)).auc == pytest.approx(exact, abs=1e-3)


@settings(max_examples=50)
@given(rows)
def test_calibration_error_is_the_one_of_guo(drawn):
    scores, labels = np.array(drawn, float).T
    bins = np.minimum(np.floor(scores * 15 + 1e-12), 14)
    # a score within rounding of an edge may go to either side
    if np.abs(scores * 15 - np.rint(scores * 15)).min() < 1e-9 and not np.isin(scores, [0, 1]).all():
        return
    exact = sum(
        (bins == b).sum() / len(scores) * abs(labels[bins == b].mean() - scores[bins == b].mean())
        for b in set(bins)
    )
    assert measure(profile_of(LOG, scores, labels)).calibration_error == pytest.approx(exact, abs=1e-12)


def test_numbers_of_classes_are_those_of_scikit_learn():
    scores, labels, _ = outcomes(5, 5000)
    predicted = scores >= 0.3
    found = measure(profile_of(Loss("zero_one", 0.3), scores, labels))
    assert found.n == 5000
    assert found.error_rate == found.mean_loss == pytest.approx(np.mean(predicted != labels))
    assert found.mean_loss_interval == found.error_rate_interval
    assert found.error_rate_interval.low < found.error_rate < found.error_rate_interval.high
    assert found.log_loss == pytest.approx(sklearn.metrics.log_loss(labels, scores))
    assert np.isnan([found.mean_absolute_error, found.root_mean_squared_error]).all()
    log = measure(profile_of(LOG, scores, labels))
    assert log.mean_loss == pytest.approx(log.log_loss)
    assert log.mean_loss_interval != log.error_rate_interval


@pytest.mark.parametrize("loss", [ABSOLUTE, SQUARED], ids=lambda loss: loss.name)
def test_numbers_of_numbers_are_those_of_scikit_learn(loss):
    scores, labels, _ = outcomes(6, 3000, binary=False)
    found = measure(profile_of(loss, scores, labels))
    assert found.mean_absolute_error == pytest.approx(sklearn.metrics.mean_absolute_error(labels, scores))
    assert found.root_mean_squared_error == pytest.approx(
        sklearn.metrics.root_mean_squared_error(labels, scores)
    )
    assert found.mean_loss == pytest.approx(loss.of(scores, labels).mean())
    assert np.isnan([found.error_rate, found.log_loss, found.auc, found.calibration_error]).all()
    assert np.isnan(found.error_rate_interval).all()


def test_nothing_is_measured_without_outcomes():
    for loss in (ZERO_ONE, SQUARED):
        found = measure(profile_of(loss, np.empty(0), np.empty(0), unlabelled=np.array([0.5])))
        assert found.n == 0
        assert all(np.isnan(value).all() for name, value in vars(found).items() if name != "n"), (
            "a number out of nothing"
        )


def test_intervals_hold_what_they_promise():
    """At a true rate of .1 and n = 300, 95 % of Wilson's intervals hold it; within 4 sd of 1,000 draws."""
    r = np.random.default_rng(7)
    inside = []
    for _ in range(1000):
        labels = (r.random(300) < 0.1).astype(float)
        low, high = measure(profile_of(ZERO_ONE, np.zeros(300), labels)).error_rate_interval
        inside.append(low <= 0.1 <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 1000))


def test_the_area_of_separate_classes_is_one():
    assert area_under_curve(np.array([3, 0]), np.array([0, 2])) == 1.0
    assert area_under_curve(np.array([0, 3]), np.array([2, 0])) == 0.0
    assert np.isnan(area_under_curve(np.array([1]), np.array([0])))
