"""Batches gathered within a bundle: every row once and in order, never too many at once."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.transforms.spine.gather_bundle import GatherBundle


class Numbers(GatherBundle):
    """Gives the numbers of each batch it makes something of."""

    MOST_ROWS = 5

    def make(self, batch):
        yield batch["n"].to_pylist()


def batch(numbers, kind):
    return pa.record_batch({"n": pa.array(numbers, kind)})


def run(do_fn, batches):
    do_fn.start_bundle()
    made = [[rows for b in batches for rows in do_fn.process(b)], list(do_fn.finish_bundle())]
    assert not list(do_fn.finish_bundle())
    return made


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from([pa.int64(), pa.int32()])), max_size=20))
def test_every_row_once_and_in_order(sizes):
    numbers = iter(range(1000))
    batches = [batch([next(numbers) for _ in range(size)], kind) for size, kind in sizes]
    do_fn = Numbers()
    for _ in range(2):  # a bundle knows nothing of the one before
        early, last = run(do_fn, batches)
        assert [n for rows in (*early, *last) for n in rows] == list(range(sum(size for size, _ in sizes)))
        assert all(0 < len(rows) < 5 + 7 for rows in early)
        assert sum(map(len, last)) < 5


def test_columns_that_change_are_not_put_together():
    some = [batch([1], pa.int64()), batch([2], pa.int64()), batch([3], pa.int32()), batch([], pa.int64())]
    assert run(Numbers(), some) == [[[1, 2], [3]], []]


@pytest.mark.parametrize(("most_bytes", "made"), [(16, [[[1, 2], [3, 4]], []]), (17, [[[1, 2, 3]], [[4]]])])
def test_bytes_are_counted_too(monkeypatch, most_bytes, made):
    monkeypatch.setattr(Numbers, "MOST_BYTES", most_bytes)
    assert run(Numbers(), [batch([n], pa.int64()) for n in (1, 2, 3, 4)]) == made
