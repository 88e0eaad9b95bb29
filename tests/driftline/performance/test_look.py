"""Windows as labels come: what stands in the end is what one look at everything says.

Times are in milliseconds. Windows are 200 long, one every 100; a look is due 30 after an end::

    period        |    0    |    1    |    2    |
    windows end             1 a       2 b       3 b
    looks                      |         |         |   and until 500 after a window's end
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.performance import Loss, PerformanceProfile
from driftline.performance import recent as recent_module
from driftline.performance.look import drop_forgotten, first_due, look
from driftline.performance.periods import Periods, merge_periods, profile_periods
from driftline.performance.progress import Progress
from driftline.performance.window_rule import WindowRule

from .outcome_rows import outcomes, predictions, rolling_error

LOSS = Loss("zero_one")
MS = 1000
SLICE, LATENESS, WAIT = 10 * MS, 20 * MS, 350 * MS
HOLD = SLICE + LATENESS
RULE = WindowRule(size=200 * MS, every=100 * MS, hold=HOLD, keep=WAIT + HOLD + 120 * MS)
FOR_EVER = 10**15


def encoded(batch, every=RULE.every):
    return dict(profile_periods(batch, LOSS, every))["*"].to_bytes()


class Segment:
    """One key: looks are taken as the watermark passes."""

    def __init__(self, rule=RULE):
        self.rule, self.held, self.arrived = rule, [], []
        self.now = self.due = None
        self.said, self.looks, self.dropped = {}, [], 0

    def arrive(self, at, data):
        data, dropped = drop_forgotten(data, self.rule, self.now)
        self.dropped += dropped
        self.arrived.append(data)
        wanted = first_due(data, self.rule, now=self.now, at=at)
        if wanted is not None:
            self.due = wanted if self.due is None else min(self.due, wanted)

    def watermark(self, at):
        while self.due is not None and self.due <= at:
            found = look(self.held, self.arrived, self.rule, before=self.now, now=self.due)
            self.looks.append(self.due)
            for window in found.windows:
                self.said.setdefault(window.end // self.rule.every, []).append((self.due, window))
            self.held, self.arrived, self.now = found.held, [], self.due
            self.due = None if found.next is None else self.rule.due(found.next)

    def standing(self):
        return {
            end: max(said, key=lambda pair: (pair[1].profile.n, pair[0]))[1]
            for end, said in self.said.items()
        }


def equal(one, other):
    a, b = one.profile, other.profile
    assert (one.start, one.end) == (other.start, other.end)
    assert (a.n_predictions, a.n, a.errors) == (b.n_predictions, b.n, b.errors)
    for name in ("predicted", "negatives", "positives", "delays"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.log_loss_sum == pytest.approx(b.log_loss_sum)
    assert np.array_equal(one.rolling_error, other.rolling_error, equal_nan=True)


row = st.tuples(
    st.integers(-300, 900),  # time
    st.none() | st.integers(0, 350),  # wait for the label
    st.integers(0, 8).map(lambda n: n / 8),  # score
    st.booleans(),
    st.integers(-30, 20),  # behind the watermark, of the prediction
)


@settings(max_examples=80)
@given(st.lists(row, max_size=25), st.randoms(use_true_random=False), st.booleans())
def test_any_interleaving_ends_where_one_look_ends(rows, random, merge):
    """Predictions up to the lateness behind the watermark, labels as the join gives them, in any bundles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_module, "LAST", 4)
        coming, all_outcomes = [], []
        for i, (at, wait, score, label, behind) in enumerate(rows):
            time = at * MS
            coming.append((time + behind * MS, encoded(predictions([time], [score], ids=[i]))))
            if wait is not None:
                known = time + wait * MS
                found = (known // SLICE + 1) * SLICE + LATENESS
                outcome = outcomes([time], [known], [score], [label], ids=[i])
                all_outcomes.append(outcome)
                coming.append((found, encoded(outcome)))
        random.shuffle(coming)
        whole = list(look([], [data for _, data in coming], RULE, before=None, now=None).windows)
        segment = Segment()
        for at, data in sorted(coming, key=lambda pair: pair[0]):
            segment.watermark(at)
            segment.arrive(at, data)
            if merge and len(segment.arrived) > 1:
                segment.arrived = [merge_periods(segment.arrived, RULE.every)]
        segment.watermark(FOR_EVER)
        standing = segment.standing()
        assert sorted(standing) == [window.end // RULE.every for window in whole]
        for window in whole:
            equal(standing[window.end // RULE.every], window)
            known = [rolling_error(o, LOSS, window.end) for o in all_outcomes]
            assert np.isnan(window.rolling_error) == np.isnan(known).all()
        for end, said in segment.said.items():
            assert len({str(window.rolling_error) for _, window in said}) == 1
            assert said[0][0] >= RULE.due(end)
        assert segment.dropped == 0
        assert len(segment.held) <= 1  # the rolling error
        assert segment.due is None


@given(st.lists(row, min_size=1, max_size=25))
def test_one_look_says_what_each_window_holds(rows):
    time = np.array([r[0] * MS for r in rows])
    score, label = np.array([r[2] for r in rows]), np.array([r[3] for r in rows], float)
    labelled = np.array([r[1] is not None for r in rows])
    known = np.array([(r[0] + (r[1] or 0)) * MS for r in rows])
    batch = outcomes(time, known, score, label).filter(labelled)
    parts = [encoded(predictions(time, score)), *([encoded(batch)] if labelled.any() else [])]
    windows = list(look([], parts, RULE, before=None, now=None).windows)
    ends = {e for t in time for e in range(t // RULE.every + 1, t // RULE.every + 3)}
    assert [w.end // RULE.every for w in windows] == sorted(ends)
    for window in windows:
        inside = (time >= window.start) & (time < window.end)
        own = inside & labelled
        assert (window.profile.n_predictions, window.profile.n) == (inside.sum(), own.sum())
        assert window.profile.errors == LOSS.of(score[own], label[own]).sum()
        np.testing.assert_array_equal(window.rolling_error, rolling_error(batch, LOSS, window.end))


def ends_said(segment):
    return {
        end: [(at // MS, w.profile.n_predictions, w.profile.n) for at, w in said]
        for end, said in segment.said.items()
    }


def test_without_labels_and_then_with():
    segment = Segment()
    segment.arrive(50 * MS, encoded(predictions([50 * MS, 60 * MS], [0.2, 0.9])))
    segment.watermark(129 * MS)
    assert not segment.said
    segment.watermark(300 * MS)
    segment.arrive(300 * MS, encoded(outcomes([50 * MS], [270 * MS], [0.2], [1])))
    segment.watermark(400 * MS)
    segment.arrive(430 * MS, encoded(outcomes([60 * MS], [390 * MS], [0.9], [1])))
    segment.watermark(FOR_EVER)
    assert ends_said(segment) == {
        1: [(130, 2, 0), (330, 2, 1), (530, 2, 2)],
        2: [(230, 2, 0), (330, 2, 1), (530, 2, 2)],
    }
    assert [np.isnan(w.rolling_error) for said in segment.said.values() for _, w in said] == [True] * 6


def test_nobody_looks_where_nothing_happens():
    segment = Segment()
    segment.arrive(0, encoded(predictions([50 * MS, 100_050 * MS], [0.2, 0.9])))
    segment.watermark(FOR_EVER)
    assert [at // MS for at in segment.looks] == [130, 230, 100_130, 100_230, 100_730]
    assert {end: said[0][0] // MS for end, said in segment.said.items()} == {
        1: 130,
        2: 230,
        1001: 100_130,
        1002: 100_230,
    }


def test_what_comes_after_a_window_was_forgotten_is_dropped():
    segment = Segment()
    segment.arrive(0, encoded(predictions([50 * MS], [0.2])))
    segment.watermark(FOR_EVER)
    late = encoded(outcomes([50 * MS, FOR_EVER], [60 * MS, FOR_EVER], [0.2, 0.2], [1, 1]))
    segment.arrive(FOR_EVER, late)
    assert segment.dropped == 1
    segment.watermark(2 * FOR_EVER)
    assert {end: len(said) for end, said in segment.said.items()} == {
        1: 1,
        2: 1,
        10**10 + 1: 1,
        10**10 + 2: 1,
    }
    segment.arrive(2 * FOR_EVER, encoded(predictions([50 * MS], [0.2])))
    assert segment.dropped == 2
    assert segment.due is None


def test_what_is_pending_is_said_before_it_is_forgotten():
    """The next look comes so late that the window is forgotten at it: a watermark may jump."""
    segment = Segment()
    segment.arrive(0, encoded(predictions([50 * MS], [0.2])))
    segment.watermark(230 * MS)
    segment.arrive(240 * MS, encoded(outcomes([50 * MS], [60 * MS], [0.2], [1])))
    segment.due = RULE.due(30)
    segment.watermark(FOR_EVER)
    assert ends_said(segment) == {1: [(130, 1, 0), (3030, 1, 1)], 2: [(230, 1, 0), (3030, 1, 1)]}
    assert len(segment.held) == 1


def test_the_last_look_of_bounded_input_can_be_taken_again():
    """On runners that let two steps see the end of time at once, what was on its way comes after it."""
    first = look([], [encoded(predictions([50 * MS], [0.2]))], RULE, before=None, now=None)
    assert [w.profile.n for w in first.windows] == [0, 0]
    more = encoded(outcomes([50 * MS, 450 * MS], [60 * MS, 460 * MS], [0.2, 0.2], [1, 1]))
    again = list(look(first.held, [more], RULE, before=None, now=None).windows)
    assert [(w.end // RULE.every, w.profile.n, w.rolling_error) for w in again] == [
        (1, 1, 1.0),
        (2, 1, 1.0),
        (5, 1, 1.0),
        (6, 1, 1.0),
    ]


def test_size_of_what_is_held():
    """15-minute windows every 15 minutes, labels up to 2 hours late, 5,000 predictions an hour.

    A segment takes 77 kB: 11 periods of 4.5 kB, and 28 kB for the rolling error. It does not grow.
    """
    minute = 60_000_000
    rule = WindowRule(15 * minute, 15 * minute, minute, 122 * minute)
    r = np.random.default_rng(0)
    segment, sizes = Segment(rule), []
    n = 25_000
    time = np.sort(r.integers(0, 300 * minute, n))
    known = time + r.integers(0, 120 * minute, n)
    score = r.random(n)
    label = (r.random(n) < score).astype(float)
    for at in range(15 * minute, 436 * minute, 15 * minute):
        new = (time >= at - 15 * minute) & (time < at)
        told = (known >= at - 15 * minute) & (known < at)
        if new.any():
            segment.arrive(at - 1, encoded(predictions(time[new], score[new]), rule.every))
        if told.any():
            batch = outcomes(time[told], known[told], score[told], label[told], ids=np.flatnonzero(told))
            segment.arrive(at, encoded(batch, rule.every))
        segment.watermark(at + minute)
        sizes.append(sum(map(len, segment.held)))
    assert segment.dropped == 0
    assert sum(window.profile.n for window in segment.standing().values()) == n
    assert max(sizes[14:20]) < 1.05 * min(sizes[14:20])
    assert max(sizes) < 80_000


@pytest.mark.parametrize("now", [0, 1, 99_999, 130_000, 129_999, -5, 10**15 + 7])
def test_ends_that_are_due(now):
    end = RULE.ended(now)
    assert RULE.due(end) <= now < RULE.due(end + 1)


def test_timers_are_due_at_whole_milliseconds():
    rule = WindowRule(size=1_000_300, every=333_433 + 1, hold=17, keep=10**6)
    for now in range(10**6, 10**6 + 2000, 7):
        assert rule.due(rule.ended(now)) <= now < rule.due(rule.ended(now) + 1)
        assert rule.due(rule.ended(now)) % 1000 == 0


@pytest.mark.parametrize("period", [-7, 0, 3])
def test_a_period_is_forgotten_at_the_first_end_that_may(period):
    end = RULE.forgets(period)
    assert RULE.first_kept(RULE.due(end)) > period >= RULE.first_kept(RULE.due(end - 1))


def test_progress_as_bytes():
    progress = Progress(now=5, due=None, arrived=7, merged=2**40)
    data = bytes.fromhex(
        "64504701 0500000000000000 0000000000000080 0700000000000000 0000000000010000".replace(" ", "")
    )
    assert progress.to_bytes() == data
    assert Progress.from_bytes(data) == progress
    with pytest.raises(ValueError, match="cut short"):
        Progress.from_bytes(data[:-1])
    with pytest.raises(ValueError, match="version 2"):
        Progress.from_bytes(data[:3] + b"\x02" + data[4:])


def test_rolling_error_is_the_mean_of_the_last_thousand():
    r = np.random.default_rng(1)
    known = np.arange(3000) * MS
    label = r.integers(0, 2, 3000)
    batch = outcomes(known, known, np.full(3000, 0.7), label)
    windows = list(look([], [encoded(batch)], RULE, before=None, now=None).windows)
    assert [w.rolling_error for w in windows if w.end == 2500 * MS] == [(label[1500:2500] == 0).mean()]


def test_a_damaged_element_is_an_error_and_not_a_guess():
    data = encoded(predictions([50 * MS], [0.2]))
    with pytest.raises(ValueError, match="cut short"):
        look([], [data[:-1]], RULE, before=None, now=None)
    with pytest.raises(ValueError, match="performance of a segment"):
        look([b"abcdefghi"], [data], RULE, before=None, now=None)
    broken = Periods({0: PerformanceProfile.empty(LOSS).to_bytes()[:-1]}).to_bytes()
    with pytest.raises(ValueError, match="performance profile"):
        list(look([], [broken], RULE, before=None, now=None).windows)
