"""Predictions and outcomes by segment and period: each row once, in any bundles."""

from pathlib import Path

import numpy as np
import pytest

from driftline.performance import Loss, PerformanceProfile
from driftline.performance.periods import Periods, merge_periods, profile_periods, usable
from driftline.performance.recent import RecentOutcomes

from .outcome_rows import outcomes, predictions, rolling_error

DATA = Path(__file__).parent / "data"
LOSS = Loss("zero_one")
EVERY = 100


def rows(seed=0, n=400, segments=("a=1", "a=2", "(other)")):
    r = np.random.default_rng(seed)
    time = r.integers(-300, 300, n)
    score = r.random(n).round(3)
    return outcomes(
        time,
        time + r.integers(0, 500, n),
        score,
        r.random(n) < score,
        r.choice(segments, n),
        r.permutation(n),
    )


def select(batch, mask):
    return batch.filter(np.asarray(mask))


def test_one_profile_a_segment_and_period_and_all_traffic():
    batch = rows()
    found = dict(profile_periods(batch, LOSS, EVERY))
    assert set(found) == {"a=1", "a=2", "(other)", "*"}
    for segment, periods in found.items():
        own = batch if segment == "*" else select(batch, [s == segment for s in batch["segment"].to_pylist()])
        period = own["time"].to_numpy() // EVERY
        assert list(periods.profiles) == sorted(set(period.tolist()))
        for number, data in periods.profiles.items():
            one = select(own, period == number)
            wait = one["known"].to_numpy() - one["time"].to_numpy()
            exact = PerformanceProfile.of_outcomes(
                LOSS, one["score"].to_numpy(), one["label"].to_numpy(), wait
            )
            profile = PerformanceProfile.from_bytes(data)
            assert (profile.n, profile.errors, profile.n_predictions) == (exact.n, exact.errors, 0)
            assert profile.log_loss_sum == pytest.approx(exact.log_loss_sum)
            np.testing.assert_array_equal(profile.delays, exact.delays)
        ends = np.arange(-4, 10) * EVERY
        np.testing.assert_array_equal(
            RecentOutcomes.from_bytes(periods.recent).before(ends),
            [rolling_error(own, LOSS, end) for end in ends],
        )


def test_predictions_have_no_recent_outcomes():
    batch = predictions([5, 105, 7], [0.2, 0.3, 0.9], ["a=1", "a=1", "a=2"])
    found = dict(profile_periods(batch, LOSS, EVERY))
    assert {s: list(p.profiles) for s, p in found.items()} == {"a=1": [0, 1], "a=2": [0], "*": [0, 1]}
    assert all(p.recent == b"" for p in found.values())
    assert PerformanceProfile.from_bytes(found["*"].profiles[0]).n_predictions == 2


def test_without_segment_columns_all_traffic_is_given_once():
    assert [s for s, _ in profile_periods(predictions([5], [0.2]), LOSS, EVERY)] == ["*"]
    assert list(profile_periods(predictions([], []), LOSS, EVERY)) == []


def test_merged_in_parts_or_at_once():
    batch = rows()
    whole = dict(profile_periods(batch, LOSS, EVERY))["*"]
    parts = [
        dict(profile_periods(batch.slice(begin, 100), LOSS, EVERY))["*"].to_bytes()
        for begin in range(0, 400, 100)
    ]
    one = Periods.from_bytes(merge_periods([parts[0], merge_periods(parts[1:], EVERY)], EVERY))
    assert list(one.profiles) == list(whole.profiles)
    assert one.recent == whole.recent
    for number, data in one.profiles.items():
        a, b = PerformanceProfile.from_bytes(data), PerformanceProfile.from_bytes(whole.profiles[number])
        assert (a.n, a.errors) == (b.n, b.errors)
        assert a.log_loss_sum == pytest.approx(b.log_loss_sum)


def test_usable_rows():
    batch = outcomes([0] * 5, [0] * 5, [0.5, 1.5, np.nan, 0.1, 0.2], [1, 1, 1, 2, np.nan])
    assert usable(batch, LOSS).tolist() == [True, False, False, False, False]
    assert usable(batch, Loss("squared")).tolist() == [True, True, False, True, False]
    assert usable(predictions([0], [-1.0]), LOSS).tolist() == [False]


def golden():
    batch = outcomes([5, 250], [400, 400], [0.25, 0.75], [1, 1])
    return dict(profile_periods(batch, LOSS, EVERY))["*"]


def test_golden_bytes_of_version_1():
    data = (DATA / "periods_v1_profiles_v2.bin").read_bytes()
    assert golden().to_bytes() == data
    assert Periods.from_bytes(data) == golden()


def test_profiles_of_version_1_in_it_are_read():
    old = Periods.from_bytes((DATA / "periods_v1.bin").read_bytes())
    assert old.recent == golden().recent
    for number, data in golden().profiles.items():
        assert PerformanceProfile.from_bytes(old.profiles[number]).to_bytes() == data


def test_damaged_bytes():
    data = golden().to_bytes()
    with pytest.raises(ValueError, match="cut short or too long"):
        Periods.from_bytes(data + b"x")
    with pytest.raises(ValueError, match="version 9"):
        Periods.from_bytes(data[:3] + b"\x09" + data[4:])
