from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from driftline.verdicts.severity import EXTREME, STRONG, severity

NAN = float("nan")


def of(psi, shift, p, /, *, drifted, **thresholds):
    values = {"alpha": 0.01, "psi": 0.25, "wasserstein_iqr": 0.1} | thresholds
    numbers = (np.array([value], float) for value in (psi, shift, p))
    (found,) = severity(*numbers, np.array([drifted]), SimpleNamespace(**values))
    return found


@pytest.mark.parametrize(
    ("psi", "shift", "expected"),
    [
        (0.5, NAN, 2),
        (NAN, 0.4, 2),
        (0.5, 0.9, 3),
        (1.0, 0.4, 4),
        (0.25, 0.1, 1),
        (0.1, 0.05, 1),
        (NAN, NAN, 1),
        (0.3, NAN, 1.2),
    ],
)
def test_a_drifted_result_has_its_size(psi, shift, expected):
    assert of(psi, shift, 1e-9, drifted=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("psi", "shift", "p", "expected"),
    [
        (0.1, NAN, 1e-9, 0.4),  # sure, but small
        (9.0, NAN, 0.1, 0.5),  # large, but not sure
        (NAN, 0.025, 1e-9, 0.5),
        (9.0, NAN, 0.01, 0.999),
        (0.25, NAN, 0.0, 0.999),
        (9.0, NAN, 1.0, 0),
        (0.1, NAN, NAN, 0.4),
        (NAN, NAN, 0.1, 0.5),
        (NAN, NAN, NAN, 0),
    ],
)
def test_any_other_has_the_smaller_of_size_and_significance(psi, shift, p, expected):
    assert of(psi, shift, p, drifted=False) == pytest.approx(expected)


def test_the_thresholds_are_the_units():
    assert of(0.5, NAN, 1e-9, drifted=True, psi=0.1) == pytest.approx(5)
    assert of(NAN, 0.9, 1e-9, drifted=True, wasserstein_iqr=0.9) == pytest.approx(1)
    assert of(9.0, NAN, 0.1, drifted=False, alpha=0.0001) == pytest.approx(0.25)
    assert of(9.0, NAN, 0.5**0.5, drifted=False, alpha=0.5) == pytest.approx(0.5)


def test_thresholds_of_nothing_divide_by_nothing():
    assert np.isfinite(of(0.5, 0.5, 0.5, drifted=True, psi=0.0, wasserstein_iqr=0.0))
    assert of(0.5, 0.5, 0.5, drifted=False, alpha=1.0) == 0.999  # at this level whatever is large is sure


def test_any_shape():
    values = np.full((2, 3), 0.5)
    thresholds = SimpleNamespace(alpha=0.01, psi=0.25, wasserstein_iqr=0.1)
    assert severity(values, values, values, values > 0, thresholds).shape == (2, 3)


def test_steps_of_drift_are_where_the_report_says():
    assert (STRONG, EXTREME) == (2, 5)
