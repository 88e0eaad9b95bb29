"""Times long ago are told from few, and exactly for the newest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.signals.stream_times import NEWEST, Times


@given(st.lists(st.integers(0, 4000), max_size=8), st.integers(1, 32_000))
def test_as_if_all_were_kept(sizes, k):
    n = sum(sizes)
    stream = np.arange(n) * 10
    times, at = Times(), 0
    for size in sizes:
        times = times.extended(stream[at : at + size])
        times = Times.from_bytes(times.n, times.to_bytes())
        at += size
    whole = Times().extended(stream)
    assert times.to_bytes() == whole.to_bytes()
    if k > n:
        with pytest.raises(ValueError, match=f"value {k} ago"):
            times.ago(k)
        return
    newer = times.ago(k) // 10 - (n - k)  # by so many values
    assert 0 <= newer <= (0 if k <= NEWEST else k / 63)


def test_takes_little_memory():
    times = Times().extended(np.arange(1_000_000))
    assert len(times.to_bytes()) < 20_000
    assert 0 <= times.ago(1_000_000) <= 1_000_000 / 63
    for _ in range(30):
        times = times.extended(np.arange(1_000_000))
    assert len(times.to_bytes()) < 30_000


def test_the_oldest_there_is_beyond_what_is_kept():
    times = Times(2**60, np.arange(NEWEST), tuple(np.arange(128) + 1000 * n for n in range(32)))
    assert times.ago(2**60) == 31_000


def test_refuses_other_bytes():
    with pytest.raises(ValueError, match="of 3 values"):
        Times.from_bytes(3, b"0" * 8)
