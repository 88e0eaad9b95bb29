"""The reference side: what rows are compared with."""

import numpy as np
import pytest

from driftline.performance import PerformanceReference, estimate, measure

from .drawing import SQUARED, ZERO_ONE, outcomes, profile_of


def test_a_reference_is_measured_and_calibrates():
    profile = profile_of(ZERO_ONE, *outcomes(1, 500))
    reference = PerformanceReference.of(profile)
    np.testing.assert_equal(vars(reference.metrics), vars(measure(profile)))
    assert estimate(profile, reference.calibration).error_rate == pytest.approx(
        reference.metrics.error_rate, abs=0.01
    )
    numbers = PerformanceReference.of(profile_of(SQUARED, *outcomes(1, 500, binary=False)))
    assert numbers.calibration is None
