"""Durations: read and written without loss, and nothing else accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.config.durations import LONGEST, MICROSECONDS, format_duration, parse_duration


@given(st.integers(0, LONGEST // 1_000_000))
def test_what_is_written_is_read_back(seconds):
    assert parse_duration(format_duration(seconds * 1_000_000)) == seconds * 1_000_000


@given(st.integers(0, 36_500), st.sampled_from(list(MICROSECONDS)))
def test_a_number_and_a_unit(number, unit):
    assert parse_duration(f"{number}{unit}") == number * MICROSECONDS[unit]
    assert parse_duration(f" {number} {unit} ") == number * MICROSECONDS[unit]


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_an_error(text):
    try:
        assert 0 <= parse_duration(text) <= LONGEST
    except ValueError as error:
        assert "90s" in str(error) or "longest" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("90s", 90_000_000), ("30m", 1_800_000_000), ("6h", 21_600_000_000), ("7d", 604_800_000_000), ("0s", 0)],
)
def test_the_durations_of_the_contract(text, microseconds):
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-1m", "1.5h", "1e3s", "30 min", "1h30m", "30M", "٣m", "30m\n30m"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_century_is_the_limit():
    assert parse_duration("36500d") == LONGEST
    with pytest.raises(ValueError, match="longest duration is 36500d"):
        parse_duration("36501d")


def test_parts_of_a_second_are_shown_as_microseconds():
    assert format_duration(1_500_000) == "1500000us"
