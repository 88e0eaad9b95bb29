"""Components of outcomes of classes: against counting by hand, and the covariance of drawn windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.losses import log_loss
from driftline.performance import Loss
from driftline.performance.class_components import COMPONENTS, ClassComponents
from driftline.performance.class_sums import ONE, sums_of_profile, sums_of_rows

from .drawing import ABSOLUTE, LOG, ZERO_ONE, outcomes, profile_of

rows = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=80)


@given(rows, st.sampled_from([0.01, 0.5, 0.9]))
def test_sums_are_the_counts_and_nearly_the_sums_of_the_rows(pairs, threshold):
    loss = Loss("zero_one", threshold)
    scores, labels = np.array(pairs, float).T
    by_row = sums_of_rows(loss, scores, labels)
    found = sums_of_profile(profile_of(loss, scores, labels))
    assert found.tolist() == by_row.sum(0).tolist()
    said, true = scores >= threshold, labels == 1
    assert found[:4].tolist() == [(~true).sum(), true.sum(), (~true & said).sum(), (true & ~said).sum()]
    for k, own in enumerate((~true, true)):
        assert found[4 + k] / ONE == pytest.approx(scores[own].sum(), abs=0.004 * len(pairs))


def windows(seed, count, n=400, *, positives=0.3):
    """Windows of independent rows, scores of classes that overlap."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((count, n)) < positives).astype(float)
    scores = 1 / (1 + np.exp(-(1.5 * rng.normal(size=labels.shape) + 2 * labels - 1.5)))
    return scores, labels


def sums_of(scores, labels, loss=ZERO_ONE):
    return np.stack([sums_of_rows(loss, *pair).sum(0) for pair in zip(scores, labels, strict=True)])


def by_hand(reference, scores, labels):
    """The components from the rows themselves."""
    found = []
    for k in (0, 1):
        own, whole = labels == k, reference[1] == k
        share = np.sqrt(min(own.mean(), whole.mean()))
        wrong = np.mean((reference[0][whole] >= 0.5) != k)
        x = ((scores[own] >= 0.5) != k).sum()
        angle = [2 * np.arcsin(np.sqrt((e + 0.375) / (own.sum() + 0.75))) for e in (x, own.sum() * wrong)]
        found.append(share * (angle[0] - angle[1]))
        for of in (lambda s: s, lambda s, k=k: log_loss(s, np.full(len(s), float(k)))):
            normal = of(reference[0][whole])
            found.append(share * (of(scores[own]).mean() - normal.mean()) / normal.std())
    return np.array(found)[[0, 3, 1, 4, 2, 5]]


def test_components_are_what_they_are_by_hand():
    reference = tuple(part.ravel() for part in windows(1, 50))
    normal = ClassComponents.of(profile_of(ZERO_ONE, *reference))
    scores, labels = windows(2, 5, positives=0.4)
    found = normal.of_windows(sums_of(scores, labels))
    expected = [by_hand(reference, *pair) for pair in zip(scores, labels, strict=True)]
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert np.abs(found).max() > 0.04
    whole = normal.of_windows(sums_of_profile(profile_of(ZERO_ONE, *reference))[None])
    np.testing.assert_allclose(whole, 0, atol=1e-12)


def test_of_independent_rows_the_combinations_are_independent():
    reference = tuple(part.ravel() for part in windows(3, 500))
    normal = ClassComponents.of(profile_of(LOG, *reference))
    combinations = normal.independent(np.array([True, True]))
    assert combinations.shape == (6, COMPONENTS)
    found = normal.of_windows(sums_of(*windows(4, 4000))) @ combinations.T
    # shares of windows vary, and the smaller counts
    np.testing.assert_allclose(400 * np.cov(found.T), np.eye(6), atol=0.12)


def test_more_positives_alone_change_nothing():
    scores, labels = (part.ravel() for part in windows(5, 20))
    normal = ClassComponents.of(profile_of(ZERO_ONE, scores, labels))
    twice = np.repeat(np.arange(len(labels)), 1 + (labels == 1))
    found = normal.of_windows(sums_of_profile(profile_of(ZERO_ONE, scores[twice], labels[twice]))[None])
    np.testing.assert_allclose(found, 0, atol=1e-3)  # 3 / 8 of an error, of more of them


def test_a_class_that_a_window_lacks_says_nothing():
    scores, labels = windows(6, 20)
    normal = ClassComponents.of(profile_of(ZERO_ONE, scores.ravel(), labels.ravel()))
    none = sums_of(scores[:1], np.zeros((1, 400)))
    found = normal.of_windows(none)
    assert found[0, 1::2].tolist() == [0, 0, 0]
    assert found[0, 0::2].all()
    assert np.isnan(normal.gap(normal.scale(none))).any()


def test_what_says_the_same_is_left_out():
    scores, labels = (part.ravel() for part in windows(7, 20))
    hard = ClassComponents.of(profile_of(ZERO_ONE, np.round(scores), labels))
    both = np.array([True, True])
    assert len(hard.independent(both)) == 2  # scores of 0 and 1 are the errors
    soft = ClassComponents.of(profile_of(ZERO_ONE, scores, labels))
    only_negatives = soft.independent(np.array([True, False]))
    assert only_negatives.shape == (3, COMPONENTS)
    assert not only_negatives[:, 1::2].any()
    never_wrong = ClassComponents.of(profile_of(ZERO_ONE, labels, labels))
    assert len(never_wrong.independent(both)) == 2
    assert never_wrong.of_windows(sums_of(scores[None], labels[None]))[0, :2].min() > 0.5


def test_of_numbers_and_of_one_class_there_are_none():
    assert ClassComponents.of(profile_of(ABSOLUTE, *outcomes(1, 50, binary=False))) is None
    assert ClassComponents.of(profile_of(ZERO_ONE, np.array([0.2, 0.7]), np.zeros(2))) is None
