"""Limits against runs counted one by one, against what a normal reference must give, and through bytes."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from driftline.config.budgets import AlarmBudget
from driftline.measures.measure import Entry
from driftline.measures.measure_registry import measure_of
from driftline.signals import AlarmLimits, SignalPeriods
from driftline.signals.alarm_limits import FEWEST_VALUES, distance
from driftline.signals.alarm_limits_measure import ALARM_LIMITS, PART, limits_record, segment_limits
from driftline.signals.winsorised_periods import winsorised

DATA = Path(__file__).parent / "data"
SECOND = 1 << 20


def fitted(values, *, is_rate=True, a_period=1):
    known = np.arange(len(values)) // a_period * SECOND
    return AlarmLimits.fit(SignalPeriods.of(known, values), is_rate=is_rate)


def errors(n, seed=0, rate=0.2):
    return (np.random.default_rng(seed).random(n) < rate).astype(float)


def test_tails_of_runs_counted_one_by_one():
    values = errors(12_000)
    limits = fitted(values)
    assert (limits.block, limits.values) == (8, 12_000)
    assert limits.level == pytest.approx(values.mean(), rel=1e-12)
    assert (limits.lengths * 8).tolist() == [32, 48, 64]  # each 150 times or more
    for row, length in enumerate((limits.lengths * 8).tolist()):
        means = np.convolve(values, np.ones(length), "valid") / length
        ends = np.arange(length - 1, len(values))
        for side, sign in enumerate((1, -1)):
            away = sign * (np.arcsin(np.sqrt(means)) - np.arcsin(np.sqrt(values.mean())))
            pieces = min(400, 12_000 // length)
            most = np.array([max(away[ends * pieces // 12_000 == piece].max(), 0) for piece in range(pieces)])
            squares = np.sort(most**2)
            number = pieces // 5
            assert limits.number[row, side] == number
            assert limits.start[row, side] == pytest.approx(squares[-number - 1])
            excess = (squares[-number:] - squares[-number - 1]).mean()
            assert limits.excess[row, side] == pytest.approx(max(excess, 2 * 0.25 / length))


def test_the_limit_is_passed_as_often_as_is_allowed():
    """Of runs that do not overlap in a stream of independent normal values."""
    limits = fitted(np.random.default_rng(1).normal(5, 2, 60_000), is_rate=False)
    found = limits.limits(1 / (10_000 * SECOND))  # once in 10,000 values, over 2 L sides and lengths
    sd = 2 / np.sqrt(limits.lengths * 8)
    rate = 10_000 / (limits.lengths * 8) * stats.norm.sf([found.rise / sd, found.fall / sd])
    assert (rate < 1 / 4).all()  # several of them are passed together
    assert (rate > 1 / 200).all()  # runs that do overlap pass it more often
    assert found.level == pytest.approx(5, abs=0.1)


def test_alarms_of_several_lengths_are_counted_together():
    """Of 22 tails that hold a fifth of the pieces each: more than one, fewer than if none knew of another."""
    limits = fitted(errors(200_000))
    assert limits.number.size == 22
    assert 5 < limits.together < 15
    assert fitted(errors(4800)).together == pytest.approx(2, abs=0.5)  # rises and falls of one length


def test_fewer_alarms_need_more():
    limits = fitted(errors(20_000))
    often, seldom = (limits.limits(AlarmBudget(n, "day").in_time(1.0)) for n in (1, 0.01))
    assert (seldom.rise > often.rise).all()
    assert (seldom.fall > often.fall).all()
    allowed_all = limits.limits(1.0)
    assert (allowed_all.rise > 0).all()


def test_values_that_go_together_raise_the_limits():
    random = np.random.default_rng(2)
    rates = np.repeat(random.uniform(0.05, 0.5, 200), 100)
    together = (random.random(20_000) < rates).astype(float)
    for one, other in zip(
        fitted(together).limits(1e-12)[4:],
        fitted(random.permutation(together)).limits(1e-12)[4:],
        strict=True,
    ):
        assert (one > 1.2 * other).all()


def test_too_few_values_or_all_the_same():
    assert fitted(errors(FEWEST_VALUES - 1)) is None
    assert fitted(errors(FEWEST_VALUES)) is not None
    assert fitted(np.zeros(FEWEST_VALUES)) is None
    assert fitted(np.full(FEWEST_VALUES, 0.3), is_rate=False) is None


@pytest.mark.parametrize("is_rate", [True, False])
def test_runs_that_never_stray_have_the_limits_of_independent_values(is_rate):
    """Errors that take turns: every run has the mean of all, and no piece is in a tail."""
    limits = fitted(np.arange(20_000) % 2 * 1.0, is_rate=is_rate)
    assert limits.together == limits.number.size
    np.testing.assert_allclose(limits.excess.T, 2 * 0.25 / (limits.lengths * [[8], [8]]), rtol=1e-3)
    found = limits.limits(1 / (10_000 * SECOND))
    shuffled = fitted(errors(20_000, rate=0.5), is_rate=is_rate).limits(1 / (10_000 * SECOND))
    for one, other in ((found.rise, shuffled.rise), (found.fall, shuffled.fall)):
        assert (one > 0.5 * other).all()
        assert (one < other).all()


def test_a_reference_known_by_the_hour_has_long_blocks():
    limits = fitted(errors(200_000), a_period=100)
    assert limits.block == 64
    assert limits.lengths[0] * limits.block == 256
    assert fitted(errors(30_000), a_period=10_000) is None


def test_any_unit():
    """Losses a thousand times as large, and far from 0."""
    values = np.random.default_rng(3).exponential(1, 10_000)
    one, other = (fitted(each, is_rate=False).limits(1e-9) for each in (values, 1e6 + 1000 * values))
    np.testing.assert_allclose(other.rise, 1000 * one.rise, rtol=1e-6)
    np.testing.assert_allclose(other.fall, 1000 * one.fall, rtol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("a_period", [1, 50])
@pytest.mark.parametrize("far", [1e300, -1e300, np.finfo(float).max, 1e9])
def test_one_far_loss_does_not_silence(far, a_period):
    values = np.random.default_rng(4).exponential(1, 20_000)
    clean = fitted(values, is_rate=False, a_period=a_period)
    for at in (0, 9_999, 19_999):
        wrong = values.copy()
        wrong[at] = far
        limits = fitted(wrong, is_rate=False, a_period=a_period)
        assert limits.level == pytest.approx(clean.level, abs=0.005)
        np.testing.assert_allclose(limits.limits(1e-9).rise, clean.limits(1e-9).rise, rtol=0.5)
        np.testing.assert_allclose(limits.limits(1e-9).fall, clean.limits(1e-9).fall, rtol=0.5)


@pytest.mark.filterwarnings("error")
def test_a_few_far_losses_on_both_sides_do_not_silence():
    values = np.random.default_rng(4).exponential(1, 20_000)
    clean = fitted(values, is_rate=False)
    values[[5_000, 12_000]] = np.finfo(float).max, np.finfo(float).min
    values[[7_000, 15_000]] = 1e30
    limits = fitted(values, is_rate=False)
    np.testing.assert_allclose(limits.limits(1e-9).rise, clean.limits(1e-9).rise, rtol=0.5)


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal"])
def test_losses_of_a_usual_tail_are_not_pulled_in(draw):
    values = getattr(np.random.default_rng(5), draw)(size=20_000)
    reference = SignalPeriods.of(np.arange(20_000) * SECOND, values)
    np.testing.assert_array_equal(winsorised(reference).mean, reference.mean)


@pytest.mark.filterwarnings("error")
def test_far_losses_that_are_no_exception_are_normal():
    values = np.random.default_rng(4).exponential(1, 20_000)
    values[::100] = 1e300
    rise = fitted(values, is_rate=False).limits(1e-9).rise
    assert np.isfinite(rise).all()
    assert (rise > 1e100).all()


def test_distance():
    assert distance([0.25, 0.75], 0.25, is_rate=True).tolist() == [0.0, pytest.approx(np.pi / 6)]
    assert distance(7.0, 5.0, is_rate=False) == 2.0
    assert distance([1 + 1e-12, -1e-12], 0.5, is_rate=True).tolist() == [
        pytest.approx(s * np.pi / 4) for s in (1, -1)
    ]


def test_golden_bytes_of_version_1():
    data = (DATA / "alarm_limits_v1.bin").read_bytes()
    limits = AlarmLimits.from_bytes(data)
    assert limits.to_bytes() == data
    assert (limits.level, limits.is_rate, limits.block, limits.values) == (0.25, True, 8, 5000)
    assert (limits.time, limits.together, limits.lengths.tolist()) == (1e12, 4.0, [4])
    assert (limits.number.tolist(), limits.start.tolist(), limits.excess.tolist()) == (
        [[31.0, 30.0]],
        [[0.5, 0.25]],
        [[0.125, 0.0625]],
    )
    with pytest.raises(ValueError, match="build the baseline again"):
        AlarmLimits.from_bytes(data[:-1])


def test_the_measure_reads_entries_and_splits_the_budget():
    record = limits_record("*", fitted(errors(6000)))
    assert (record["segment"], record["part"], record["null"]) == ("*", PART.name, None)
    assert measure_of(record["profile"]) is ALARM_LIMITS
    entry = Entry(ALARM_LIMITS.decode(record["profile"]))
    budget = AlarmBudget(1.0, "week")
    alone = segment_limits({"*": entry}, "*", budget)
    half = segment_limits({"*": entry, "a=1": entry}, "*", budget)
    assert half.rise.tolist() == entry.profile.limits(budget.in_time(1.0) / 2).rise.tolist()
    assert (half.rise > alone.rise).all()
    assert segment_limits({"*": entry}, "a=1", budget) is None
    with pytest.raises(NotImplementedError):
        ALARM_LIMITS.merge([record["profile"]] * 2)
