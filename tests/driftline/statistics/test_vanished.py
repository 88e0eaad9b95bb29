import numpy as np
import pytest

from driftline.statistics.vanished import vanished_share


def vanished(window, reference, bins=64):
    """Of a window and a reference as rows of category numbers, the first `bins` named."""
    shares = np.bincount(reference, minlength=bins)[:bins] / len(reference)
    named = np.bincount(window, minlength=bins)[:bins]
    kinds = reference.max() + 1
    usual = kinds * -np.expm1(len(window) * np.log1p(-1 / kinds))
    of = np.array([float(len(window))]), shares[None], np.array([float(len(set(window)))]), np.array([usual])
    return float(vanished_share(named[None], *of)[0])


@pytest.mark.parametrize(("kinds", "n"), [(300, 1_000), (300, 10_000), (1_000, 10_000)])
def test_half_of_many_gone_is_half_of_the_rows(kinds, n):
    rng = np.random.default_rng(n)
    reference, window = rng.integers(0, kinds, 60 * n), 2 * rng.integers(0, kinds // 2, n)
    assert vanished(window, reference) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("kinds", "n"), [(50, 200), (300, 200), (1_000, 200), (10_000, 1_000), (10_000, 200)]
)
def test_that_small_windows_lack_rare_categories_is_nothing(kinds, n):
    rng = np.random.default_rng(kinds)
    reference = rng.integers(0, kinds, 60 * n)
    found = [vanished(rng.integers(0, kinds, n), reference) for _ in range(100)]
    assert np.quantile(found, 0.99) < 0.1


def test_what_had_few_rows_is_a_small_share_however_many_categories_it_is():
    """Of five categories the two rare ones are gone, which is two fifths of them and a hundredth of rows."""
    named, shares = np.array([[400, 400, 200, 0, 0]]), np.array([[0.4, 0.4, 0.19, 0.005, 0.005]])
    n = np.array([1_000.0])
    assert vanished_share(named, n, shares, np.array([3.0]), np.array([5.0])) == pytest.approx(0.01)


@pytest.mark.parametrize("cardinality", [5.0, 9.0, np.nan])
def test_nothing_is_gone_where_cardinality_is_as_usual_or_not_known(cardinality):
    named, shares = np.array([[0, 10]]), np.array([[0.5, 0.5]])
    assert vanished_share(named, np.array([10.0]), shares, np.array([cardinality]), np.array([5.0])) == [0]
