import numpy as np
import pytest

from driftline.profiles import hyperloglog
from driftline.profiles.hashing import bucket_of
from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    fit_categorical,
)
from driftline.statistics.cardinality import CARDINALITY, EXPECTED
from driftline.statistics.coincidence import coincidences

NAMED = 64


class Skus:
    """Windows of rows of category numbers, as a baseline and its windows count them."""

    def __init__(self, kinds, n, windows, seed, draw=None):
        self.rng = np.random.default_rng(seed)
        self.kinds = kinds
        self.draw = draw or (lambda rng, rows: rng.integers(0, kinds, rows))
        hashes = self.rng.integers(0, 2**64, 3 * kinds, dtype=np.uint64)
        self.bucket = bucket_of(hashes, 64)
        self.register, self.rank = hyperloglog.positions(hashes)
        sizes = (n * self.rng.uniform(0.7, 1.5, windows)).astype(int)
        reference = [self.draw(self.rng, rows) for rows in sizes]
        total = np.bincount(np.concatenate(reference), minlength=3 * kinds)
        self.known = total > 0
        named = np.argsort(-total, kind="stable")[: min(NAMED, int(self.known.sum()))]
        self.bucketed = len(named) == NAMED
        self.place = np.full(3 * kinds, NAMED)
        self.place[named] = np.arange(len(named))
        counts, cardinality, buckets = self.counted(reference)
        self.fitted = fit_categorical(
            counts,
            np.zeros(windows, int),
            rare_categories=max(int(self.known.sum()) - NAMED, 0),
            cardinality=cardinality,
            coincidences=coincidences(counts, buckets),
        )
        self.base = counts.sum(0), buckets.sum(0)

    def counted(self, windows):
        counts = np.stack([np.bincount(self.place[rows], minlength=NAMED + 1) for rows in windows])
        buckets = np.stack([np.bincount(self.bucket[rows], minlength=64) for rows in windows])
        buckets *= self.bucketed
        registers = hyperloglog.empty(len(windows))
        for row, values in zip(registers, windows, strict=True):
            np.maximum.at(row, self.register[values], self.rank[values])
        return counts, hyperloglog.estimate(registers), buckets

    def judged(self, windows, less=0):
        """Judge windows, as if each lacked so many categories."""
        counts, cardinality, buckets = self.counted(windows)
        size = len(windows)
        nothing = np.zeros(size, int)
        new = np.array([(~self.known[rows]).sum() for rows in windows], float)
        current = CategoricalCounts(counts, nothing, new, cardinality - less, buckets)
        whole, in_bucket = (np.tile(each, (size, 1)) for each in self.base)
        reference = CategoricalReference(CategoricalCounts(whole, nothing, buckets=in_bucket))
        return compare_categorical(current, reference, BlockNull.stack([self.fitted] * size))

    def normal(self, n, windows):
        return [self.draw(self.rng, n) for _ in range(windows)]


def zipf(kinds, index=1.0):
    weights = 1 / np.arange(1, kinds + 1) ** index
    return lambda rng, rows: rng.choice(kinds, rows, p=weights / weights.sum())


