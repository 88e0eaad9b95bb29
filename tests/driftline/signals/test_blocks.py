"""Blocks hold any values, in as few bytes as they need, and bytes of version 1 are read for ever."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.signals import SignalLedger, SignalValues, decode_block, encode_block, first_known

DATA = Path(__file__).parent / "data"

int64 = st.integers(-(2**62), 2**62)
uint64 = st.integers(0, 2**64 - 1)
near = st.integers(10**15, 10**15 + 10**6)
row = st.one_of(
    st.tuples(int64, int64, uint64, uint64, st.floats()),
    st.tuples(near, near, st.just(0), uint64, st.sampled_from([0.0, 1.0])),
    st.tuples(near, near, st.just(0), st.just(0), st.floats(allow_nan=False)),
)


@given(st.lists(row, min_size=1, max_size=30))
def test_any_values_come_back(rows):
    known, time, high, low, value = zip(*rows, strict=True)
    values = SignalValues.of(
        known, value, time=time, high=np.array(high, np.uint64), low=np.array(low, np.uint64)
    )
    data = encode_block(values)
    assert first_known(data) == min(known)
    for column, back in zip(values, decode_block(data), strict=True):
        np.testing.assert_array_equal(back, column)
        assert back.dtype == column.dtype


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (SignalValues.of([5, 6], [1.0, 0.0]), 4 + 1),
        (SignalValues.of([5, 6], [1.0, 0.5]), 4 + 8),
        (SignalValues.of([5, 6], [1.0, 0.0], time=[4, 4], high=[1, 2], low=[0, 1]), 16 + 4 + 4 + 1),
        (SignalValues.of([5, 2**40], [1.0, 0.5], time=[4, 2**41], high=[1, 2], low=[0, 1]), 40),
    ],
)
def test_no_more_bytes_than_needed(values, size):
    assert len(encode_block(values)) == 32 + 2 * size


def test_golden_bytes_of_version_1():
    outcome = decode_block((DATA / "block_outcomes_v1.bin").read_bytes())
    assert [column.tolist() for column in outcome] == [
        [1_700_000_000_000_000, 1_700_000_003_600_000],
        [1_700_000_000_000_000, 1_699_999_990_000_000],
        [2**64 - 1, 7],
        [3, 2**63],
        [1.0, 0.0],
    ]
    feature = decode_block((DATA / "block_feature_v1.bin").read_bytes())
    assert [column.tolist() for column in feature] == [
        [-5, 2**40],
        [-5, 2**40],
        [0, 0],
        [0, 0],
        [0.25, -1e300],
    ]
    ledger = SignalLedger.from_bytes((DATA / "ledger_v1.bin").read_bytes())
    assert ledger == SignalLedger(cut=-1, due=1_700_000_000_000_000)


@pytest.mark.parametrize(
    ("read", "name"), [(decode_block, "block_feature"), (SignalLedger.from_bytes, "ledger")]
)
def test_refuses_other_bytes(read, name):
    data = (DATA / f"{name}_v1.bin").read_bytes()
    with pytest.raises(ValueError, match="not a "):
        read(b"xyz" + data[3:])
    with pytest.raises(ValueError, match="version 2"):
        read(data[:3] + b"\x02" + data[4:])
    for wrong in (data[:-1], data[:10], data + b"0"):
        with pytest.raises(ValueError, match="cut short"):
            read(wrong)
