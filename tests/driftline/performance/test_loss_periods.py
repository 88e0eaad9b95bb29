"""Mean losses by period against counting by hand."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.framing import frame
from driftline.performance import LossPeriods
from driftline.performance.class_sums import CLASS_SUMS, sums_of_profile, sums_of_rows
from driftline.performance.outcome_sums import sums_of_outcomes

from .drawing import ABSOLUTE, ZERO_ONE, profile_of

DATA = Path(__file__).parent / "data"
EVERY = 10
rows = st.lists(st.tuples(st.integers(-50, 200), st.integers(0, 20).map(lambda k: k / 7)), max_size=60)


def losses(pairs, level=0.0):
    times, values = np.array(pairs, float).reshape(-1, 2).T
    return LossPeriods.of(times.astype(np.int64), values + level, EVERY)


def by_hand(pairs):
    frame = pd.DataFrame(pairs, columns=["time", "loss"])
    return frame.groupby(frame["time"] // EVERY)["loss"].agg(["size", "mean"])


@given(rows)
def test_of_each_period_it_has_number_and_mean(pairs):
    found, expected = losses(pairs), by_hand(pairs)
    assert found.period.tolist() == expected.index.tolist()
    assert found.n.tolist() == expected["size"].tolist()
    assert found.mean == pytest.approx(expected["mean"].to_numpy(), abs=1e-12)


@given(rows, st.lists(st.integers(0, 60), max_size=4), st.randoms())
def test_any_split_in_any_order_gives_the_same(pairs, cuts, random):
    bounds = sorted({0, *(min(cut, len(pairs)) for cut in cuts), len(pairs)})
    parts = [losses(pairs[a:b]).to_bytes() for a, b in pairwise(bounds)]
    parts = parts or [losses([]).to_bytes()]
    random.shuffle(parts)
    found, expected = LossPeriods.merge_all(parts), losses(pairs)
    assert found.period.tolist() == expected.period.tolist()
    assert found.n.tolist() == expected.n.tolist()
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)


@given(rows, st.integers(1, 4))
def test_windows_are_made_of_periods(pairs, periods):
    starts = np.arange(-60, 220, EVERY)
    counted = LossPeriods.of_predictions(np.array([time for time, _ in pairs], np.int64), EVERY)
    both = LossPeriods.merge_all([losses(pairs[::2]).to_bytes(), counted.to_bytes()])
    n, mean, predictions = both.windows(starts, periods * EVERY)
    for i, start in enumerate(starts.tolist()):
        end = start + periods * EVERY
        assert predictions[i] == sum(start <= time < end for time, _ in pairs)
        inside = [loss for time, loss in pairs[::2] if start <= time < end]
        assert n[i] == len(inside)
        assert mean[i] == pytest.approx(np.mean(inside) if inside else 0.0, abs=1e-12)


def test_means_far_from_0_keep_their_digits():
    pairs = [(t, t % 3) for t in range(100)]
    _, mean, _ = losses(pairs, 1e9).windows(np.array([0]), 100)
    assert mean[0] - 1e9 == pytest.approx(0.99, abs=1e-6)
    assert losses([(t, 0.1) for t in range(10)]).mean.tolist() == [0.1]


ARRAYS = (np.array([-3, 22_000_000]), np.array([1, 5]), np.array([0.25, 1e70]), np.array([4, 5]))
BY_CLASS = np.arange(2 * CLASS_SUMS).reshape(2, CLASS_SUMS) << 33
GOLDEN = LossPeriods(60_000_000, *ARRAYS, BY_CLASS)
OF_NUMBERS = LossPeriods(60_000_000, *ARRAYS, np.array([[-0.5], [1e70]]))
WITHOUT = LossPeriods(60_000_000, *ARRAYS)


def same(found, expected):
    assert found.every == expected.every
    for name in ("period", "n", "mean", "predictions"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert (found.sums is None) == (expected.sums is None)
    if found.sums is not None:
        assert found.sums.tolist() == expected.sums.tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss_periods", GOLDEN),
        ("loss_periods_of_numbers", OF_NUMBERS),
        ("loss_periods_without", WITHOUT),
    ],
)
def test_format_version_2_is_read(name, expected):
    data = (DATA / f"{name}_v2.bin").read_bytes()
    found = LossPeriods.from_bytes(data)
    same(found, expected)
    same(LossPeriods.from_bytes(found.to_bytes()), expected)
    assert found.cells is None


def test_of_format_version_1_there_are_no_sums():
    data = (DATA / "loss_periods_v1.bin").read_bytes()
    same(LossPeriods.from_bytes(data), WITHOUT)
    both = LossPeriods.merge_all([data, GOLDEN.to_bytes()])
    assert both.n.tolist() == [2, 10]
    assert both.sums is None
    assert both.window_sums(np.array([0]), 60_000_000) is None


def of_classes(pairs):
    times, scores, labels = np.array(pairs, float).reshape(-1, 3).T
    rows = sums_of_rows(ZERO_ONE, scores, labels)
    return LossPeriods.of(times.astype(np.int64), ZERO_ONE.of(scores, labels), EVERY, rows)


outcomes = st.lists(st.tuples(st.integers(-50, 200), st.floats(0, 1), st.integers(0, 1)), max_size=60)


@given(outcomes, st.lists(st.integers(0, 60), max_size=4), st.booleans(), st.randoms())
def test_sums_of_classes_are_the_same_to_the_bit_in_any_order(pairs, cuts, counted, random):
    bounds = sorted({0, *(min(cut, len(pairs)) for cut in cuts), len(pairs)})
    parts = [of_classes(pairs[a:b]).to_bytes() for a, b in pairwise(bounds)]
    if counted or not parts:
        parts.append(LossPeriods.of_predictions(np.array([5, 7], np.int64), EVERY).to_bytes())
    random.shuffle(parts)
    found = LossPeriods.merge_all(parts)
    starts = np.arange(-60, 220, EVERY)
    if not pairs:
        assert found.sums is None
        return
    expected = []
    for start in starts.tolist():
        inside = [pair[1:] for pair in pairs if start <= pair[0] < start + 2 * EVERY]
        profile = profile_of(ZERO_ONE, *np.array(inside, float).reshape(-1, 2).T)
        expected.append(sums_of_profile(profile).tolist())
    assert found.window_sums(starts, 2 * EVERY).tolist() == expected


@given(rows, st.lists(st.integers(0, 60), max_size=4), st.randoms())
def test_signed_errors_add_up_in_any_order(pairs, cuts, random):
    def of_numbers(pairs):
        times, errors = np.array(pairs, float).reshape(-1, 2).T
        sums = sums_of_outcomes(ABSOLUTE, errors - 1, np.zeros(len(errors)))
        return LossPeriods.of(times.astype(np.int64), abs(errors - 1), EVERY, sums).to_bytes()

    bounds = sorted({0, *(min(cut, len(pairs)) for cut in cuts), len(pairs)})
    parts = [of_numbers(pairs[a:b]) for a, b in pairwise(bounds)] or [of_numbers([])]
    random.shuffle(parts)
    starts = np.arange(-60, 220, EVERY)
    found = LossPeriods.merge_all(parts).window_sums(starts, EVERY)
    if not pairs:
        assert found is None
        return
    expected = [sum(e - 1 for t, e in pairs if start <= t < start + EVERY) for start in starts.tolist()]
    assert found[:, 0] == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a mean losses by period"),
        (b"dLP\x04" + GOLDEN.to_bytes()[4:], "upgrade driftline"),
        (GOLDEN.to_bytes()[:-1], "cut short"),
        (frame(b"dLP", 1, {}, b""), "damaged"),
        (frame(b"dLP", 2, {"every": 1, "sums": -1}, b""), "damaged"),
        (frame(b"dLP", 3, {"every": 1, "periods": -1}, b""), "damaged"),
        (frame(b"dLP", 3, {"every": 1, "periods": 0, "cells": 1}, bytes(16)), "damaged"),
        (frame(b"dLP", 3, {"every": 1, "periods": 0, "cells": "1"}, b""), "damaged"),
    ],
)
def test_what_is_something_else_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        LossPeriods.from_bytes(data)


def test_periods_of_two_lengths_do_not_merge():
    with pytest.raises(ValueError, match=r"periods of \[10, 60000000\]"):
        LossPeriods.merge_all([GOLDEN.to_bytes(), losses([(1, 1.0)]).to_bytes()])


def test_format_version_3_is_read_with_cells():
    times, cells = np.array([0, 5, 25]), np.array([0, 127, 64])
    made = LossPeriods.of(times, np.array([1.0, 0.0, 1.0]), 10, np.ones((3, 8), np.int64), cells)
    data = (DATA / "loss_periods_v3.bin").read_bytes()
    assert made.to_bytes() == data
    found = LossPeriods.from_bytes(data)
    assert [np.flatnonzero(row).tolist() for row in found.cells] == [[0, 127], [64]]
    both = LossPeriods.merge_all([data, data, LossPeriods.of_predictions(np.array([99]), 10).to_bytes()])
    assert both.cells.sum(1).tolist() == [4, 2, 0]
    assert both.window_cells(np.array([0, 20]), 20).sum(1).tolist() == [4, 2]
    assert LossPeriods.merge_all([data, WITHOUT_CELLS.to_bytes()]).cells is None


WITHOUT_CELLS = LossPeriods.of(np.array([0]), np.array([1.0]), 10)
