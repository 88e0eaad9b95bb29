"""Every column of a judged row, against the same computed from the raw values."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from driftline.baseline import decode_baseline
from driftline.judging import judge, no_data
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.tables import RESULT, row_id
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

WINDOW = (0, 30 * MINUTE)
DECIDED_LATER = ("coverage", "p_adjusted", "drifted", "pane", "pane_index", "emitted_at")


@cache
def past():
    return reference_events(windows=40, rows=200)


@cache
def known():
    return decode_baseline(encoded_baseline(past()), "b")


@pytest.fixture
def reference():
    return past()


@pytest.fixture
def baseline():
    return known()


def judged(baseline, x=None, c=None, n=None, segment="*", min_n=50):
    """Judge a window of these values; give the rows by feature."""
    n = n if n is not None else len(x if x is not None else c)
    batch = events([1] * n, ["A"] * n, x, c)
    found = {}
    for part in profile_events(batch, baseline.layout, None, 30 * MINUTE):
        block = baseline.layout.block(part.part)
        profile = decode_profile(part.profile)
        rows = judge(profile, segment, block, WINDOW, baseline=baseline, min_n=min_n)["results"]
        assert rows.schema.equals(RESULT.arrow)
        found |= {row["feature"]: row for row in rows.to_pylist()}
    return found


def finite(values):
    return np.array([v for v in values if v is not None and np.isfinite(v)], float)


def all_values(reference, name, segment="*"):
    keep = [segment in {"*", f"s={s}"} for s in reference["segment.s"].to_pylist()]
    return [v for v, ok in zip(reference[f"feature.{name}"].to_pylist(), keep, strict=True) if ok]


def psi_of(live, base):
    """By its definition, over the bins that hold a row of either."""
    live, base = np.asarray(live, float), np.asarray(base, float)
    used = live + base > 0
    p, q = live[used] + 0.5, base[used] + 0.5
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


# --- numeric


ODD = st.sampled_from([None, float("nan"), float("inf"), float("-inf"), -0.0, 0.0])


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 400),
    st.floats(-2, 2),
    st.lists(ODD, max_size=30),
)
def test_a_numeric_row_describes_its_window(seed, n, shift, odd):
    rng = np.random.default_rng(seed)
    x = [*rng.normal(shift, 1, n).tolist(), *odd]
    row = judged(known(), x)["x"]
    values = finite(x)
    assert (row["n"], row["kind"]) == (len(x), "numeric")
    assert row["missing_rate"] == pytest.approx(x.count(None) / len(x))
    nonfinite = sum(v is not None and not np.isfinite(v) for v in x)
    assert row["nonfinite_rate"] == pytest.approx(nonfinite / len(x))
    assert (row["min"], row["max"]) == (values.min(), values.max())
    assert row["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
    assert row["variance"] == pytest.approx(values.var(), rel=1e-9, abs=1e-12)
    if len(values) > 2:
        assert row["skewness"] == pytest.approx(stats.skew(values), rel=1e-6, abs=1e-9)
    edges = known().layout.block("numeric/0").numeric[0].edges
    bins = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    assert row["bin_counts"] == bins.tolist()
    ranked = np.sort(values)
    for name, value in row["quantiles"].items():
        q = int(name[1:]) / 100
        low = np.searchsorted(ranked, value, "left") / len(ranked)
        high = np.searchsorted(ranked, value, "right") / len(ranked)
        assert low - 1 / len(ranked) - 0.01 <= q <= high + 1 / len(ranked) + 0.01, name
    for name in ("cardinality", "new_category_rate", "new_categories", "chi2", "chi2_p"):
        assert row[name] is None, name
    for name in DECIDED_LATER:
        assert row[name] is None, name


@pytest.mark.parametrize("shift", [0, 0.1, 0.5, 3])
@pytest.mark.parametrize("segment", ["*", "s=A"])
def test_a_numeric_row_compares_with_the_raw_reference(baseline, reference, shift, segment):
    rng = np.random.default_rng(5)
    x = [*rng.normal(shift, 1.2, 600).tolist(), None, None, float("nan")]
    row = judged(baseline, x, segment=segment)["x"]
    before, now = np.array(all_values(reference, "x", segment)), finite(x)
    edges = baseline.layout.block("numeric/0").numeric[0].edges
    assert row["n_reference"] == len(before)

    # KS on the bins: never more than the exact one, and not much less
    gaps = [abs((before < e).mean() - (now < e).mean()) for e in edges]
    assert row["ks"] == pytest.approx(max(gaps), abs=1e-12)
    exact = stats.ks_2samp(before, now).statistic
    assert exact - 1.5 / 64 <= row["ks"] <= exact + 1e-12

    # PSI on reference deciles: bins that end where a tenth of the reference does, to the nearest bin
    counts = np.bincount(np.searchsorted(edges, before, side="right"), minlength=len(edges) + 1)
    middle = (counts.cumsum() - counts / 2) / counts.sum()
    decile = np.minimum((middle * 10).astype(int), 9)
    live = np.bincount(np.searchsorted(edges, now, side="right"), minlength=len(edges) + 1)
    sums = [np.bincount(decile, c, 10) for c in (live, counts)]
    assert row["psi"] == pytest.approx(psi_of([*sums[0], 2, 1], [*sums[1], 0, 0]), rel=1e-9)

    exact = stats.wasserstein_distance(before, now)
    assert row["wasserstein"] == pytest.approx(exact, rel=0.03)
    iqr = np.subtract(*np.quantile(before, [0.75, 0.25]))
    assert row["wasserstein_iqr"] == pytest.approx(exact / iqr, rel=0.04)
    assert row["p_value"] == pytest.approx(of_numbers(row))


def test_p_iid_is_that_of_scipy_on_raw_values(baseline, reference):
    before = np.array(all_values(reference, "x"))
    for seed, shift in ((1, 0.0), (2, 0.08), (3, 0.2)):
        x = np.random.default_rng(seed).normal(shift, 1, 800)
        row = judged(baseline, x)["x"]
        exact = min(1, 2 * stats.ks_2samp(before, x).pvalue)  # the missing rate is the other test of the pair
        assert row["p_iid"] == pytest.approx(exact, rel=0.6, abs=0.02)


def test_a_large_shift_is_significant_and_no_shift_is_not(baseline):
    rng = np.random.default_rng(0)
    assert judged(baseline, rng.normal(1, 1, 400))["x"]["p_value"] < 1e-4
    assert judged(baseline, rng.normal(0, 1, 400))["x"]["p_value"] > 0.01


def test_missing_values_alone_are_found(baseline):
    rng = np.random.default_rng(0)
    row = judged(baseline, [*rng.normal(0, 1, 300).tolist(), *[None] * 100])["x"]
    assert row["missing_p"] < 1e-4
    assert row["ks_p"] > 0.01
    assert row["missing_p"] < row["p_value"] < 4 * row["missing_p"]
    assert row["change"] == "missing 0 % to 25 %"


def test_what_became_of_categories_is_said(baseline):
    gone = judged(baseline, c=["a"] * 300 + ["new"] * 100)["c"]
    assert gone["change"] == "new 25 %, cardinality 3 to 2, concentration 50.6 % to 75 %"
    assert (gone["cardinality_expected"], gone["concentration"]) == (pytest.approx(3, rel=0.01), 0.75)
    assert gone["cardinality_p"] < 1e-3
    before = all_values(past(), "c")
    assert judged(baseline, c=before[:200])["c"]["change"] is None


def test_nothing_but_missing_values_has_no_moments_and_no_distance(baseline):
    row = judged(baseline, [None] * 60)["x"]
    for name in ("mean", "variance", "skewness", "min", "max", "quantiles", "ks", "ks_p", "wasserstein"):
        assert row[name] is None, name
    assert row["missing_rate"] == 1
    assert row["p_value"] == row["missing_p"] < 1e-5
    assert row["psi"] > 1


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none(), min_size=1, max_size=50))
@settings(deadline=None, max_examples=60)
def test_whatever_the_values_no_number_is_nan_or_infinite(x):
    row = judged(known(), x)["x"]
    for name, value in row.items():
        if isinstance(value, float):
            assert np.isfinite(value), name
    assert row["n"] == len(x)
    assert sum(row["bin_counts"]) == len(finite(x))


def combined(p, weights):
    """Combine p-values as Liu and Xie (2020), those above .9 taken for .9 unless all are."""
    p, weights = zip(
        *((each, weight) for each, weight in zip(p, weights, strict=True) if each is not None), strict=True
    )
    if min(p) > 0.9:
        return min(p)
    return stats.cauchy.sf(np.average(stats.cauchy.isf(np.minimum(p, 0.9)), weights=weights))


def of_numbers(row):
    missing = missing_p(row, "x")
    return combined(
        [row["smooth_p"], row["ks_p"], missing, row["moments_p"], row["range_p"]], [3, 3, 3, 1, 1]
    )


def missing_p(row, feature):
    """It takes part where a value is missing, in the window or before."""
    before = any(
        v is None or v in {math.inf, -math.inf} or (isinstance(v, float) and math.isnan(v))
        for v in all_values(past(), feature)
    )
    return row["missing_p"] if before or row["missing_rate"] or row["nonfinite_rate"] else None


# --- categorical


CATEGORIES = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "", "ü", None]), min_size=1, max_size=300)


@settings(deadline=None, max_examples=40)
@given(CATEGORIES)
def test_a_categorical_row_is_exact(c):
    row = judged(known(), c=c)["c"]
    present = [v for v in c if v is not None]
    assert (row["n"], row["kind"]) == (len(c), "categorical")
    assert row["missing_rate"] == pytest.approx(c.count(None) / len(c))
    counted = [present.count(v) for v in ("a", "b", "c")]
    assert row["bin_counts"] == [*counted, len(present) - sum(counted)]
    assert row["cardinality"] == len(set(present))
    new = [v for v in present if v not in "abc" or not v]
    if present:
        assert row["new_category_rate"] == pytest.approx(len(new) / len(present))
    else:
        assert row["new_category_rate"] is None
    assert len(row["new_categories"]) == min(5, len(set(new)))
    counts = [new.count(v) for v in row["new_categories"]]
    assert counts == sorted((new.count(v) for v in set(new)), reverse=True)[:5]
    before = all_values(past(), "c")
    base = [before.count(None), *(before.count(v) for v in ("a", "b", "c")), 0]
    live = [c.count(None), *row["bin_counts"]]
    assert row["psi"] == pytest.approx(psi_of(live, base), rel=1e-9, abs=1e-12)
    assert row["p_value"] == pytest.approx(
        combined([row["chi2_p"], missing_p(row, "c"), row["new_p"], row["cardinality_p"]], [2, 2, 1, 1])
    )
    for name in (
        "mean",
        "quantiles",
        "min",
        "nonfinite_rate",
        "ks",
        "ks_p",
        "wasserstein",
        "wasserstein_iqr",
    ):
        assert row[name] is None, name


def test_chi_square_is_that_of_scipy(baseline, reference):
    c = np.random.default_rng(3).choice(["a", "b", "c"], 500, p=[0.4, 0.4, 0.2]).tolist()
    row = judged(baseline, c=c)["c"]
    before = all_values(reference, "c")
    table = [[values.count(v) for v in "abc"] for values in (c, before)]
    expected = stats.chi2_contingency(table, correction=False)
    assert row["chi2"] == pytest.approx(expected.statistic, rel=1e-9)
    assert row["p_iid"] == pytest.approx(min(1, 2 * expected.pvalue), rel=1e-6)
    assert row["chi2_p"] < 0.01


# --- who, when, and how far it can be trusted


def test_a_row_says_whose_it_is(baseline):
    row = judged(baseline, [0.0] * 60, segment="s=A")["x"]
    assert row["row_id"] == row_id("m", "s=A", "x", *WINDOW)
    assert (row["model"], row["segment"], row["segment_values"]) == ("m", "s=A", ["A"])
    assert [row["window_start"].timestamp(), row["window_end"].timestamp()] == [0, 1800]
    assert row["baseline_version"] == baseline.version


@pytest.mark.parametrize(("n", "status"), [(49, "insufficient"), (50, "ok"), (51, "ok")])
def test_a_window_needs_min_n_rows(baseline, n, status):
    rows = judged(baseline, [0.0] * n)
    assert {row["status"] for row in rows.values()} == {status}
    assert all(row["p_value"] is not None for row in rows.values())  # said, never acted on


def test_a_segment_without_a_baseline_is_described_and_not_compared(baseline):
    row = judged(baseline, [1.0, 2.0, None], segment="(other)")["x"]
    assert (row["status"], row["n"], row["mean"]) == ("no_baseline", 3, 1.5)
    assert row["segment_values"] == []
    for name in ("n_reference", "ks", "psi", "p_value", "p_iid", "calibration", "missing_p"):
        assert row[name] is None, name


@pytest.mark.parametrize(
    ("windows", "calibration"),
    [(1, "uncalibrated"), (2, "uncalibrated"), (6, "few_windows"), (9, "few_windows"), (40, "calibrated")],
)
def test_calibration_says_how_many_windows_it_rests_on(windows, calibration):
    few = decode_baseline(encoded_baseline(reference_events(windows=windows, rows=200), every=30), "few")
    x = np.random.default_rng(0).normal(5, 1, 200)
    row = judged(few, x)["x"]
    assert row["calibration"] == calibration
    if row["calibration"] == "uncalibrated":
        assert row["p_value"] == 1


@pytest.mark.parametrize(("n", "calibration"), [(60, "bound"), (200, "calibrated"), (5_000, "bound")])
def test_a_window_of_another_size_than_the_reference_s_has_a_bound(baseline, n, calibration):
    assert judged(baseline, np.random.default_rng(0).normal(size=n))["x"]["calibration"] == calibration


def test_absent_segments_get_rows_without_numbers(baseline):
    present = {("*", "x"), ("*", "c"), ("s=A", "x"), ("s=A", "c")}
    rows = pa.Table.from_batches(no_data(baseline, WINDOW, present)).to_pylist()
    assert [(row["segment"], row["feature"]) for row in rows] == [("s=B", "c"), ("s=B", "x")]
    for row in rows:
        said = {name for name, value in row.items() if value is not None}
        assert (row["status"], row["n"]) == ("no_data", 0)
        assert row["n_reference"] == baseline.entries["s=B", "numeric/0"].profile.rows
        assert said == {
            "row_id",
            "model",
            "segment",
            "segment_values",
            "feature",
            "kind",
            "window_start",
            "window_end",
            "n",
            "n_reference",
            "status",
            "baseline_version",
        }
        assert row["row_id"] == row_id("m", "s=B", row["feature"], *WINDOW)


def test_a_window_that_reaches_out_of_the_years_1_to_9999_is_cut_and_keeps_its_identity(baseline):
    end = 253_402_300_800_000_000
    present = {(s, f) for s in ("*", "s=A") for f in ("x", "c")}
    for window in ((end - 15 * MINUTE, end + 15 * MINUTE), (-62_135_596_800_000_000 - MINUTE, 0)):
        row = pa.Table.from_batches(no_data(baseline, window, present)).to_pylist()[0]
        assert row["row_id"] == row_id("m", "s=B", "c", *window)
        assert row["window_start"].year >= 1
        assert row["window_end"].year <= 9999


def test_infinite_values_are_in_the_words_of_what_is_missing():
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    x[:80] = np.inf
    assert judged(known(), x=list(x))["x"]["change"].startswith("missing 0 % to 20 %")
