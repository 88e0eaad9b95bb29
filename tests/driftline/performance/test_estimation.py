"""Performance estimated without labels: right where scores are calibrated, repaired where they are not."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.performance import CalibrationMap, Loss, PerformanceProfile, estimate, measure
from driftline.performance.estimation import FEWEST_OUTCOMES
from driftline.performance.score_grid import bins_of, first_positive_bin

from .drawing import LOG, SQUARED, ZERO_ONE, profile_of

N = 100_000


def simulated(seed, n, a=1.0, b=2.0, distort=lambda p: p):
    """True probabilities, labels drawn with them, and the scores a model makes of them."""
    r = np.random.default_rng(seed)
    probabilities = r.beta(a, b, n)
    return distort(probabilities), (r.random(n) < probabilities).astype(float)


def overconfident(p):
    """Logits three times too large."""
    return 1 / (1 + ((1 - p) / np.maximum(p, 1e-300)) ** 3)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.77])
def test_of_calibrated_scores_the_estimate_is_what_comes(threshold):
    loss = Loss("zero_one", threshold)
    scores, labels = simulated(1, N)
    found = estimate(PerformanceProfile.of_predictions(loss, scores))
    predicted = scores >= threshold
    sampling = 4 * 0.5 / np.sqrt(N)
    assert found.accuracy == pytest.approx(np.mean(predicted == labels), abs=sampling)
    assert found.error_rate == pytest.approx(1 - found.accuracy)
    assert found.auc == pytest.approx(sklearn.metrics.roc_auc_score(labels, scores), abs=2 * sampling)


def test_the_expected_accuracy_is_a_mean_of_scores():
    scores = np.array([0.1, 0.5, 0.7, 0.999])
    found = estimate(PerformanceProfile.of_predictions(ZERO_ONE, scores))
    assert found.accuracy == pytest.approx((0.5 + 0.7 + 0.999 + 0.9) / 4)


def test_estimates_follow_a_shift_of_the_inputs():
    before, after = simulated(2, N), simulated(3, N, a=5, b=5)
    for scores, labels in (before, after):
        found = estimate(PerformanceProfile.of_predictions(ZERO_ONE, scores))
        assert found.accuracy == pytest.approx(np.mean((scores >= 0.5) == labels), abs=0.007)
    assert np.mean((before[0] >= 0.5) == before[1]) - np.mean((after[0] >= 0.5) == after[1]) > 0.1


@pytest.mark.parametrize(("a", "b"), [(1, 2), (5, 5), (0.5, 5)])
def test_scores_that_promise_too_much_are_calibrated_by_the_reference(a, b):
    """Raw, the estimate is far off; by the labels of the reference it is right, on shifted inputs too."""
    reference = profile_of(ZERO_ONE, *simulated(4, N, distort=overconfident))
    scores, labels = simulated(5, N, a, b, overconfident)
    current = PerformanceProfile.of_predictions(ZERO_ONE, scores)
    accuracy = np.mean((scores >= 0.5) == labels)
    auc = sklearn.metrics.roc_auc_score(labels, scores)
    raw, calibrated = estimate(current), estimate(current, CalibrationMap.of(reference))
    assert raw.accuracy - accuracy > 0.03
    assert abs(calibrated.accuracy - accuracy) < 0.01
    assert abs(calibrated.auc - auc) < 0.015 < abs(raw.auc - auc)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([200, 333, 3000]), st.floats(0.05, 0.95))
def test_errors_estimated_for_the_reference_are_its_own(seed, n, threshold):
    """Even where scores are out of order, with an atom anywhere."""
    r = np.random.default_rng(seed)
    scores, labels = r.random(n) ** 2, (r.random(n) < 0.4).astype(float)
    scores[r.random(n) < 0.2] = r.choice([threshold, r.random()])
    reference = profile_of(Loss("zero_one", threshold), scores, labels)
    found = estimate(reference, CalibrationMap.of(reference))
    assert found.error_rate == pytest.approx(measure(reference).error_rate, abs=1e-9)


def test_a_small_reference_does_not_promise_more_than_it_knows():
    """The mean over many references of 200 outcomes is right: isotonic regression alone would flatter."""
    scores, labels = simulated(7, N, distort=overconfident)
    current = PerformanceProfile.of_predictions(ZERO_ONE, scores)
    found = []
    for seed in range(100):
        reference = profile_of(ZERO_ONE, *simulated(100 + seed, FEWEST_OUTCOMES, distort=overconfident))
        found.append(estimate(current, CalibrationMap.of(reference)))
    accuracy = np.mean((scores >= 0.5) == labels)
    assert np.mean([one.accuracy for one in found]) == pytest.approx(accuracy, abs=0.015)
    auc = sklearn.metrics.roc_auc_score(labels, scores)
    assert np.mean([one.auc for one in found]) == pytest.approx(auc, abs=0.03)


def test_a_change_of_the_concept_is_what_the_estimate_cannot_see():
    scores, labels = simulated(8, N)
    flipped = profile_of(ZERO_ONE, scores, 1 - labels)
    assert abs(estimate(flipped).error_rate - measure(flipped).error_rate) > 0.3


def test_probabilities_never_fall_on_a_side_and_stay_probabilities():
    r = np.random.default_rng(9)
    reference = profile_of(LOG, r.random(3000), (r.random(3000) < 0.5).astype(float))
    found = CalibrationMap.of(reference).probabilities
    cut = first_positive_bin(0.5)
    for side in (found[:cut], found[cut:]):
        assert (np.diff(side) >= 0).all()
        assert 0 <= side[0] < side[-1] <= 1


def learnt(groups):
    """Probabilities at the scores of a reference of (score, outcomes, positives)."""
    scores = np.concatenate([np.full(n, score) for score, n, _ in groups])
    labels = np.concatenate([np.repeat([1.0, 0.0], [k, n - k]) for _, n, k in groups])
    found = CalibrationMap.of(profile_of(ZERO_ONE, scores, labels)).probabilities
    return found[bins_of(np.array([score for score, _, _ in groups]), 0.5)].tolist()


def test_every_30_outcomes_make_a_group_and_those_left_over_join_the_last():
    groups = [(0.1, 20, 0), (0.2, 10, 10), (0.3, 45, 20), (0.4, 29, 10), (0.9, 200, 100)]
    assert learnt(groups) == pytest.approx([1 / 3, 1 / 3, 30 / 74, 30 / 74, 0.5])


def test_rates_out_of_order_are_joined_but_not_across_the_threshold():
    groups = [(0.1, 50, 5), (0.2, 100, 60), (0.4, 50, 10), (0.5, 50, 5), (0.9, 100, 90)]
    assert learnt(groups) == pytest.approx([0.1, 70 / 150, 70 / 150, 0.1, 0.9])
    assert learnt([(0.4, 10, 0), (0.6, 190, 95)]) == pytest.approx([0.0, 0.5])


@pytest.mark.parametrize("side", [0.2, 0.8])
def test_a_reference_on_one_side_of_the_threshold(side):
    labels = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    calibration = CalibrationMap.of(profile_of(ZERO_ONE, np.full(400, side), labels))
    assert set(calibration.probabilities) == {0.25}


def test_what_cannot_be_learnt_is_not():
    some = np.full(FEWEST_OUTCOMES, 0.5)
    labels = (np.arange(FEWEST_OUTCOMES) % 2).astype(float)
    assert CalibrationMap.of(profile_of(ZERO_ONE, some, labels)) is not None
    assert CalibrationMap.of(profile_of(ZERO_ONE, some[1:], labels[1:])) is None
    assert CalibrationMap.of(profile_of(ZERO_ONE, some, np.ones(FEWEST_OUTCOMES))) is None


def test_nothing_is_expected_of_nothing():
    for profile in (
        PerformanceProfile.empty(ZERO_ONE),
        PerformanceProfile.of_predictions(SQUARED, np.array([3.0])),
    ):
        assert np.isnan(list(vars(estimate(profile)).values())).all()
