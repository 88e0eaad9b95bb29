import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles import value_set
from driftline.profiles.value_filter import ValueFilter
from driftline.profiles.value_set import ValueSet

PARTS = st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=12), min_size=1, max_size=5)


@pytest.fixture(scope="module", autouse=True)
def _small():
    """A filter of 64 bytes takes the place of more than eight values."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_set, "MOST_BYTES", 64)
        yield


@given(PARTS, st.randoms())
def test_any_split_any_order_same_bytes(parts, random):
    values = [value for part in parts for value in part]
    whole = ValueSet.of(np.array(values, np.uint64))
    sets = [ValueSet.of(np.array(part, np.uint64)) for part in parts]
    random.shuffle(sets)
    assert ValueSet.merge_all(sets).to_bytes() == whole.to_bytes()
    pairwise = sets[0]
    for each in sets[1:]:
        pairwise = ValueSet.merge_all([pairwise, each])
    assert pairwise.to_bytes() == whole.to_bytes()
    assert isinstance(whole.known, ValueFilter) == (len(set(values)) > 8)
    assert ValueSet.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()


def test_a_vocabulary_is_no_larger_than_it_must_be_and_none_where_it_says_nothing():
    hashes = np.random.default_rng(0).integers(0, 2**64, 300, dtype=np.uint64)
    found = {n: ValueSet.of(hashes[:n]).vocabulary() for n in (1, 20, 60, 200)}
    assert len(found[1].bits) < len(found[20].bits) < len(found[60].bits) == 64
    assert found[60].has(hashes[:60]).all()
    assert found[200] is None


@pytest.mark.parametrize("data", [b"", b"h1234567", b"f" + bytes(63), b"x" + bytes(64)])
def test_damaged_bytes_are_refused(data):
    with pytest.raises(ValueError, match="survey the reference again"):
        ValueSet.from_bytes(data)
