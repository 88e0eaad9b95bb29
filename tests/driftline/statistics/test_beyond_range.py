"""Values beyond the range of the reference: as many as chance puts there are no news."""

from types import SimpleNamespace

import numpy as np
import pytest

from driftline.statistics import BlockNull, NumericCounts, NumericReference
from driftline.statistics.beyond_range import BEYOND_RANGE
from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID
from driftline.statistics.numeric_comparison import NumericPair
from driftline.statistics.statistic import FeatureWindows

ALIKE = np.full((40, 32), 500 / 32)
"""Windows that do not differ: 20 000 rows whose effect at the typical size is one."""


def fitted(counts, overlap=1.0):
    nothing = np.zeros(len(counts))
    return BEYOND_RANGE.fit(
        FeatureWindows(np.asarray(counts, float), nothing, nothing, nothing, counts.sum(0), overlap, 200)
    )


def p_of(null, beyond, n=500):
    """p-values of windows with so many rows below and above."""
    beyond = np.array(beyond)
    rows = np.broadcast_to(np.asarray(n, float), len(beyond))
    block = BlockNull.stack([{"range": null}] * len(beyond))
    pair = SimpleNamespace(when=None, current=SimpleNamespace(present=rows), beyond=beyond)
    return block.p_values(BEYOND_RANGE.squared(pair, block.arrays["range"])[:, None], rows[:, None])[:, 0]


def test_so_many_rows_on_one_side_have_the_chance_of_exceedances_on_either():
    each = np.arange(1, 5)
    expected = 2 * (500 / (20_000 + 500)) ** each
    for beyond in (each, 0 * each), (0 * each, each), (each, each), (each, each - 1):
        np.testing.assert_allclose(p_of(fitted(ALIKE), np.stack(beyond, axis=1)), expected, rtol=0.05)
    assert p_of(fitted(ALIKE), [[0, 0]]).tolist() == [1.0]


@pytest.mark.parametrize("overlap", [0.5, 1.0, 4.0])
def test_the_table_is_that_chance_at_every_size(overlap):
    table = fitted(ALIKE, overlap).table
    rows = SIZE_GRID[:, None] * 500
    rest = 20_000 / max(overlap, 1.0)
    chance = 2 * (rows / (rest + rows)) ** np.exp(table.quantiles.astype(float))
    np.testing.assert_allclose(chance, np.broadcast_to(P_GRID, chance.shape), rtol=1e-4)
    assert (table.typical_n, table.n_min, table.n_max) == (500, 500, 500)


def test_no_drift_is_alarmed_at_most_as_often_as_it_should():
    rng = np.random.default_rng(0)
    alarms = []
    for _ in range(200):
        x = rng.standard_normal((40, 200))
        edges = np.quantile(x, np.arange(1, 32) / 32)
        counts = np.stack([np.bincount(np.searchsorted(edges, row), minlength=32) for row in x])
        live = rng.standard_normal((20, 200))
        beyond = np.stack([(live < x.min()).sum(1), (live > x.max()).sum(1)], axis=1)
        alarms.append(p_of(fitted(counts), beyond, 200) < 0.06)
    assert 0 < np.mean(alarms) < 0.06


def test_rows_that_come_in_tens_count_as_one():
    rng = np.random.default_rng(1)
    clustered = fitted(10 * rng.multinomial(50, np.full(32, 1 / 32), 400))
    effect = np.exp(clustered.arrays["log_effects"].astype(float))
    # the mean of the larger of two squares is 1 + 2 / pi
    assert effect[4] == pytest.approx(10 * (1 + 2 / np.pi), rel=0.1)
    alone = fitted(rng.multinomial(500, np.full(32, 1 / 32), 400))
    assert np.exp(alone.arrays["log_effects"][4]) == pytest.approx(1 + 2 / np.pi, rel=0.1)
    # of one end as of the other
    for end in ([0, 1], [30, 31]):
        found = rng.multinomial(500, np.full(32, 1 / 32), 400)
        found[:, 15] += found[:, end].sum(1)
        found[:, end] = 10 * rng.multinomial(50, np.full(32, 1 / 32), 400)[:, :2]
        found[:, 15] -= found[:, end].sum(1)
        assert np.exp(fitted(found).arrays["log_effects"][4]) == pytest.approx(10, rel=0.2)


def test_the_ends_are_sixteenths():
    rng = np.random.default_rng(2)
    inner = rng.multinomial(500, np.full(32, 1 / 32), 400)
    inner[:, 2], inner[:, 3] = np.where(np.arange(400)[:, None] % 2, [0, 30], [30, 0]).T
    assert np.exp(fitted(inner).arrays["log_effects"][4]) < 1.8
    outer = inner.copy()
    outer[:, [1, 2]] = inner[:, [2, 1]]
    assert np.exp(fitted(outer).arrays["log_effects"][4]) > 5


