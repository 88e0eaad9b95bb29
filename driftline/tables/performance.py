"""The performance row: how the model did on one segment in one window, once labels are known."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from driftline.schemas.fields import Field, RowSchema
from driftline.tables.table import Table


class PerformanceStatus(str, Enum):
    """How far a performance row can be trusted."""

    OK = "ok"
    INSUFFICIENT = "insufficient"  # n < min_n
    NO_LABELS = "no_labels"
    NO_BASELINE = "no_baseline"

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]


_STATUSES = ", ".join(f"`{status}`" for status in PerformanceStatus)

PERFORMANCE = RowSchema(
    "Performance",
    1,
    "How the model did on one segment in one window of event time of the predictions; written again as "
    "labels come. Columns that begin with `estimated` are estimates made without labels.",
    (
        Field(
            "row_id",
            "string",
            "required",
            "Hash of model, segment, window_start and window_end: the same in every replay.",
        ),
        Field("model", "string", "required", "Name of the model, from the configuration."),
        Field("segment", "string", "required", "The segment, written as in a result row."),
        Field(
            "segment_values",
            "string",
            "repeated",
            "The value of each segment column in configured order, not encoded; empty for `*` and `(other)`.",
        ),
        Field("window_start", "timestamp", "required", "First instant of the window."),
        Field("window_end", "timestamp", "required", "First instant after the window."),
        Field(
            "emitted_at",
            "timestamp",
            "required",
            "When the row was computed; not part of what makes two rows equal.",
        ),
        Field("n_predictions", "int64", "required", "Predictions in the window, labelled or not."),
        Field("n", "int64", "required", "Of these, outcomes: predictions whose label is known."),
        Field(
            "labelled_share",
            "float64",
            "nullable",
            "`n` / `n_predictions`: where it is small, the first labels to come may not be like the others.",
        ),
        Field("loss", "string", "required", "Name of the loss: `zero_one`, `log`, `absolute` or `squared`."),
        Field("mean_loss", "float64", "nullable", "Mean loss of the outcomes."),
        Field(
            "mean_loss_low",
            "float64",
            "nullable",
            "Lower end of the 95 % interval of `mean_loss` (Wilson for `zero_one`, Student's t else), as if "
            "outcomes were independent, which requests are not.",
        ),
        Field("mean_loss_high", "float64", "nullable", "Upper end of it."),
        Field("error_rate", "float64", "nullable", "Share of outcomes of the wrong class."),
        Field(
            "error_rate_low",
            "float64",
            "nullable",
            "Lower end of the 95 % Wilson interval of `error_rate`, as if outcomes were independent.",
        ),
        Field("error_rate_high", "float64", "nullable", "Upper end of it."),
        Field(
            "rolling_error",
            "float64",
            "nullable",
            "Mean loss of the last 1,000 outcomes that were known at the end of the window.",
        ),
        Field("log_loss", "float64", "nullable", "Mean log-loss (natural logarithm); classes only."),
        Field(
            "auc",
            "float64",
            "nullable",
            "Area under the ROC curve, from a histogram of scores; classes only, null if one is absent.",
        ),
        Field(
            "calibration_error",
            "float64",
            "nullable",
            "Expected calibration error over 15 bins of equal width, 0 is perfect; classes only. Noise "
            "raises it where `n` is small.",
        ),
        Field("mean_absolute_error", "float64", "nullable", "Mean absolute error; numbers only."),
        Field("root_mean_squared_error", "float64", "nullable", "Root mean squared error; numbers only."),
        Field(
            "estimated_accuracy",
            "float64",
            "nullable",
            "Estimate, without labels, of the share of right classes, over all predictions (CBPE); blind to "
            "a change of the concept.",
        ),
        Field("estimated_error_rate", "float64", "nullable", "Estimate: 1 - `estimated_accuracy`."),
        Field("estimated_auc", "float64", "nullable", "Estimate of `auc`, over all predictions."),
        Field("n_reference", "int64", "nullable", "Outcomes of the segment in the reference."),
        Field("mean_loss_reference", "float64", "nullable", "`mean_loss` of the reference."),
        Field("error_rate_reference", "float64", "nullable", "`error_rate` of the reference."),
        Field("calibration_error_reference", "float64", "nullable", "`calibration_error` of the reference."),
        Field("auc_reference", "float64", "nullable", "`auc` of the reference."),
        Field(
            "difference",
            "float64",
            "nullable",
            "`mean_loss` - `mean_loss_reference`: positive is worse.",
        ),
        Field(
            "p_value",
            "float64",
            "nullable",
            "Two-sided p-value of `difference`, calibrated on how far the mean loss of the reference's own "
            "windows strays; null if fewer than 10 disjoint ones have `tests.min_n` outcomes, and as long as "
            "fewer labels have come than came for them; a bound where `n` is outside what they had.",
        ),
        Field(
            "status",
            "string",
            "required",
            f"{_STATUSES}: `insufficient` is n < `tests.min_n`, `no_baseline` that the reference has no "
            "outcomes of the segment.",
        ),
        Field(
            "label_delay_p50_s",
            "float64",
            "nullable",
            "Median time from the prediction to its label, in seconds, within 13 %; of labels that came.",
        ),
        Field("label_delay_p95_s", "float64", "nullable", "95th percentile of the same."),
        Field("baseline_version", "string", "nullable", "Version of the baseline compared with."),
        Field(
            "estimate_calibrated",
            "bool",
            "nullable",
            "Whether scores were calibrated by the outcomes of the reference before estimating; if not, they "
            "were taken as probabilities.",
        ),
        Field(
            "p_iid",
            "float64",
            "nullable",
            "What `p_value` would be if outcomes were independent, which requests are not.",
        ),
        Field(
            "false_positive_rate",
            "float64",
            "nullable",
            "Share of the outcomes of class 0 that were predicted to be 1; classes only.",
        ),
        Field(
            "false_negative_rate",
            "float64",
            "nullable",
            "Share of the outcomes of class 1 that were predicted to be 0; classes only.",
        ),
        Field(
            "calibration_gap",
            "float64",
            "nullable",
            "Mean score minus share of class 1: positive where scores are too high; classes only.",
        ),
        Field(
            "bias",
            "float64",
            "nullable",
            "Mean of predicted minus true number; numbers only, null where an earlier release profiled some.",
        ),
        *(
            Field(f"{name}_reference", "float64", "nullable", f"`{name}` of the reference.")
            for name in ("false_positive_rate", "false_negative_rate", "calibration_gap", "bias")
        ),
        Field(
            "components_p",
            "float64",
            "nullable",
            "Calibrated p-value of error kinds and scores by true class together, so two errors that cancel "
            "are seen; more of class 1 alone does not count. Of numbers that of `bias`. Null as `p_value`, "
            "and with a baseline of an earlier release.",
        ),
        Field(
            "performance_p",
            "float64",
            "nullable",
            "`p_value` and `components_p` combined (Cauchy; the loss counts twice): is the performance as in "
            "normal windows, better or worse.",
        ),
        Field(
            "components",
            "record",
            "nullable",
            "How far each is from normal windows, in their standard deviations; null where the reference "
            "cannot tell.",
            (
                Field("loss", "float64", "nullable", "The mean loss."),
                Field("false_positives", "float64", "nullable", "Their rate among class 0."),
                Field("false_negatives", "float64", "nullable", "Their rate among class 1."),
                Field(
                    "calibration_gap",
                    "float64",
                    "nullable",
                    "Mean score minus share of class 1, at the reference's share of class 1.",
                ),
                Field(
                    "separation",
                    "float64",
                    "nullable",
                    "Mean score of class 1 minus that of class 0: higher where scores move outward.",
                ),
                Field("bias", "float64", "nullable", "Mean of predicted minus true number."),
                Field("auc", "float64", "nullable", "`auc`: negative is worse."),
                Field("log_loss", "float64", "nullable", "`log_loss`, where it is not the loss itself."),
            ),
        ),
        Field(
            "change",
            "string",
            "nullable",
            "What changed, in words: components of three standard deviations or more, the largest first; the "
            "largest alone where only `performance_p` is as unusual; null if none.",
        ),
        Field(
            "auc_p",
            "float64",
            "nullable",
            "Two-sided p-value of `auc`, calibrated on the reference's own windows as `p_value` is, so that "
            "few of class 1 are no alarm; null as `p_value`, if a class is absent, and with a baseline of an "
            "earlier release.",
        ),
        Field("log_loss_p", "float64", "nullable", "The same of `log_loss`."),
        Field("calibration_p", "float64", "nullable", "The same of `calibration_gap`."),
        Field(
            "difference_spread",
            "float64",
            "nullable",
            "Standard deviation of `difference` among normal windows of as many outcomes: what is much "
            "smaller could not be seen in one window.",
        ),
        Field("auc_spread", "float64", "nullable", "The same of `auc`."),
        Field("log_loss_spread", "float64", "nullable", "The same of `log_loss`."),
        Field("calibration_spread", "float64", "nullable", "The same of `calibration_gap`."),
        Field("classes", "string", "repeated", "Names of the classes, if there are more than two."),
        Field(
            "confusion",
            "int64",
            "repeated",
            "Outcomes by true class, and within it by predicted class, in the order of `classes`; null "
            "without.",
        ),
        Field("confusion_reference", "int64", "repeated", "`confusion` of the reference."),
        Field(
            "auc_by_class",
            "float64",
            "repeated",
            "Area under the ROC curve of each class against the rest, in the order of `classes`; `auc` is "
            "their mean. Null without probabilities, and of a class that is absent.",
        ),
        Field("log_loss_reference", "float64", "nullable", "`log_loss` of the reference."),
    ),
)


def _has_labels(config: Any) -> bool:
    return config.labels is not None


TABLE: Final = Table(
    name="performance",
    title="Performance",
    holds="how right the model is, where there are labels",
    schema=PERFORMANCE,
    identity=("model", "segment", "window_start", "window_end"),
    rank=("n", "emitted_at"),
    written_by=_has_labels,
)

performance_id = TABLE.row_id
