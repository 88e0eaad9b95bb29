import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.coverage import Coverage, covered

TIMES = st.lists(st.integers(-60, 60) | st.integers(-(6 * 10**16), 3 * 10**17), max_size=30)
YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999


def of(times, unit):
    return Coverage.of(np.array(times, np.int64), unit)


@given(TIMES, st.integers(1, 50))
def test_covered_starts_are_floors_each_once(times, unit):
    starts = covered(np.array(times, np.int64), unit)
    assert starts.tolist() == sorted({t // unit * unit for t in times})
    assert starts.dtype == np.int64


@given(
    st.lists(TIMES, min_size=1, max_size=5),
    st.integers(1, 50),
    st.integers(-99, 99),
    st.integers(0, 150),
    st.randoms(),
)
def test_any_split_and_order_counts_the_same(parts, unit, start, length, random):
    slices = {t // unit * unit for part in parts for t in part}
    coverages = [of(part, unit) for part in parts]
    random.shuffle(coverages)
    merged = Coverage.merge_all([c if random.random() < 0.5 else c.to_bytes() for c in coverages])
    assert merged.count(start, start + length) == sum(start <= s < start + length for s in slices)
    assert merged.count(-(10**18), 10**18) == len(slices)
    assert merged.to_bytes() == of([t for part in parts for t in part], unit).to_bytes()


def test_unbroken_traffic_is_one_run():
    minutes = np.arange(0, 7 * 24 * 60) * 60_000_000
    coverage = Coverage.merge_all(
        [of([t], 60_000_000) for t in np.random.default_rng(0).permutation(minutes)]
    )
    assert coverage.count(0, 7 * 24 * 3_600_000_000) == len(minutes)
    assert len(coverage.to_bytes()) == 28


def test_the_first_and_the_last_year():
    hour = 3_600_000_000
    coverage = of([YEAR_1, YEAR_9999], hour)
    assert coverage.count(YEAR_1, YEAR_1 + hour) == 1
    assert coverage.count(YEAR_9999 + 1 - hour, YEAR_9999 + 1) == 1
    assert coverage.count(YEAR_1 + hour, YEAR_9999 + 1 - hour) == 0


def test_different_slice_lengths_do_not_merge():
    with pytest.raises(ValueError, match=r"slices of \[5, 7\] microseconds"):
        Coverage.merge_all([of([1], 5), of([1], 7)])
    with pytest.raises(ValueError, match="at least one"):
        Coverage.merge_all([])


VERSION_1 = bytes.fromhex(
    "644356013c00000000000000ffffffffffffffff050000000000000002000000000000000600000000000000"
)


def test_bytes_of_version_1_are_read():
    coverage = Coverage.from_bytes(VERSION_1)
    assert coverage.unit == 60
    assert coverage.first.tolist() == [-1, 5]
    assert coverage.last.tolist() == [2, 6]
    assert coverage.to_bytes() == VERSION_1


@pytest.mark.parametrize("length", [0, 2, 3, 4, 11, 13, 27, 43])
def test_bytes_cut_short_are_refused(length):
    with pytest.raises(ValueError, match=r"cut short|not a coverage"):
        Coverage.from_bytes(VERSION_1[:length])


def test_a_newer_version_is_refused():
    with pytest.raises(ValueError, match="version 9"):
        Coverage.from_bytes(VERSION_1[:3] + b"\x09" + VERSION_1[4:])
