"""Baseline format 2 stays readable: every reading is what the release that wrote it read.

``baseline_v2.json`` holds what that release said of its own file: profiles, p-values, outcomes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.windows_file import decode_windows
from driftline.performance.estimation import estimate
from driftline.performance.performance_measure import PART

DATA = Path(__file__).parent / "data"
SAID = json.loads((DATA / "baseline_v2.json").read_text())
ENTRIES = {(said["segment"], said["block"]): said for said in SAID["entries"]}
OUTCOMES = {said["segment"]: said for said in SAID["performance"]}


def as_said(said):
    """Compare floats to what a different processor may round; None there is what has no value."""
    return pytest.approx(np.array(said, dtype=float), rel=1e-9, nan_ok=True)


@pytest.fixture(scope="module")
def baseline():
    return decode_baseline((DATA / "baseline_v2.avro").read_bytes(), "baseline_v2.avro")


def test_the_head_says_what_it_said(baseline):
    assert SAID["format_version"] == 2
    for name in ("version", "model", "size", "every", "min_n", "windows", "created_at"):
        assert getattr(baseline, name) == SAID[name]
    assert list(baseline.segment_columns) == SAID["segment_columns"]
    assert list(baseline.segments) == SAID["segments"]
    assert sorted(baseline.monitored) == SAID["monitored"]
    assert baseline.layout.fingerprint.hex() == SAID["layout_fingerprint"]


def test_it_holds_the_same_entries(baseline):
    outcomes = {(segment, PART.name) for segment in OUTCOMES}
    assert set(baseline.entries) == set(ENTRIES) | outcomes


@pytest.mark.parametrize("key", list(ENTRIES), ids="/".join)
def test_profiles_say_what_they_said(baseline, key):
    said, profile = ENTRIES[key], baseline.entries[key].profile
    assert list(baseline.layout.part(key[1]).names) == said["features"]
    assert profile.rows == said["rows"]
    assert profile.missing.tolist() == said["missing"]
    assert profile.counts.tolist() == said["counts"]
    numbers = ("nonfinite", "minimum", "maximum", "mean", "variance", "cardinality")
    for name in [name for name in numbers if name in said]:
        assert np.asarray(getattr(profile, name), dtype=float) == as_said(said[name]), name
    if "quantiles_05_50_95" in said:
        assert profile.quantiles([0.05, 0.5, 0.95]) == as_said(said["quantiles_05_50_95"])


@pytest.mark.parametrize("key", list(ENTRIES), ids="/".join)
def test_nulls_say_what_they_said(baseline, key):
    said, null = ENTRIES[key]["null"], baseline.entries[key].null
    assert list(null.statistics) == said["statistics"]
    assert null.statuses() == said["statuses"]
    for name in ("typical_n", "n_min", "n_max", "windows", "df"):
        assert np.asarray(getattr(null, name), dtype=float) == as_said(said[name]), name
    for call in said["p_values"]:
        squared = np.array(call["squared"])
        p = null.p_values(squared, np.full(squared.shape, call["n"]))
        assert p == as_said(call["p_values"]), call


@pytest.mark.parametrize("segment", list(OUTCOMES))
def test_outcomes_say_what_they_said(baseline, segment):
    said, reference = OUTCOMES[segment], baseline.reference(segment, PART)
    profile, metrics = reference.profile, reference.metrics
    assert (profile.loss.name, profile.loss.threshold) == (said["loss"], said["threshold"])
    assert (profile.n_predictions, profile.n, profile.errors) == (
        said["n_predictions"], said["n"], said["errors"],
    )  # fmt: skip
    assert profile.losses.mean == as_said(said["mean_loss"])
    for name in ("error_rate", "log_loss", "auc", "calibration_error"):
        assert getattr(metrics, name) == as_said(said[name]), name
    assert (reference.calibration is not None) == said["calibrated"]
    estimated = estimate(profile, reference.calibration)
    assert estimated.accuracy == as_said(said["estimated_accuracy"])
    assert estimated.auc == as_said(said["estimated_auc"])
    assert profile.delays.tolist() == said["delays"]


@pytest.mark.parametrize("segment", list(OUTCOMES))
def test_nulls_of_outcomes_say_what_they_said(baseline, segment):
    said, null = OUTCOMES[segment]["null"], baseline.reference(segment, PART).null
    if said is None:
        assert null is None
        return
    for name in ("windows", "typical_n", "n_min", "n_max", "df"):
        assert getattr(null.table, name) == as_said(said[name]), name
    for call in said["p_values"]:
        assert null.p_value(call["distance"], call["n"]) == as_said(call["p_value"]), call


def test_windows_beside_it_say_what_they_said():
    windows = decode_windows((DATA / "baseline_v2.avro.windows").read_bytes())
    assert len(windows) == len(SAID["windows_sidecar"])
    for said in SAID["windows_sidecar"]:
        found = windows[said["segment"], said["block"]]
        assert list(found.counts.shape) == said["shape"]
        assert found.starts[:2].tolist() == said["first_starts"]
        rows = found.counts.sum(2) + found.missing + found.nonfinite
        assert rows[:3, 0].tolist() == said["rows_of_first"]
