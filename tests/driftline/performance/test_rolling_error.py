"""The rolling error at the ends of windows: said once, the same at every later look."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance import recent
from driftline.performance.rolling_error import RollingError

from .test_recent import of, some

DATA = Path(__file__).parent / "data"
EVERY = 10
ENDS = np.arange(-5, 6)


@given(some, st.integers(0, 3), st.integers(-5, 5))
def test_looks_one_after_the_other_say_what_one_look_says(rows, keep, first_look):
    """Outcomes come in order of time; windows are forgotten `keep` ends later; some looks are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "LAST", 3)
        whole = RollingError.none().advance(of(rows), EVERY, after=None, until=1 << 40)
        rolling, after, said = RollingError.none(), None, {}
        for end in range(first_look, 6):
            came = [r for r in rows if r[0] < end * EVERY and (after is None or r[0] >= after * EVERY)]
            if end % 3 == 1 and end < 5:  # nobody looks
                continue
            rolling = rolling.advance(of(came), EVERY, after=after, until=end)
            ends = np.arange(end - keep if after is not None else -6, end + 1)
            for e, value in zip(ends.tolist(), rolling.at(ends).tolist(), strict=True):
                assert e not in said or np.array_equal(said[e], value, equal_nan=True)
                said[e] = value
            after = end
            rolling = RollingError.from_bytes(rolling.since(end - keep, end, EVERY).to_bytes())
            assert len(rolling.recent) <= 3
        ends = np.array(sorted(said))
        np.testing.assert_array_equal([said[e] for e in ends.tolist()], whole.at(ends))


def test_what_comes_late_changes_later_ends_only():
    rolling = RollingError.none().advance(of([(5, 0, 0, 1, 1.0)]), EVERY, after=None, until=2)
    rolling = rolling.since(1, 2, EVERY).advance(of([(4, 0, 0, 2, 0.0)]), EVERY, after=2, until=4)
    np.testing.assert_array_equal(rolling.at(np.array([0, 1, 2, 3, 4])), [np.nan, 1, 1, 0.5, 0.5])


def test_a_pause_of_years_takes_no_room():
    rolling = RollingError.none().advance(of([(5, 0, 0, 1, 1.0)]), EVERY, after=None, until=2)
    rolling = rolling.advance(of([]), EVERY, after=2, until=10**12)
    assert len(rolling.ends) == 1
    assert rolling.at(np.array([10**11])) == [1.0]


def test_golden_bytes_of_version_1():
    rolling = RollingError.none().advance(
        of([(5, 0, 0, 1, 1.0), (25, 3, 1, 2, 0.0)]), EVERY, after=None, until=9
    )
    data = (DATA / "rolling_error_v1.bin").read_bytes()
    assert rolling.to_bytes() == data
    np.testing.assert_array_equal(RollingError.from_bytes(data).at(ENDS), rolling.at(ENDS))


@pytest.mark.parametrize("cut", [-1, 20, 40])
def test_damaged_bytes(cut):
    data = (DATA / "rolling_error_v1.bin").read_bytes()
    with pytest.raises(ValueError, match="cut short"):
        RollingError.from_bytes(data[:cut])
    with pytest.raises(ValueError, match="not a rolling error"):
        RollingError.from_bytes(b"abc" + data)
    with pytest.raises(ValueError, match="damaged"):
        RollingError.from_bytes(data.replace(b'"steps":2', b'"steps":9'))
