import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profiles.bins import NumericSurvey, bin_centers, numeric_edges
from driftline.profiles.heavy import CAPACITY

from .harness import merged, splits

VERSION_1 = (Path(__file__).parent / "data" / "survey.1").read_text()
VALUES = np.array([[0.0, -0.0, 0.0, 2.5, np.nan], [np.nan] * 5, [np.inf, -np.inf, 1.0, 2.0, 3.0]])


def edges_of(values, bins=64, parts=1):
    pieces = [NumericSurvey.of(part[None]) for part in np.array_split(np.asarray(values, float), parts)]
    return NumericSurvey.merge_all(pieces).features(["x"], [bins])[0].edges


def masses(values, edges):
    values = values[np.isfinite(values)]
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) / len(values)


def has_bin(edges, value):
    i = np.searchsorted(edges, value, side="right")
    if not 0 < i < len(edges):
        return False
    others = np.abs(edges - value)[(edges < edges[i - 1]) | (edges > edges[i])]
    return edges[i] - edges[i - 1] <= max(5e-7 * abs(value), min(3e-6 * others.min(initial=np.inf), 1.0))


@pytest.mark.parametrize("parts", [1, 40])
@pytest.mark.parametrize("bins", [2, 10, 64, 200, 1024])
def test_continuous_features_have_bins_of_equal_mass(bins, parts):
    values = np.random.default_rng(bins).lognormal(size=40_000)
    edges = edges_of(values, bins, parts)
    halved = len(edges) - bins - 1  # bins of the long tail
    assert halved == 0 if bins < 64 else 1 <= halved <= 12
    assert edges[[0, -1]] == pytest.approx([values.min(), values.max()], rel=1e-6)
    below, *share, above = masses(values, edges)
    assert below == above == 0
    assert sum(share) == pytest.approx(1)
    reached = np.cumsum(share)
    assert np.abs(reached[:bins] - np.arange(1, bins + 1) / bins)[:-1].max() < 0.003
    assert max(share[bins - 1 :]) < 1 / bins + 0.003


def test_a_long_tail_is_halved_until_it_hides_little():
    values = np.random.default_rng(1).pareto(1.5, 40_000)
    iqr = np.subtract(*np.quantile(values, [0.75, 0.25]))

    def hidden(bins):
        edges = edges_of(values, bins, 1)
        return (np.diff(edges) * masses(values, edges)[1:-1]).max() / iqr

    assert hidden(64) < 0.1
    assert hidden(63) > 1


@pytest.mark.parametrize("parts", [1, 40])
@pytest.mark.parametrize("zeros", [0.02, 0.5, 0.95])
def test_zero_inflated(zeros, parts):
    r = np.random.default_rng(0)
    values = np.where(r.random(40_000) < zeros, r.choice([0.0, -0.0], 40_000), r.normal(size=40_000))
    edges = edges_of(values, 64, parts)
    assert 62 <= len(edges) + 1 <= (80 if zeros == 0.5 else 72)
    assert has_bin(edges, 0.0)
    others = np.delete(masses(values, edges), np.searchsorted(edges, 0.0))
    assert others.max() <= 1.6 * (1 - zeros) / 60


def test_constant_two_valued_and_integer_features():
    assert edges_of(np.full(1000, 7.0)) == pytest.approx([7 - 2e-6, 7 + 2e-6], abs=2e-6)
    two = edges_of(np.tile([0.0, 1.0], 500), parts=7)
    assert two == pytest.approx([0, 0, 1, 1], abs=2e-6)
    assert two[0] < 0 < two[1] < two[2] < 1 < two[3]
    dice = np.random.default_rng(1).integers(1, 7, 5000).astype(float)
    edges = edges_of(dice, parts=9)
    assert all(has_bin(edges, v) for v in range(1, 7))
    assert len(edges) == 12
    many = np.random.default_rng(2).integers(0, 2000, 40_000).astype(float)
    edges = edges_of(many, parts=9)
    assert len(edges) == 65
    assert masses(many, edges).max() < 1.3 / 64


