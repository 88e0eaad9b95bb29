"""Whatever the order in which values come: the detections of the plain detector on the sorted series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.detectors import JOB_DETECTORS
from driftline.signals import DetectorSpec, SignalState, SignalValues, advance, decode_block, encode_block
from tests.driftline.signals.streams import SECOND, blocks_of, changing

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

END = 1 << 62
ALL_DETECTORS = [DetectorSpec.of(name, {}) for name in JOB_DETECTORS]


def plain(values, specs):
    """(detector, at, detected_at, width) of plain detectors on a series in order, those with exact times."""
    found = []
    for spec in specs:
        for change in spec.fresh().changes(values.value):
            at = values.time[change.position - change.width + 1]
            found.append((spec.detector, at, values.known[change.position], *change[1:]))
    return found


def told(detections):
    return [(d.detector, d.at, d.detected_at, d.width, d.before, d.after) for d in detections]


def by_detector(found):
    return sorted(found, key=lambda d: [w.detector for w in ALL_DETECTORS].index(d[0]))


def test_as_the_plain_detectors():
    values = changing(ties=7)
    found = advance(SignalState().configured(ALL_DETECTORS), [encode_block(values)], END)
    assert told(found.detections) == plain(values, ALL_DETECTORS)
    assert {d.detector for d in found.detections} == set(JOB_DETECTORS)
    assert (found.pending, found.next, found.late, found.refused) == ((), None, 0, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 5, 400]),
    st.integers(0, 300),
    st.lists(st.integers(1, 400), max_size=12),
)
def test_any_arrival_within_the_lateness(seed, ties, lateness, sizes):
    """Values come up to `lateness` seconds behind the watermark, and state goes through bytes each time."""
    random = np.random.default_rng(seed)
    values = changing(1500, ties=ties)
    specs = [
        DetectorSpec.of("adwin", {}),
        DetectorSpec.of("page_hinkley", {"threshold": 20}),
        DetectorSpec.of("ddm", {}),
    ]
    seconds = (values.known - values.known[0]) // SECOND
    last = int(seconds[-1])
    arrival = seconds + random.uniform(0, lateness, len(seconds))
    state, waiting, found, came = SignalState(), [], [], np.zeros(len(arrival), bool)
    for watermark in [*np.sort(random.integers(0, last + lateness, 8)).tolist(), last + lateness + 1]:
        new = np.flatnonzero(~came & (arrival <= watermark))
        came[new] = True
        waiting += blocks_of(values, random.permutation(new), sizes)
        cut = int(values.known[0]) + (watermark - lateness) * SECOND
        step = advance(state.configured(specs), waiting, cut)
        assert (step.late, step.refused) == (0, 0)
        assert all(decode_block(data).known.min() >= cut for data in step.pending)
        state, waiting = SignalState.from_bytes(step.state.to_bytes()), list(step.pending)
        found += step.detections
    step = advance(state.configured(specs), waiting, END)
    assert by_detector(told([*found, *step.detections])) == plain(values, specs)
    whole = advance(SignalState().configured(specs), [encode_block(values)], END)
    assert step.state.n == len(values.known)
    assert step.state.last == whole.state.last


def test_ties_are_broken_by_request_id():
    """All at once: only ids order the errors, and they are in the second half."""
    n = 600
    ids = np.random.default_rng(3).integers(0, 2**63, (2, n)).astype(np.uint64)
    ids = ids[:, np.lexsort(ids[::-1])]
    errors = np.arange(n) >= n / 2
    values = SignalValues.of(np.full(n, 7), errors, high=ids[0], low=ids[1])
    specs = [DetectorSpec.of("ddm", {})]
    shuffled = values.take(np.random.default_rng(4).permutation(n))
    found = advance(SignalState().configured(specs), [encode_block(shuffled)], END).detections
    assert [(d.width, d.after) for d in found] == [(d[3], d[5]) for d in plain(values, specs)]
    same_high = SignalValues.of(np.full(n, 7), errors, high=np.full(n, 5), low=ids[0])
    shuffled = same_high.take(np.random.default_rng(4).permutation(n))
    again = advance(SignalState().configured(specs), [encode_block(shuffled)], END).detections
    assert again == found


def test_the_event_time_of_a_change_from_long_ago():
    """The change began calls before it was detected; its time is that of the value, not of its outcome."""
    values = changing(1000, seed=5)
    specs = [DetectorSpec.of("ddm", {})]
    state, found = SignalState().configured(specs), []
    for row in range(len(values.known)):
        step = advance(state, [encode_block(values.take(slice(row, row + 1)))], END)
        state = SignalState.from_bytes(step.state.to_bytes())
        found += step.detections
    assert told(found) == plain(values, specs)
    assert all(d.at < d.detected_at for d in found)


def test_late_values_are_dropped_and_counted_only_if_later_ones_were_followed():
    values = SignalValues.of([10, 20, 30, 30], [0.0, 1.0, 0.0, 1.0], high=[1, 2, 3, 4])
    state = SignalState().configured([DetectorSpec.of("adwin", {})])
    first = advance(state, [encode_block(values.take([0, 2]))], 100)
    late = advance(first.state, [encode_block(values.take([1, 3]))], 100)
    assert (late.late, late.state.n, late.state.last) == (1, 3, (30, 30, 4, 0, 1.0))
    equal = advance(late.state, [encode_block(values.take([3]))], 100)
    assert (equal.late, equal.state.n) == (0, 4)


@pytest.mark.parametrize("column", ["known", "time", "high", "low", "value"])
def test_late_by_any_part_of_the_key(column):
    key = {"known": 10, "time": 10, "high": 2**63 + 10, "low": 2**64 - 10, "value": 0.5}
    state = SignalState().configured([DetectorSpec.of("adwin", {})])

    def block(**change):
        row = key | change
        return encode_block(
            SignalValues.of(
                **{n: np.array([v], np.uint64 if n in {"high", "low"} else None) for n, v in row.items()}
            )
        )

    state = advance(state, [block()], 100).state
    for step, late in ((-1, 1), (1, 0)):
        change = {column: key[column] + (step / 4 if column == "value" else step)}
        if column != "value":
            change["value"] = 0.5 - step / 4  # decides only if nothing before it does
        assert advance(state, [block(**change)], 100).late == late


def test_values_that_a_detector_does_not_take():
    """They are left out and counted, and what is left is followed as if they had never been."""
    values = changing(1200)
    random = np.random.default_rng(8)
    bad = random.choice(len(values.known), 90, replace=False)
    dirty = values.value.copy()
    dirty[bad] = np.tile([np.nan, np.inf, 3.0], 30)
    specs = [DetectorSpec.of("adwin", {}), DetectorSpec.of("ddm", {})]
    state, found, refused = SignalState().configured(specs), [], 0
    for start in range(0, 1200, 100):
        block = encode_block(values._replace(value=dirty).take(slice(start, start + 100)))
        step = advance(state, [block], END)
        state, found, refused = step.state, [*found, *step.detections], refused + step.refused
    assert refused == 2 * 60 + 30
    there = values._replace(value=dirty).take(np.isfinite(dirty))
    assert by_detector(told(found)) == [
        *plain(there, specs[:1]),
        *plain(there.take(there.value <= 1), specs[1:]),
    ]


def test_a_detector_that_is_added_begins_with_the_next_value():
    values = changing(3000)
    old, new = DetectorSpec.of("ddm", {}), DetectorSpec.of("adwin", {})
    state = advance(SignalState().configured([old]), [encode_block(values.take(slice(0, 1234)))], END)
    step = advance(state.state.configured([new, old]), [encode_block(values.take(slice(1234, None)))], END)
    assert told(step.detections) == [
        *plain(values.take(slice(1234, None)), [new]),
        *(found for found in plain(values, [old]) if found[2] >= values.known[1234]),
    ]


def test_a_window_that_comes_again_is_ignored():
    """Of the panes that wait, the one with the most rows stands; another one afterwards is no late value."""
    state = SignalState().configured([DetectorSpec.of("adwin", {})])
    panes = SignalValues.of([10, 10, 20, 10], [0.5, 0.9, 0.5, 0.1], low=[5, 7, 9, 6])
    first = advance(state, [encode_block(panes)], 100, once_a_time=True)
    assert (first.state.n, first.state.last, first.late) == (2, (20, 20, 0, 9, 0.5), 0)
    assert first.state.watched[0].detector().estimation == pytest.approx(0.7)
    more = SignalValues.of([10, 20, 15, 25], [0.4, 0.4, 0.4, 0.4], low=[10, 10, 10, 10])
    second = advance(first.state, [encode_block(more)], 100, once_a_time=True)
    assert (second.state.n, second.late) == (3, 1)


def test_nothing_to_follow():
    state = SignalState().configured(ALL_DETECTORS)
    for once in (False, True):
        found = advance(state, [], 100, once_a_time=once)
        assert found == (state, (), (), None, 0, 0)
        waits = advance(state, [encode_block(SignalValues.of([200, 150], [1, 2]))], 100, once_a_time=once)
        assert (waits.state, waits.next, len(waits.pending)) == (state, 150, 1)


def test_without_detectors():
    found = advance(SignalState(), [encode_block(changing())], END, once_a_time=True)
    assert (found.detections, found.state.n) == ((), 3000)
