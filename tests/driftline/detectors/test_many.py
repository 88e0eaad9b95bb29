"""Many values at a time, split anywhere and written down in between: the same as one by one, bit for bit."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftline.detectors import (
    ADWIN,
    DDM,
    HDDM_A,
    KSWIN,
    PageHinkley,
    StandardisedPageHinkley,
    detector_from_bytes,
)

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

DETECTORS = {
    "adwin_small": lambda: ADWIN(delta=0.3, clock=5, max_buckets=2),
    "adwin": lambda: ADWIN(delta=0.1),
    "page_hinkley": lambda: PageHinkley(min_instances=10, threshold=4.0),
    "ddm": lambda: DDM(warm_start=10, drift_threshold=1.5),
    "hddm_a_both": lambda: HDDM_A(drift_confidence=0.1, two_sided_test=True),
    "hddm_a": lambda: HDDM_A(drift_confidence=0.1),
    "kswin": lambda: KSWIN(alpha=0.4, window_size=12, stat_size=5, seed=3),
    "standardised": lambda: StandardisedPageHinkley(min_instances=10, threshold=5.0, first=20),
}
every_detector = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)


class Stream(NamedTuple):
    """Values in [0, 1] whose mean jumps, and where to split them."""

    parts: list[tuple[int, float]]
    errors: bool
    seed: int
    splits: list[int]

    def values(self):
        r = np.random.default_rng(self.seed)
        parts = [r.random(n) < p if self.errors else p * r.random(n) for n, p in self.parts]
        return np.concatenate([np.empty(0), *parts]).astype(float)


streams = st.builds(
    Stream,
    st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])), max_size=4),
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 1600), max_size=5),
)


def one_by_one(detector, values):
    found = []
    for i, x in enumerate(values.tolist()):
        detector.update(x)
        if detector.drift_detected:
            found.append(i)
    return found


@every_detector
@settings(max_examples=40, deadline=None)
@given(stream=streams)
@example(stream=Stream([(300, 0.0), (300, 1.0), (300, 0.0)], True, 0, [1, 299, 300, 301, 650]))
def test_any_split_and_any_restart_is_the_same(make, stream):
    values = stream.values()
    splits = sorted(min(split, len(values)) for split in stream.splits)
    reference = make()
    expected = one_by_one(reference, values)
    split, restarted = make(), make()
    found = []
    for begin, end in zip([0, *splits], [*splits, len(values)], strict=True):
        positions = split.update_many(values[begin:end])
        assert positions.dtype == np.int64
        found += (begin + positions).tolist()
        again = detector_from_bytes(restarted.to_bytes())
        assert type(again) is type(restarted)
        restarted = again
        assert restarted.update_many(values[begin:end]).tolist() == positions.tolist()
        assert restarted.drift_detected == split.drift_detected
    assert found == expected
    assert split.to_bytes() == restarted.to_bytes() == reference.to_bytes()
    assert split.drift_detected == reference.drift_detected == (expected[-1:] == [len(values) - 1])


@every_detector
def test_the_test_above_sees_detections(make):
    values = (np.random.default_rng(5).random(1500) < np.repeat([0.1, 0.9, 0.1], 500)).astype(float)
    assert len(make().update_many(values)) >= 2


@every_detector
@settings(max_examples=30, deadline=None)
@given(stream=streams)
def test_a_change_tells_the_means_on_both_sides(make, stream):
    values = stream.values()
    changes = make().changes(values)
    assert [change.position for change in changes] == make().update_many(values).tolist()
    previous = -1
    for change in changes:
        begin = change.position - change.width + 1
        assert previous < begin <= change.position
        assert math.isclose(change.after, values[begin : change.position + 1].mean(), abs_tol=1e-9)
        before = values[previous + 1 : begin]
        if make().NAME == "kswin":
            before = before[-7:]  # all that its window of 12 holds besides the newest 5
        if len(before):
            assert math.isclose(change.before, before.mean(), abs_tol=1e-9)
        previous = change.position


@every_detector
def test_the_width_reaches_into_the_values_of_earlier_calls(make):
    values = np.repeat([0.0, 1.0], 200)
    whole = make().changes(values)[0]
    for split in (whole.position, 200, 150):
        detector = make()
        assert detector.changes(values[:split]) == ()
        assert detector.changes(values[split:])[0] == whole._replace(position=whole.position - split)


@every_detector
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_a_value_that_is_no_number_is_refused_and_changes_nothing(make, bad):
    detector = make()
    detector.update_many(np.random.default_rng(1).random(77))
    before = detector.to_bytes()
    name = type(detector).__name__
    with pytest.raises(
        ValueError, match=rf"{name} got {bad!r}: it takes .*numbers.*replace".replace("+", "\\+")
    ):
        detector.update(bad)
    with pytest.raises(ValueError, match=rf"{name} got {bad!r} at position 400: ".replace("+", "\\+")):
        detector.update_many([0.5] * 400 + [bad, 0.5, math.nan])
    assert detector.to_bytes() == before


def test_ddm_takes_errors_and_losses_within_0_and_1_only():
    with pytest.raises(ValueError, match=r"DDM got 1\.5 at position 1: it takes numbers from 0 to 1"):
        DDM().update_many([0.5, 1.5])


def test_two_dimensions_are_two_streams():
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*one dimension"):
        ADWIN().update_many(np.zeros((2, 3)))


@every_detector
def test_anything_like_an_array_is_taken(make):
    values = [0, 1, True, 0.25]
    detectors = [make(), make(), make()]
    detectors[0].update_many(values)
    detectors[1].update_many(np.array(values, np.float32))
    detectors[2].update(np.float32(0))
    for x in values[1:]:
        detectors[2].update(x)
    assert len({detector.to_bytes() for detector in detectors}) == 1
    assert make().update_many([]).tolist() == []


@pytest.mark.parametrize(("detector", "early", "late"), [(ADWIN(), 40, 20), (DDM(), 10, 60)])
def test_a_clear_change_is_placed_where_it_was(detector, early, late):
    values = (np.random.default_rng(3).random(4000) < np.repeat([0.1, 0.6], 2000)).astype(float)
    change = next(change for change in detector.changes(values) if change.position >= 2000)
    assert -early <= change.position - change.width + 1 - 2000 <= late
    assert change.position < 2400
    assert change.before < 0.2
    assert change.after > 0.4
