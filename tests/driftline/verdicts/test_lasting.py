"""What lasts: two drifted windows that do not overlap, and no judged window without drift between."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.verdicts.lasting import Stretch, follow, open_stretch, stretches

WORDS = {"d": (True, True), "-": (True, False), "?": (False, False), "!": (False, True)}


def series(text, *, size=10, every=10):
    """Windows as a text: d drifted, - judged and not drifted, ? not judged, ! not judged but marked."""
    judged, drifted = np.array([WORDS[letter] for letter in text], bool).reshape(-1, 2).T
    starts = np.arange(len(text), dtype=np.int64) * every
    return judged, drifted, starts, starts + size


def lasting(text, **windows):
    return [each.lasting for each in stretches(*series(text, **windows))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("-", []),
        ("d", [False]),
        ("dd", [True]),
        ("d-d", [False, False]),
        ("d?d", [True]),
        ("d?", [False]),
        ("?d?", [False]),
        ("d!", [False]),
        ("d!d", [True]),
        ("dd-d", [True, False]),
        ("-d-dd-", [False, True]),
        ("???", []),
    ],
)
def test_windows_that_touch(text, expected):
    assert lasting(text) == expected


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("dd", 11, False),
        ("dd", 20, False),
        ("ddd", 20, True),
        ("ddd", 21, False),
        ("d?d", 20, True),
        ("d??d", 30, True),
        ("d??d", 31, False),
        ("dddd", 30, True),
    ],
)
def test_windows_that_overlap_are_one_witness(text, size, expected):
    assert lasting(text, size=size) == [expected]


def test_a_stretch_says_from_when_to_when_and_how_many():
    first, second = stretches(*series("-d?dd-d", size=15))
    assert first == Stretch(start=10, last_start=40, end=55, windows=3, apart=2, apart_until=45)
    assert second == Stretch(start=60, last_start=60, end=75, windows=1, apart=1, apart_until=75)


def test_a_long_window_between_short_ones_hides_no_witness():
    one = follow(follow(None, 0, 100, True), 10, 20, True)
    assert (one.lasting, one.apart_until, one.end) == (False, 20, 100)
    assert follow(one, 19, 29, True).apart == 1
    assert follow(one, 20, 30, True).lasting


@pytest.mark.parametrize(
    ("text", "start"),
    [("", None), ("?", None), ("-", None), ("d-", None), ("d-?", None), ("d", 0), ("-d?", 10), ("dd-d", 30)],
)
def test_the_open_stretch_holds_the_newest_judged_window(text, start):
    found = open_stretch(*series(text))
    assert (None if found is None else found.start) == start


WINDOWS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40), st.sampled_from("d-?!")), max_size=9)


def uneven(windows):
    starts = np.cumsum([gap for gap, _, _ in windows]).astype(np.int64)
    ends = starts + np.array([length for _, length, _ in windows], np.int64)
    judged, drifted, _, _ = series("".join(letter for _, _, letter in windows))
    return judged, drifted, starts, ends


def most_apart(starts, ends):
    """By trying every choice."""
    windows = sorted(zip(starts, ends, strict=True))
    return max(
        size
        for size in range(1, len(windows) + 1)
        for chosen in itertools.combinations(windows, size)
        if all(a[1] <= b[0] for a, b in itertools.pairwise(chosen))
    )


@given(WINDOWS)
def test_stretches_split_the_drifted_windows_and_count_those_apart(windows):
    judged, drifted, starts, ends = uneven(windows)
    runs, run = [], []
    for w in np.flatnonzero(judged).tolist():
        if drifted[w]:
            run.append(w)
        elif run:
            runs, run = [*runs, run], []
    runs += [run] if run else []
    found = stretches(judged, drifted, starts, ends)
    assert len(found) == len(runs)
    for each, inside in zip(found, runs, strict=True):
        assert (each.start, each.last_start) == (starts[inside[0]], starts[inside[-1]])
        assert each.end == ends[inside].max()
        assert each.windows == len(inside)
        assert each.apart == most_apart(starts[inside].tolist(), ends[inside].tolist())
        assert each.lasting == (starts[inside].max() >= ends[inside].min())


@given(WINDOWS)
def test_one_by_one_is_as_all_at_once(windows):
    judged, drifted, starts, ends = uneven(windows)
    now = None
    for w in range(len(starts)):
        now = follow(now, int(starts[w]), int(ends[w]), bool(drifted[w]) if judged[w] else None)
        assert now == open_stretch(*(values[: w + 1] for values in (judged, drifted, starts, ends)))
    assert now in [*stretches(judged, drifted, starts, ends)[-1:], None]
