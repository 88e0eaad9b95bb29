"""What is written down: readable for ever, bounded, refused when it is something else."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.detectors import (
    ADWIN,
    DDM,
    DETECTORS,
    HDDM_A,
    JOB_DETECTORS,
    KSWIN,
    PageHinkley,
    StandardisedPageHinkley,
    detector_from_bytes,
)

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

DATA = Path(__file__).parent / "data"
KINDS = [*DETECTORS.values(), StandardisedPageHinkley]
PARAMETERS = {
    ADWIN: {"delta": 0.01, "clock": 16, "max_buckets": 4, "min_window_length": 6, "grace_period": 20},
    PageHinkley: {"min_instances": 20, "delta": 0.01, "threshold": 8.0, "alpha": 0.999, "mode": "up"},
    DDM: {"warm_start": 20, "warning_threshold": 1.5, "drift_threshold": 2.5},
    HDDM_A: {"drift_confidence": 0.01, "warning_confidence": 0.05, "two_sided_test": True},
    KSWIN: {"alpha": 0.01, "window_size": 40, "stat_size": 15, "seed": 11},
    StandardisedPageHinkley: {
        "min_instances": 20,
        "delta": 0.1,
        "threshold": 20.0,
        "alpha": 0.9999,
        "mode": "both",
        "first": 50,
    },
}


def values():
    """Errors of a rate of 1/4, then 3/4, made without a random generator."""
    i = np.arange(700)
    return np.where(i < 500, i % 4 == 1, i % 4 != 1).astype(float)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_of_version_1_are_read_as_ever(kind):
    detector = detector_from_bytes((DATA / f"{kind.NAME}_v1.bin").read_bytes())
    assert type(detector) is kind
    assert {name: getattr(detector, name) for name in PARAMETERS[kind]} == PARAMETERS[kind]
    expected = json.loads((DATA / "positions_v1.json").read_text())[kind.NAME]
    assert expected
    assert detector.update_many(values()[450:]).tolist() == expected
    new = kind(**PARAMETERS[kind])
    new.update_many(values()[:450])
    assert new.update_many(values()[450:]).tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_those_of_version_1(kind):
    detector = kind(**PARAMETERS[kind])
    detector.update_many(values()[:450])
    assert detector.VERSION == 1
    assert detector.to_bytes() == (DATA / f"{kind.NAME}_v1.bin").read_bytes()


def test_names_and_tags():
    assert set(DETECTORS) == set(JOB_DETECTORS) == {"adwin", "page_hinkley", "ddm", "hddm_a", "kswin"}
    assert all(name == kind.NAME for name, kind in DETECTORS.items())
    assert len({kind.TAG for kind in KINDS}) == len(KINDS)
    assert JOB_DETECTORS["page_hinkley"] is StandardisedPageHinkley


@pytest.mark.parametrize("kind", KINDS)
def test_other_bytes_are_refused(kind):
    data = kind().to_bytes()
    with pytest.raises(ValueError, match="not the state of a detector"):
        detector_from_bytes(b"xyz" + data[3:])
    with pytest.raises(ValueError, match="format version 2: this release reads"):
        detector_from_bytes(data[:3] + b"\x02" + data[4:])
    other = next(each for each in KINDS if each is not kind)
    with pytest.raises(ValueError, match=f"not a state of detector {kind.NAME}"):
        kind.from_bytes(other().to_bytes())
    filled = kind(**PARAMETERS[kind])
    filled.update_many(values())
    data = filled.to_bytes()
    for cut in (0, 2, 7, 30, len(data) - 9, len(data) - 8, len(data) - 1):
        with pytest.raises(ValueError, match=r"cut short|damaged|not the state|not a state"):
            detector_from_bytes(data[:cut])


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_damaged_bytes_are_refused_or_read_but_nothing_else(kind, data):
    detector = kind(**PARAMETERS[kind])
    detector.update_many(values()[:60])
    broken = bytearray(detector.to_bytes())
    at = data.draw(st.integers(0, min(len(broken), 250) - 1))
    broken[at] = data.draw(st.integers(0, 255))
    try:
        read = detector_from_bytes(bytes(broken))
    except ValueError:
        return
    assert type(read) is kind


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_bounded(kind):
    detector = kind()
    if kind is KSWIN:
        detector.update_many(np.zeros(3000))
        assert len(detector.to_bytes()) < 3500
        return
    stable = np.full(200_000, 0.25)
    sizes = []
    for _ in range(2):
        assert detector.update_many(stable).tolist() == []
        sizes.append(len(detector.to_bytes()))
    assert sizes[-1] < 2000
    assert sizes[1] - sizes[0] < 120  # twice the values: at most one more level of an ADWIN


def test_a_constant_stream_is_kept_by_its_mean_alone():
    detector = ADWIN()
    detector.update_many(np.full(1000, 7.5))
    assert (detector.width, detector.estimation, detector.drift_detected) == (1000, 7.5, False)
    assert (ADWIN().width, ADWIN().estimation) == (0, 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ADWIN(delta=0), "delta 0 of ADWIN: give a number between 0 and 1"),
        (lambda: ADWIN(delta=float("nan")), "delta nan of ADWIN"),
        (lambda: ADWIN(clock=0), "clock 0 of ADWIN: give at least 1"),
        (lambda: ADWIN(max_buckets=1), "max_buckets 1 of ADWIN: give at least 2"),
        (lambda: ADWIN(min_window_length=0), "min_window_length 0 of ADWIN"),
        (lambda: PageHinkley(mode="sideways"), "mode 'sideways' of PageHinkley: give one of up, down, both"),
        (lambda: PageHinkley(threshold=0), "threshold 0 and delta 0.005 of PageHinkley"),
        (lambda: PageHinkley(delta=float("inf")), "delta inf of PageHinkley"),
        (lambda: PageHinkley(alpha=1.1), "alpha 1.1 of PageHinkley: give a forgetting factor from 0 to 1"),
        (lambda: StandardisedPageHinkley(first=0), "first 0 of StandardisedPageHinkley"),
        (lambda: DDM(drift_threshold=0.5), "drift_threshold 0.5 of DDM"),
        (lambda: DDM(warning_threshold=float("nan")), "warning_threshold nan"),
        (lambda: HDDM_A(drift_confidence=1), "drift_confidence 1 and warning_confidence 0.005 of HDDM_A"),
        (lambda: HDDM_A(drift_confidence=1e-320), "drift_confidence 1e-320 .* from 1e-300 to 1"),
        (lambda: HDDM_A(warning_confidence=1e-320), "warning_confidence 1e-320 of HDDM_A: give numbers"),
        (lambda: KSWIN(alpha=-0.1), "alpha -0.1 of KSWIN"),
        (lambda: KSWIN(stat_size=60), "stat_size 60 with window_size 100 of KSWIN"),
        (lambda: KSWIN(stat_size=0), "stat_size 0 with window_size 100 of KSWIN"),
        (lambda: KSWIN(seed=None), "seed None of KSWIN: give a whole number"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("confidence", [1e-300, 1 - 2**-53])
def test_the_ends_of_a_range_make_finite_bounds(confidence):
    made = {"drift_confidence": confidence, "warning_confidence": confidence, "two_sided_test": True}
    one, many = HDDM_A(**made), HDDM_A(**made)
    found = []
    for i, x in enumerate(values()):
        one.update(x)
        found += [i] * one.drift_detected
    assert many.update_many(values()).tolist() == found
