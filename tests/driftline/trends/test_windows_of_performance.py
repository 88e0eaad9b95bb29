"""From performance rows to what is followed, and the words of what is found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from driftline.baseline import decode_baseline
from driftline.performance.component_runs import followed_vectors
from driftline.performance.performance_measure import PART
from driftline.tables.trends import OF_PERFORMANCE
from driftline.trends import (
    advance_trends,
    alarm_limit,
    features_followed,
    followed_part,
    performance_windows,
    reference_runs,
)
from driftline.trends.reference_runs import longest_run
from tests.driftline.trends.of_performance import (
    ABSOLUTE,
    EVERY,
    SIZE,
    ZERO_ONE,
    baseline,
    batch,
    encoded,
    outcomes,
    row,
)

CLASSES = ("loss", "false_positives", "false_negatives", "calibration_gap")
ALL = ("*", PART.name)


def drawn(seed, n=200, **changes):
    return outcomes(np.random.default_rng(seed), n, **changes)


def taken(*rows, loss=ZERO_ONE):
    return {key: windows.statistics for key, windows in performance_windows(batch(*rows), baseline(loss))}


@pytest.mark.parametrize(("loss", "names"), [(ZERO_ONE, CLASSES), (ABSOLUTE, ("loss", "bias"))])
def test_vectors_are_the_deviations_of_rows(loss, names):
    rows = [row(window, *drawn(window, loss=loss, worse=0.05), loss=loss) for window in range(5)]
    [(key, found)] = taken(*rows, loss=loss).items()
    assert key == ALL
    assert set(found) == set(names)
    for name, each in found.items():
        own = np.array([row["components"][name] for row in rows])
        assert each.vectors == pytest.approx(followed_vectors(own).astype(np.float32), rel=1e-6)
        assert each.start.tolist() == [window * SIZE for window in range(5)]
        assert each.n.tolist() == [200] * 5
        assert each.place.tolist() == [0] * 5


def test_each_segment_has_its_own():
    rows = [row(0, *drawn(1)), row(0, *drawn(2), segment="s=A"), row(1, *drawn(3), segment="s=A")]
    found = taken(*rows)
    assert {key: len(each["loss"].place) for key, each in found.items()} == {ALL: 1, ("s=A", PART.name): 2}


def test_what_does_not_count_is_left_out():
    good = row(0, *drawn(1))
    assert taken(good)
    few = row(0, *drawn(1, n=40))
    overlapping = row(0, *drawn(1), start=EVERY)
    other = row(0, *drawn(1), version="another")
    unlabelled = row(0, *drawn(1), unlabelled=20)  # a tenth of the labels is still to come
    nothing = row(0, *drawn(1, n=0), unlabelled=30)
    for each in (few, overlapping, other, unlabelled, nothing):
        assert taken(each) == {}
    assert taken() == {}
    assert taken(good | {"segment": "s=unknown"}) == {}


def test_the_performance_on_a_segment_counts_as_one():
    known = baseline()
    parts = Counter(part for _, part in known.entries)
    without = sum(
        np.count_nonzero(np.max([each.longest for each in reference_runs(entry.null).values()], axis=0))
        for (_, part), entry in known.entries.items()
        if part != PART.name
    )
    assert parts[PART.name] == 2
    assert features_followed(known) == without + 2
    assert {
        name: each.longest.tolist() for name, each in reference_runs(known.entries[ALL].null).items()
    } == {name: [longest_run(59)] for name in (*CLASSES, "log_loss")}  # of which trends leave out the last


def test_a_null_of_an_earlier_release_is_not_followed():
    known = baseline()
    null = known.entries[ALL].null
    assert reference_runs(type(null)(null.table, null.classes)) == {}
    assert reference_runs(None) == {}


def trends_of(windows, loss=ZERO_ONE, cut=1 << 60):
    rows = [row(window, *each, loss=loss) for window, each in enumerate(windows)]
    followed = followed_part(baseline(loss), *ALL, alarm_limit(0.01, 1))
    blocks = [found.to_bytes() for _, found in performance_windows(batch(*rows), baseline(loss))]
    return advance_trends(None, blocks, cut, followed).trends


def test_a_rise_of_errors_is_told_since_when():
    windows = [drawn(100 + window, worse=0.06 * (window >= 10)) for window in range(25)]
    found = trends_of(windows)
    assert {trend.feature for trend in found} == {OF_PERFORMANCE}
    assert not any(trend.alarm_since for trend in found[:10])
    last = found[-1]
    assert last.alarm_since
    assert abs(last.since / SIZE - 10) <= 2
    now = np.mean([np.mean((s >= 0.5) != y) for s, y in windows[25 - last.windows :]])
    assert last.statistic == "loss"
    before = baseline().reference("*", PART).metrics.error_rate
    assert last.change == f"errors {100 * before:.3g} % to {100 * now:.3g} %"


def fewer(window):
    """Outcomes of which half as many are wrong."""
    score, label = drawn(window)
    wrong = np.flatnonzero((score >= 0.5) != label)[::2]
    label[wrong] = 1 - label[wrong]
    return score, label


def test_what_gets_better_is_told_too():
    last = trends_of([fewer(window) for window in range(12)])[-1]
    assert last.alarm_since
    before, now = (float(each) for each in np.array(last.change.split())[[1, 4]])
    assert before == pytest.approx(10, abs=1)
    assert now < 7


def one_kind(window, wrong):
    """Twice as many errors of one true class, as many fewer of the other."""
    score, label = drawn(window)
    error = (score >= 0.5) != label
    fixed = np.flatnonzero(error & (label != wrong))
    made = np.flatnonzero(~error & (label == wrong))[: len(fixed)]
    label[fixed] = 1 - label[fixed]
    score[made] = 1 - score[made]
    return score, label


def test_errors_of_another_kind_are_told():
    last = trends_of([one_kind(window, wrong=0) for window in range(12)])[-1]
    assert last.alarm_since
    assert last.statistic in {"false_positives", "false_negatives"}
    assert last.change.startswith(last.statistic.replace("_", " "))


def overconfident(window):
    score, label = drawn(window)
    return np.where(score >= 0.5, np.minimum(score + 0.08, 1), score + 0.05), label


def test_the_calibration_gap_is_told_as_a_change_of_scores():
    last = trends_of([overconfident(window) for window in range(12)])[-1]
    assert last.statistic == "calibration_gap"
    name, size = last.change.rsplit(" ", 1)
    assert name == "calibration gap"
    assert float(size) == pytest.approx(0.065, abs=0.015)


def test_bias_is_told():
    windows = [drawn(window, loss=ABSOLUTE, worse=0.15) for window in range(16)]
    last = trends_of(windows, ABSOLUTE)[-1]
    assert last.statistic == "bias"
    words, before, to, now = last.change.split()
    assert (words, to) == ("bias", "to")
    assert float(before) == pytest.approx(baseline(ABSOLUTE).reference("*", PART).metrics.bias, abs=1e-3)
    assert float(now) == pytest.approx(0.15, abs=0.05)


def test_a_mean_loss_of_numbers_is_no_rate():
    followed = followed_part(baseline(ABSOLUTE), *ALL, 0.01)
    before = baseline(ABSOLUTE).reference("*", PART).metrics.mean_loss
    said = followed.words("loss", 0, np.array([[1.0], [1.5]], np.float32))
    assert said == f"mean loss {before:.3g} to 1.25"


def test_losses_beyond_single_precision_are_followed():
    strange = row(0, *drawn(1, loss=ABSOLUTE), loss=ABSOLUTE) | {"mean_loss": 1e200}
    [found] = taken(strange, loss=ABSOLUTE).values()
    assert np.isfinite(found["loss"].sizes).all()


def test_the_baseline_is_read_as_it_was_written():
    again = decode_baseline(encoded(), "b").entries[ALL].null
    assert again.runs.numbers.tolist() == baseline().entries[ALL].null.runs.numbers.tolist()
