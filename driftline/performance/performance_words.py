"""What changed in a model's performance, in words and in standard deviations of normal windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from scipy import special

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.performance.component_comparison import ComponentComparison
    from driftline.performance.loss_comparison import Comparison
    from driftline.performance.metric_comparison import MetricComparison
    from driftline.performance.metrics import Metrics

_NOTABLE: Final = 3.0  # standard deviations of normal windows
_UNUSUAL: Final = float(2 * special.ndtr(-_NOTABLE))  # p-value of as much


_NOTHING: Final[dict[str, MetricComparison]] = {}


def standardised(
    loss: Comparison, beside: ComponentComparison, metrics: Mapping[str, MetricComparison] = _NOTHING
) -> dict[str, float]:
    """Give every component in standard deviations of normal windows; nan where that is not known.

    The loss and the metrics, which have nulls of their own, are as many as their two-sided p-values would be
    of a normal variable.
    """
    of_metrics = {
        name: metrics[name].deviations if name in metrics else math.nan for name in ("auc", "log_loss")
    }
    return {
        "loss": loss.deviations,
        "false_positives": beside.false_positives.standardised,
        "false_negatives": beside.false_negatives.standardised,
        "calibration_gap": beside.calibration_gap.standardised,
        "separation": beside.separation.standardised,
        "bias": beside.bias.standardised,
    } | of_metrics


def performance_words(  # noqa: PLR0917  (what was compared)
    current: Metrics,
    normal: Metrics,
    loss: Comparison,
    beside: ComponentComparison,
    p_value: float,
    metrics: Mapping[str, MetricComparison] = _NOTHING,
) -> str | None:
    """Name what sticks out, the most unusual first.

    Parameters
    ----------
    current, normal
        Of the window and of the reference.
    loss, beside, metrics
        What comparing them gave.
    p_value
        Of all together: where it is unusual and no component is, the farthest one is named.

    Returns
    -------
    str or None
        None if nothing is further than three standard deviations from what normal windows have.
    """
    far = {name: abs(z) for name, z in standardised(loss, beside, metrics).items() if math.isfinite(z)}
    if not far:
        return None
    least = min(_NOTABLE, max(far.values())) if p_value <= _UNUSUAL else _NOTABLE
    said = {
        "loss": _loss(current, normal),
        "false_positives": rate_words(
            "false positives", normal.false_positive_rate, current.false_positive_rate
        ),
        "false_negatives": rate_words(
            "false negatives", normal.false_negative_rate, current.false_negative_rate
        ),
        "calibration_gap": gap_words(beside.calibration_gap.change),
        "separation": f"scores of the classes {_apart(beside.separation.change)}",
        "bias": number_words("bias", normal.bias, current.bias, "+.3g"),
        "auc": number_words("AUC", normal.auc, current.auc, ".2f"),
        "log_loss": number_words("log-loss", normal.log_loss, current.log_loss, ".3g"),
    }
    words = [said[name] for name in sorted(far, key=lambda name: -far[name]) if far[name] >= least]
    return ", ".join(words) or None


def rate_words(name: str, before: float, now: float) -> str:
    """Say from what to what a rate went.

    Examples
    --------
    >>> rate_words("errors", 0.08, 0.112)
    'errors 8 % to 11.2 %'
    """
    return f"{name} {100 * before:.3g} % to {100 * now:.3g} %"


def number_words(name: str, before: float, now: float, form: str) -> str:
    """Say from what to what a number went, in this format."""
    return f"{name} {before:{form}} to {now:{form}}"


def gap_words(change: float) -> str:
    """Say by how much scores went above or below the share of positives."""
    return f"calibration gap {change:+.2g}"


def _loss(current: Metrics, normal: Metrics) -> str:
    if math.isclose(current.mean_loss, current.error_rate):
        return rate_words("errors", normal.error_rate, current.error_rate)
    return number_words("mean loss", normal.mean_loss, current.mean_loss, ".3g")


def _apart(change: float) -> str:
    return f"{abs(change):.2g} {'further apart' if change > 0 else 'closer together'}"