@pytest.mark.parametrize("bins", [4, 64, 256])
def test_no_bin_but_an_atom_holds_much(bins):
    r = np.random.default_rng(3)
    values = np.where(r.random(60_000) < 0.7, r.integers(0, 40, 60_000), r.normal(200, 10, 60_000))
    edges = edges_of(values, bins, 11)
    distinct, counts = np.unique(values, return_counts=True)
    atoms = distinct[counts > len(values) / bins]
    assert all(has_bin(edges, v) for v in atoms)
    assert len(edges) + 1 <= 2 * len(atoms) + bins + 2
    at = np.searchsorted(edges, atoms)
    assert np.delete(masses(values, edges), at).max() <= 1.5 / bins


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [10, 64])
def test_a_value_falls_into_one_bin_whatever_its_type(kind, bins):
    r = np.random.default_rng(5)
    values = np.concatenate([r.choice(np.arange(300) / 100, 4_000), r.choice([0.0, 0.1, 19.99, -7.3], 4_000)])
    edges = edges_of(values.astype(kind).astype(np.float64), bins)
    noisy = values + r.normal(0, 1e-13, len(values))
    bin_of = np.searchsorted(edges, values, side="right")
    for other in (values.astype(np.float32).astype(np.float64), noisy, -(-values / 3) * 3):
        assert (np.searchsorted(edges, other, side="right") == bin_of).all()
    assert {0, len(edges)}.isdisjoint(bin_of)


def test_what_is_another_value_is_not_the_same():
    whole = np.repeat(1e8 + np.arange(3), 400)
    edges = edges_of(whole)
    assert len(set(np.searchsorted(edges, whole, side="right").tolist())) == 3
    assert np.searchsorted(edges, 1e8 + 3, side="right") == len(edges)
    close = np.repeat([1.0, 1.0 + 1e-9, 1.0 + 2e-9], 400)
    assert len(set(np.searchsorted(edges_of(close), close, side="right").tolist())) == 3
    cents = edges_of(np.repeat([19.98, 19.99], 400))
    assert len({int(np.searchsorted(cents, v, side="right")) for v in (19.98, 19.985, 19.99, 20.0)}) == 4
    zeros = edges_of(np.repeat([0.0, 1e-9], 400))
    assert np.searchsorted(zeros, 1e-12, side="right") == np.searchsorted(zeros, 2e-12, side="right")
    far = edges_of(np.append(np.repeat([0.01, 0.02], 400), 1e12))
    assert np.searchsorted(far, 0.009, side="right") == 0  # however far the largest value is


def test_nothing_to_cut():
    for values in ([], [np.nan] * 9, [np.inf, -np.inf, np.nan]):
        assert edges_of(np.array(values)).tolist() == []
    assert edges_of(np.array([5.0])) == pytest.approx([5.0, 5.0], abs=2e-6)


@pytest.mark.parametrize("scale", [1.7e308, 5e-324, 1e-310])
def test_extremes(scale):
    for values in (np.linspace(-1, 1, 400) * scale, np.full(80, scale), np.repeat([-scale, 0, scale], 30)):
        edges = edges_of(values)
        assert np.isfinite(edges).all()
        assert (np.diff(edges) > 0).all()
        centers = bin_centers(edges, values.min(), values.max())
        assert np.isfinite(centers).all()
        assert (np.diff(centers) >= 0).all()


@pytest.mark.parametrize("bins", [1, 1025])
def test_refuses_numbers_of_bins(bins):
    with pytest.raises(ValueError, match=f"bins: {bins}; a numeric feature has 2 to 1024"):
        numeric_edges(lambda q: q, [], bins)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(), max_size=300), st.integers(2, 128), st.integers(1, 4))
def test_any_values_make_valid_edges_and_centers(values, bins, parts):
    values = np.array(values, float)
    edges = edges_of(values, bins, parts)
    assert len(edges) + 1 <= 3 * bins + 2
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if len(finite) else (np.nan, np.nan)
    centers = bin_centers(edges, low, high)
    assert len(centers) == len(edges) + 1
    assert (np.diff(centers) >= 0).all()
    if len(finite):
        low, high = np.append(-np.inf, edges), np.append(edges, np.inf)
        assert ((low <= centers) & (centers <= high)).all()


