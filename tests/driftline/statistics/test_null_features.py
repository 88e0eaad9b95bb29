"""Fits of whole features: calibrated on streams, sensible on degenerate references, readable as bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
    fit_nulls,
    fit_numeric,
)
from driftline.statistics.null import null_bytes

HERE = Path(__file__).parent
BINS = 32
EDGES = stats.norm.ppf(np.arange(1, BINS) / BINS)
GAP = np.diff(stats.norm.ppf((np.arange(BINS) + 0.5) / BINS))
CUTS = stats.norm.ppf(np.cumsum([0.4, 0.25, 0.15, 0.1, 0.05, 0.03]))


def windows(kind, rng, n):
    """Histograms (W, BINS), categories (W, 7) and missing rows of windows without drift."""
    if kind == "clustered":
        users = np.repeat(0.7 * rng.standard_normal((len(n), n.max() // 20 + 1)), 20, axis=1)
        x = users + np.sqrt(0.51) * rng.standard_normal(users.shape)
    elif kind == "wobble":
        x = 0.2 * rng.standard_normal((len(n), 1)) + rng.standard_normal((len(n), n.max()))
    else:
        x = rng.standard_normal((len(n), n.max()))
    use = np.arange(x.shape[1]) < n[:, None]

    def counted(edges):
        bins = np.searchsorted(edges, x) + np.arange(len(n))[:, None] * (len(edges) + 1)
        return np.bincount(bins[use], minlength=len(n) * (len(edges) + 1)).reshape(len(n), -1)

    if kind == "clustered":
        missing = 5 * rng.binomial(n // 5, 0.05)  # of 20 there would be a lattice of too few rates
    elif kind == "wobble":
        missing = rng.binomial(n, 0.05 * np.exp(0.3 * rng.standard_normal(len(n))))
    else:
        missing = rng.binomial(n, 0.05)
    return counted(EDGES), counted(CUTS), missing


def judge(kind, rng, reference_windows, live_windows, n):
    """p-values of windows without drift against one reference."""
    values, categories, missing = windows(kind, rng, rng.integers(n // 2, n * 3 // 2, reference_windows))
    none = np.zeros_like(missing)
    numeric = BlockNull.stack([fit_numeric(values, missing, none, GAP)] * live_windows)
    categorical = BlockNull.stack([fit_categorical(categories, missing)] * live_windows)
    reference = (values.sum(0), missing.sum(), categories.sum(0))
    values, categories, missing = windows(kind, rng, np.full(live_windows, n))
    same = [np.broadcast_to(x, (live_windows, *np.shape(x))) for x in (*reference, GAP)]
    ones = np.ones(live_windows)
    zeros = np.zeros(live_windows, dtype=np.int64)
    base = NumericReference(NumericCounts(same[0], same[1], zeros), same[3], ones, ones)
    a = compare_numeric(NumericCounts(values, missing, zeros), base, numeric)
    b = compare_categorical(
        CategoricalCounts(categories, missing),
        CategoricalReference(CategoricalCounts(same[2], same[1])),
        categorical,
    )
    return {"ks": a.ks_p, "psi": a.psi_p, "w1": a.wasserstein_p, "missing": a.missing_p, "chi2": b.chi2_p}


@pytest.mark.parametrize("kind", ["iid", "clustered", "wobble"])
def test_p_values_are_calibrated_without_drift(kind):
    rng = np.random.default_rng(11)
    found = [judge(kind, rng, 120, 100, 600) for _ in range(12)]
    for name in found[0]:
        p = np.concatenate([each[name] for each in found])
        assert 0.02 <= np.mean(p <= 0.05) <= 0.08, name
        assert np.mean(p <= 0.01) <= 0.022, name
        assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=0.12), name


def shifted(counts, by):
    """Move a share of the rows to the last bin."""
    moved = (counts * by).astype(np.int64)
    counts = counts - moved
    counts[..., -1] += moved.sum(-1)
    return counts


def one(values, missing=0, nonfinite=0):
    return NumericCounts(np.array([values]), np.array([missing]), np.array([nonfinite]))


def reference_of(values, missing, nonfinite, gap):
    counts = NumericCounts(values.sum(0)[None], missing.sum()[None], nonfinite.sum()[None])
    return NumericReference(counts, np.array([gap], dtype=float), np.ones(1), np.ones(1))


def compare_one(values, missing, nonfinite, gap, window, **fitted):
    null = BlockNull.stack([fit_numeric(values, missing, nonfinite, gap, **fitted)])
    return compare_numeric(window, reference_of(values, missing, nonfinite, gap), null), null


def test_real_drift_is_significant_in_every_statistic():
    values, _, missing = windows("iid", np.random.default_rng(0), np.full(60, 1_000))
    live = shifted(values[0], 0.3)
    found, _ = compare_one(values, missing, np.zeros_like(missing), GAP, one(live, 400))
    for p in (found.ks_p, found.psi_p, found.wasserstein_p, found.missing_p, found.p_value, found.p_iid):
        assert p[0] < 1e-6
    assert found.trusted[0]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.full((30, 1), 500), id="one bin"),
        pytest.param(np.tile([0, 500, 0], (30, 1)), id="constant"),
        pytest.param(np.tile([100, 200, 300], (30, 1)), id="equal windows"),
        pytest.param(np.eye(3, dtype=int)[np.arange(30) % 3] * 500, id="no window like another"),
    ],
)
def test_degenerate_references_judge_the_same_window_as_normal(values):
    none = np.zeros(len(values), dtype=np.int64)
    found, _ = compare_one(values, none, none, np.ones(values.shape[1] - 1), one(values[-1]))
    for p in (found.ks_p, found.psi_p, found.wasserstein_p, found.missing_p, found.p_value):
        assert p[0] > 0.05


def test_a_constant_feature_forgives_one_odd_row_and_not_a_new_constant():
    values = np.tile([0, 2_000, 0], (100, 1))
    none = np.zeros(100, dtype=np.int64)
    odd, _ = compare_one(values, none, none, [1.0, 1.0], one([0, 1_999, 1]))
    new, _ = compare_one(values, none, none, [1.0, 1.0], one([0, 0, 2_000]))
    for name in ("ks_p", "psi_p", "wasserstein_p"):
        assert getattr(odd, name)[0] > 0.05, name
        assert getattr(new, name)[0] < 1e-6, name


def test_one_missing_row_in_a_feature_without_any_is_forgiven():
    values, _, _ = windows("iid", np.random.default_rng(0), np.full(60, 1_000))
    none = np.zeros(60, dtype=np.int64)
    found, _ = compare_one(values, none, none, GAP, one(values[1] - np.eye(1, BINS, 5, dtype=int)[0], 1))
    assert found.missing_p[0] > 0.05
    assert found.psi_p[0] > 0.01


@pytest.mark.parametrize(("missing", "nonfinite"), [(1_000, 0), (0, 1_000)])
def test_a_window_without_any_value_drifts_by_its_missing_rate(missing, nonfinite):
    values, _, _ = windows("iid", np.random.default_rng(0), np.full(60, 1_000))
    none = np.zeros(60, dtype=np.int64)
    found, _ = compare_one(values, none, none, GAP, one(np.zeros(BINS, int), missing, nonfinite))
    assert np.isnan(found.ks[0])
    assert np.isnan(found.ks_p[0])
    assert np.isnan(found.wasserstein_iqr[0])
    assert found.p_value[0] == found.missing_p[0] < 1e-6
    assert found.psi[0] > 1
    assert found.psi_p[0] < 1e-6


def test_a_reference_without_any_value():
    values, missing = np.zeros((40, BINS), dtype=int), np.full(40, 300)
    none = np.zeros(40, dtype=np.int64)
    same, _ = compare_one(values, missing, none, GAP, one(np.zeros(BINS, int), 300))
    assert same.p_value[0] == 1
    values_again, _ = compare_one(values, missing, none, GAP, one(np.r_[300, np.zeros(BINS - 1, int)]))
    assert values_again.p_value[0] < 1e-6
    assert np.isnan(values_again.ks_p[0])


def test_windows_without_rows_are_ignored():
    values, _, missing = windows("iid", np.random.default_rng(0), np.full(40, 500))
    none = np.zeros_like(missing)
    gaps = np.insert(values, [3, 20], 0, axis=0)
    no_rows = np.insert(missing, [3, 20], 0)
    plain = fit_numeric(values, missing, none, GAP)
    with_gaps = fit_numeric(gaps, no_rows, np.zeros_like(no_rows), GAP)
    for name in ("ks", "psi", "wasserstein", "missing"):
        np.testing.assert_array_equal(plain[name].table.quantiles, with_gaps[name].table.quantiles)


@pytest.mark.parametrize(
    ("count", "overlap", "status"),
    [
        (1, 1, "uncalibrated"),
        (2, 1, "uncalibrated"),
        (3, 1, "few_windows"),
        (9, 1, "few_windows"),
        (10, 1, "calibrated"),
        (10, 2, "few_windows"),
        (19, 2, "calibrated"),
        (2, 2, "uncalibrated"),
    ],
)
def test_status_counts_windows_that_do_not_overlap(count, overlap, status):
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(count, 500))
    none = np.zeros_like(missing)
    found, null = compare_one(values, missing, none, GAP, one(shifted(values[0], 0.5)), overlap=overlap)
    assert null.statuses() == [status]
    assert found.trusted[0] == (status == "calibrated")
    if status == "uncalibrated":
        assert found.p_value[0] == 1
        assert found.p_iid[0] < 1e-6
    block = BlockNull.stack([fit_categorical(categories, missing, overlap)])
    assert block.statuses() == [status]


def test_without_a_null_nothing_is_significant_but_p_iid_is_given():
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(20, 500))
    none = np.zeros_like(missing)
    found = compare_numeric(one(shifted(values[0], 0.5), 10), reference_of(values, missing, none, GAP))
    assert (found.p_value[0], found.ks_p[0], found.trusted[0]) == (1, 1, False)
    assert found.p_iid[0] < 1e-6
    base = CategoricalReference(CategoricalCounts(categories.sum(0)[None], missing.sum()[None]))
    live = compare_categorical(CategoricalCounts(shifted(categories[:1], 0.5), missing[:1]), base)
    assert live.p_value[0] == 1
    assert live.p_iid[0] < 1e-6


def test_more_or_fewer_rows_than_the_reference_saw_is_extrapolated():
    values, _, missing = windows("iid", np.random.default_rng(0), np.linspace(400, 800, 30).astype(int))
    none = np.zeros_like(missing)
    for rows, extrapolated in ((200, True), (600, False), (2_000, True)):
        live, _, absent = windows("iid", np.random.default_rng(1), np.array([rows]))
        found, _ = compare_one(values, missing, none, GAP, one(live[0], absent[0]))
        assert found.extrapolated[0] == extrapolated


def test_no_rows_at_all_give_nans():
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(20, 500))
    none = np.zeros_like(missing)
    found, _ = compare_one(values, missing, none, GAP, one(np.zeros(BINS, int)))
    assert np.isnan([found.ks[0], found.psi[0], found.p_value[0], found.p_iid[0], found.missing_p[0]]).all()
    base = CategoricalReference(CategoricalCounts(categories.sum(0)[None], missing.sum()[None]))
    null = BlockNull.stack([fit_categorical(categories, missing)])
    empty = compare_categorical(CategoricalCounts(np.zeros((1, 7), int), np.zeros(1, int)), base, null)
    assert np.isnan([empty.chi2[0], empty.psi[0], empty.p_value[0], empty.p_iid[0], empty.chi2_p[0]]).all()


def test_a_new_category_that_takes_over_is_found():
    _, categories, missing = windows("iid", np.random.default_rng(0), np.full(60, 1_000))
    categories = np.column_stack([categories, np.zeros(60, dtype=np.int64)])  # other: never seen
    base = CategoricalReference(CategoricalCounts(categories.sum(0)[None], missing.sum()[None]))
    null = BlockNull.stack([fit_categorical(categories, missing)])
    live = CategoricalCounts(shifted(categories[:1], 0.4), missing[:1])
    assert compare_categorical(live, base, null).chi2_p[0] < 1e-6


@pytest.mark.parametrize(
    "categories", [np.full((20, 1), 300), np.tile([300, 0, 0], (20, 1)), np.zeros((20, 2), int)]
)
def test_degenerate_categories(categories):
    missing = np.full(20, 7)
    base = CategoricalReference(CategoricalCounts(categories.sum(0)[None], missing.sum()[None]))
    null = BlockNull.stack([fit_categorical(categories, missing)])
    found = compare_categorical(CategoricalCounts(categories[:1], missing[:1]), base, null)
    assert found.p_value[0] > 0.05


def test_features_of_different_width_share_a_block():
    rng = np.random.default_rng(0)
    _, narrow, missing = windows("iid", rng, np.full(30, 500))
    wide = np.column_stack([narrow[:, :-1], narrow[:, -1:] // 2, narrow[:, -1:] - narrow[:, -1:] // 2])
    nulls = [fit_categorical(narrow, missing), fit_categorical(wide, missing)]
    padded = np.stack([np.pad(narrow[4], (0, 1)), wide[4]])
    base = np.stack([np.pad(narrow.sum(0), (0, 1)), wide.sum(0)])
    both = compare_categorical(
        CategoricalCounts(padded, missing[[4, 4]]),
        CategoricalReference(CategoricalCounts(base, np.full(2, missing.sum()))),
        BlockNull.stack(nulls),
    )
    for row, counts in enumerate((narrow, wide)):
        alone = compare_categorical(
            CategoricalCounts(counts[4:5], missing[4:5]),
            CategoricalReference(CategoricalCounts(counts.sum(0)[None], missing.sum()[None])),
            BlockNull.stack(nulls[row : row + 1]),
        )
        for name in ("chi2", "chi2_p", "psi", "missing_p", "p_value", "p_iid"):
            assert getattr(both, name)[row] == pytest.approx(getattr(alone, name)[0])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(0, 40), min_size=7, max_size=7), min_size=1, max_size=14), st.data())
def test_any_counts_give_p_values_between_zero_and_one(rows, data):
    table = np.array(rows)
    values, missing, nonfinite = table[:, :5], table[:, 5], table[:, 6]
    window = table[data.draw(st.integers(0, len(rows) - 1))]
    found, _ = compare_one(values, missing, nonfinite, np.ones(4), one(window[:5], window[5], window[6]))
    for name in ("ks_p", "psi_p", "wasserstein_p", "missing_p", "p_value", "p_iid"):
        p = getattr(found, name)[0]
        assert np.isnan(p) or 0 < p <= 1, name
    assert np.isnan(found.p_value[0]) == (window.sum() == 0)


def test_mismatched_shapes_are_named():
    values, _, missing = windows("iid", np.random.default_rng(0), np.full(5, 500))
    reference = reference_of(values, missing, np.zeros_like(missing), GAP)
    with pytest.raises(ValueError, match="profile the window on the reference's bins"):
        compare_numeric(one(values[0][:-1]), reference)
    null = BlockNull.stack([fit_numeric(values, missing, np.zeros_like(missing), GAP)] * 2)
    with pytest.raises(ValueError, match="different blocks"):
        compare_numeric(one(values[0]), reference, null)


def blocks():
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(12, 500))
    none = np.zeros_like(missing)
    return {
        "numeric": BlockNull.stack(
            [fit_numeric(values, missing, none, GAP), fit_numeric(values[:2], none[:2], none[:2], GAP)]
        ),
        "categorical": BlockNull.stack(
            [fit_categorical(categories, missing), fit_categorical(categories[:, :3], missing, 1.5)]
        ),
    }


def assert_same(a, b):
    assert a.statistics == b.statistics
    for name in ("quantiles", "typical_n", "n_min", "n_max", "windows", "df"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert {name: set(named) for name, named in a.arrays.items()} == {
        name: set(named) for name, named in b.arrays.items()
    }
    for name, named in a.arrays.items():
        for key, array in named.items():
            np.testing.assert_array_equal(array, b.arrays[name][key], err_msg=f"{name}.{key}")


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_bytes_round_trip(kind):
    block = blocks()[kind]
    data = block.to_bytes()
    assert_same(BlockNull.from_bytes(data), block)
    assert len(data) / 2 < {"numeric": 7_300, "categorical": 5_600}[kind]


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_bytes_of_version_1_are_read(kind):
    """The files were written by the first release and must never change."""
    block = BlockNull.from_bytes((HERE / f"{kind}_null_v1.bin").read_bytes())
    assert len(block) == 2
    expected = {"numeric": ["calibrated", "uncalibrated"], "categorical": ["calibrated", "few_windows"]}
    assert block.statuses() == expected[kind]
    squared, n = np.full(block.windows.shape, 0.01), np.full(block.windows.shape, 500.0)
    np.testing.assert_allclose(block.p_values(squared, n), np.load(HERE / f"{kind}_null_v1_p.npy"), rtol=1e-6)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "damaged"),
        (lambda data: data[:9], "damaged"),  # its first nine say nothing but how long the head is
        (lambda data: data + b"x", "damaged"),
        (lambda data: b"nope" + data[4:], "not a null calibration"),
        (lambda _: b"", "not a null calibration"),
        (lambda data: data[:4] + b"\x03" + data[5:], "format version 3"),
    ],
)
def test_damaged_bytes_are_refused(damage, message):
    with pytest.raises(ValueError, match=message):
        BlockNull.from_bytes(damage(blocks()["numeric"].to_bytes()))


def test_a_block_is_of_one_kind():
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(5, 500))
    both = [fit_numeric(values, missing, np.zeros_like(missing), GAP), fit_categorical(categories, missing)]
    with pytest.raises(ValueError, match="one kind"):
        BlockNull.stack(both)
    with pytest.raises(ValueError, match="one kind"):
        BlockNull.stack([])


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_window_of_one_row_is_a_window(kind):
    values, categories, missing = windows("iid", np.random.default_rng(0), np.full(20, 500))
    categories[3], missing[3] = np.eye(1, 7, dtype=int), 0
    values[3] = np.eye(1, BINS, dtype=int)
    none, mean = np.zeros_like(missing), np.zeros(20)
    if kind == "numeric":
        nulls = fit_numeric(values, missing, none, GAP, mean=mean, variance=mean + 1)
    else:
        nulls = fit_categorical(categories, missing)
    assert {name: each.table.n_min for name, each in nulls.items()} == dict.fromkeys(nulls, 1.0)


def test_categories_have_no_gaps(monkeypatch):
    seen = []
    monkeypatch.setattr(fit_nulls, "fit_nulls", lambda *told: seen.append(told) or {})
    fit_categorical([[3, 2]], [1], 2.0, smallest=7.0, rare_categories=9)
    ((kind, told),) = seen
    assert (kind, told.gap.tolist(), told.nonfinite.tolist()) == ("categorical", [], [0.0])
    assert (told.reference.tolist(), told.overlap, told.smallest, told.rare_categories) == (
        [3, 2],
        2.0,
        7.0,
        9,
    )


def test_shorter_rows_are_padded():
    group = blocks()["categorical"].arrays["chi2"]["group"]
    assert (group[0] >= 0).all()
    assert group[1, 4:].tolist() == [-1] * 4


def test_of_one_row_there_is_a_p_value_and_of_none_there_is_not():
    block = blocks()["numeric"]  # the second feature has no null
    n = np.zeros(block.windows.shape)
    assert np.isnan(block.p_values(n + 9.0, n)).all()
    p = block.p_values(n + 9.0, n + 1)
    assert ((p[0] > 0) & (p[0] < 1)).any()
    assert p[1].tolist() == [1.0] * p.shape[1]


def test_a_window_as_large_as_the_smallest_or_largest_is_not_extrapolated():
    block = blocks()["categorical"]
    n = np.full(block.windows.shape, 500.0)
    edges = replace(block, n_min=n, n_max=n + 1)
    for rows, beyond in ((499, True), (500, False), (501, False), (502, True)):
        assert (edges.extrapolated(n - 500 + rows) == beyond).all()


def test_bytes_of_version_1_keep_what_a_statistic_was_calibrated_with():
    numeric, categorical = (
        BlockNull.from_bytes((HERE / f"{kind}_null_v1.bin").read_bytes()).arrays
        for kind in ("numeric", "categorical")
    )
    assert {name: list(arrays) for name, arrays in numeric.items() if arrays} == {"psi": ["ends", "scale"]}
    assert {name: list(arrays) for name, arrays in categorical.items() if arrays} == {
        "chi2": ["group", "scale"]
    }


def test_arrays_of_other_types_are_refused_and_empty_ones_are_not():
    table = np.zeros((1, 1, *null_bytes._GRID), np.float32)
    numbers = np.zeros((5, 1, 1))
    data = null_bytes.encode(["é"], table, numbers, {"é": {"a": np.zeros((1, 2), np.int16)}})
    data = data.replace(b"<i2", b"<i8")
    with pytest.raises(ValueError, match="unknown type"):
        null_bytes.decode(data)
    names, *_, arrays = null_bytes.decode(
        null_bytes.encode(["é"], table, numbers, {"é": {"a": np.zeros((1, 0), np.float32)}})
    )
    assert names == ("é",)
    assert arrays["é"]["a"].shape == (1, 0)
