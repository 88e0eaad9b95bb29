"""The result row: one for every baseline (segment, feature) in every window."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from driftline.schemas.fields import Field, RowSchema
from driftline.schemas.statistic_columns import added_columns, p_value_column
from driftline.tables.table import Table


class _Word(str, Enum):
    """A string with a closed set of values (``enum.StrEnum`` begins with Python 3.11)."""

    __str__ = str.__str__
    __format__ = str.__format__  # type: ignore[assignment]


class Kind(_Word):
    """What a feature holds."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Status(_Word):
    """How far a result can be trusted; ``drifted`` is null unless it is ``ok``."""

    OK = "ok"
    INSUFFICIENT = "insufficient"  # n < min_n
    PARTIAL = "partial"  # coverage < min_coverage
    NO_BASELINE = "no_baseline"
    NO_DATA = "no_data"


class Pane(_Word):
    """Whether the row was made when the window closed or corrected by later data."""

    ON_TIME = "on_time"
    LATE = "late"


class Calibration(_Word):
    """What a p-value rests on."""

    CALIBRATED = "calibrated"
    BOUND = "bound"
    FEW_WINDOWS = "few_windows"
    UNCALIBRATED = "uncalibrated"
    INDEPENDENT = "independent"


def _words(words: type[_Word]) -> str:
    return ", ".join(f"`{word}`" for word in words)


