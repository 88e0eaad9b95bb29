"""Budgets of false alarms, as they are written and as they are spent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.config.budgets import AlarmBudget

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("1 per day", 10, 10),
        ("3 per week", 7, 3),
        ("12 per year", 365.25, 12),
        ("0.5 per quarter", 365.25, 2),
    ],
)
def test_budget_is_spent_evenly_over_time(text: str, days: float, expected: float) -> None:
    assert AlarmBudget.parse(text).in_time(days * DAY) == pytest.approx(expected)


@given(st.floats(0.001, 999).map(lambda x: round(x, 3)), st.sampled_from(["day", "month", "quarter"]))
def test_what_is_written_is_read_back(alarms: float, per: str) -> None:
    budget = AlarmBudget(alarms, per)
    assert AlarmBudget.parse(str(budget)) == budget


@pytest.mark.parametrize("text", ["1", "1 per fortnight", "one per week", "-1 per day", "", "1 per  "])
def test_what_is_no_budget_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="1 per quarter"):
        AlarmBudget.parse(text)


def test_no_alarm_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no alarm at all"):
        AlarmBudget.parse("0 per day")
