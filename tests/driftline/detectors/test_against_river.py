"""Every detection where river 0.26 has it; river is the oracle, value by value."""

import numpy as np
import pytest
from river import drift

from driftline.detectors import ADWIN, DDM, HDDM_A, KSWIN, PageHinkley

from .streams import ALL, SOME, WITHIN_UNIT

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

ADWINS = [
    {},
    {"delta": 0.2},
    {"delta": 1e-6, "clock": 1},
    {"delta": 0.05, "clock": 7, "max_buckets": 2},
    {"delta": 0.3, "clock": 16, "max_buckets": 9, "min_window_length": 1, "grace_period": 0},
    {"delta": 0.01, "min_window_length": 60, "grace_period": 1000},
]
PAGE_HINKLEYS = [
    {},
    {"threshold": 5.0, "delta": 0.1},
    {"threshold": 10.0, "alpha": 1.0, "mode": "up"},
    {"threshold": 10.0, "alpha": 0.99, "mode": "down", "min_instances": 1},
    {"threshold": 0.5, "min_instances": 300, "delta": -0.01},
]
DDMS = [{}, {"warm_start": 0}, {"warm_start": 500, "warning_threshold": 1.0, "drift_threshold": 1.5}]
HDDMS = [
    {},
    {"two_sided_test": True},
    {"drift_confidence": 0.05, "warning_confidence": 0.2},
    {"drift_confidence": 1e-6, "warning_confidence": 1e-3, "two_sided_test": True},
]
KSWINS = [
    {"seed": 1},
    {"seed": 42, "alpha": 0.05},
    {"seed": 7, "window_size": 300, "stat_size": 20},
    {"seed": 3, "window_size": 60, "stat_size": 30, "alpha": 0.01},
    {"seed": 5, "window_size": 20, "stat_size": 10, "alpha": 1.0},  # decided by the distance alone
]
CASES = [
    (ours, theirs, parameters, streams)
    for ours, theirs, several, streams in (
        (ADWIN, drift.ADWIN, ADWINS, ALL),
        (PageHinkley, drift.PageHinkley, PAGE_HINKLEYS, ALL),
        (DDM, drift.binary.DDM, DDMS, WITHIN_UNIT),
        (HDDM_A, drift.binary.HDDMA, HDDMS, SOME),
    )
    for parameters in several
]


def follow(detector, values):
    """Positions of detections and of warnings, one value at a time."""
    detections, warnings = [], []
    for i, x in enumerate(values.tolist()):
        detector.update(x)
        if detector.drift_detected:
            detections.append(i)
        if getattr(detector, "warning_detected", False):
            warnings.append(i)
    return detections, warnings


def named(value):
    return value.__name__ if isinstance(value, type) else None


@pytest.mark.parametrize(("ours", "theirs", "parameters", "streams"), CASES, ids=named)
def test_detections_and_warnings_are_where_river_has_them(ours, theirs, parameters, streams):
    found = 0
    for name, values in streams.items():
        detections, warnings = follow(theirs(**parameters), values)
        assert ours(**parameters).update_many(values).tolist() == detections, name
        assert follow(ours(**parameters), values) == (detections, warnings), name
        found += len(detections)
    assert found


@pytest.mark.parametrize("parameters", KSWINS)
def test_kswin_draws_as_river_does_with_the_same_seed(parameters):
    found = 0
    names = ("abrupt", "gauss_stable", "gauss_recurring", "integers", "uniform", "heavy_tail")
    for name, values in ((name, ALL[name][900:1300]) for name in names):
        detections, _ = follow(drift.KSWIN(**parameters), values)
        assert KSWIN(**parameters).update_many(values).tolist() == detections, name
        found += len(detections)
    assert found


def test_kswin_begins_with_the_window_given():
    window, values = list(ALL["gauss_stable"][:150]), ALL["gauss_abrupt"][950:1100]
    detections, _ = follow(drift.KSWIN(seed=1, window=window), values)
    assert detections
    assert KSWIN(seed=1, window=window).update_many(values).tolist() == detections


@pytest.mark.parametrize("make", [lambda r: r.random(100_000) < 0.2, lambda r: r.standard_t(3, 100_000)])
def test_long_windows(make):
    values = make(np.random.default_rng(8)).astype(float)
    values[90_000:] += 0.1
    for ours, theirs in ((ADWIN, drift.ADWIN), (PageHinkley, drift.PageHinkley)):
        detections, _ = follow(theirs(), values)
        assert detections
        assert ours().update_many(values).tolist() == detections


@pytest.mark.parametrize("parameters", ADWINS)
def test_adwin_has_the_window_that_river_has(parameters):
    for values in (ALL["abrupt"], ALL["gauss_recurring"]):
        ours, theirs = ADWIN(**parameters), drift.ADWIN(**parameters)
        for x in values.tolist():
            ours.update(x)
            theirs.update(x)
            assert ours.width == theirs.width
            assert ours.estimation == theirs.estimation
