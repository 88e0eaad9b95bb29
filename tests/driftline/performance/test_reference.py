"""The reference side: profiles by segment as bytes of the baseline."""

from pathlib import Path

import numpy as np
import pytest

from driftline.performance import PerformanceReference, decode_profiles, encode_profiles, estimate, measure
from driftline.profiles.framing import frame

from .drawing import SQUARED, ZERO_ONE, outcomes, profile_of
from .test_profile import golden

DATA = Path(__file__).parent / "data"


def test_profiles_come_back_in_any_order():
    profiles = {
        segment: profile_of(ZERO_ONE, *outcomes(seed, 40 * seed))
        for seed, segment in enumerate(["*", "origin=JFK", "(other)", "origin=~,carrier=é"])
    }
    data = encode_profiles(profiles)
    assert encode_profiles(dict(reversed(profiles.items()))) == data
    found = decode_profiles(data)
    assert {segment: profile.to_bytes() for segment, profile in found.items()} == {
        segment: profile.to_bytes() for segment, profile in profiles.items()
    }
    assert decode_profiles(encode_profiles({})) == {}


def test_profiles_of_version_1_are_read():
    data = (DATA / "reference_v1.bin").read_bytes()
    profiles = {"*": golden("zero_one"), "origin=JFK": golden("squared")}
    assert encode_profiles(profiles) == data
    assert decode_profiles(data)["origin=JFK"].squared_sum == 78


GOOD = encode_profiles({"*": golden("zero_one")})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a performance reference"),
        (b"dPR\x02" + GOOD[4:], "upgrade driftline"),
        (GOOD[:-1], "cut short"),
        (GOOD + b"x", "cut short"),
        (frame(b"dPR", 1, {}, b""), "damaged"),
        (frame(b"dPR", 1, {"profiles": [["*"]]}, b""), "damaged"),
        (frame(b"dPR", 1, {"profiles": [["*", True]]}, b"x"), "damaged"),
        (frame(b"dPR", 1, {"profiles": [["*", -1], ["a", 1]]}, b""), "damaged"),
        (frame(b"dPR", 1, {"profiles": [["*", 4]]}, b"abcd"), "not a performance profile"),
    ],
)
def test_what_is_no_reference_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode_profiles(data)


def test_a_reference_is_measured_and_calibrates():
    profile = profile_of(ZERO_ONE, *outcomes(1, 500))
    reference = PerformanceReference.of(profile)
    np.testing.assert_equal(vars(reference.metrics), vars(measure(profile)))
    assert estimate(profile, reference.calibration).error_rate == pytest.approx(
        reference.metrics.error_rate, abs=0.01
    )
    numbers = PerformanceReference.of(profile_of(SQUARED, *outcomes(1, 500, binary=False)))
    assert numbers.calibration is None
