"""What is compared beside the loss: what cancels is seen, what is normal is not."""

from dataclasses import replace

import numpy as np
import pytest

from driftline.performance import (
    LossNull,
    LossPeriods,
    PerformanceProfile,
    PerformanceReference,
    compare,
    performance_row,
)
from driftline.performance.class_sums import sums_of_profile
from driftline.performance.component_comparison import compare_components, performance_p
from driftline.performance.loss_null import bias_distances
from driftline.performance.outcome_sums import sums_of_outcomes

from .drawing import ABSOLUTE, LOG, SQUARED, ZERO_ONE, profile_of
from .test_class_components import windows

DAY = 1_000


def reference_of(loss=ZERO_ONE, windows=windows(11, 60, 1000), *, sums=True, unlabelled=()):  # noqa: B008
    scores, labels = windows
    count, n = scores.shape
    times = DAY * np.repeat(np.arange(count), n)
    scores, labels = scores.ravel(), labels.ravel()
    whole = profile_of(loss, scores, labels, unlabelled=unlabelled)
    rows = sums_of_outcomes(loss, scores, labels) if sums else None
    periods = LossPeriods.of(times, loss.of(scores, labels), DAY, rows)
    null = LossNull.fit(whole, periods, DAY * np.arange(count), size=DAY, min_n=50)
    return PerformanceReference.of(whole, null)


REFERENCE = reference_of()


def cancelling(seed, n=1000):
    """Half as many false negatives, and as many false positives more as there are fewer errors by that."""
    scores, labels = (part[0] for part in windows(seed, 1, n))
    missed = np.flatnonzero((labels == 1) & (scores < 0.5))[::2]
    right = np.flatnonzero((labels == 0) & (scores < 0.5))[: len(missed)]
    scores[missed], scores[right] = 0.6, 0.6
    return scores, labels


def test_errors_of_two_kinds_that_cancel_are_seen():
    before = profile_of(ZERO_ONE, *(part[0] for part in windows(12, 1, 1000)))
    window = profile_of(ZERO_ONE, *cancelling(12))
    assert before.errors == window.errors
    assert compare_components(before, REFERENCE).p_value > 0.05
    assert compare(window, REFERENCE.profile, REFERENCE.null).p_value > 0.05
    found = compare_components(window, REFERENCE)
    assert found.p_value < 1e-5
    assert found.false_negatives.standardised < -3
    assert found.false_positives.standardised > 3
    row = row_of(window)
    assert row["performance_p"] == performance_p(row["p_value"], found.p_value) < 1e-5
    kinds = ("negative", before.positives, 15), ("positive", before.negatives, 9)
    for kind, own, change in kinds:
        rates = [row[f"false_{kind}_rate_reference"], row[f"false_{kind}_rate"]]
        assert own.sum() > 200
        assert abs(100 * (rates[1] - rates[0])) > change
        assert "false {}s {:.3g} % to {:.3g} %".format(kind, *(100 * rate for rate in rates)) in row["change"]
    assert row["components"]["false_positives"] == found.false_positives.standardised
    assert abs(row["components"]["loss"]) < 2


def row_of(profile, reference=REFERENCE):
    place = {"model": "m", "segment": "*", "window": (0, DAY), "min_n": 200, "emitted_at": 0}
    return performance_row(profile, reference=reference, **place)


@pytest.mark.parametrize("loss", [ZERO_ONE, LOG], ids=str)
def test_overconfident_scores_are_seen_though_the_classes_stay(loss):
    reference = reference_of(loss)
    scores, labels = (part[0] for part in windows(13, 1, 1000))
    odds = (scores / (1 - scores)) ** 2
    outward = profile_of(loss, odds / (1 + odds), labels)
    found = compare_components(outward, reference)
    assert found.p_value < 1e-6
    assert found.separation.standardised > 3
    assert found.separation.change == pytest.approx(0.08, abs=0.06)
    assert "further apart" in row_of(outward, reference)["change"]


def test_scores_that_are_too_high_are_a_gap():
    scores, labels = (part[0] for part in windows(14, 1, 1000))
    row = row_of(profile_of(ZERO_ONE, np.minimum(scores + 0.08, 1), labels))
    assert row["components"]["calibration_gap"] > 3
    assert "calibration gap +0.0" in row["change"]
    assert row["calibration_gap"] - row["calibration_gap_reference"] == pytest.approx(0.08, abs=0.03)


def test_more_positives_alone_are_not():
    scores, labels = (part[0] for part in windows(15, 1, 3000))
    more = np.repeat(np.arange(3000), 1 + 2 * (labels == 1))
    usual, found = (
        compare_components(profile_of(ZERO_ONE, *pair), REFERENCE).p_value
        for pair in ((scores, labels), (scores[more], labels[more]))
    )
    assert found > 0.05 < usual
    assert (
        compare(profile_of(ZERO_ONE, scores[more], labels[more]), REFERENCE.profile, REFERENCE.null).p_value
        < 0.01
    )