def users(kinds):
    """Each user has one category in ten rows."""
    return lambda rng, rows: np.repeat(rng.integers(0, kinds, -(-rows // 10)), 10)[:rows]


@pytest.mark.parametrize("draw", [None, zipf(1_000), users(1_000)], ids=["even", "Zipf", "users"])
@pytest.mark.parametrize("windows", [30, 200])
@pytest.mark.parametrize("times", [0.1, 1, 8])
def test_normal_windows_are_seldom_unusual(draw, windows, times):
    """At 30 windows a p-value may be wrong by a factor of two; sizes never seen give bounds."""
    p, p_value = [], []
    for seed in range(600 // windows):
        skus = Skus(1_000, 400, windows, seed, draw)
        found = skus.judged(skus.normal(int(400 * times), 40))
        p.append(found.cardinality_p)
        p_value.append(found.p_value)
    for each in (np.concatenate(p), np.concatenate(p_value)):
        assert np.mean(each <= 0.05) < (0.1 if times == 1 else 0.05)
        assert np.mean(each <= 0.01) < 0.03


FAULTS = {
    "all N/A": lambda rng, n: np.full(n, 2_500),
    "half gone": lambda rng, n: 2 * rng.integers(0, 500, n),
    "one takes half": lambda rng, n: np.where(rng.random(n) < 0.5, 999, rng.integers(0, 1_000, n)),
    "all others": lambda rng, n: 1_000 + rng.integers(0, 1_000, n),
}


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("n", [1_000, 10_000])
def test_gross_faults_are_significant_and_large(what, n):
    skus = Skus(1_000, n, 40, 1)
    found = skus.judged([FAULTS[what](skus.rng, n), *skus.normal(n, 1)])
    assert found.p_value[0] < 1e-3
    assert found.rate_change[0] > 0.25
    assert found.p_value[1] > 0.01
    assert found.rate_change[1] < 0.1
    usual = 1_000 * -np.expm1(n * np.log1p(-1 / 1_000))
    assert found.columns[EXPECTED] == pytest.approx([usual, usual], rel=0.1)
    if what in {"all N/A", "one takes half"}:
        assert found.concentration[0] == pytest.approx({"all N/A": 1, "one takes half": 0.5}[what], abs=0.04)
    assert found.concentration[1] < 0.03


def test_one_that_has_no_bin_is_measured_by_its_bucket():
    skus = Skus(1_000, 10_000, 30, 0)
    tail = int(np.flatnonzero(skus.place[:1_000] == NAMED)[0])
    found = skus.judged([np.where(skus.rng.random(10_000) < 0.3, tail, skus.normal(10_000, 1)[0])])
    assert found.concentration[0] == pytest.approx(0.3, abs=0.02)
    assert found.rate_change[0] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_tiny_and_constant_windows_have_a_p_value_and_no_warning(rows):
    constant = Skus(1, 50, 20, 0, lambda rng, n: np.zeros(n, int))
    tiny = Skus(10, rows, 20, 0)
    for skus in (constant, tiny):
        found = skus.judged([*skus.normal(rows, 3), np.array([2])])
        assert ((found.cardinality_p > 0) & (found.cardinality_p <= 1)).all()
    assert constant.judged(constant.normal(50, 1)).cardinality_p[0] > 0.5


def test_one_category_more_or_less_is_no_news():
    """Twelve categories in every window."""
    skus = Skus(12, 5_000, 60, 0)
    windows = skus.normal(5_000, 9)
    usual, fewer = (skus.judged(windows, less).cardinality_p for less in (0, 1))
    assert np.median(fewer) > 0.3
    assert (fewer > 0.2 * usual).all()
    assert (skus.judged(windows, 7).cardinality_p < 1e-3).all()


@pytest.mark.parametrize("windows", [2, 30])
def test_without_cardinalities_there_is_no_null(windows):
    counts = np.random.default_rng(0).multinomial(500, [0.5, 0.3, 0.2], windows)
    null = fit_categorical(counts, np.zeros(windows, int))
    current = CategoricalCounts(counts[:1], np.zeros(1, int), cardinality=np.array([3.0]))
    reference = CategoricalReference(CategoricalCounts(counts.sum(0)[None], np.zeros(1, int)))
    found = compare_categorical(current, reference, BlockNull.stack([null]))
    assert np.isnan(found.columns[EXPECTED]).all()
    assert found.cardinality_p.tolist() == [1.0]
    rows, defined = CARDINALITY.rows(_Pair(current))
    assert (rows.tolist(), defined.tolist()) == ([500], [True])


class _Pair:
    def __init__(self, current):
        self.current, self.some = current, np.array([True])
