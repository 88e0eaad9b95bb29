"""The first lines of the report: the worst thing first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftline.report.answer import Answer
    from driftline.report.headline import Headline
    from driftline.report.trend_answer import TrendAnswer

_INPUTS = {"drift": "Drift", "quiet": "No drift", "unknown": "Not judged"}
_MODEL = {"drift": "Model worse", "quiet": "Model: no sign", "unknown": "Model not judged"}
_RISING = ("quiet", "unknown", "drift")


@dataclass(frozen=True)
class Line:
    """One line: `badge` and `tone` say what is the matter, `detail` what goes with it."""

    badge: str
    tone: str
    text: str
    detail: str = ""


def first_lines(inputs: Headline, model: Answer | None, trend: TrendAnswer | None = None) -> tuple[Line, ...]:
    """Say what is the matter with the inputs and with the model, the worst first.

    A worse model goes before drift that lasts, that before drift in single windows, that before a trend that
    is on, that before what cannot be judged, and only then comes what is as it should be. Of two that are as
    bad the inputs go first. A trend that is over stands last.

    Parameters
    ----------
    inputs : Headline
        Its title names drift that lasts before drift that does not.
    model : Answer or None
        None if the run says nothing about the model's error.
    trend : TrendAnswer or None
        None if there was no alarm.
    """
    lines = [Line(_INPUTS[inputs.tone], inputs.tone, inputs.title)]
    if model is not None:
        lines.insert(len(lines) - (model.tone == "drift"), Line(_MODEL[model.tone], model.tone, model.text))
    if trend is not None and trend.on:
        lines.append(Line("Trend", "drift", trend.text))
    lines.sort(key=lambda line: -_RISING.index(line.tone))
    if model is not None and lines[0].badge == _MODEL[model.tone]:
        lines[0] = Line(lines[0].badge, model.tone, model.title, model.detail)
    if trend is not None and not trend.on:
        lines.append(Line("Trend over", "unknown", trend.text))
    return tuple(lines)
