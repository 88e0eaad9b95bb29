"""Windows through bytes, and merged in any order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.trends import FollowedWindows, TrendState
from driftline.trends.trend_state import Alarm
from tests.driftline.trends.followed import SIZE, rows, steps

DATA = Path(__file__).parent / "data"


def some(seed=0, count=30):
    rng = np.random.default_rng(seed)
    places, starts = rng.integers(0, 3, count), rng.integers(0, 9, count)
    # of one feature and window the values follow from the rows, as panes of it do
    n = rng.integers(1, 4, count)
    vectors = np.stack([places + 10 * starts, n], axis=1) / 16
    return rows(places, starts, vectors, n)


def told(windows):
    return {name: [each.tolist() for each in rows] for name, rows in windows.statistics.items()}


def state():
    windows = FollowedWindows("v7", SIZE, {"chi2": some(1), "smooth": some(2, 4)})
    return TrendState(windows, {"x": Alarm(5, "smooth"), "ü": Alarm(7, "missing")})


def test_through_bytes():
    before = state()
    after = TrendState.from_bytes(before.to_bytes())
    assert told(after.windows) == told(before.windows)
    assert (after.windows.version, after.windows.size, after.alarms) == ("v7", SIZE, before.alarms)
    assert after.to_bytes() == before.to_bytes()


def test_golden_bytes_of_version_1():
    assert TrendState.from_bytes((DATA / "state_v1.bin").read_bytes()).to_bytes() == state().to_bytes()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_any_split_and_order_merge_to_the_same(seed):
    rng = np.random.default_rng(seed)
    whole = some(3, 60)
    order = rng.permutation(60)
    parts = [
        FollowedWindows("v", SIZE, {"smooth": whole.take(each)})
        for each in np.array_split(order, rng.integers(1, 6))
    ]
    once = FollowedWindows.merge([FollowedWindows("v", SIZE, {"smooth": whole})], "v", SIZE)
    merged = FollowedWindows.merge(parts, "v", SIZE)
    assert told(merged) == told(once)
    keys = list(zip(merged.statistics["smooth"].place, merged.statistics["smooth"].start, strict=True))
    assert keys == sorted(set(keys))


def test_of_several_panes_the_fullest_stands():
    panes = rows([0, 0, 0], [4, 4, 4], [[1, 1], [3, 3], [2, 2]], n=[5, 9, 7])
    (found,) = FollowedWindows.merge(
        [FollowedWindows("v", SIZE, {"smooth": panes})], "v", SIZE
    ).statistics.values()
    assert (found.n.tolist(), found.vectors.tolist()) == ([9], [[3, 3]])


def test_another_baseline_or_window_is_left_out():
    one = FollowedWindows("v", SIZE, {"smooth": rows([0], [1], [[1, 1]])})
    assert FollowedWindows.merge([one], "w", SIZE).statistics == {}
    assert FollowedWindows.merge([one], "v", 2 * SIZE).statistics == {}


def test_first_known_is_the_end_of_the_first_window():
    windows = {"chi2": rows([0], [7], [[1, 1]]), "smooth": rows([0, 0], [5, 6], steps(np.random, (2, 2)))}
    assert FollowedWindows("v", SIZE, windows).first_known == 6 * SIZE


@pytest.mark.parametrize("cut", [3, 20, 60, -1])
def test_damaged_bytes_are_refused(cut):
    with pytest.raises(ValueError, match=r"followed windows|state of trends"):
        TrendState.from_bytes(state().to_bytes()[:cut])


@pytest.mark.parametrize("kind", [FollowedWindows, TrendState])
def test_newer_and_other_bytes_are_refused(kind):
    data = (state().windows if kind is FollowedWindows else state()).to_bytes()
    with pytest.raises(ValueError, match="upgrade driftline"):
        kind.from_bytes(data[:3] + bytes([99]) + data[4:])
    with pytest.raises(ValueError, match="check which file or state"):
        kind.from_bytes(b"xyz" + data[3:])
