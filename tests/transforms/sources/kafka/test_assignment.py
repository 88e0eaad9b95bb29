"""Key groups are those that Flink's own classes give; salts spread every beginning evenly."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.transforms.sources.kafka.assignment import KEY_GROUPS, key_group, salted, wanted_key_group

# written down from Flink 1.19.3: KeyGroupRangeAssignment.assignToKeyGroup(ByteBuffer.wrap(encoded), 128),
# encoded by Beam's ByteArrayCoder in the nested context
OF_FLINK = {
    b"": 123,
    b"\xff": 46,
    b"\x7f\x80\x00\x01": 87,
    bytes(i % 256 for i in range(300)): 26,
    b'{"topic":"features","number":0}': 105,
    b'{"topic":"features","number":1}': 94,
    b'{"topic":"features","number":2}': 5,
    b'{"topic":"features","number":3}': 56,
    b'{"topic":"features","number":4}': 112,
}


@pytest.mark.parametrize(("element", "group"), OF_FLINK.items())
def test_key_groups_are_flink_s(element, group):
    assert key_group(element) == group


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53)), st.integers(0, 1000))
def test_a_salted_element_lands_where_it_should_and_means_the_same(value, number):
    element = orjson.dumps(value)
    with_salt = salted(element, number)
    assert key_group(with_salt) == wanted_key_group(number)
    assert orjson.loads(with_salt) == value
    assert with_salt == salted(element, number)


@pytest.mark.parametrize("subtasks", [1, 2, 3, 4, 5, 8, 16])
def test_every_beginning_is_spread_evenly(subtasks):
    read_by = [wanted_key_group(number) * subtasks // KEY_GROUPS for number in range(64)]
    for many in range(1, 65):
        loads = [read_by[:many].count(subtask) for subtask in range(subtasks)]
        # powers of two divide the sequence exactly; else its discrepancy is about log2(n) / 3 + 1
        assert max(loads) - min(loads) <= (1 if subtasks.bit_count() == 1 else 4)


def test_numbers_start_again_after_all_key_groups():
    assert {wanted_key_group(number) for number in range(KEY_GROUPS)} == set(range(KEY_GROUPS))
    assert wanted_key_group(KEY_GROUPS) == wanted_key_group(0)