def test_centers():
    edges = np.array([0.0, np.nextafter(0.0, 1), 1.0, 3.0])
    assert bin_centers(edges, -4.0, 9.0).tolist() == [-2, 0, 0.5, 2, 6]
    assert bin_centers(edges, 0.0, 2.0).tolist() == [0, 0, 0.5, 2, 3]
    assert np.isnan(bin_centers(np.empty(0), np.nan, np.nan)).all()
    assert bin_centers(np.empty(0), 2.0, 4.0).tolist() == [3]


def drawn(size, seed):
    """Rows with atoms around the threshold hidden among thousands of other values."""
    r = np.random.default_rng(seed)
    values = r.normal(size=(3, size))
    where = r.random(size)
    for i in range(30):
        values[0, (where >= i * 0.017) & (where < (i + 1) * 0.017)] = i / 7
    values[1] = r.integers(0, 3 * CAPACITY, size)
    values[1, r.random(size) < 0.02] = -0.0
    values[2, r.random(size) < 0.5] = np.nan
    return values


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_split_any_order_finds_every_atom(data):
    size = data.draw(st.sampled_from([0, 1, 300, 9000]))
    values = drawn(size, data.draw(st.integers(0, 9)))
    split = data.draw(splits(size))
    result = merged(
        split,
        size,
        lambda rows: NumericSurvey.of(values[:, rows]),
        NumericSurvey.merge_all,
    )
    assert result.rows == size
    for f, row in enumerate(values):
        x = row[np.isfinite(row)]
        assert result.n[f] == len(x)
        distinct, counts = np.unique(x + 0.0, return_counts=True)
        kept = dict(zip(*(a.tolist() for a in result.heavy.distribution(f)), strict=True))
        assert len(kept) <= CAPACITY
        error = result.heavy.error[f]
        assert error <= len(x) / (CAPACITY + 1)
        assert error == 0 or len(distinct) > CAPACITY
        for value, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            assert kept.pop(value, 0) <= count <= kept.get(value, 0) + count
        assert not kept, "a value that never came"
        atoms = distinct[(counts > len(x) / 64) & (counts > 1)]
        edges = result.features("abc", [64] * 3)[f].edges
        assert all(has_bin(edges, v) for v in atoms)
        if len(x):
            assert (result.minimum[f], result.maximum[f]) == (x.min(), x.max())


def test_counts_are_bounded_by_error():
    values = drawn(20_000, 1)[:2]
    survey = NumericSurvey.merge_all([NumericSurvey.of(part) for part in np.array_split(values, 13, axis=1)])
    assert (survey.heavy.error > 0).all()
    for f in range(2):
        distinct, counts = np.unique(values[f] + 0.0, return_counts=True)
        kept = dict(zip(*survey.heavy.distribution(f), strict=True))
        low = np.array([kept.get(v, 0) for v in distinct])
        assert (low <= counts).all()
        assert (counts <= low + survey.heavy.error[f]).all()


def test_reads_version_1():
    survey = NumericSurvey.from_bytes(base64.b64decode(VERSION_1))
    assert (survey.rows, survey.n.tolist()) == (5, [4, 0, 3])
    np.testing.assert_array_equal(survey.minimum, [0, np.nan, 1])
    np.testing.assert_array_equal(survey.maximum, [2.5, np.nan, 3])
    assert [v.tolist() for v in survey.heavy.distribution(0)] == [[0, 2.5], [3, 1]]
    assert survey.digest.centroids[2, :3].tolist() == [1, 2, 3]
    assert has_bin(survey.features("abc", [64] * 3)[0].edges, 0.0)


def test_does_not_change_its_input():
    values = VALUES.copy()
    NumericSurvey.of(values)
    np.testing.assert_array_equal(values, VALUES)


def test_refuses_other_features():
    with pytest.raises(ValueError, match=r"surveys of \[1, 3\] features cannot merge"):
        NumericSurvey.merge_all([NumericSurvey.of(VALUES), NumericSurvey.of(VALUES[:1])])


@given(st.data())
def test_damaged_bytes_are_a_clear_error(data):
    good = NumericSurvey.of(VALUES).to_bytes()
    with pytest.raises(ValueError, match="numeric survey"):
        NumericSurvey.from_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(ValueError, match="numeric survey of format version 3"):
        NumericSurvey.from_bytes(good[:3] + b"\x03" + good[4:])
    with pytest.raises(ValueError, match="its head describes"):
        NumericSurvey.from_bytes(good + b"!")