@pytest.mark.parametrize("loss", [ZERO_ONE, LOG], ids=str)
def test_rows_do_not_tell_the_order_of_merges(loss):
    scores, labels = cancelling(16)
    rng = np.random.default_rng(0)
    answers = set()
    reference = reference_of(loss)
    for _ in range(20):
        parts = np.array_split(rng.permutation(len(scores)), 7)
        merged = PerformanceProfile.merge_all(
            [profile_of(loss, scores[part], labels[part]).to_bytes() for part in parts]
        )
        row = row_of(merged, reference)
        answers.add(
            tuple(str(row[name]) for name in ("p_value", "components_p", "performance_p", "components"))
        )
    assert len(answers) == 1


def of_numbers(seed, count, n=500, bias=0.0):
    """Errors of standard deviation 1, of which the mean differs from window to window by .1."""
    rng = np.random.default_rng(seed)
    errors = rng.normal(bias + 0.1 * rng.normal(size=(count, 1)), 1, (count, n))
    labels = rng.normal(50, 10, errors.shape)
    return labels + errors, labels


@pytest.mark.parametrize("loss", [ABSOLUTE, SQUARED], ids=str)
def test_predictions_that_became_biased_are_seen(loss):
    scores, labels = of_numbers(20, 60)
    reference = reference_of(loss, windows=(scores, labels))
    for bias, seen in ((0.0, False), (0.8, True), (-0.8, True)):
        window = profile_of(loss, *(part[0] for part in of_numbers(21, 1, bias=bias)))
        found = compare_components(window, reference)
        assert (found.p_value < 1e-3) == seen
        row = row_of(window, reference)
        assert row["components_p"] == found.p_value
        assert row["components"]["bias"] == pytest.approx(found.bias.standardised)
        assert row["bias"] - row["bias_reference"] == pytest.approx(found.bias.change)
        if seen:
            assert np.sign(row["components"]["bias"]) == np.sign(bias)
            assert "bias {:+.3g} to {:+.3g}".format(row["bias_reference"], row["bias"]) in row["change"]


def whitened(window):
    components = REFERENCE.classes.of_windows(sums_of_profile(window)[None])
    return REFERENCE.null.classes.whitened(components, np.array([float(window.n)])).ravel()


def test_a_whitened_window_is_what_is_tested():
    window = profile_of(ZERO_ONE, *cancelling(12))
    found = whitened(window)
    assert found.shape == (REFERENCE.null.classes.used,)
    again = REFERENCE.null.classes.p_value(
        REFERENCE.classes.of_windows(sums_of_profile(window)[None]), np.array([1000.0])
    )
    assert again[0] == compare_components(window, REFERENCE).p_value
    calm = [whitened(profile_of(ZERO_ONE, *pair)) for pair in zip(*windows(30, 100, 1000), strict=True)]
    assert (found**2).sum() > np.max((np.array(calm) ** 2).sum(1))
    assert np.var(calm, axis=0) == pytest.approx(1, abs=0.7)


def test_of_a_profile_of_an_earlier_release_the_bias_is_not_known():
    scores, labels = of_numbers(20, 60)
    reference = reference_of(ABSOLUTE, windows=(scores, labels))
    assert reference.null.bias is not None
    window = replace(profile_of(ABSOLUTE, scores[0], labels[0]), signed_sum=np.nan)
    row = row_of(window, reference)
    assert row["components_p"] is row["bias"] is None
    assert row["performance_p"] == row["p_value"]
    old = replace(reference.profile, signed_sum=np.nan)
    assert bias_distances(old, np.array([500.0]), np.array([1.0])) is None
    constant = profile_of(ABSOLUTE, np.full(9, 0.3), np.zeros(9))
    assert bias_distances(constant, np.array([9.0]), np.array([2.7])) is None


def test_while_labels_are_coming_nothing_is_said():
    reference = reference_of(unlabelled=np.full(60_000, 0.3))
    scores, labels = cancelling(17)
    half = profile_of(ZERO_ONE, scores, labels, unlabelled=np.full(1000, 0.3))
    tenth = profile_of(ZERO_ONE, scores, labels, unlabelled=np.full(9000, 0.3))
    assert compare_components(half, reference).p_value < 1e-4
    assert np.isnan(compare_components(tenth, reference).p_value)
    assert row_of(tenth, reference)["components"] is None


def test_without_sums_by_class_there_is_the_mean_loss_only():
    reference = reference_of(sums=False)
    assert reference.null.classes is None
    window = profile_of(ZERO_ONE, *cancelling(18))
    row = row_of(window, reference)
    assert row["components_p"] is row["change"] is None
    assert row["performance_p"] == row["p_value"]
