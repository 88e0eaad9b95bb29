"""Invalid values in profiles: counted, merged, kept in bytes; without any, bytes of the version before."""

import numpy as np
import pyarrow as pa
import pytest

from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.encoding import Encoding
from driftline.profiles.layout import Block
from driftline.profiles.numeric import NumericProfile

NUMBERS = Block(
    "numeric/0", "numeric", (NumericFeature("x", np.array([1.0])), NumericFeature("y", np.array([2.0])))
)
WORDS = Block(
    "categorical/0", "categorical", (CategoricalFeature("c", ("a",)), CategoricalFeature("d", ("b",)))
)
COLUMNS = [pa.array(["a", None, None, "z"]), pa.array([None, "b", "b", "b"])]


def numbers(invalid=None):
    values = np.array([[0.5, np.nan, np.nan, np.inf], [3.0, 1.0, np.nan, 5.0]])
    missing = np.array([2, 1]) if invalid is None else np.array([2, 1]) - invalid
    return NumericProfile.of(NUMBERS, values, missing, invalid)


def words(invalid=None):
    return CategoricalProfile.of_rows(Encoding.of(WORDS, COLUMNS), 0, 4, invalid)


@pytest.mark.parametrize(
    ("profile", "read", "newest"), [(numbers, NumericProfile, 3), (words, CategoricalProfile, 4)]
)
def test_counted_merged_and_kept(profile, read, newest):
    without, some = profile(), profile(np.array([1, 0]))
    assert without.to_bytes()[3] <= newest == some.to_bytes()[3]
    assert read.from_bytes(without.to_bytes()).invalid.tolist() == [0, 0]
    again = read.from_bytes(some.to_bytes())
    assert again.to_bytes() == some.to_bytes()
    assert (again.invalid.tolist(), again.missing.tolist()) == ([1, 0], [1, 1])
    assert (some.counts == without.counts).all()
    merged = read.merge_all([some.to_bytes(), without.to_bytes(), some])
    assert (merged.invalid.tolist(), merged.missing.tolist(), merged.rows) == ([2, 0], [4, 3], 12)
    with pytest.raises(ValueError, match="damaged"):
        read.from_bytes(some.to_bytes()[:-1])


def test_more_invalid_and_missing_than_there_is_room_for():
    with pytest.raises(ValueError, match="3 missing but only 2 NaN"):
        NumericProfile.of(NUMBERS, numbers_of_two(), np.array([2, 0]), np.array([1, 0]))


def numbers_of_two():
    return np.array([[0.5, np.nan, np.nan], [3.0, 1.0, 2.0]])