def test_a_bin_that_ends_at_just_a_sixteenth_is_in_it():
    for places in ([1, 5], [30, 26]):
        counts = np.full((40, 32), 16)
        counts[:, places] = np.where(np.arange(40)[:, None] % 2, [0, 32], [32, 0])
        assert np.exp(fitted(counts).arrays["log_effects"][4]) > 5


def test_the_upper_end_is_above_most_rows_and_the_lower_one_below():
    counts = np.full((40, 32), 16)
    counts[:, 0] = 500
    counts[:, [31, 15]] = np.where(np.arange(40)[:, None] % 2, [0, 32], [32, 0])
    for values in (counts, counts[:, ::-1]):
        assert np.exp(fitted(values).arrays["log_effects"][4]) > 5


def test_a_share_is_of_what_its_windows_have():
    """Windows of other sizes, all alike: no clusters."""
    sizes = np.tile([100, 900], 200)[:, None]
    effect = fitted(sizes * np.full(32, 1 / 32)).arrays["log_effects"]
    assert np.exp(effect[4]) == pytest.approx(1, rel=0.01)
    rng = np.random.default_rng(3)
    drawn = np.stack([rng.multinomial(int(n), np.full(32, 1 / 32)) for n in sizes[:, 0]])
    assert np.exp(fitted(drawn).arrays["log_effects"][4]) == pytest.approx(1 + 2 / np.pi, rel=0.1)


def test_the_effect_between_two_sizes_is_between_theirs():
    effects = np.log([1, 2, 4, 8, 16, 32, 64, 128, 512]).astype(np.float32)
    arrays = {"log_effects": np.tile(effects, (6, 1)), "typical_n": np.full((6, 1), 160, np.float32)}
    n = np.array([1.0, 10.0, 160.0, 160 * 2**0.5, 1_280 * 2**0.5, 1e6])
    pair = SimpleNamespace(when=None, current=SimpleNamespace(present=n), beyond=np.tile([3, 256], (6, 1)))
    expected = 256 / np.array([1, 1, 16, 16 * 2**0.5, 256, 512])
    np.testing.assert_allclose(BEYOND_RANGE.squared(pair, arrays), expected, rtol=1e-5)


@pytest.mark.parametrize(("windows", "overlap", "known"), [(2, 1.0, False), (3, 1.0, True), (3, 2.0, False)])
def test_two_windows_are_too_few(windows, overlap, known):
    p = p_of(fitted(ALIKE[:windows], overlap), [[0, 400]])[0]
    assert (p < 1e-6) == known
    assert known or p == 1


def test_windows_without_values_are_ignored():
    rng = np.random.default_rng(4)
    counts = rng.multinomial(500, np.full(32, 1 / 32), 20)
    counts[7] = np.eye(1, 32, dtype=int)
    plain, gaps = fitted(counts), fitted(np.insert(counts, 3, 0, axis=0))
    np.testing.assert_array_equal(plain.table.quantiles, gaps.table.quantiles)
    assert plain.table.n_min == 1


def test_a_constant_feature_has_a_range_of_its_own():
    counts = np.tile([0, 500, 0], (30, 1))
    p = p_of(fitted(counts), [[0, 0], [0, 1], [9, 0]])
    assert p[0] == 1
    assert p[1] == pytest.approx(2 * 500 / 15_500, rel=0.1)
    assert p[2] < 1e-6


def test_the_share_is_of_present_rows_beyond_all_of_the_reference():
    base = NumericCounts(np.array([[0, 0, 3, 0, 1, 0], [0] * 6, [1, 0, 0, 0, 0, 0]]), *np.zeros((2, 3), int))
    live = NumericCounts(
        np.array([[1, 2, 3, 4, 5, 5], [1] * 6, [0] * 6]), np.array([9, 0, 0]), np.zeros(3, int)
    )
    one = np.ones(3)
    pair = NumericPair(live, NumericReference(base, np.ones((3, 5)), one, one))
    assert pair.beyond[0].tolist() == [3, 5]
    np.testing.assert_array_equal(BEYOND_RANGE.values(pair)["beyond_range"], [8 / 20, np.nan, np.nan])
    n, defined = BEYOND_RANGE.rows(pair)
    assert (n.tolist(), defined.tolist()) == ([20, 6, 0], [True, False, False])


def test_one_row_below_is_beyond():
    base = NumericCounts(np.array([[0, 1]]), *np.zeros((2, 1), int))
    live = NumericCounts(np.array([[1, 0]]), *np.zeros((2, 1), int))
    pair = NumericPair(live, NumericReference(base, np.ones((1, 1)), np.ones(1), np.ones(1)))
    assert BEYOND_RANGE.values(pair)["beyond_range"].tolist() == [1.0]
