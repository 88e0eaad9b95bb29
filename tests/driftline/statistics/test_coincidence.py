import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.statistics.coincidence import coincidences, independent_variance, log_coincidence

COUNTS = st.lists(st.integers(0, 6), min_size=1, max_size=5)


@given(COUNTS, COUNTS)
def test_pairs_are_those_of_buckets_or_else_of_categories(categories, buckets):
    counted = buckets if any(buckets) else categories
    rows = [value for value, count in enumerate(counted) for _ in range(count)]
    pairs = sum(a == b for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j)
    assert coincidences(np.array([categories]), np.array([buckets])).tolist() == [pairs]


@pytest.mark.parametrize("n", [20, 2_000])
def test_the_chance_that_rows_are_alike_does_not_depend_on_how_many_they_are(n):
    shares = np.array([0.5, 0.3, 0.2])
    counts = np.random.default_rng(n).multinomial(n, shares, 4_000)
    found = np.exp(log_coincidence(coincidences(counts, np.zeros((4_000, 1))), np.full(4_000, float(n))))
    # one pair more than there are
    assert found.mean() == pytest.approx((shares**2).sum() + (1 - (shares**2).sum()) / (n * n), rel=0.01)


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.4, 0.3, 0.2, 0.1], [1 / 64] * 64])
def test_independent_rows_vary_no_less(shares):
    n = 2_000.0
    counts = np.random.default_rng(0).multinomial(n, shares, 4_000)
    logs = log_coincidence(coincidences(counts, np.zeros((4_000, 1))), np.full(4_000, n))
    first, second = independent_variance(np.array(shares), logs)
    least = first / n + second / n**2
    assert least <= 1.1 * logs.var()
    if len(set(shares)) == 1:
        assert least == pytest.approx(logs.var(), rel=0.1)
