"""State that goes through bytes, of version 1 for ever, and through another configuration."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from driftline.detectors import JOB_DETECTORS, StandardisedPageHinkley
from driftline.signals import DetectorSpec, SignalState, SignalValues, advance, encode_block
from tests.driftline.signals.streams import changing

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

DATA = Path(__file__).parent / "data"
END = 1 << 62


def test_golden_bytes_of_version_1():
    """Two detectors, 700 values of each of which one is refused by the second; both go on from there."""
    state = SignalState.from_bytes((DATA / "state_v1.bin").read_bytes())
    assert state.n == 700
    assert state.last == (1_700_000_000_000_699, 1_700_000_000_000_699, 0, 2**64 - 1, 0.5)
    assert [w.spec for w in state.watched] == [DetectorSpec("adwin", '{"delta":0.01}'), DetectorSpec("ddm")]
    assert [w.times.n for w in state.watched] == [700, 699]
    known = state.last[0] + 1 + np.arange(300)
    found = advance(state, [encode_block(SignalValues.of(known, np.ones(300)))], END)
    assert [(d.detector, d.at, d.detected_at) for d in found.detections] == [
        ("adwin", 1_700_000_000_000_696, 1_700_000_000_000_735),
        ("ddm", 1_700_000_000_000_707, 1_700_000_000_000_716),
    ]


def test_golden_bytes_of_version_2():
    """A calibrated detector in the middle of a block, after a change that is not settled."""
    state = SignalState.from_bytes((DATA / "state_v2.bin").read_bytes())
    [watched] = state.watched
    confirmation = watched.confirmation
    assert (confirmation.block, confirmation.n, confirmation.total, confirmation.open) == (8, 4, 2.0, 404)
    assert confirmation.sums.tolist() == [0.0, 4.0] * 3 + [0.0]
    assert (confirmation.since, confirmation.level) == (6, 20.0)
    assert state.to_bytes() == (DATA / "state_v2.bin").read_bytes()


def test_version_1_goes_on_without_confirmations():
    state = SignalState.from_bytes((DATA / "state_v1.bin").read_bytes())
    assert [w.confirmation.block for w in state.watched] == [0, 0]
    assert SignalState.from_bytes(state.to_bytes()).to_bytes() == state.to_bytes()


def test_through_bytes():
    values = changing()
    state = SignalState().configured([DetectorSpec.of(name, {}) for name in JOB_DETECTORS])
    assert SignalState.from_bytes(state.to_bytes()).to_bytes() == state.to_bytes()
    after = advance(state, [encode_block(values)], END).state
    again = SignalState.from_bytes(after.to_bytes())
    assert again.to_bytes() == after.to_bytes()
    assert again.last == values.last_key()


def test_state_is_bounded():
    names = [name for name in JOB_DETECTORS if name != "kswin"]  # a window and no more, but slow
    state = SignalState().configured([DetectorSpec.of(name, {}) for name in names])
    size = 0
    for n in range(20):
        block = encode_block(SignalValues.of(np.arange(20_000) + 20_000 * n, np.zeros(20_000)))
        state = advance(state, [block], END).state
        size = len(state.to_bytes())
    assert state.n == 400_000
    assert size < 4 * 20_000  # mostly the times of each


def test_detectors_that_stay_keep_their_state():
    adwin, kswin, ddm = (DetectorSpec.of(name, {}) for name in ("adwin", "kswin", "ddm"))
    other = DetectorSpec.of("adwin", {"delta": 0.5})
    state = SignalState().configured([adwin, kswin])
    state = advance(state, [encode_block(changing())], END).state
    after = state.configured([ddm, adwin, other, adwin])
    assert [w.spec for w in after.watched] == [ddm, adwin, other]
    assert after.watched[1] is state.watched[0]
    assert [bool(w.state) for w in after.watched] == [False, True, False]
    assert [w.times.n for w in after.watched] == [0, 3000, 0]
    assert (after.n, after.last) == (state.n, state.last)


def test_specs_are_checked_and_written_in_one_way():
    assert DetectorSpec.of("kswin", {"stat_size": 20.0, "alpha": 0.5}) == DetectorSpec.of(
        "kswin", {"alpha": 0.5, "stat_size": 20}
    )
    assert isinstance(DetectorSpec.of("page_hinkley", {}).fresh(), StandardisedPageHinkley)
    with pytest.raises(ValueError, match="'adwim' is unknown; choose one of adwin, page_hinkley"):
        DetectorSpec.of("adwim", {})
    with pytest.raises(ValueError, match=r"parameters of detector 'adwin'.*'epsilon'"):
        DetectorSpec.of("adwin", {"epsilon": 1})
    with pytest.raises(ValueError, match="delta 7"):
        DetectorSpec.of("adwin", {"delta": 7.0})


def test_refuses_other_bytes():
    data = (DATA / "state_v1.bin").read_bytes()
    with pytest.raises(ValueError, match="not a state of a signal"):
        SignalState.from_bytes(b"xyz" + data[3:])
    with pytest.raises(ValueError, match="version 3"):
        SignalState.from_bytes(data[:3] + b"\x03" + data[4:])
    for wrong in (data[:-8], data + b"0" * 8):
        with pytest.raises(ValueError, match="damaged"):
            SignalState.from_bytes(wrong)


def test_a_damaged_detector_is_named():
    state = SignalState().configured([DetectorSpec.of("adwin", {})])
    state = advance(state, [encode_block(changing())], END).state
    broken = dataclasses.replace(state.watched[0], state=b"dad\x01" + b"\0" * 40)
    with pytest.raises(ValueError, match="state of detector adwin"):
        advance(dataclasses.replace(state, watched=(broken,)), [encode_block(changing())], END)
