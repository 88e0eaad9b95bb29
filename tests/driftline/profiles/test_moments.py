import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.profiles.moments import Moments


def of(values):
    rows = np.sort(np.atleast_2d(np.asarray(values, float)), axis=1)
    n = np.isfinite(rows).sum(1)
    return Moments.of_sorted(rows, (rows == -np.inf).sum(1), n), n


def merge(parts):
    counts = np.array([[len(part)] for part in parts])
    moments = [of(part)[0] for part in parts]
    stacked = Moments(
        *(np.stack([getattr(m, k) for m in moments]) for k in ("mean", "mean_low", "m2", "m3", "m4"))
    )
    whole = np.concatenate(parts)
    return Moments.merge(counts, stacked, np.array([whole.min()]), np.array([whole.max()]))


def exact(values):
    """Moment sums in extended precision after an exact shift."""
    x = np.asarray(values, float)
    d = (x - np.median(x)).astype(np.longdouble)
    mean = d.mean()
    d = d - mean
    return np.median(x), mean, *(float((d**k).sum()) for k in (2, 3, 4))


def assert_close(moments, values, tolerance):
    shift, mean, m2, m3, m4 = exact(values)
    sd = (m2 / len(values)) ** 0.5
    assert abs((moments.mean[0] - shift) + moments.mean_low[0] - mean) <= tolerance * max(sd, 1e-300)
    assert moments.m2[0] == pytest.approx(m2, rel=tolerance)
    assert moments.m3[0] == pytest.approx(m3, rel=tolerance, abs=tolerance * len(values) * sd**3)
    assert moments.m4[0] == pytest.approx(m4, rel=tolerance)


STREAMS = {
    "normal": lambda r, n: r.normal(size=n),
    "offset": lambda r, n: r.normal(1e9, 1, n),
    "negative offset": lambda r, n: r.normal(-1e9, 1, n),
    "lognormal": lambda r, n: r.lognormal(0, 2, n),
    "integers": lambda r, n: r.poisson(3, n).astype(float),
    "heavy": lambda r, n: r.standard_t(2, n),
    "tiny": lambda r, n: r.normal(size=n) * 1e-60,
    "large": lambda r, n: r.normal(size=n) * 1e60,
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("n", [2, 37, 5000])
def test_agrees_with_extended_precision_in_one_piece_and_any_split(name, n):
    r = np.random.default_rng(n)
    values = STREAMS[name](r, n)
    assert_close(of(values)[0], values, 1e-11)
    for x in (values, np.sort(values), np.sort(values)[::-1]):
        for pieces in (2, 7, 60):
            assert_close(merge(np.array_split(x, min(pieces, n))), values, 1e-9)


def test_agrees_with_scipy():
    x = np.random.default_rng(2).gamma(2, size=(3, 4000))
    moments, _ = of(x)
    np.testing.assert_allclose(moments.mean, x.mean(1), rtol=1e-13)
    for k in (2, 3, 4):
        np.testing.assert_allclose(
            getattr(moments, f"m{k}") / 4000, scipy.stats.moment(x, k, axis=1), rtol=1e-11
        )


def test_nan_and_infinite_values_stay_out():
    moments, n = of([[np.nan, 1, -np.inf, 2, 6, np.inf, np.nan], [np.nan] * 7, [np.inf] * 7, [-np.inf] * 7])
    assert n.tolist() == [3, 0, 0, 0]
    assert moments.mean.tolist() == [3, 0, 0, 0]
    assert moments.m2.tolist() == [14, 0, 0, 0]
    assert moments.m3.tolist() == [18, 0, 0, 0]


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, 1e308, -1e-310])
def test_constant_has_no_spread(value):
    for moments in (of([value] * 7)[0], merge([np.full(3, value), np.full(4, value)])):
        assert moments.mean.tolist() == [value]
        assert [moments.m2[0], moments.m3[0], moments.m4[0]] == [0, 0, 0]


EXTREME = st.lists(
    st.one_of(
        st.sampled_from([1e308, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 0.0, 1e200, 1e100, 1e77]),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=300)
@given(EXTREME, st.lists(st.integers(0, 20), max_size=3))
def test_extremes_are_finite_or_inf_and_never_warn(values, cuts):
    values = np.array(values) + 0.0
    parts = [part for part in np.split(values, sorted(min(c, len(values)) for c in cuts)) if len(part)]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        one, many = of(values)[0], merge(parts)
    for moments in (one, many):
        assert np.isfinite(moments.mean).all()
        assert not any(np.isnan(m).any() for m in (moments.m2, moments.m3, moments.m4))
    assert values.min() <= one.mean[0] <= values.max()
    scale = np.abs(values).max()
    np.testing.assert_allclose(
        many.mean / max(scale, 1e-300), one.mean / max(scale, 1e-300), rtol=0, atol=1e-13
    )


def test_overflow_does_not_depend_on_order():
    values = np.array([1e90, -3e90, 2e90, 1e90])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        moments = merge([values[order][:1], values[order][1:3], values[order][3:]])
        assert np.isinf(moments.m4[0])
        assert moments.m3[0] == np.inf
        assert moments.m2[0] == pytest.approx(of(values)[0].m2[0], rel=1e-12)
