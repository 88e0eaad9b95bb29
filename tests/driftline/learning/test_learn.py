"""Learning in event-time order: the gaps of a plain loop over the sorted outcomes, whatever comes when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.learning import (
    Examples,
    LearnerState,
    decode_examples,
    encode_examples,
    examples_of,
    first_known,
    learn,
)
from driftline.learning.online_learner import OnlineLearningDetector
from driftline.losses import log_loss
from driftline.outcomes import OUTCOMES
from driftline.outcomes.travelling_features import FEATURES, FeatureLayout
from driftline.signals import SignalValues

DATA = Path(__file__).parent / "data"
LAYOUT = FeatureLayout(("x",), ("c",))
N = 2_650


def outcomes(n=N, seed=1, layout=LAYOUT, ids=True):
    """Outcomes in their order, several at one time; the same as a batch for a plain learner."""
    rng = np.random.default_rng(seed)
    known = np.sort(rng.integers(0, n // 4, n))
    high = np.arange(n) if ids else np.zeros(n)
    score = rng.random(n)
    label = (rng.random(n) < score).astype(float)
    features = pa.record_batch({"x": rng.normal(size=n), "c": rng.choice(["a", "b"], n)})
    events = pa.record_batch({f"feature.{name}": features.column(name) for name in features.schema.names})
    segment = np.where(rng.random(n) < 0.3, "s=A", "s=B")
    columns = [high, np.zeros(n), known, segment, score, label, known]
    arrays = [pa.array(column).cast(f.type) for column, f in zip(columns, OUTCOMES, strict=True)]
    if layout is None:
        return pa.record_batch(arrays, schema=OUTCOMES), features
    arrays.append(layout.encode(events))
    return pa.record_batch(arrays, schema=OUTCOMES.append(pa.field(FEATURES, arrays[-1].type))), features


def examples(batch):
    left_out, parts = examples_of(batch)
    return left_out, dict(parts)


def plain(batch, features):
    """Gaps of a loop over the sorted outcomes, with the times they were known."""
    score, label = (batch.column(name).to_numpy() for name in ("score", "label"))
    learner = OnlineLearningDetector(["x"], ["c"])
    gaps, positions = learner.update_many(features, label, log_loss(score, label))
    return batch.column("known").to_numpy()[positions], gaps


def same(gaps, batch, features):
    known, values = plain(batch, features)
    assert len(values) > 500
    np.testing.assert_array_equal(gaps.known, known)
    np.testing.assert_array_equal(gaps.value, values)


def test_examples_of_each_segment_and_of_all_traffic():
    batch, _ = outcomes()
    left_out, parts = examples(batch)
    assert left_out == 0
    assert sorted(parts) == ["*", "s=A", "s=B"]
    inside = batch.filter(pa.array(np.array(batch["segment"]) == "s=A"))
    np.testing.assert_array_equal(parts["s=A"].label, inside["label"].to_numpy())
    np.testing.assert_array_equal(parts["s=A"].features.tobytes(), b"".join(inside[FEATURES].to_pylist()))
    assert len(parts["*"].label) == N


def test_what_nothing_can_be_learnt_from_is_counted():
    batch, _ = outcomes(10)
    score, label = np.array(batch["score"]), np.array(batch["label"])
    score[0], label[1] = np.nan, 0.5
    for name, column in (("score", score), ("label", label)):
        batch = batch.set_column(batch.schema.get_field_index(name), name, pa.array(column))
    left_out, parts = examples(batch)
    assert (left_out, len(parts["*"].label)) == (2, 8)
    assert examples(outcomes(10, layout=None)[0]) == (10, {})


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 60), st.booleans())
def test_any_arrival_and_any_restart(seed, looks, lateness, ids):
    """Each look is by a worker that knows only bytes; without ids, ties are broken by what there is."""
    batch, features = outcomes(ids=ids)
    everything = examples(batch)[1]["*"]
    if not ids:
        whole = learn(LearnerState(), [encode_examples(everything)], 1 << 62, LAYOUT).gaps
    rng = np.random.default_rng(seed)
    arrival = everything.known + rng.uniform(0, lateness, N)
    state, blocks, found = b"", [], []
    for upto in [*np.linspace(0, everything.known.max(), looks + 1)[1:], np.inf]:
        new = rng.permutation(np.flatnonzero(arrival < upto))
        arrival[new] = np.inf
        blocks += [encode_examples(everything.take(part)) for part in np.array_split(new, 3) if len(part)]
        cut = 1 << 62 if np.isinf(upto) else int(upto - lateness)
        before = LearnerState.from_bytes(state) if state else LearnerState()
        look = learn(before, blocks, cut, LAYOUT)
        assert (look.late, look.unusable) == (0, 0)
        assert look.next is None or look.next >= cut
        state, blocks = look.state.to_bytes(), list(look.pending)
        found.append(look.gaps)
    gaps = SignalValues.concatenate(found)
    if ids:
        same(gaps, batch, features)
    else:
        for one, other in zip(gaps, whole, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_comes_too_late_is_dropped_and_counted():
    batch, features = outcomes()
    everything = examples(batch)[1]["*"]
    learnt = learn(LearnerState(), [encode_examples(everything)], 1 << 62, LAYOUT)
    again = learn(learnt.state, [encode_examples(everything.take(slice(0, 40)))], 1 << 62, LAYOUT)
    assert again.late == 40
    assert again.state == learnt.state
    same(learnt.gaps, batch, features)


def test_other_features_begin_anew():
    batch, _ = outcomes()
    state = learn(LearnerState(), [encode_examples(examples(batch)[1]["*"])], 1 << 62, LAYOUT).state
    other = FeatureLayout(("x",))
    later, _ = outcomes(2_300, 2, other)
    known = pa.array(np.array(later["known"]) + N)
    for name in ("known", "time"):
        later = later.set_column(later.schema.get_field_index(name), name, known)
    mixed = [encode_examples(examples(rows)[1]["*"]) for rows in (batch, later)]
    found = learn(LearnerState.from_bytes(state.to_bytes()), mixed, 1 << 62, other)
    assert (found.unusable, found.late) == (N, 0)
    assert len(found.gaps.known) == 300  # a warm-up of 2,000 of its own
    learner, pending = found.state.detector(other)
    assert (learner.n, len(pending.known)) == (2_300, 0)


def test_state_is_bounded():
    for layout in (LAYOUT, FeatureLayout(tuple(f"n{i}" for i in range(20)), ("c", "d"))):
        learner, _ = LearnerState().detector(layout)
        k, c = len(layout.numeric), len(layout.categorical)
        width = layout.width
        rows = np.zeros((199, width), np.uint8)
        rows[:, :4] = np.frombuffer(layout.encode(_events(layout)).buffers()[1], np.uint8)[:4]
        ids = np.random.default_rng(1).integers(2**62, 2**63, (4, 199))
        values = SignalValues.of(np.sort(ids[0]), np.full(199, 0.7), time=ids[1], high=ids[2], low=ids[3])
        block = encode_examples(Examples(values, np.zeros(199, np.uint8), rows))
        state = learn(LearnerState(), [block], (1 << 63) - 1, layout).state
        assert state.detector(layout)[0].n == 199
        size = len(state.to_bytes())
        assert size <= learner.largest_state + 5_000
        # as the docstring of LearnOnline says
        assert learner.largest_state < 40 * k + 99 * (8 * k + 4 * c + 20) + 2_100 + 500 + 20 * (k + c)


def _events(layout):
    numbers = {f"feature.{name}": [0.0] for name in layout.numeric}
    return pa.record_batch(numbers | {f"feature.{name}": ["a"] for name in layout.categorical})


def golden():
    losses = SignalValues.of([7, 5], [0.5, 0.25], time=[4, 3], high=[1, 2], low=[3, 4])
    block = Examples(losses, np.array([1, 0], np.uint8), np.arange(6, dtype=np.uint8).reshape(2, 3))
    return {
        "examples": encode_examples(block),
        "state": LearnerState(b"learner", losses, (7, 4, 1, 3, 0.5)).to_bytes(),
    }


def test_bytes_of_version_1():
    for name, data in golden().items():
        assert data == (DATA / f"{name}_v1.bin").read_bytes()
    block = decode_examples((DATA / "examples_v1.bin").read_bytes())
    assert block.label.tolist() == [1, 0]
    assert block.features.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert [column.tolist() for column in block.losses] == [[7, 5], [4, 3], [1, 2], [3, 4], [0.5, 0.25]]
    state = LearnerState.from_bytes((DATA / "state_v1.bin").read_bytes())
    assert (state.learner, state.last) == (b"learner", (7, 4, 1, 3, 0.5))
    assert state.pending.value.tolist() == [0.5, 0.25]
    assert first_known(golden()["examples"]) == 5


@pytest.mark.parametrize("name", ["examples", "state"])
def test_damaged_bytes_are_an_error(name):
    data = golden()[name]
    decode = decode_examples if name == "examples" else LearnerState.from_bytes
    for damaged in (data[:-1], data + b"\0", data[:3] + b"\2" + data[4:], b"xyz" + data[3:], b""):
        with pytest.raises(ValueError, match=r"block of examples|state of an online learner"):
            decode(damaged)
