"""Rows of the table performance."""

from datetime import datetime, timezone

import numpy as np
import pytest

from driftline.performance import (
    Loss,
    LossNull,
    LossPeriods,
    PerformanceProfile,
    PerformanceReference,
    performance_batch,
    performance_row,
)
from driftline.performance.class_sums import sums_of_profile
from driftline.tables import PERFORMANCE, performance_id, standing_rows

from .drawing import SECOND, SQUARED, ZERO_ONE, outcomes, profile_of

HOUR = 3600 * SECOND
ONLY_CLASSES = {
    *("error_rate", "error_rate_low", "error_rate_high", "log_loss", "auc", "calibration_error"),
    *("estimated_accuracy", "estimated_error_rate", "estimated_auc", "estimate_calibrated"),
    *("error_rate_reference", "calibration_error_reference", "auc_reference"),
    *("false_positive_rate", "false_negative_rate", "calibration_gap"),
    *("false_positive_rate_reference", "false_negative_rate_reference", "calibration_gap_reference"),
}
CALIBRATED = {"p_value", "components_p", "performance_p", "components", "change"}  # null without a null
ONLY_NUMBERS = {"mean_absolute_error", "root_mean_squared_error", "bias", "bias_reference"}
MANY_CLASSES = {"classes", "confusion", "confusion_reference", "auc_by_class"}
METRICS = {
    *("auc_p", "log_loss_p", "calibration_p"),
    *("auc_spread", "log_loss_spread", "calibration_spread"),
}  # null without a null, and of numbers


def row_of(profile, **changes):
    arguments = {
        "model": "flights",
        "segment": "origin=JFK",
        "window": (0, HOUR),
        "reference": PerformanceReference.of(profile),
        "min_n": 200,
        "emitted_at": 2 * HOUR,
        "rolling_error": 0.25,
        "baseline_version": "v1",
    } | changes
    return performance_row(profile, **arguments)


