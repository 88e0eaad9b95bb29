"""What must not matter to a decision: the scale of a feature, its unit, how windows are cut into slices."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.baseline import decode_baseline
from driftline.judging import judge
from driftline.measures.measure_registry import decode_profile, merge_encoded
from driftline.measures.slicing import profile_events
from tests.transforms.timelines import MINUTE, encoded_baseline, events

WINDOW = (0, 30 * MINUTE)
RANKS = ("components", "shift", "spread", "smooth_p", "ks", "ks_p", "psi", "psi_p", "missing_p", "range_p")
VALUES = ("moments_p", "wasserstein_iqr", "wasserstein_p", "p_value", "p_iid")


@cache
def reference(values, seed=0, windows=30):
    """Baseline of a feature whose values are made of normal ones, with weather from window to window."""
    rng = np.random.default_rng(seed)
    minutes = np.repeat(np.arange(windows), 200) * 30 + 1.0
    x = rng.normal(size=len(minutes)) + 0.1 * np.repeat(rng.normal(size=windows), 200)
    past = events(minutes - windows * 30, ["A"] * len(minutes), values(x))
    return decode_baseline(encoded_baseline(past, every=30, min_n=1), "b")


def judged(baseline, x, slices=1):
    """Result row of a window of these values, merged of so many slices."""
    minutes = np.linspace(0, 29.9, len(x))
    found = profile_events(events(minutes, ["A"] * len(x), x), baseline.layout, None, 30 // slices * MINUTE)
    profiles = [part.profile for part in found if part.part == "numeric/0"]
    merged = profiles[0] if len(profiles) == 1 else merge_encoded(profiles)
    block = baseline.layout.part("numeric/0")
    rows = judge(decode_profile(merged), "*", block, WINDOW, baseline=baseline, min_n=1)["results"]
    return rows.to_pylist()[0]


def same(one, other, columns, rel=1e-6):
    for name in columns:
        assert one[name] == pytest.approx(other[name], rel=rel, abs=1e-9), name


def plain(x):
    return x


def cubic(x):
    return x**3 + x


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.exp, cubic]))
@settings(max_examples=20, deadline=None)
def test_a_monotone_transform_leaves_what_is_of_ranks(seed, transform):
    """But for the edges of the bins, which are quantiles that are interpolated between values."""
    x = np.random.default_rng(seed).normal(size=300) + 0.2
    one, other = judged(reference(plain), x), judged(reference(transform), transform(x))
    assert one["components"] == pytest.approx(other["components"], abs=0.3)
    assert [one["shift"], one["spread"]] == pytest.approx([other["shift"], other["spread"]], abs=0.02)
    assert [one["ks"], one["psi"]] == pytest.approx([other["ks"], other["psi"]], abs=0.02)


def celsius(x):
    return 1.8 * x + 32


def halves(x):
    return x / 2


@given(st.integers(0, 2**32 - 1), st.sampled_from([celsius, halves]))
@settings(max_examples=20, deadline=None)
def test_a_change_of_unit_leaves_everything(seed, unit):
    x = np.random.default_rng(seed).normal(size=300) * 1.3
    one, other = judged(reference(plain), x), judged(reference(unit), unit(x))
    # moments are tested in steps, and a row within a float32's rounding of an edge may change its bin
    same(one, other, RANKS + VALUES, rel=5e-2)
    assert one["change"] == other["change"]


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 10, 30]))
@settings(max_examples=12, deadline=None)
def test_splitting_a_window_changes_nothing(seed, slices):
    x = np.random.default_rng(seed).normal(size=300) + 0.3
    x[:9] = np.nan
    one, other = judged(reference(plain), x), judged(reference(plain), x, slices)
    tested = [name for name in one if name.endswith("_p") or name in {*RANKS, *VALUES, "change"}]
    assert {name: one[name] for name in tested} == {name: other[name] for name in tested}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values",
    [
        lambda x: np.zeros(len(x)),
        lambda x: np.full(len(x), 1e9),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: (x > 0.5).astype(float),
        lambda x: (np.arange(len(x)) == 7).astype(float),
        lambda x: np.where(np.arange(len(x)) < 200, np.nan, x),
        lambda x: np.full(len(x), np.nan),
    ],
    ids=["zeros", "constant", "one atom", "two values", "one row", "one window of NaN", "only NaN"],
)
@pytest.mark.parametrize("rows", [5, 300])
def test_odd_features_have_probabilities_and_no_warning(values, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        baseline = reference(values)
        x = values(np.random.default_rng(1).normal(size=1_000))[-rows:]
        for live in (x, np.full(rows, np.nan), np.full(rows, 3.0), np.full(rows, -1e300)):
            row = judged(baseline, live)
            p_values = [row[name] for name in row if name.endswith("_p") or name == "p_value"]
            assert all(p is None or 0 < p <= 1 for p in p_values)
            assert row["p_value"] is not None
