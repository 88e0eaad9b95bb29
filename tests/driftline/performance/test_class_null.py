"""The null of error kinds and calibration: against linear algebra, and on windows that do not change."""

import numpy as np
import pytest
from scipy import stats

from driftline.performance.class_components import ClassComponents
from driftline.performance.class_null import ClassNull

from .drawing import ZERO_ONE, profile_of
from .test_class_components import sums_of, windows


def fitted(seed, count, n=400, **kind):
    scores, labels = windows(seed, count, n, **kind)
    normal = ClassComponents.of(profile_of(ZERO_ONE, scores.ravel(), labels.ravel()))
    return normal, ClassNull.fit(normal, sums_of(scores, labels), overlap=1.0)


NORMAL, NULL = fitted(1, 200)


def test_whitened_windows_have_unit_covariance():
    found = NULL.whitened(NORMAL.of_windows(sums_of(*windows(2, 3000))), np.full(3000, 400.0))
    assert found.shape == (3000, NULL.used) == (3000, 6)
    np.testing.assert_allclose(np.cov(found.T), np.eye(6), atol=0.35)


def test_p_values_are_uniform_on_windows_like_those_of_the_reference():
    p = []
    for seed in range(20, 30):
        normal, null = fitted(seed, 100)
        found = normal.of_windows(sums_of(*windows(seed + 20, 400)))
        p += null.p_value(found, np.full(400, 400.0)).tolist()
    p = np.array(p)
    assert 0.03 < (p < 0.05).mean() < 0.06
    assert 0.003 < (p < 0.01).mean() < 0.015
    assert stats.kstest(p, "uniform").statistic < 0.06


def test_squares_are_those_of_the_inverse_covariance():
    """T^2 is invariant: components against the pseudo-inverse of their covariance."""
    n = np.full(7, 700.0)
    found = NORMAL.of_windows(sums_of(*windows(4, 7, 700)))
    directions = NULL.arrays["directions"].reshape(6, 6).astype(float)
    precision = NULL._precision(n)[0]
    inverse = directions @ np.diag(precision) @ directions.T
    deviations = found - NULL.arrays["centre"]
    expected = np.einsum("wi,ij,wj->w", deviations, inverse, deviations)
    np.testing.assert_allclose((NULL.whitened(found, n) ** 2).sum(1), expected, rtol=1e-9)
    added = np.random.default_rng(0).normal(size=(7, 6))
    change, standard = NULL.changes(found, added, n)
    np.testing.assert_allclose(change, (added * deviations).sum(1))
    variance = np.einsum("wi,ij,wj->w", added, np.linalg.inv(inverse), added)
    np.testing.assert_allclose(standard, change / np.sqrt(variance), rtol=1e-5)


def test_with_few_windows_it_looks_at_the_error_kinds_only():
    normal, null = fitted(5, 12)
    assert null.used == 2
    found, n = normal.of_windows(sums_of(*windows(6, 1))), np.array([400.0])
    unit = np.eye(6)
    known = [np.isfinite(null.changes(found, row[None], n)[1][0]) for row in unit]
    assert known == [True, True, False, False, False, False]


def test_a_class_with_too_few_outcomes_is_left_out():
    normal, null = fitted(7, 40, positives=0.005)
    assert null.used == 3
    assert not null.arrays["directions"].reshape(6, 6)[1::2].any()
    assert 0 < null.p_value(normal.of_windows(sums_of(*windows(8, 1))), np.array([400.0]))[0] <= 1
    scores, labels = windows(9, 40, 8)
    small = ClassComponents.of(profile_of(ZERO_ONE, scores.ravel(), labels.ravel()))
    assert ClassNull.fit(small, sums_of(scores[:, :3], labels[:, :3]), overlap=1.0) is None


def test_it_comes_back_as_it_was():
    again = ClassNull.from_bytes(NULL.to_bytes())
    assert len(NULL.to_bytes()) == 480
    found, n = NORMAL.of_windows(sums_of(*windows(9, 3))), np.full(3, 400.0)
    assert again.p_value(found, n).tolist() == NULL.p_value(found, n).tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a null of error kinds"),
        (b"dCN\x02" + NULL.to_bytes()[4:], "upgrade driftline"),
        (NULL.to_bytes()[:-1], "build the baseline again"),
    ],
)
def test_what_is_no_null_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        ClassNull.from_bytes(data)
