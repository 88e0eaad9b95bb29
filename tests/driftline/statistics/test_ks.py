import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from driftline.statistics import ks

counts = st.lists(st.integers(0, 50), min_size=6, max_size=6).filter(sum)


def fractions(bins):
    return np.asarray(bins, dtype=float) / np.sum(bins, axis=-1, keepdims=True)


@given(counts, counts)
def test_distance_is_scipys_on_values_in_bins(a, b):
    expected = stats.ks_2samp(np.repeat(np.arange(6), a), np.repeat(np.arange(6), b)).statistic
    assert ks.distance(fractions(a) - fractions(b)) == pytest.approx(expected, abs=1e-12)


def test_p_value_of_atoms_is_scipys_asymptotic_one():
    rng = np.random.default_rng(0)
    a, b = rng.multinomial(500, [0.1] * 10, size=40), rng.multinomial(20_000, [0.1] * 10, size=40)
    p = ks.iid_p_value(fractions(a) - fractions(b), a.sum(1), b.sum(1), np.zeros((40, 10)))
    expected = [
        stats.ks_2samp(np.repeat(np.arange(10), x), np.repeat(np.arange(10), y), method="asymp").pvalue
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(p, expected, rtol=0.03)


def test_same_samples_have_p_one_and_empty_ones_none():
    difference = np.zeros((2, 4))
    p = ks.iid_p_value(difference, [100, 0], [100, 100], np.full((2, 4), 0.25))
    assert p[0] == 1
    assert np.isnan(p[1])


def decisions(shift, n, m, trials, *, zeros=0.0):
    """Decisions at .01 of ours on 64 quantile bins with atoms, and of scipy on the raw values."""
    rng = np.random.default_rng(7)

    def draw(size, by):
        return np.where(rng.random(size) < zeros, 0.0, rng.normal(by, 1, size))

    reference = np.sort(draw(m, 0.0))
    edges = reference[np.arange(1, 64) * m // 64]
    if zeros:
        edges = np.r_[edges, 0.0, np.nextafter(0, 1)]
    edges = np.unique(edges)
    mass = np.bincount(np.searchsorted(edges, reference, "right"), minlength=len(edges) + 1) / m
    spread = np.where(ks.atom_bins(edges), 0.0, mass)
    ours, raw = [], []
    for _ in range(trials):
        live = draw(n, shift)
        binned = np.bincount(np.searchsorted(edges, live, "right"), minlength=len(edges) + 1) / n
        ours.append(ks.iid_p_value((binned - mass)[None], [n], [m], spread[None])[0] <= 0.01)
        raw.append(stats.ks_2samp(live, reference, method="asymp").pvalue <= 0.01)
    return np.array(ours), np.array(raw)


@pytest.mark.parametrize(("n", "shift", "zeros"), [(2_000, 0.066, 0.0), (2_000, 0.11, 0.4)])
def test_bins_decide_as_scipy_does_on_raw_values(n, shift, zeros):
    ours, raw = decisions(0.0, n, 20_000, 250, zeros=zeros)
    assert np.mean(ours == raw) >= 0.99
    ours, raw = decisions(shift, n, 20_000, 250, zeros=zeros)
    assert 0.3 < raw.mean() < 0.7
    assert np.mean(ours == raw) >= 0.96


def test_uniform_bins_reject_the_null_at_the_nominal_rate():
    rng = np.random.default_rng(3)
    live = rng.multinomial(5_000, np.full(64, 1 / 64), size=20_000) / 5_000
    p = ks.iid_p_value(
        live - 1 / 64, np.full(20_000, 5_000), np.full(20_000, 10**9), np.full(live.shape, 1 / 64)
    )
    for alpha in (0.05, 0.01):
        assert np.mean(p <= alpha) == pytest.approx(alpha, abs=4 * np.sqrt(alpha / 20_000))


def test_atoms_are_bins_one_float_wide():
    v = np.array([0.1, 3.0, -1e9, 1e-300])
    edges = np.column_stack([v, np.nextafter(v, np.inf)])
    assert ks.atom_bins(edges)[:, 1].all()
    single = np.float32(0.1)
    assert ks.atom_bins([float(single), float(np.nextafter(single, np.float32(1)))])[1]
    assert not ks.atom_bins([0.1, 0.2, np.inf, np.inf]).any()


def p_by_its_definition(difference, mass, rows):
    """The median over the bins in which values spread is solved for, step by step."""
    scaled = np.abs(np.cumsum(difference)) * np.sqrt(rows)
    left, highest = np.r_[0, scaled[:-1]], scaled.max()

    def likely(level):
        a, b, t = ((each)[mass > 0] for each in (level - left, level - scaled, mass))
        return np.log1p(-np.exp(-2 * a * b / t)).sum() + np.log(2)

    z = optimize.brentq(likely, highest + 1e-9, highest + 3, xtol=1e-12) if highest > 0.5 else highest
    return special.kolmogorov(z + 1 / (6 * np.sqrt(rows)) + (z - 1) / (4 * rows))


def test_p_value_is_that_of_the_median_between_the_edges():
    n, m = np.array([10, 12, 50, 500, 9]), np.array([40, 12, 70, 9_000, 11])
    shift = np.array([0.2, 0.25, 0.1, 0.05, 0.02])
    pattern = np.array([1, 0.5, 0, 0.25, -0.25, -0.5, 0.5, -1.5])
    mass = np.array(
        [[0.125] * 8, [0.2, 0.1] * 2 + [0.1] * 4, [0.05] * 4 + [0.2] * 4, [0.125] * 8, [0.125] * 8]
    )
    p = ks.iid_p_value(shift[:, None] * pattern, n, m, mass)
    expected = [
        p_by_its_definition(s * pattern, q, a * b / (a + b))
        for s, q, a, b in zip(shift, mass, n, m, strict=True)
    ]
    np.testing.assert_allclose(p, expected, rtol=1e-6)
    assert expected[-1] > 0.99 > expected[0] > 0.05


def test_a_gap_of_just_a_half_is_not_looked_into():
    p = ks.iid_p_value(np.array([[0.5, -0.5]]), [2], [2], np.full((1, 2), 0.5))
    assert p[0] == pytest.approx(special.kolmogorov(0.5 + 1 / 6 - 0.5 / 4))


def test_an_infinite_edge_is_no_atom():
    assert ks.atom_bins([-np.inf, -np.inf, 0.0, 1.0, np.inf, np.inf]).tolist() == [False] * 7
    assert ks.atom_bins([[0.1, np.nextafter(0.1, 1)], [0.0, 1e-46]]).tolist() == [[False, True, False]] * 2


def test_a_bin_of_four_steps_is_an_atom_and_one_of_six_is_not():
    step = float(np.spacing(np.float32(1.0)))
    assert ks.atom_bins([1.0, 1.0 + 4 * step, 1.0 + 10 * step]).tolist() == [False, True, False, False]


def test_atoms_between_spread_bins_have_no_inside():
    n, m, shift = 500, 9_000, 0.05
    pattern = np.array([1, 0.5, 0, 0.25, -0.25, -0.5, 0.5, -1.5])
    mass = np.array([0.125, 0.0, 0.125, 0.0, 0.125, 0.0, 0.125, 0.125])
    p = ks.iid_p_value(shift * pattern[None], [n], [m], mass[None])
    assert p[0] == pytest.approx(p_by_its_definition(shift * pattern, mass, n * m / (n + m)), rel=1e-6)
