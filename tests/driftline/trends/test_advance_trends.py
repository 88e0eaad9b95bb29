"""Following features in order: any blocks and calls, alarms, late windows, new baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.trends import TrendState, advance_trends
from tests.driftline.trends.followed import SIZE, Part, block, independent, rows, steps

END = 1 << 62


def stream(seed=0, windows=60, shift=0.0, at=30):
    """Rows of three features; from a window on the first one is shifted."""
    rng = np.random.default_rng(seed)
    vectors = steps(rng, (3, windows, 2))
    vectors[0, at:] += shift
    return rows(np.repeat(np.arange(3), windows), np.tile(np.arange(windows), 3), vectors.reshape(-1, 2))


def follow(blocks, part=None, cut=END, state=None):
    return advance_trends(state, blocks, cut, part or Part({"smooth": independent()}))


def test_a_shift_raises_an_alarm_that_says_since_when():
    trends = [each for each in follow([block(smooth=stream(shift=1.5))]).trends if each.feature == "x"]
    raised = next(each for each in trends if each.alarm_since is not None)
    assert 31 * SIZE < raised.alarm_since <= 38 * SIZE
    assert raised.alarm_since == raised.start + SIZE
    assert abs(raised.since - 30 * SIZE) <= 3 * SIZE
    assert raised.since == raised.start - (raised.windows - 1) * SIZE
    sizes = np.arange(raised.since, raised.start + 1, SIZE) / SIZE
    assert raised.change == f"smooth 0 {raised.windows} {sizes.mean():.3f}"
    assert trends[-1].alarm_since == raised.alarm_since
    assert all(each.change is None for each in trends if each.alarm_since is None)


def test_what_does_not_change_raises_none():
    found = follow([block(smooth=stream())]).trends
    assert len(found) == 180
    assert all(each.alarm_since is None for each in found)
    assert [each.windows for each in found if each.start == 0] == [1, 1, 1]
    assert [each.p_value for each in found if each.start == 0] == [1, 1, 1]


def test_an_alarm_is_over_when_the_run_is_far_more_usual():
    vectors = np.zeros((40, 2))
    vectors[10:14] = 1.8
    found = follow([block(smooth=rows(np.zeros(40), np.arange(40), vectors))]).trends
    on = [each.start // SIZE for each in found if each.alarm_since is not None]
    raised = [each.start // SIZE for each in found if each.p_value <= Part.limit]
    assert (raised, on) == ([12, 13, 14, 15], [12, 13, 14, 15, 16, 17])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_any_blocks_and_calls_give_the_same(seed):
    rng = np.random.default_rng(seed)
    whole = {"smooth": stream(1, shift=1.0), "missing": stream(2, at=40, shift=2.0)}
    part = Part({"smooth": independent(), "missing": independent(longest=8)})
    once = follow([block(**whole)], part)
    state, waiting, found, left = None, [], [], {name: rng.permutation(180) for name in whole}
    cuts = np.sort(rng.integers(0, 60, 3)) * SIZE
    for cut in [*cuts.tolist(), END]:
        blocks = []
        for name, each in whole.items():
            known = each.start[left[name]] + SIZE < cut
            ahead = rng.uniform(size=len(known)) < 0.2  # and some that are not over
            now = left[name][known | ahead]
            left[name] = left[name][~(known | ahead)]
            blocks += [block(**{name: each.take(some)}) for some in np.array_split(now, 3) if len(some)]
        step = follow([*waiting, *blocks], part, cut, state)
        state, waiting = TrendState.from_bytes(step.state.to_bytes()), list(step.pending)
        assert (step.next is None) == (not waiting)
        assert step.late == 0
        found += step.trends
    order = {trend: place for place, trend in enumerate(sorted(once.trends))}
    assert sorted(order[trend] for trend in found) == list(range(180))
    assert state.to_bytes() == once.state.to_bytes()


def test_what_is_remembered_is_as_long_as_the_longest_run():
    state = follow([block(smooth=stream(windows=500))], Part({"smooth": independent(longest=16)})).state
    kept = state.windows.statistics["smooth"]
    assert len(kept.place) == 48
    assert kept.start.min() == 484 * SIZE


def test_late_windows_are_counted_and_corrections_of_followed_ones_are_not():
    whole = stream()
    first = follow([block(smooth=whole.take(whole.start < 20 * SIZE))])
    gap = follow([block(smooth=whole.take(whole.start == 21 * SIZE))], state=first.state)
    late = whole.take((whole.start == 20 * SIZE) | (whole.start == 19 * SIZE))
    after = follow([block(smooth=late), block(smooth=late)], state=gap.state)
    assert (after.late, after.trends) == (3, ())
    assert after.state.to_bytes() == gap.state.to_bytes()


def test_windows_that_are_not_over_wait():
    step = follow([block(smooth=stream())], cut=10 * SIZE)
    assert {each.start // SIZE for each in step.trends} == set(range(9))
    assert step.next == 10 * SIZE
    assert len(follow(step.pending, state=step.state).trends) == 3 * 51


def test_a_new_baseline_is_a_new_beginning():
    raised = follow([block(smooth=stream(shift=3.0))])
    assert raised.state.alarms
    part = Part({"smooth": independent()})
    part.version = "v2"
    whole = stream()
    new = block("v2", smooth=whole.take(whole.start >= 50 * SIZE))
    after = follow([new, block(smooth=stream())], part, state=raised.state)
    assert {each.start // SIZE for each in after.trends} == set(range(50, 60))
    assert after.state.alarms == {}
    assert after.state.windows.version == "v2"


def test_statistics_share_the_limit_of_a_feature():
    whole = stream()
    alone = follow([block(smooth=whole)]).trends
    both = follow([block(smooth=whole)], Part({"smooth": independent(), "missing": independent()})).trends
    doubled = [min(2 * each.p_value, 1.0) for each in alone if each.windows > 1]
    assert [each.p_value for each in both if each.windows > 1] == pytest.approx(doubled)


def test_the_most_unusual_statistic_is_named():
    part = Part({"smooth": independent(), "missing": independent()})
    found = follow([block(smooth=stream(1), missing=stream(2, shift=3.0))], part).trends
    assert {each.statistic for each in found if each.feature == "x" and each.start > 33 * SIZE} == {"missing"}


def test_features_without_windows_enough_are_not_followed():
    runs = independent()
    runs.longest[1] = 0
    found = follow([block(smooth=stream())], Part({"smooth": runs})).trends
    assert {each.feature for each in found} == {"x", "z"}
    assert follow([block(chi2=stream())]).trends == ()


def test_an_alarm_stays_while_what_raised_it_says_nothing():
    part = Part({"smooth": independent(), "missing": independent()})
    vectors = np.full((20, 2), 2.0)
    raised = follow([block(smooth=rows(np.zeros(20), np.arange(20), vectors))], part)
    assert raised.trends[-1].alarm_since is not None
    quiet = np.zeros((3, 2))
    other = follow([block(missing=rows(np.zeros(3), np.arange(20, 23), quiet))], part, state=raised.state)
    assert [each.alarm_since for each in other.trends] == [raised.trends[-1].alarm_since] * 3
    over = np.zeros((40, 2))
    after = follow([block(smooth=rows(np.zeros(40), np.arange(23, 63), over))], part, state=other.state)
    assert after.trends[-1].alarm_since is None


def test_an_alarm_of_the_first_window_of_all_time_is_one():
    vectors = np.full((3, 2), 9.0)
    found = follow([block(smooth=rows(np.zeros(3), [-2, -1, 0], vectors))]).trends
    assert [each.alarm_since for each in found] == [None, 0, 0]
