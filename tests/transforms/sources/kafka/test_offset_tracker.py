"""Every offset of a partition is claimed once, wherever the runner makes its checkpoints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.transforms.sources.kafka.offset_tracker import (
    MicrosecondWatermark,
    OffsetTracker,
    PartitionOffsets,
    PartitionWatermark,
)
from driftline.transforms.sources.kafka.partition import NEVER, OffsetSpan, Partition

span = OffsetSpan.from_bytes


def track(start, stop):
    return OffsetTracker(OffsetSpan(start, stop).to_bytes())


@given(st.integers(0, 50), st.lists(st.integers(1, 20), max_size=20), st.data())
def test_claims_and_checkpoints_cover_the_span_once(start, batches, data):
    stop = start + sum(batches)
    claimed = []
    tracker = track(start, stop)
    for size in batches:
        first = span(tracker.current_restriction()).start if not claimed else claimed[-1] + 1
        assert tracker.try_claim(first + size - 1)
        claimed += range(first, first + size)
        if data.draw(st.booleans()) and first + size < stop:
            primary, residual = tracker.try_split(0)
            tracker.check_done()
            assert span(primary).stop == span(residual).start == first + size
            assert not tracker.try_claim(first + size)
            tracker = OffsetTracker(residual)
    tracker.check_done()
    assert claimed == list(range(start, stop))


def test_a_checkpoint_before_the_first_claim_puts_everything_off():
    tracker = track(5, NEVER)
    assert list(map(span, tracker.try_split(0))) == [OffsetSpan(5, 5), OffsetSpan(5, NEVER)]
    tracker.check_done()
    assert not tracker.try_claim(5)


def test_a_partition_is_never_shared_between_readers():
    tracker = track(0, NEVER)
    tracker.try_claim(9)
    assert tracker.try_split(0.5) is None
    assert list(PartitionOffsets().split(b"", b"span")) == [b"span"]


def test_a_forgotten_offset_is_an_error():
    tracker = track(0, 10)
    tracker.try_claim(8)
    with pytest.raises(ValueError, match="offsets 9 to 10 were neither read nor put off"):
        tracker.check_done()


def test_an_offset_is_not_claimed_twice():
    tracker = track(0, 10)
    tracker.try_claim(3)
    with pytest.raises(ValueError, match="offset 3 was claimed before; the next is 4"):
        tracker.try_claim(3)


def test_a_stream_can_end_for_good():
    tracker = track(0, NEVER)
    assert not tracker.try_claim(NEVER)
    tracker.check_done()
    assert tracker.try_split(0) is None
    assert tracker.current_progress().fraction_completed == 1.0


def test_a_drain_stops_a_stream_and_finishes_what_is_bounded():
    offsets = PartitionOffsets()
    assert offsets.truncate(b"", OffsetSpan(3, NEVER).to_bytes()) is None
    assert offsets.truncate(b"", OffsetSpan(3, 9).to_bytes()) == OffsetSpan(3, 9).to_bytes()


def test_a_watermark_keeps_its_microseconds_and_never_goes_back():
    provider = PartitionWatermark()
    state = provider.initial_estimator_state(Partition("t", 0, 0).to_bytes(), None)
    estimator = provider.create_watermark_estimator(state)
    assert estimator.current_watermark() is None
    estimator.advance(1_700_000_000_000_007)
    estimator.advance(5)
    coder = provider.estimator_state_coder()
    restored = MicrosecondWatermark(coder.decode(coder.encode(estimator.get_estimator_state())))
    assert restored.micros() == restored.current_watermark().micros == 1_700_000_000_000_007
