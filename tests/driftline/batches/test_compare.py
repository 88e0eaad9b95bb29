"""Two batches: groups as units keep the level, and rows of groups taken as independent do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from driftline.batches.compare import Batch, compare_batches
from driftline.batches.groups import Groups
from driftline.batches.usual_times import usual_times
from driftline.config import Tests
from driftline.feature_spec import FeatureSpec
from driftline.statistics.clustered import clustered_p_value, weighted_sum_tail

SPECS = [FeatureSpec("x", "numeric", "x"), FeatureSpec("c", "categorical", "c")]


def users(seed, number, first, shift=0.0, rows=10):
    """Users whose rows are alike."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(number), rows)
    events = pa.table(
        {
            "time": np.zeros(len(user), np.int64),
            "feature.x": rng.normal(shift, 1, number)[user] + 0.3 * rng.normal(size=len(user)),
            "feature.c": rng.choice(list("abcd"), number)[user],
        }
    )
    return Batch(events, pa.chunked_array([pa.array([f"u{each + first}" for each in user])]))


def compared(seed, shift=0.0, *, grouped=True):
    pair = users(2 * seed, 120, 0), users(2 * seed + 1, 60, 1_000, shift)
    if not grouped:
        pair = tuple(Batch(each.events) for each in pair)
    return compare_batches(*pair, SPECS, Tests()).rows.to_pylist()


def test_groups_keep_the_level_and_rows_of_groups_do_not():
    by_group = np.array([[row["p_value"] for row in compared(seed)] for seed in range(100)])
    assert (by_group < 0.01).mean() <= 0.02
    assert (by_group < 0.1).mean() >= 0.02
    by_row = np.array([[row["p_value"] for row in compared(seed, grouped=False)] for seed in range(10)])
    assert (by_row < 0.01).mean() > 0.3


def test_a_real_shift_is_found_by_groups():
    x, c = compared(1, shift=1.0)
    assert x["calibration"] == "calibrated"
    assert x["drifted"]
    assert not c["drifted"]


def test_few_groups_are_never_acted_on():
    reference, current = users(1, 8, 0, rows=100), users(2, 60, 1_000, shift=9.0)
    rows = compare_batches(reference, current, SPECS, Tests()).rows.to_pylist()
    assert {row["calibration"] for row in rows} == {"few_windows"}
    assert not any(row["drifted"] for row in rows)


def test_groups_are_dealt_the_same_way_in_every_order_of_rows():
    names = pa.array([f"u{each}" for each in np.random.default_rng(0).integers(0, 900, 5_000)])
    order = np.random.default_rng(1).permutation(len(names))
    plain, mixed = Groups.of(names), Groups.of(names.take(pa.array(order)))
    assert (plain.part[order] == mixed.part).all()
    assert plain.parts == 400


@pytest.mark.parametrize("value", [0.5, 3.0, 8.0])
def test_weighted_sums_agree_with_simulation(value):
    weights, rng = np.array([1.0, 0.5, 0.2]), np.random.default_rng(0)
    sums = (rng.chisquare(1, (400_000, 3)) * weights).sum(1) / (rng.chisquare(40, 400_000) / 40)
    assert weighted_sum_tail(weights, value, 40) == pytest.approx((sums >= value).mean(), rel=0.08)


def test_groups_of_one_row_are_the_plain_chi_square_test():
    rng = np.random.default_rng(3)
    parts = rng.multinomial(1, [0.5, 0.3, 0.2], 4_000)
    current = np.array([560, 260, 180])
    _, p, *_ = stats.chi2_contingency(np.stack([parts.sum(0), current]))
    found = clustered_p_value(parts, current, groups=(4_000.0, 1_000.0), ordered=False)
    assert found == pytest.approx(p, rel=0.4)


def test_times_far_from_all_others_are_told_apart():
    times = np.r_[0, np.arange(10**6, 10**6 + 500), 9 * 10**9]
    assert usual_times(times).tolist() == [False, *[True] * 500, False]
    assert usual_times(np.full(50, 7)).all()
