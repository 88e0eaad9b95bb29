"""The trend row: how far a feature, or the performance, has gone over the newest windows."""

from __future__ import annotations

from typing import Final

from driftline.schemas.fields import Field, RowSchema
from driftline.tables.table import Table

OF_PERFORMANCE: Final = "(performance)"
"""Stands for a feature in rows that follow how right the model is."""

TREND = RowSchema(
    "Trend",
    1,
    "One feature of one segment, or the performance on it, when a window is over: the most unusual run of "
    "windows that ends with it. Only windows of status `ok` that do not overlap are followed, once their "
    "late rows, and for the performance their labels, are in.",
    (
        Field(
            "row_id",
            "string",
            "required",
            "Hash of model, segment, feature, window_start and window_end: the same in every replay.",
        ),
        Field("model", "string", "required", "Name of the model, from the configuration."),
        Field("segment", "string", "required", "The segment, written as in a result row."),
        Field(
            "feature",
            "string",
            "required",
            "Name of the feature; `prediction` is the model's output, `(performance)` how right it is.",
        ),
        Field("window_start", "timestamp", "required", "First instant of the newest window."),
        Field("window_end", "timestamp", "required", "First instant after it."),
        Field(
            "statistic",
            "string",
            "required",
            "What found the run: `smooth` (shift, spread, skew, tails), `chi2` (shares of categories) or "
            "`missing`; of the performance `loss`, `false_positives`, `false_negatives`, `calibration_gap` "
            "or `bias`.",
        ),
        Field("windows", "int64", "required", "Windows of the run; 1 before there are two."),
        Field("since", "timestamp", "required", "Start of its first window: since when there is a change."),
        Field(
            "p_value",
            "float64",
            "required",
            "How many alarms at least as unusual would begin at a window, for this feature, if nothing "
            "changed.",
        ),
        Field(
            "limit",
            "float64",
            "required",
            "Largest `p_value` that raises an alarm: the share of this feature and window in "
            "`tests.false_alarms`.",
        ),
        Field(
            "alarm",
            "bool",
            "required",
            "Whether there is an alarm: from the window that raised it until `p_value` is far above the "
            "limit.",
        ),
        Field("alarm_since", "timestamp", "nullable", "End of the window that raised the alarm."),
        Field("change", "string", "nullable", "What changed over the run, in words; null without an alarm."),
        Field("baseline_version", "string", "required", "Version of the baseline it was compared with."),
        Field(
            "emitted_at",
            "timestamp",
            "required",
            "When the row was computed; not part of what makes two rows equal.",
        ),
    ),
)

TABLE: Final = Table(
    name="trends",
    title="Trends",
    holds="what changes over many windows",
    schema=TREND,
    identity=("model", "segment", "feature", "window_start", "window_end"),
)
