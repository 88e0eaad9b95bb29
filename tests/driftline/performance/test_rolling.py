"""The rolling mean: the same however values come in batches, and as bytes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance.rolling import RollingMean

DATA = Path(__file__).parent / "data"
values = st.lists(st.floats(-1e9, 1e9), max_size=40) | st.lists(st.sampled_from([0.0, 1.0]), max_size=40)


@given(values, st.integers(1, 12), st.lists(st.integers(0, 40), max_size=6))
def test_any_batches_and_restarts_give_the_mean_of_the_last_values(stream, size, cuts):
    rolling = RollingMean(size)
    bounds = [0, *sorted(cuts), 40]
    for low, high in itertools.pairwise(bounds):
        rolling.update_many(np.array(stream[low:high], float))
        rolling = RollingMean.from_bytes(rolling.to_bytes())
        last = stream[:high][-size:]
        assert rolling.n == len(last)
        if last:
            assert rolling.value == np.mean(last)
        else:
            assert np.isnan(rolling.value)


def test_one_value_is_a_batch_of_one():
    one, many = RollingMean(3), RollingMean(3)
    for value in (4.0, 1.0, 0.5, 2.0):
        one.update(value)
    many.update_many([4.0, 1.0, 0.5, 2.0])
    assert one.value == many.value == 3.5 / 3
    assert one.to_bytes() == many.to_bytes()


def test_errors_take_a_bit_each():
    rolling = RollingMean()
    rolling.update_many(np.tile([0.0, 1.0, 0.0], 1000))
    assert rolling.n == 1000
    assert len(rolling.to_bytes()) == 16 + 125


@pytest.mark.parametrize("name", ["rolling_errors_v1.bin", "rolling_losses_v1.bin"])
def test_state_of_version_1_is_read(name):
    data = (DATA / name).read_bytes()
    rolling = RollingMean.from_bytes(data)
    assert rolling.to_bytes() == data
    assert (rolling.n, rolling.value) == ((9, 4 / 9) if "errors" in name else (3, 0.875))


def test_what_is_no_value_is_refused():
    rolling = RollingMean(3)
    with pytest.raises(ValueError, match="value nan in place 1 is not finite; leave such values out"):
        rolling.update_many([1.0, np.nan])
    assert rolling.n == 0
    with pytest.raises(ValueError, match="a rolling mean of 0 values: give a positive number"):
        RollingMean(0)


GOOD = RollingMean(3)
GOOD.update_many([0.5, 0.25])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a rolling mean"),
        (b"dRM\x02" + GOOD.to_bytes()[4:], "upgrade driftline"),
        (GOOD.to_bytes()[:10], "cut short"),
        (GOOD.to_bytes()[:-1], "cut short"),
        (GOOD.to_bytes() + b"x", "cut short"),
        (GOOD.to_bytes()[:12] + b"\x07" + GOOD.to_bytes()[13:], "damaged"),
        (GOOD.to_bytes()[:4] + b"\x01\0\0\0" + GOOD.to_bytes()[8:], "damaged"),
    ],
)
def test_bytes_that_are_no_state_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        RollingMean.from_bytes(data)
