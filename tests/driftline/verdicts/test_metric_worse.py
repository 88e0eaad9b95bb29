"""A change that many windows show together."""

import math
from dataclasses import replace

import numpy as np
import pytest

from driftline.verdicts.metric_worse import MetricWindows, metric_worse, smallest_change
from driftline.verdicts.model_worse import WorseRule
from driftline.verdicts.pooled_windows import RunSpread, critical, pooled_rise

RULE = WorseRule(alpha=0.01)
RUNS = RunSpread.independent(200)


def windows(deviations, *, normal=0.18, spread=0.04, larger_is_worse=True, **changes):
    deviations = np.asarray(deviations, float)
    W = len(deviations)
    starts = 10 * np.arange(W)
    made = MetricWindows(
        "loss" if larger_is_worse else "auc",
        starts,
        starts + 10,
        np.ones(W, bool),
        np.full(W, 300.0),
        normal + spread * deviations,
        deviations,
        np.full(W, spread),
        normal,
        larger_is_worse,
        RUNS,
    )
    return replace(made, **changes)


def test_normal_windows_show_no_stretch():
    rng = np.random.default_rng(0)
    found = [pooled_rise(rng.normal(size=48), RUNS, 0.05) is not None for _ in range(1500)]
    assert np.mean(found) <= 0.05


def test_windows_that_follow_each_other_show_none_where_that_is_known():
    rng = np.random.default_rng(1)
    lengths = np.arange(1.0, 129)
    own = np.array([1 + 2 * sum((1 - k / L) * 0.5**k for k in range(1, int(L))) for L in lengths])
    runs, alarms = RunSpread(lengths, own), []
    for _ in range(1000):
        noise = rng.normal(size=100)
        follows = [noise[0] / math.sqrt(0.75)]
        for each in noise[1:]:
            follows.append(0.5 * follows[-1] + each)
        alarms.append(pooled_rise(np.array(follows) * math.sqrt(0.75), runs, 0.05) is not None)
    assert np.mean(alarms) <= 0.05


def test_a_quarter_of_small_rises_is_found_and_dated():
    rng = np.random.default_rng(2)
    z = rng.normal(size=48)
    z[20:30] += 2.4  # 27.8 % against 18.2 %, none of them alone beyond chance
    found = metric_worse(windows(z), RULE, tests=2)
    assert abs(found.start - 200) <= 20
    assert abs(found.end - 300) <= 30
    assert found.now == pytest.approx(0.18 + 2.4 * 0.04, abs=0.03)
    assert found.since == pytest.approx(0.18, abs=0.03)
    assert metric_worse(windows(-z), RULE, tests=2) is None


def test_of_the_area_a_fall_is_worse():
    z = np.r_[np.zeros(10), np.full(20, -3.0)]
    found = metric_worse(windows(z, normal=0.91, larger_is_worse=False), RULE, tests=1)
    assert (found.start, found.name) == (100, "auc")
    assert found.now == pytest.approx(0.79)
    assert math.isnan(found.since)


def test_one_odd_window_is_no_stretch_and_a_rise_within_the_margin_is_not_worse():
    assert metric_worse(windows(np.r_[np.zeros(20), 30.0, np.zeros(20)]), RULE, tests=1) is None
    assert metric_worse(windows(np.full(30, 5.0), spread=0.003), RULE, tests=1) is None


def test_windows_that_overlap_count_once_and_others_not_at_all():
    half = windows(np.full(40, 1.0))
    half = replace(half, ends=half.starts + 20)
    assert half.tested.tolist() == list(range(0, 40, 2))
    none = replace(half, judged=np.zeros(40, bool))
    assert metric_worse(none, RULE, tests=1) is None
    assert math.isnan(smallest_change(none, RULE, tests=1))


def test_the_smallest_change_is_seen_in_four_of_five_cases():
    rng = np.random.default_rng(3)
    least = smallest_change(windows(np.zeros(48), spread=0.06), RULE, tests=1)
    shifted = least / 0.06 + rng.normal(size=(400, 48)) * 1.0
    seen = np.mean([metric_worse(windows(z, spread=0.06), RULE, tests=1) is not None for z in shifted])
    assert 0.7 <= seen <= 0.97
    assert critical(48, RUNS, 0.01) > 4
