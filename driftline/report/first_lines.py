"""The first lines of the report: the worst thing first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftline.report.answer import Answer
    from driftline.report.headline import Headline

_INPUTS = {"drift": "Drift", "quiet": "No drift", "unknown": "Not judged"}
_MODEL = {"drift": "Model worse", "quiet": "Model holds", "unknown": "Model not judged"}
_RISING = ("quiet", "unknown", "drift")


@dataclass(frozen=True)
class Line:
    """One line: `badge` and `tone` say what is the matter, `detail` what goes with it."""

    badge: str
    tone: str
    text: str
    detail: str = ""


def first_lines(inputs: Headline, model: Answer | None) -> tuple[Line, ...]:
    """Say what is the matter with the inputs and with the model, the worst first.

    A worse model goes before drift that lasts, that before drift in single windows, that before what cannot
    be judged, and only then comes what is as it should be. Of two that are as bad the inputs go first.

    Parameters
    ----------
    inputs : Headline
        Its title names drift that lasts before drift that does not.
    model : Answer or None
        None if the run says nothing about the model's error: then there is one line.
    """
    of_inputs = Line(_INPUTS[inputs.tone], inputs.tone, inputs.title)
    if model is None:
        return (of_inputs,)
    badge = _MODEL[model.tone]
    if model.tone == "drift" or _RISING.index(model.tone) > _RISING.index(inputs.tone):
        return Line(badge, model.tone, model.title, model.detail), of_inputs
    return of_inputs, Line(badge, model.tone, model.text)