QUANTILES = {"p01": 0.01, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
"""Field of the ``quantiles`` record to its probability."""

_OWN = RowSchema(
    "Result",
    1,
    "One feature of one segment in one window, compared with the baseline.",
    (
        Field(
            "row_id",
            "string",
            "required",
            "Hash of model, segment, feature, window_start and window_end: the same in every replay.",
        ),
        Field("model", "string", "required", "Name of the model, from the configuration."),
        Field(
            "segment",
            "string",
            "required",
            "`*` for all traffic, `(other)` for all segments that are not monitored by name, or "
            "`column=value`, several joined by `,`, with `, = % * ~` in values percent-encoded, null as `~`.",
        ),
        Field(
            "segment_values",
            "string",
            "repeated",
            "The value of each segment column in configured order, not encoded; empty for `*` and `(other)`.",
        ),
        Field("feature", "string", "required", "Name of the feature; `prediction` is the model's output."),
        Field("kind", "string", "required", f"{_words(Kind)}."),
        Field("window_start", "timestamp", "required", "First instant of the window."),
        Field("window_end", "timestamp", "required", "First instant after the window."),
        Field(
            "pane",
            "string",
            "required",
            f"{_words(Pane)}: a late pane repeats the whole result, corrected by late rows.",
        ),
        Field("pane_index", "int64", "required", "Number of the pane; no version: the largest `n` stands."),
        Field(
            "emitted_at",
            "timestamp",
            "required",
            "When the row was computed; not part of what makes two rows equal.",
        ),
        Field("n", "int64", "required", "Rows of the segment in the window, missing values included."),
        Field("n_reference", "int64", "nullable", "Rows of the segment in the reference."),
        Field(
            "coverage",
            "float64",
            "required",
            "Share of the window's slices, quarters of `windows.every` each, that hold rows of the model, of "
            "those that usually do in the reference: below 1 at the edges of the data.",
        ),
        Field(
            "status",
            "string",
            "required",
            f"{_words(Status)}: `insufficient` is n < `tests.min_n`, `partial` is coverage < "
            "`tests.min_coverage`.",
        ),
        Field("missing_rate", "float64", "nullable", "Share of rows whose value is missing."),
        Field("nonfinite_rate", "float64", "nullable", "Share of rows whose value is NaN or infinite."),
        Field("mean", "float64", "nullable", "Mean of the finite values."),
        Field("variance", "float64", "nullable", "Population variance (ddof 0) of the finite values."),
        Field("skewness", "float64", "nullable", "Third standardised moment of the finite values."),
        Field("min", "float64", "nullable", "Smallest finite value."),
        Field("max", "float64", "nullable", "Largest finite value."),
        Field(
            "quantiles",
            "record",
            "nullable",
            "Quantiles of the finite values, from a t-digest.",
            tuple(
                Field(name, "float64", "nullable", f"Quantile {probability:g}.")
                for name, probability in QUANTILES.items()
            ),
        ),
        Field("cardinality", "int64", "nullable", "Distinct categories, by HyperLogLog (within about 3 %)."),
        Field(
            "new_category_rate",
            "float64",
            "nullable",
            "Share of present values whose category never occurs in the reference; of more than 4,096 "
            "categories there, a hundredth of new ones is taken for known.",
        ),
        Field("ks", "float64", "nullable", "Kolmogorov-Smirnov distance between window and reference."),
        Field("ks_p", "float64", "nullable", "Calibrated p-value of `ks`."),
        Field("psi", "float64", "nullable", "Population stability index; 0.1 is moderate, 0.25 large."),
        Field("psi_p", "float64", "nullable", "Calibrated p-value of `psi`."),
        Field("wasserstein", "float64", "nullable", "Wasserstein-1 distance, in the feature's own unit."),
        Field(
            "wasserstein_iqr",
            "float64",
            "nullable",
            "`wasserstein` in units of the reference's interquartile range.",
        ),
        Field("chi2", "float64", "nullable", "Chi-square statistic of the categories."),
        Field("chi2_p", "float64", "nullable", "Calibrated p-value of `chi2`."),
        Field("missing_p", "float64", "nullable", "Calibrated p-value of the change of `missing_rate`."),
        Field(
            "p_value",
            "float64",
            "nullable",
            "`smooth_p`, `ks_p`, `missing_p` and, with less weight, `moments_p` and `range_p` (numeric), or "
            "`chi2_p`, `missing_p` and, with less weight, `new_p` and `cardinality_p` (categorical), by the "
            "Cauchy combination test.",
        ),
        Field(
            "p_iid",
            "float64",
            "nullable",
            "What `p_value` would be if rows were independent, which requests are not.",
        ),
        Field(
            "p_adjusted",
            "float64",
            "nullable",
            "`p_value` after Benjamini-Hochberg over the segments and features of the model's window whose "
            "`status` is `ok` and whose `calibration` is acted on; null for the others.",
        ),
        Field(
            "drifted",
            "bool",
            "nullable",
            "Significant (`p_adjusted` < `tests.alpha`) and large (`psi`, `wasserstein_iqr`, `rate_change` "
            "or "
            "`rate_ratio` above its threshold); null unless `status` is `ok` and `calibration` is acted on: "
            "cannot tell.",
        ),
        Field("baseline_version", "string", "nullable", "Version of the baseline compared with."),
        Field(
            "bin_counts",
            "int64",
            "repeated",
            "Rows of the window in each bin of the baseline: value bins in order, or its categories and "
            "then all others.",
        ),
        Field(
            "new_categories",
            "string",
            "repeated",
            "Up to 5 of the most frequent categories that never occur in the reference.",
        ),
        Field(
            "calibration",
            "string",
            "nullable",
            f"What `p_value` rests on: {_words(Calibration)}. `bound`: the window has fewer or more rows "
            "than any of the reference, p is an upper bound. `few_windows` (of the reference, under 10) and "
            "`uncalibrated` (at most 2, p is 1) are never acted on. `independent`: as if rows were "
            "independent, in notebooks without times.",
        ),
        p_value_column("wasserstein"),
        Field(
            "smooth_p",
            "float64",
            "nullable",
            "Calibrated p-value of `components` together: it sees a change across the grain of normal "
            "variation.",
        ),
        Field(
            "moments_p",
            "float64",
            "nullable",
            "Calibrated p-value of mean and standard deviation: it sees values far beyond the reference.",
        ),
        Field(
            "range_p",
            "float64",
            "nullable",
            "p-value of `beyond_range`: of so many rows below or above all of the reference.",
        ),
        Field(
            "beyond_range",
            "float64",
            "nullable",
            "Share of the finite values below the smallest or above the largest one of the reference. 0 with "
            "a baseline of an earlier release.",
        ),
        Field(
            "new_p",
            "float64",
            "nullable",
            "p-value of `new_category_rate`: of so many rows of categories that the reference lacks.",
        ),
        Field(
            "rate_change",
            "float64",
            "nullable",
            "Largest change of a share, from 0 to 1: of missing values, of a category, of new ones, of those "
            "that should be there and are gone, of values beyond the reference's range.",
        ),
        Field(
            "rate_ratio",
            "float64",
            "nullable",
            "Largest ratio of such a share to what it was, up or down, among those that change by a point "
            "or more.",
        ),
        Field(
            "components",
            "float64",
            "repeated",
            "Shift, spread, skew and tails of the ranks: how far each is from what the other three let "
            "expect, in standard deviations of normal windows. Empty without a null; fewer where the "
            "reference has few distinct values.",
        ),
        Field(
            "shift",
            "float64",
            "nullable",
            "How far the values moved, in standard deviations of the reference (of its normal scores).",
        ),
        Field(
            "spread",
            "float64",
            "nullable",
            "Spread of the values over that of the reference, on the same scale.",
        ),
        Field(
            "change",
            "string",
            "nullable",
            "What changed, in words: components of three standard deviations or more, the largest first, "
            "and the missing rate; of categories new ones, cardinality and concentration. Null if none.",
        ),
    ),
)

RESULT = replace(_OWN, fields=(*_OWN.fields, *added_columns(_OWN.fields)))
"""The row: columns never move, so those that a statistic brings are the last."""

TABLE: Final = Table(
    name="results",
    title="Results",
    holds="result rows",
    schema=RESULT,
    identity=("model", "segment", "feature", "window_start", "window_end"),
    rank=("n", "emitted_at", "pane_index"),
    mark=(),  # older than the rule that a table has a mark
)

row_id = TABLE.row_id
