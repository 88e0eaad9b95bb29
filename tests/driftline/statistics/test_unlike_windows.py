"""An incident in the reference does not hide the next one, and rough streams keep their far windows."""

import numpy as np
import pytest
from scipy import stats

from driftline.statistics import fit_categorical, fit_numeric
from driftline.statistics.null.lookup_grid import p_values

BINS, ROWS = 20, 1_000
GAP = np.ones(BINS - 1)


def shares(shift):
    inner = stats.norm.cdf(stats.norm.ppf(np.arange(1, BINS) / BINS) - shift)
    return np.diff(inner, prepend=0.0, append=1.0)


def reference(windows, seed=0):
    rng = np.random.default_rng(seed)
    missing = rng.binomial(ROWS, 0.05, windows)
    return rng.multinomial(ROWS - missing, shares(0.0)), missing


def fitted(values, missing, overlap=1.0):
    return fit_numeric(values, missing, np.zeros_like(missing), GAP, overlap)


def left_out(nulls):
    return nulls["missing"].arrays.get("left_out", np.zeros(0)).tolist()


def threshold(nulls, name, p=0.01):
    """Give what squared statistic of a typical window has this p-value."""
    table = nulls[name].table
    place = np.logspace(-8, 4, 2_000)
    tables, n = (np.broadcast_to(x, (2_000, *np.shape(x))) for x in (table.quantiles, table.typical_n))
    return place[np.flatnonzero(p_values(tables, n, place, n) <= p)[0]]


@pytest.mark.parametrize("windows", [30, 200])
def test_a_window_with_half_of_the_values_missing_is_left_out(windows):
    values, missing = reference(windows)
    clean = fitted(values, missing)
    assert left_out(clean) == []
    missing[7] += values[7].sum() // 2
    values[7] //= 2
    found = fitted(values, missing)
    assert left_out(found) == [7]
    # it is in the reference all the same, and every other window is a part of that away from it
    extra = 2 * np.arcsin(np.sqrt(0.05 + 0.475 / windows)) - 2 * np.arcsin(np.sqrt(0.05))
    assert threshold(found, "missing") ** 0.5 < 1.5 * (threshold(clean, "missing") ** 0.5 + extra)
    assert threshold(found, "ks") < 1.3 * threshold(clean, "ks")


def test_a_window_far_away_is_left_out():
    values, missing = reference(200)
    clean = fitted(values, missing)
    values[100] = np.random.default_rng(1).multinomial(values[100].sum(), shares(5.0))
    found = fitted(values, missing)
    assert left_out(found) == [100]
    for name in ("smooth", "ks"):
        assert threshold(found, name) < 1.6 * threshold(clean, name)


def test_an_incident_of_windows_that_overlap_is_left_out_whole():
    rng = np.random.default_rng(3)
    halves = rng.multinomial(ROWS // 2, shares(0.0), 401)
    halves[300] = rng.multinomial(ROWS // 2, shares(4.0))
    missing = np.zeros(400, np.int64)
    assert left_out(fitted(halves[:-1] + halves[1:], missing, 2.0)) == [299, 300]


def test_a_category_that_took_over_once_is_left_out():
    rng = np.random.default_rng(4)
    counts = rng.multinomial(ROWS, [0.4, 0.3, 0.2, 0.1, 0.0], 60)
    counts[20] = [0, 0, 0, ROWS, 0]
    nulls = fit_categorical(counts, np.zeros(60, np.int64))
    assert left_out(nulls) == [20]


def test_what_happens_again_and_again_is_usual():
    values, missing = reference(200)
    for place in range(0, 200, 20):
        values[place] = np.random.default_rng(place).multinomial(values[place].sum(), shares(3.0))
    assert left_out(fitted(values, missing)) == []


def test_few_windows_cannot_tell():
    values, missing = reference(18)
    missing[7] += values[7].sum() // 2
    values[7] //= 2
    assert left_out(fitted(values, missing)) == []


def test_storms_stay_in():
    """Windows whose means have a heavy tail, and no incident: hardly any is left out."""
    found = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        storms = 0.1 * stats.t(3).rvs(60, random_state=rng)
        values = np.array([rng.multinomial(ROWS, shares(shift)) for shift in storms])
        found += len(left_out(fitted(values, np.zeros(60, np.int64))))
    assert found <= 2
