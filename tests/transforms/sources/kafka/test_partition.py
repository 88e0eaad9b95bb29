"""What lies in checkpoints: bytes of version 1 are read by every later release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.transforms.sources.kafka.discover import decode_known, encode_known
from driftline.transforms.sources.kafka.partition import NEVER, OffsetSpan, Partition

OFFSETS = st.integers(0, NEVER)


@given(st.builds(Partition, st.text(), st.integers(0, 2**31), OFFSETS, OFFSETS, st.none() | OFFSETS))
def test_a_partition_survives_its_bytes(partition):
    assert Partition.from_bytes(partition.to_bytes()) == partition


@given(OFFSETS, OFFSETS)
def test_an_offset_span_survives_its_bytes(start, stop):
    assert OffsetSpan.from_bytes(OffsetSpan(start, stop).to_bytes()) == OffsetSpan(start, stop)


@given(st.lists(st.tuples(st.text(), st.integers(0, 10_000))), st.none() | OFFSETS)
def test_the_partitions_handed_out_survive_their_bytes(known, listed_at):
    assert decode_known(encode_known(known, listed_at)) == (known, listed_at)


def test_bytes_of_version_1_are_read():
    partition = (
        b'{"number":3,"start":17,"stop":4611686018427387904,"topic":"features","v":1,"watermark":null}'
    )
    assert Partition.from_bytes(partition) == Partition("features", 3, 17)
    span = bytes.fromhex("01 0000000000000011 4000000000000000")
    assert OffsetSpan.from_bytes(span) == OffsetSpan(17, NEVER)
    assert decode_known(b'{"v":1,"known":[["features",0]],"listed_at":5}') == ([("features", 0)], 5)


def test_keys_added_later_are_passed_over():
    partition = b'{"number":3,"start":17,"stop":18,"topic":"f","v":1,"watermark":9,"salt":4}'
    assert Partition.from_bytes(partition) == Partition("f", 3, 17, 18, 9)


@pytest.mark.parametrize(
    "decode",
    [
        lambda: Partition.from_bytes(b'{"v":2}'),
        lambda: OffsetSpan.from_bytes(b"\x02" + bytes(20)),
        lambda: decode_known(b'{"v":2}'),
    ],
)
def test_what_a_newer_release_wrote_is_refused(decode):
    with pytest.raises(ValueError, match="reads up to 1: upgrade driftline"):
        decode()
