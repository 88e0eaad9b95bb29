"""Rows of the table `performance`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from driftline.performance.component_comparison import compare_components, performance_p
from driftline.performance.confusion_words import confusion_words
from driftline.performance.estimation import estimate
from driftline.performance.label_delays import delay_quantile
from driftline.performance.loss_comparison import compare
from driftline.performance.metric_comparison import compare_metrics
from driftline.performance.metrics import measure
from driftline.performance.performance_words import performance_words, standardised
from driftline.segments import values_of
from driftline.tables.performance import PERFORMANCE, PerformanceStatus, performance_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.performance.component_comparison import ComponentComparison
    from driftline.performance.loss_comparison import Comparison
    from driftline.performance.metric_comparison import MetricComparison
    from driftline.performance.performance_reference import PerformanceReference
    from driftline.performance.profile import PerformanceProfile

# The years 1 to 9999, which every sink can write: a window may reach out of them where an event cannot.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


def performance_row(
    profile: PerformanceProfile,
    *,
    model: str,
    segment: str,
    window: tuple[int, int],
    reference: PerformanceReference | None,
    min_n: int,
    emitted_at: int,
    rolling_error: float = math.nan,
    baseline_version: str | None = None,
) -> dict[str, Any]:
    """Say how a model did on one segment in one window.

    Parameters
    ----------
    profile
        Profile of the window, which windows are by the event time of the prediction.
    window
        Start and end, microseconds.
    reference
        The segment's own in the baseline, None if it has none.
    min_n
        Outcomes below which the row says ``insufficient``.
    emitted_at
        Now, microseconds.
    rolling_error
        Mean loss of the last outcomes known at the window's end; nan where unknown.

    Returns
    -------
    dict
        One value for each column of `PERFORMANCE`; times in microseconds, None where a column does not apply.

    Raises
    ------
    ValueError
        If the reference is of another loss or threshold.
    """
    start, end = window
    binary, classes = profile.loss.binary, profile.classes
    metrics = measure(profile)
    labelled_reference = reference if reference is not None and reference.profile.n else None
    row: dict[str, Any] = {
        "row_id": performance_id(model, segment, start, end),
        "model": model,
        "segment": segment,
        "segment_values": values_of(segment),
        "window_start": max(start, _FIRST),
        "window_end": min(end, _LAST),
        "emitted_at": emitted_at,
        "n_predictions": profile.n_predictions,
        "n": profile.n,
        "labelled_share": profile.n / profile.n_predictions if profile.n_predictions else None,
        "loss": profile.loss.name,
        "mean_loss": metrics.mean_loss,
        "mean_loss_low": metrics.mean_loss_interval.low,
        "mean_loss_high": metrics.mean_loss_interval.high,
        "error_rate": metrics.error_rate,
        "error_rate_low": metrics.error_rate_interval.low,
        "error_rate_high": metrics.error_rate_interval.high,
        "rolling_error": rolling_error,
        "false_positive_rate": metrics.false_positive_rate,
        "false_negative_rate": metrics.false_negative_rate,
        "calibration_gap": metrics.calibration_gap,
        "bias": metrics.bias,
        "log_loss": metrics.log_loss,
        "auc": metrics.auc,
        "calibration_error": metrics.calibration_error,
        "mean_absolute_error": metrics.mean_absolute_error,
        "root_mean_squared_error": metrics.root_mean_squared_error,
        "status": _status(profile, labelled_reference, min_n).value,
        "label_delay_p50_s": delay_quantile(profile.delays, 0.5),
        "label_delay_p95_s": delay_quantile(profile.delays, 0.95),
        "baseline_version": baseline_version,
    }
    if classes is not None:
        row |= {
            "classes": list(profile.loss.classes),
            "confusion": classes.confusion.ravel().tolist(),
            "auc_by_class": [_finite(area) for area in classes.areas().tolist()]
            if len(classes.scores)
            else None,
        }
    if binary and profile.n_predictions:
        calibration = reference.calibration if reference is not None else None
        expected = estimate(profile, calibration)
        row |= {
            "estimated_accuracy": expected.accuracy,
            "estimated_error_rate": expected.error_rate,
            "estimated_auc": expected.auc,
            "estimate_calibrated": calibration is not None,
        }
    if labelled_reference is not None:
        normal = labelled_reference.metrics
        comparison = compare(profile, labelled_reference.profile, labelled_reference.null)
        beside = compare_components(profile, labelled_reference)
        apart = compare_metrics(profile, labelled_reference)
        together = performance_p(comparison.p_value, beside.p_value)
        row |= {
            "n_reference": normal.n,
            "mean_loss_reference": normal.mean_loss,
            "error_rate_reference": normal.error_rate,
            "calibration_error_reference": normal.calibration_error,
            "auc_reference": normal.auc,
            "difference": comparison.difference,
            "p_value": comparison.p_value,
            "p_iid": comparison.p_iid,
            "false_positive_rate_reference": normal.false_positive_rate,
            "false_negative_rate_reference": normal.false_negative_rate,
            "calibration_gap_reference": normal.calibration_gap,
            "bias_reference": normal.bias,
            "components_p": beside.p_value,
            "performance_p": together,
            "components": _components(comparison, beside, apart),
            "difference_spread": comparison.spread,
            "log_loss_reference": normal.log_loss,
            "change": performance_words(metrics, normal, comparison, beside, together, apart),
        }
        row |= {f"{name}_p": each.p_value for name, each in apart.items()}
        row |= {f"{name}_spread": each.spread for name, each in apart.items()}
        usual = labelled_reference.profile.classes
        if classes is not None and usual is not None:
            row["confusion_reference"] = usual.confusion.ravel().tolist()
            if row["change"]:
                pairs = confusion_words(profile.loss.classes, classes.confusion, usual.confusion)
                row["change"] = ", ".join([row["change"], *pairs])
        if profile.loss.name == "log":
            row |= {"log_loss_p": comparison.p_value, "log_loss_spread": comparison.spread}
    return {name: _finite(row.get(name)) for name in PERFORMANCE.names}


def performance_batch(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    """Make a batch of the schema `PERFORMANCE` of what `performance_row` gave, any number."""
    return pa.RecordBatch.from_pylist(list(rows), schema=PERFORMANCE.arrow)


def _status(
    profile: PerformanceProfile, reference: PerformanceReference | None, min_n: int
) -> PerformanceStatus:
    if not profile.n:
        return PerformanceStatus.NO_LABELS
    if reference is None:
        return PerformanceStatus.NO_BASELINE
    return PerformanceStatus.OK if profile.n >= min_n else PerformanceStatus.INSUFFICIENT


def _components(
    loss: Comparison, beside: ComponentComparison, metrics: dict[str, MetricComparison]
) -> dict[str, float | None] | None:
    found = {name: _finite(value) for name, value in standardised(loss, beside, metrics).items()}
    return found if any(value is not None for value in found.values()) else None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
