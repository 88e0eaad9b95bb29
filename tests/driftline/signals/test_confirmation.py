"""Alarms beyond limits: one by one in Python, however values are spread over calls; and what a user sees."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.signals import (
    DetectorSpec,
    Limits,
    SignalState,
    SignalValues,
    advance,
    confirmation,
    encode_block,
)
from driftline.signals.confirmation import Confirmation, confirm
from tests.driftline.signals.streams import changing

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

END = 1 << 62
LENGTHS = np.array([1, 2, 3, 4, 6, 8])


def limits_of(level=0.25, block=4, *, is_rate=True, size=0.3):
    size = size / np.sqrt(np.arange(1, 7))
    return Limits(level, is_rate, block, LENGTHS, size, 0.9 * size)


def one_by_one(limits, values, found):
    """The definition, from all values at once."""
    told, level, since, settled = [], None, 0, -1
    longest = int(LENGTHS[-1]) * limits.block
    for end in range(limits.block, len(values) + 1, limits.block):
        seen = [at for at in found if settled < at < end]
        far = []
        for length in (LENGTHS * limits.block).tolist():
            if length > end - since:
                continue
            mean = values[end - length : end].mean()
            away = float(limits.distance(mean, limits.level))
            both = [away]
            if level is not None:
                earlier = end - length - level
                if earlier <= 0:
                    continue
                weight = np.sqrt(earlier / (earlier + length))
                both.append(float(limits.distance(mean, values[level : end - length].mean())) * weight)
            row = list(LENGTHS * limits.block).index(length)
            shares = [abs(x) / (limits.rise if x > 0 else limits.fall)[row] for x in both]
            far.append((shares[-1], -length, shares[0], mean))
        if not far or not seen or end - 1 - seen[-1] >= 4 * longest or max(far)[0] <= 1:
            continue
        _, length, from_reference, mean = max(far)
        settled = end - 1
        if level is not None and from_reference <= 1:
            level, since = None, end + length
            continue
        before = limits.level if level is None else values[level : end + length].mean()
        told.append((end - 1, -length, before, mean))
        level = since = end + length
    return told


def stream(random, n):
    rates = np.repeat(random.choice([0.02, 0.25, 0.3, 0.7, 0.98], n // 20 + 1), 20)[:n]
    return (random.random(n) < rates).astype(float)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 400), st.booleans(), st.lists(st.integers(0, 400), max_size=6))
def test_the_definition_and_any_split(seed, n, rate, cuts):
    random = np.random.default_rng(seed)
    values = stream(random, n) if rate else random.normal(stream(random, n), 0.1)
    limits = limits_of(is_rate=rate, size=random.uniform(0.1, 0.8))
    found = np.flatnonzero(random.random(n) < random.choice([0.003, 0.05]))
    expected = one_by_one(limits, values, found)
    whole, told = confirm(Confirmation(), limits, values, found)
    assert [(t.position, t.width) for t in told] == [e[:2] for e in expected]
    np.testing.assert_allclose([t[2:] for t in told], [e[2:] for e in expected], rtol=1e-9)
    state, parts = Confirmation(), []
    bounds = [0, *sorted(min(cut, n) for cut in cuts), n]
    for begin, end in pairwise(bounds):
        own = found[(begin <= found) & (found < end)] - begin
        state, some = confirm(Confirmation.from_bytes(state.to_bytes()), limits, values[begin:end], own)
        parts += [change._replace(position=change.position + begin) for change in some]
    assert parts == told
    assert state.to_bytes() == whole.to_bytes()


def test_blocks_looked_at_grow_as_the_values_do(monkeypatch):
    """Counted, of a signal that changes each 400 values."""
    looked = []

    def counted(looks, *rest):
        looked.append(len(looks.ends))
        return since(looks, *rest)

    since = confirmation._since
    monkeypatch.setattr(confirmation, "_since", counted)
    limits = limits_of()
    for n in (8_000, 32_000, 128_000):
        looked.clear()
        values = np.arange(n) // 400 % 2 * 1.0
        told = confirm(Confirmation(), limits, values, np.arange(0, n, 400) + 8)[1]
        assert len(told) >= n // 800
        assert sum(looked) <= 3 * n // limits.block


def test_a_change_is_told_once_and_again_when_it_went_away_and_came_back():
    limits = limits_of()
    values = np.repeat([0.25, 1.0, 1.0, 0.25, 0.25, 1.0], 80)
    everywhere = np.arange(len(values))
    told = confirm(Confirmation(), limits, values, everywhere)[1]
    assert [(t.position, t.before, t.after) for t in told] == [(83, 0.25, 1.0), (403, 0.25, 1.0)]
    told = confirm(Confirmation(), limits, np.repeat([0.25, 1.0, 0.0], 80), everywhere[:240])[1]
    assert [(t.position, t.before, t.after) for t in told] == [(83, 0.25, 1.0), (163, 1.0, 0.0)]


def test_nothing_is_told_that_the_detector_has_not_seen_or_saw_long_ago():
    limits = limits_of()
    values = np.repeat([0.25, 1.0], [600, 50])
    assert confirm(Confirmation(), limits, values, np.array([], int))[1] == []
    longest = 8 * 4
    for at, told in ((603 - 4 * longest, 0), (604 - 4 * longest, 1), (640, 1)):
        assert len(confirm(Confirmation(), limits, values, np.array([at]))[1]) == told


def test_the_longest_run_is_remembered_one_value_at_a_time():
    never = np.array([9.0] * 5 + [0.3])
    limits = limits_of()._replace(rise=never)
    values = np.repeat([0.25, 1.0], [20, 40])
    state, found = Confirmation(), []
    for at, value in enumerate(values):
        state, told = confirm(state, limits, np.array([value]), np.array([0]))
        found += [(at, change.width) for change in told]
    whole = confirm(Confirmation(), limits, values, np.arange(60))[1]
    assert found == [(change.position, 32) for change in whole]
    assert found[0] == (35, 32)


def test_another_length_of_blocks_begins_anew():
    before = confirm(Confirmation(), limits_of(), np.ones(30), np.array([3]))[0]
    after, _ = confirm(before, limits_of(block=8), np.zeros(3), np.array([], int))
    assert (after.block, after.n, len(after.sums), after.since) == (8, 3, 0, -1)


def test_state_is_bounded():
    limits, state = limits_of(), Confirmation()
    for _ in range(20):
        state, _ = confirm(state, limits, np.ones(1000), np.array([5]))
    assert len(state.to_bytes()) < 60 + 8 * LENGTHS[-1]


def test_damaged_bytes():
    data = Confirmation().to_bytes()
    assert Confirmation.from_bytes(data).to_bytes() == data
    with pytest.raises(ValueError, match="confirmation of a detector"):
        Confirmation.from_bytes(b"xyz" + data[3:])
    with pytest.raises(ValueError, match="start from an older savepoint"):
        Confirmation.from_bytes(data + b"0")


def follow(limits, values, **options):
    specs = [DetectorSpec.of("adwin", {}), DetectorSpec.of("ddm", {})]
    state = SignalState().configured(specs)
    return advance(state, [encode_block(values)], END, limits=limits, **options)


def test_calibrated_and_textbook_side_by_side():
    values = changing()
    textbook = follow({}, values).detections
    limits = limits_of(level=0.1, block=8)
    both = follow({"adwin": limits}, values).detections
    assert [d for d in both if d.detector == "ddm"] == [d for d in textbook if d.detector == "ddm"]
    own = [d for d in both if d.detector == "adwin"]
    assert {d.calibrated for d in own} == {True}
    assert not any(d.calibrated for d in textbook)
    position = int(np.searchsorted(values.known, own[0].detected_at))
    assert 1000 < position < 1100
    assert own[0].at == values.time[position - own[0].width + 1]
    assert own[0].before == 0.1
    assert follow({"adwin": None, "ddm": None}, values).detections == ()


def test_calls_one_value_at_a_time():
    values = changing(1500)
    limits = {"adwin": limits_of(level=0.1, block=8), "ddm": limits_of(level=0.1, block=8)}
    whole = follow(limits, values)
    state, found = SignalState().configured([w.spec for w in whole.state.watched]), []
    for row in range(0, len(values.known), 7):
        block = encode_block(values.take(slice(row, row + 7)))
        step = advance(SignalState.from_bytes(state.to_bytes()), [block], END, limits=limits)
        state = step.state
        found += step.detections
    assert sorted(found) == sorted(whole.detections)
    assert len(found) >= 2
    assert state.to_bytes() == whole.state.to_bytes()


def test_a_detector_that_is_no_longer_calibrated_forgets_its_blocks():
    values = changing(600)
    state = follow({"adwin": limits_of()}, values).state
    later = SignalValues.of(values.known + 10**12, values.value)
    after = advance(state, [encode_block(later)], END).state
    assert after.watched[0].confirmation == Confirmation() or after.watched[0].confirmation.block == 0
