"""What changed, in words, the most unusual first."""

import pytest

from driftline.statistics.change_words import change_words

QUIET = [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ([3.0, 0, 0, 0], "shift +0.42 sd"),
        ([-3.0, 0, 0, 0], "shift +0.42 sd"),
        ([0, -4, 0, 0], "spread x1.2"),
        ([0, 0, 4, 0], "skew to the right"),
        ([0, 0, -4, 0], "skew to the left"),
        ([0, 0, 0, 4], "heavier tails"),
        ([0, 0, 0, -4], "lighter tails"),
        ([3, -6, 5, 4], "spread x1.2, skew to the right, heavier tails, shift +0.42 sd"),
        ([2.9, 2.9, -2.9, 2.9], None),
    ],
)
def test_a_moment_three_standard_deviations_away_has_a_word(components, words):
    assert change_words(components, 0.424, 1.23, None) == words


def test_of_equally_unusual_ones_the_first_is_named_first():
    assert change_words([4, 4, -4, 4], -0.5, 0.5, None) == (
        "shift -0.5 sd, spread x0.5, skew to the left, heavier tails"
    )


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ((0.0, 0.25), "missing 0 % to 25 %"),
        ((0.012, 1.0), "missing 1.2 % to 100 %"),
        ((0.995, 0.00012), "missing 99.5 % to 0.012 %"),
    ],
)
def test_a_rate_is_a_percentage(rates, words):
    assert change_words(QUIET, 0, 1, rates) == words
    assert change_words([], 0, 1, rates) == words
    assert change_words([5.0, 0, 0, 0], 1, 1, rates) == f"{words}, shift +1 sd"


def test_what_lies_outside_is_said_before_the_moments_that_follow_from_it():
    said = change_words([9.0, 0.0, 0.0, 0.0], 3.8, 1.0, (0.0, 0.1), outside=0.05)
    assert said == "missing 0 % to 10 %, 5 % outside the reference's range, shift +3.8 sd"
