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


GOLDEN = LossPeriods(
    60_000_000, np.array([-3, 22_000_000]), np.array([1, 5]), np.array([0.25, 1e70]), np.array([4, 5])
)


def test_format_version_1_is_read():
    data = (DATA / "loss_periods_v1.bin").read_bytes()
    assert GOLDEN.to_bytes() == data
    found = LossPeriods.from_bytes(data)
    assert found.every == GOLDEN.every
    for name in ("period", "n", "mean", "predictions"):
        assert getattr(found, name).tolist() == getattr(GOLDEN, name).tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a mean losses by period"),
        (b"dLP\x02" + GOLDEN.to_bytes()[4:], "upgrade driftline"),
        (GOLDEN.to_bytes()[:-1], "cut short"),
        (frame(b"dLP", 1, {}, b""), "damaged"),
    ],
)
def test_what_is_something_else_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        LossPeriods.from_bytes(data)


def test_periods_of_two_lengths_do_not_merge():
    with pytest.raises(ValueError, match=r"periods of \[10, 60000000\]"):
        LossPeriods.merge_all([GOLDEN.to_bytes(), losses([(1, 1.0)]).to_bytes()])
