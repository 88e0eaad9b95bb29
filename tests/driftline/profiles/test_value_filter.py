import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.value_filter import FALSE_POSITIVES, ValueFilter

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=60)


def random_hashes(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64)


@given(HASHES, st.sampled_from([1, 8, 256]))
def test_it_forgets_no_value_however_small(hashes, size):
    values = np.array(hashes, np.uint64)
    assert ValueFilter.of(values, size).has(values).all()
    assert ValueFilter.of(values, size).folded().has(values).all()


@given(HASHES, HASHES)
def test_merging_is_the_filter_of_all_values(a, b):
    one, other, both = (ValueFilter.of(np.array(hashes, np.uint64), 64) for hashes in (a, b, a + b))
    assert one.merge(other).bits.tolist() == both.bits.tolist()


@given(HASHES)
def test_folding_a_larger_filter_gives_the_smaller_one(hashes):
    values = np.array(hashes, np.uint64)
    folded = ValueFilter.of(values, 4096).folded()
    assert folded.bits.tolist() == ValueFilter.of(values, len(folded.bits)).bits.tolist()


@pytest.mark.parametrize("values", [300, 5_000, 40_000])
def test_one_of_a_hundred_other_values_seems_to_be_its_own(values):
    found = ValueFilter.of(random_hashes(values), 1 << 16).folded()
    others = found.has(random_hashes(100_000, seed=1)).mean()
    assert others == pytest.approx(found.false_positives, abs=0.002)
    assert others < FALSE_POSITIVES + 0.002
    assert len(found.bits) <= 4 * values
    assert found.count == pytest.approx(values, rel=0.03)


def test_a_full_filter_has_a_count_and_holds_everything():
    full = ValueFilter(np.full(4, 255, np.uint8))
    assert (full.false_positives, full.folded().bits.tolist()) == (1.0, full.bits.tolist())
    assert full.count > 0
    assert full.has(random_hashes(9)).all()


@pytest.mark.parametrize("size", [0, 3, 12, 1 << 21])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="no power of two"):
        ValueFilter(np.zeros(size, np.uint8))
