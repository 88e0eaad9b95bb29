"""Error kinds and calibration against the reference: what cancels is seen, what is normal is not."""

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
from driftline.performance.class_comparison import compare_classes, performance_p
from driftline.performance.class_sums import sums_of_rows

from .drawing import LOG, ZERO_ONE, profile_of
from .test_class_components import windows

DAY = 1_000


def reference_of(loss=ZERO_ONE, count=60, n=1000, *, by_class=True, unlabelled=()):
    scores, labels = windows(11, count, n)
    times = DAY * np.repeat(np.arange(count), n)
    scores, labels = scores.ravel(), labels.ravel()
    whole = profile_of(loss, scores, labels, unlabelled=unlabelled)
    rows = sums_of_rows(loss, scores, labels) if by_class else None
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
    assert compare_classes(before, REFERENCE).p_value > 0.05
    assert compare(window, REFERENCE.profile, REFERENCE.null).p_value > 0.05
    found = compare_classes(window, REFERENCE)
    assert found.p_value < 1e-6
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
    found = compare_classes(outward, reference)
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
        compare_classes(profile_of(ZERO_ONE, *pair), REFERENCE).p_value
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


def test_while_labels_are_coming_nothing_is_said():
    reference = reference_of(unlabelled=np.full(60_000, 0.3))
    scores, labels = cancelling(17)
    half = profile_of(ZERO_ONE, scores, labels, unlabelled=np.full(1000, 0.3))
    tenth = profile_of(ZERO_ONE, scores, labels, unlabelled=np.full(9000, 0.3))
    assert compare_classes(half, reference).p_value < 1e-4
    assert np.isnan(compare_classes(tenth, reference).p_value)
    assert row_of(tenth, reference)["components"] is None


def test_without_sums_by_class_there_is_the_mean_loss_only():
    reference = reference_of(by_class=False)
    assert reference.null.classes is None
    window = profile_of(ZERO_ONE, *cancelling(18))
    row = row_of(window, reference)
    assert row["components_p"] is row["change"] is None
    assert row["performance_p"] == row["p_value"]