def calibrated(profile):
    """A reference of twenty windows, all alike."""
    windows = np.arange(20)
    by_class = np.tile(sums_of_profile(profile) * 200 // profile.n, (20, 1))
    periods = LossPeriods(
        HOUR, windows, np.full(20, 200), np.full(20, profile.losses.mean), np.full(20, 200), by_class
    )
    return PerformanceReference.of(
        profile, LossNull.fit(profile, periods, windows * HOUR, size=HOUR, min_n=200)
    )


def test_while_labels_are_coming_there_is_no_p_value():
    reference = calibrated(profile_of(ZERO_ONE, *outcomes(2, 4000), unlabelled=np.full(1000, 0.9)))
    shares = {}
    for missing in (50, 250, 330, 500, 1000):
        row = row_of(
            profile_of(ZERO_ONE, *outcomes(1, 1000), unlabelled=np.full(missing, 0.9)), reference=reference
        )
        assert row["status"] == "ok"
        assert row["p_iid"] is not None
        shares[missing] = row["p_value"] is not None
    # a quarter of all: 36 fewer by chance at most, and one in twenty
    assert shares == {50: True, 250: True, 330: True, 500: False, 1000: False}


def test_a_row_says_all_of_a_window():
    scores, labels, delays = outcomes(1, 1000)
    profile = profile_of(ZERO_ONE, scores, labels, delays, unlabelled=np.full(500, 0.9))
    reference = calibrated(profile_of(ZERO_ONE, *outcomes(2, 4000), unlabelled=np.full(2000, 0.9)))
    batch = performance_batch([row_of(profile, reference=reference)])
    assert batch.schema.equals(PERFORMANCE.arrow)
    (row,) = batch.to_pylist()
    assert {name for name, value in row.items() if value is None} == ONLY_NUMBERS | MANY_CLASSES | {
        "change",
        "auc_p",
        "auc_spread",
    }
    assert row["row_id"] == performance_id("flights", "origin=JFK", 0, HOUR)
    assert row["segment_values"] == ["JFK"]
    assert row["window_end"] == datetime(1970, 1, 1, 1, tzinfo=timezone.utc)
    assert (row["n_predictions"], row["n"], row["n_reference"]) == (1500, 1000, 4000)
    assert row["labelled_share"] == pytest.approx(2 / 3)
    assert (row["loss"], row["status"], row["baseline_version"]) == ("zero_one", "ok", "v1")
    assert row["error_rate"] == row["mean_loss"] == np.mean((scores >= 0.5) != labels)
    assert row["error_rate_low"] < row["error_rate"] < row["error_rate_high"]
    assert row["difference"] == pytest.approx(row["mean_loss"] - row["mean_loss_reference"])
    assert row["estimated_accuracy"] + row["estimated_error_rate"] == pytest.approx(1)
    assert row["estimate_calibrated"]
    assert row["label_delay_p50_s"] == pytest.approx(np.quantile(delays, 0.5) / 1e6, rel=0.15)
    assert row["label_delay_p95_s"] == pytest.approx(np.quantile(delays, 0.95) / 1e6, rel=0.25)
    assert row["rolling_error"] == 0.25


def test_of_numbers_columns_of_classes_are_null():
    row = row_of(profile_of(SQUARED, *outcomes(3, 300, binary=False)))
    assert {name for name, value in row.items() if value is None} == (
        ONLY_CLASSES | CALIBRATED | MANY_CLASSES | METRICS | {"difference_spread", "log_loss_reference"}
    )
    assert row["root_mean_squared_error"] ** 2 == pytest.approx(row["mean_loss"])
    assert row["p_iid"] == 1.0


def test_the_status_says_what_is_missing():
    enough, few = (profile_of(ZERO_ONE, *outcomes(4, n)) for n in (200, 199))
    silent = PerformanceProfile.of_predictions(ZERO_ONE, np.array([0.9]))
    unlabelled_reference = PerformanceReference.of(silent)
    assert row_of(enough)["status"] == "ok"
    assert row_of(few)["status"] == "insufficient"
    assert row_of(few)["p_value"] is None
    assert row_of(few, reference=calibrated(few))["p_value"] == row_of(few)["p_iid"] == 1
    for reference in (None, unlabelled_reference):
        for profile in (enough, few):
            row = row_of(profile, reference=reference)
            assert row["status"] == "no_baseline"
            assert row["p_value"] is row["p_iid"] is row["difference"] is row["n_reference"] is None
            assert row["estimate_calibrated"] is False
        assert row_of(silent, reference=reference)["status"] == "no_labels"


def test_a_row_without_labels_has_an_estimate_beside_the_reference():
    silent = PerformanceProfile.of_predictions(ZERO_ONE, np.full(300, 0.9))
    row = row_of(silent, reference=PerformanceReference.of(profile_of(ZERO_ONE, *outcomes(5, 900))))
    assert row["n"] == row["labelled_share"] == 0
    assert (
        row["mean_loss"] is row["auc"] is row["label_delay_p50_s"] is row["p_value"] is row["p_iid"] is None
    )
    assert 0.7 < row["estimated_accuracy"] < 1
    assert row["n_reference"] == 900
    assert row["error_rate_reference"] is not None


def test_labels_may_be_known_of_a_window_whose_predictions_are_not():
    scores, labels, delays = outcomes(6, 20)
    row = row_of(PerformanceProfile.of_outcomes(ZERO_ONE, scores, labels, delays))
    assert (row["n"], row["n_predictions"], row["labelled_share"]) == (20, 0, None)
    assert row["estimated_accuracy"] is row["estimate_calibrated"] is None


def test_of_a_window_the_row_with_most_labels_stands():
    scores, labels, delays = outcomes(7, 60)
    early = profile_of(ZERO_ONE, scores[:20], labels[:20], delays[:20], unlabelled=scores[20:])
    late = profile_of(ZERO_ONE, scores, labels, delays)
    rows = [row_of(late, emitted_at=5), row_of(early, emitted_at=9)]
    import pyarrow as pa

    table = pa.Table.from_batches([performance_batch(rows)])
    assert standing_rows(table)["n"].to_pylist() == [60]


def test_no_rows_make_an_empty_batch():
    batch = performance_batch([])
    assert batch.num_rows == 0
    assert batch.schema.equals(PERFORMANCE.arrow)


def test_windows_at_the_ends_of_time_can_be_written():
    row = row_of(profile_of(ZERO_ONE, *outcomes(8, 5)), segment="*", window=(-62_135_596_800_000_001, 2**62))
    assert performance_batch([row]).to_pylist()[0]["window_start"].year == 1
    assert row["segment_values"] == []


def test_a_rolling_error_that_is_unknown_is_null():
    assert row_of(profile_of(ZERO_ONE, *outcomes(8, 5)), rolling_error=np.nan)["rolling_error"] is None


def test_a_baseline_of_another_loss_is_refused():
    other = PerformanceReference.of(profile_of(Loss("log"), *outcomes(9, 500)))
    with pytest.raises(ValueError, match="build the baseline again"):
        row_of(profile_of(ZERO_ONE, *outcomes(9, 5)), reference=other)
