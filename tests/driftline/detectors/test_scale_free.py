"""ADWIN on values of any scale, and the warning of the one that is made for values from 0 to 1."""

import warnings

import numpy as np
import pytest

from driftline.detectors import ADWIN, detector_from_bytes


def doubled(seed, scale):
    rng = np.random.default_rng(seed)
    return scale * np.r_[rng.exponential(1, 3000), rng.exponential(2, 3000)]


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
def test_a_mean_that_doubles_is_found_on_every_scale(scale):
    found = [ADWIN(scale_free=True).update_many(doubled(seed, scale)) for seed in range(20)]
    assert all((positions >= 3000).any() for positions in found)
    assert sum((positions < 3000).sum() for positions in found) <= 1


def test_a_power_of_two_changes_nothing_and_one_by_one_is_the_same():
    values = doubled(1, 1.0)
    expected = ADWIN(scale_free=True).update_many(values).tolist()
    assert expected
    assert ADWIN(scale_free=True).update_many(values / 1024).tolist() == expected
    one, found = ADWIN(scale_free=True), []
    for place, value in enumerate(values):
        one.update(value)
        found += [place] if one.drift_detected else []
    assert found == expected


def test_equal_values_are_no_change():
    for value in (0.1, 1e9 + 0.1):
        assert not len(ADWIN(scale_free=True).update_many(np.full(100_000, value)))


def test_the_state_keeps_it():
    values = doubled(2, 1e-3)
    first = ADWIN(scale_free=True)
    first.update_many(values[:2500])
    later = detector_from_bytes(first.to_bytes())
    assert later.scale_free
    found = later.update_many(values[2500:]) + 2500
    assert found.tolist() == ADWIN(scale_free=True).update_many(values).tolist()
    assert not ADWIN.from_bytes(ADWIN().to_bytes()).scale_free


def test_a_value_outside_0_and_1_warns_once_and_names_the_remedy():
    detector = ADWIN()
    detector.update(1.0)
    with pytest.warns(UserWarning, match=r"ADWIN got 1.5: .* ADWIN\(scale_free=True\)") as caught:
        detector.update(1.5)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector.update(-3.0)
        detector.update_many([7.0])
        ADWIN(scale_free=True).update_many([7.0])
    with pytest.warns(UserWarning, match="ADWIN got -2.0"):
        ADWIN().update_many([0.5, -2.0, 3.0])
