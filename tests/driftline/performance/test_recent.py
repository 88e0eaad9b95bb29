"""The last outcomes: the same however they come, and as bytes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.performance import recent
from driftline.performance.recent import RecentOutcomes

DATA = Path(__file__).parent / "data"
EVERY = 10
NAMES = ("known", "time", "high", "low", "loss")

outcome = st.tuples(
    st.integers(-40, 40),  # known
    st.integers(0, 15),  # known - time
    st.integers(0, 1),
    st.integers(0, 2**64 - 1),
    st.sampled_from([0.0, 1.0, 0.25]),
)
some = st.lists(outcome, max_size=40, unique_by=lambda row: row[:4])


def of(rows, every=EVERY):
    known, wait, high, low, loss = zip(*rows, strict=True) if rows else [()] * 5
    known = np.array(known, np.int64)
    return RecentOutcomes.of(
        known,
        known - np.array(wait, np.int64),
        np.array(high, np.uint64),
        np.array(low, np.uint64),
        np.array(loss, float),
        every=every,
    )


def rows_of(outcomes):
    return list(zip(*(getattr(outcomes, name).tolist() for name in NAMES), strict=True))


@given(some, st.lists(st.integers(0, 40), max_size=4), st.randoms(use_true_random=False))
def test_any_parts_give_the_means_of_all(rows, cuts, random):
    """Ends of periods: the last three of all outcomes known before, not only of those that were kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "LAST", 3)
        ordered = sorted((r[0], r[0] - r[1], *r[2:]) for r in rows)
        random.shuffle(rows)
        bounds = [0, *sorted(cuts), 40]
        parts = [of(rows[a:b]) for a, b in pairwise(bounds)]
        whole = RecentOutcomes.merge([RecentOutcomes.from_bytes(p.to_bytes()) for p in parts], EVERY)
        assert rows_of(whole) == rows_of(of(rows))
        periods = [r[0] // EVERY for r in ordered]
        assert rows_of(whole) == [r for i, r in enumerate(ordered) if periods[i + 1 :].count(periods[i]) < 3]
        ends = np.arange(-5, 6) * EVERY
        wanted = [[r[4] for r in ordered if r[0] < end][-3:] for end in ends]
        wanted = [np.mean(last) if last else np.nan for last in wanted]
        np.testing.assert_array_equal(whole.before(ends), wanted)
        np.testing.assert_array_equal(whole.since(0).before(ends[5:]), wanted[5:])
        assert len(whole.since(50)) <= 3


def test_a_thousand_are_kept():
    whole = of([(n, 0, 0, n, float(n >= 500)) for n in range(1500)], every=10_000)
    assert len(whole) == 1000
    assert whole.before(np.array([10_000])) == [1.0]


def test_nothing():
    assert len(RecentOutcomes.merge([], EVERY)) == 0
    assert np.isnan(RecentOutcomes.none().before(np.array([5]))).all()
    assert len(RecentOutcomes.from_bytes(RecentOutcomes.none().to_bytes())) == 0


def golden(*, bits):
    return of(
        [(10**15 + 7 * n, n * 10_000_000_000, n, 2**63 + n, n % 2 if bits else n / 4) for n in range(5)]
    )


@pytest.mark.parametrize("bits", [True, False])
def test_golden_bytes_of_version_1(bits):
    data = (DATA / f"recent_outcomes_{'bits' if bits else 'floats'}_v1.bin").read_bytes()
    assert golden(bits=bits).to_bytes() == data
    assert rows_of(RecentOutcomes.from_bytes(data)) == rows_of(golden(bits=bits))


def test_size_an_outcome():
    """29 bytes a 0 or 1, so a rolling error of a thousand takes 29 kB; 36 bytes an arbitrary loss."""
    hour = 3_600_000_000
    assert len(of([(n * hour // 1000, 20 * hour, n, n, n % 2) for n in range(1000)]).to_bytes()) < 29_000
    assert len(of([(n * hour // 1000, 20 * hour, n, n, n / 7) for n in range(1000)]).to_bytes()) < 37_000


GOOD = golden(bits=True).to_bytes()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD[:-1], "cut short"),
        (GOOD + b"x", "cut short"),
        (GOOD.replace(b'"n":5', b'"n":6'), "cut short"),
        (GOOD.replace(b'"u1"', b'"O1"'), "cut short"),
        (GOOD.replace(b'"types"', b'"typed"'), "cut short"),
        (b"xyz" + GOOD[3:], "not a block of recent outcomes"),
        (GOOD[:3] + b"\x02" + GOOD[4:], "version 2"),
    ],
)
def test_damaged_bytes(data, why):
    with pytest.raises(ValueError, match=why):
        RecentOutcomes.from_bytes(data)
