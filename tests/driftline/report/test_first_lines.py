from __future__ import annotations

import pytest

from driftline.report import Headline
from driftline.report.answer import Answer
from driftline.report.first_lines import first_lines

INPUTS = {
    tone: Headline(title, tone, ())
    for tone, title in (("drift", "1 of 2"), ("unknown", "Cannot judge"), ("quiet", "Nothing drifted"))
}
MODEL = {tone: Answer("Error rate 3%", ("found by adwin",), tone) for tone in INPUTS}


@pytest.mark.parametrize(
    ("inputs", "model", "badges"),
    [
        ("drift", "drift", ["Model worse", "Drift"]),
        ("unknown", "drift", ["Model worse", "Not judged"]),
        ("quiet", "drift", ["Model worse", "No drift"]),
        ("drift", "unknown", ["Drift", "Model not judged"]),
        ("drift", "quiet", ["Drift", "Model: no sign"]),
        ("unknown", "unknown", ["Not judged", "Model not judged"]),
        ("unknown", "quiet", ["Not judged", "Model: no sign"]),
        ("quiet", "unknown", ["Model not judged", "No drift"]),
        ("quiet", "quiet", ["No drift", "Model: no sign"]),
    ],
)
def test_the_worst_goes_first(inputs, model, badges):
    lines = first_lines(INPUTS[inputs], MODEL[model])
    assert [line.badge for line in lines] == badges
    assert {line.tone for line in lines} == {inputs, model}


@pytest.mark.parametrize(
    ("tone", "badge"), [("drift", "Drift"), ("unknown", "Not judged"), ("quiet", "No drift")]
)
def test_without_a_word_on_the_model_there_is_one_line(tone, badge):
    (line,) = first_lines(INPUTS[tone], None)
    assert (line.badge, line.text, line.detail) == (badge, INPUTS[tone].title, "")


def test_a_title_says_that_the_model_is_worse_and_what_goes_with_it_stands_below():
    first, second = first_lines(INPUTS["quiet"], MODEL["drift"])
    assert (first.text, first.detail) == ("The model got worse: error rate 3%", "Found by adwin.")
    assert (second.text, second.detail) == ("Nothing drifted", "")
    first, _ = first_lines(INPUTS["quiet"], Answer("Cannot say", (), "unknown"))
    assert (first.text, first.detail) == ("Cannot say", "")


def test_in_the_second_line_the_model_says_all_in_one():
    _, second = first_lines(INPUTS["drift"], MODEL["quiet"])
    assert (second.text, second.detail) == ("Error rate 3%; found by adwin", "")
