"""What is said of few reference windows: what it advises gives more of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from driftline.baseline.reference_windows import calibration_remarks, disjoint, reference_windows
from driftline.profiles.coverage import Coverage

HOUR = 3_600_000_000
DAY = 24 * HOUR


def remarks(days, hours, size):
    times = np.array([day * DAY + hour * HOUR for day in range(days) for hour in hours])
    coverage = Coverage.of(times, size // 4).to_bytes()
    starts, rhythm = reference_windows(coverage, size, size, 0.5)
    built = SimpleNamespace(windows=disjoint(starts, size, size), rhythm=rhythm, size=size)
    return built.windows, " ".join(calibration_remarks(built))


@pytest.mark.parametrize("hours", [(0,), (2,), (23,), range(24), range(9, 17)], ids=str)
@pytest.mark.parametrize("days", [8, 20])
def test_what_is_advised_helps(days, hours):
    windows, said = remarks(days, hours, DAY)
    assert windows == days
    assert f"{days} reference windows, fewer than" in said
    assert "longer past" in said
    longer, nothing = remarks(40, hours, DAY)
    assert longer == 40
    assert nothing == ""
    shorter, _ = remarks(days, hours, 2 * HOUR)
    assert ("shorter windows" in said) == (shorter > days)


def test_a_baseline_of_an_earlier_release_has_the_advice_that_it_had():
    built = SimpleNamespace(windows=8, rhythm=None, size=DAY)
    assert "or choose shorter windows" in calibration_remarks(built)[0]
