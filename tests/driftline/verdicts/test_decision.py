"""What is drifted: significant, large, and of a calibration that is acted on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from driftline.tables import Calibration, Status
from driftline.verdicts.decision import decide

THRESHOLDS = SimpleNamespace(alpha=0.01, psi=0.25, wasserstein_iqr=0.1, rate_change=0.1, rate_ratio=2.0)
NAN = float("nan")
ABOVE, BELOW = np.nextafter(0.25, 1), np.nextafter(0.25, 0)
SIZES = ("psi", "wasserstein_iqr", "rate_change", "rate_ratio")


def one(**changes):
    return many([changes])


def many(rows, **thresholds):
    rows = [
        dict.fromkeys(SIZES, NAN)
        | {"p_value": 1e-6, "psi": 1.0, "status": "ok", "calibration": "calibrated"}
        | row
        for row in rows
    ]
    columns = {
        name: np.array([row[name] for row in rows], object if name in {"status", "calibration"} else float)
        for name in rows[0]
    }
    return decide(**columns, thresholds=SimpleNamespace(**(vars(THRESHOLDS) | thresholds)))


@pytest.mark.parametrize(
    ("psi", "shift", "drifted"),
    [
        (0.25, NAN, False),
        (ABOVE, NAN, True),
        (BELOW, NAN, False),
        (NAN, 0.1, False),
        (NAN, np.nextafter(0.1, 1), True),
        (0.25, 0.1, False),
        (ABOVE, 0.1, True),
        (0.25, 0.11, True),
        (0.9, 0.9, True),
        (NAN, NAN, False),
    ],
)
def test_one_size_above_its_threshold_is_enough(psi, shift, drifted):
    found = one(psi=psi, wasserstein_iqr=shift)
    assert found.drifted.tolist() == [drifted]
    assert found.told.tolist() == [True]


@pytest.mark.parametrize("size", SIZES)
def test_any_size_at_its_threshold_is_not_large_and_above_it_is(size):
    nothing, at = dict.fromkeys(SIZES, NAN), getattr(THRESHOLDS, size)
    rows = [nothing | {size: value} for value in (np.nextafter(at, 0), at, np.nextafter(at, np.inf))]
    assert many(rows).drifted.tolist() == [False, False, True]
    low = dict.fromkeys(SIZES, 0.0)
    assert many([low, low | {size: 9.0}]).drifted.tolist() == [False, True]


@pytest.mark.parametrize(
    ("p", "drifted"), [(0, True), (np.nextafter(0.01, 0), True), (0.01, False), (0.5, False), (1, False)]
)
def test_a_result_at_the_level_is_not_significant(p, drifted):
    assert one(p_value=p).drifted.tolist() == [drifted]


def test_thresholds_are_those_that_are_given():
    row = {"p_value": 0.02, "psi": 0.3, "wasserstein_iqr": 0.12}
    assert many([row], alpha=0.05).drifted.all()
    assert not many([row]).drifted.any()
    assert not many([row], alpha=0.05, psi=0.3, wasserstein_iqr=0.12).drifted.any()
    row = {"psi": NAN, "rate_change": 0.2, "rate_ratio": 3.0}
    assert many([row]).drifted.all()
    assert many([row], rate_change=0.2).drifted.all()
    assert not many([row], rate_change=0.2, rate_ratio=3.0).drifted.any()


@pytest.mark.parametrize("calibration", [*(str(each) for each in Calibration), None])
def test_few_windows_are_never_acted_on(calibration):
    trusted = calibration in {"calibrated", "bound", "independent"}
    found = one(calibration=calibration)
    assert (found.drifted.tolist(), found.told.tolist()) == ([trusted], [trusted])


@pytest.mark.parametrize("status", [str(each) for each in Status])
def test_only_what_is_judged_can_be_told(status):
    found = one(status=status)
    assert (found.drifted.tolist(), found.told.tolist()) == ([status == "ok"], [status == "ok"])


def test_a_result_without_a_p_value_cannot_be_told():
    found = one(p_value=NAN)
    assert (found.drifted.tolist(), found.told.tolist()) == ([False], [False])


def test_only_results_that_can_be_told_are_tests_of_the_window():
    p = [0.004, 0.009, 0.03, 0.6]
    rows = [{"p_value": each} for each in p]
    others = [{"status": "partial"}, {"calibration": "few_windows"}, {"p_value": NAN}]
    found = many([*others, *rows, *others])
    np.testing.assert_allclose(found.p_adjusted[3:7], false_discovery_control(p))
    assert found.told.tolist() == [*[False] * 3, *[True] * 4, *[False] * 3]
    assert np.isnan(found.p_adjusted[~found.told]).all()
    assert not found.drifted.any()
    assert many([rows[0]]).drifted.all()
