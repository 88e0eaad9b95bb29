"""How often alarms begin, against simulated bouts."""

import numpy as np
import pytest
from scipy import stats

from driftline.statistics.null.runs import RUNS
from driftline.trends import alarm_limit
from driftline.trends.alarm_rate import OVER, alarm_rate


def bouts(p, limit):
    """Count alarms: each ends when what raised it is `OVER` times more usual."""
    count, on = 0, False
    for raised, over in zip((p <= limit).tolist(), (p > OVER * limit).tolist(), strict=True):
        on = on and not over
        if raised and not on:
            count, on = count + 1, True
    return count


@pytest.mark.parametrize(("numbers", "longest"), [(1, 16), (4, 64), (30, 16)])
def test_bouts_of_alarms_begin_as_often_as_is_said(numbers, longest):
    rng = np.random.default_rng(1)
    length, runs = 40_000, RUNS[longest >= RUNS].tolist()
    sums = np.concatenate([np.zeros((1, numbers)), rng.normal(size=(length, numbers)).cumsum(0)])
    p = np.ones(length + 1 - longest)
    for run in runs:
        mean = sums[longest:] - sums[longest - run : len(sums) - run]
        p = np.minimum(p, stats.chi2.sf((mean**2).sum(1) / run, numbers))
    for limit in (0.01, 0.002):
        assert bouts(p, limit) / len(p) == pytest.approx(float(alarm_rate(limit)), rel=0.35)


def test_a_rate_grows_with_p_and_is_a_probability():
    p = np.concatenate([[0.0], np.geomspace(1e-12, 1, 500)])
    rate = alarm_rate(p)
    assert (np.diff(rate) >= 0).all()
    assert ((p <= rate) & (rate <= 1)).all()


@pytest.mark.parametrize(
    ("alarms", "followed", "limit"), [(0.01, 10, 0.001), (5, 3, 0.05), (0.01, 0, 0.01), (1e-9, 10**6, 1e-12)]
)
def test_a_budget_is_shared_and_never_all_of_it(alarms, followed, limit):
    assert alarm_limit(alarms, followed) == pytest.approx(limit)
