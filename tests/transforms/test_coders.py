"""Batches between steps: Arrow bytes that any process reads, never pickle."""

from __future__ import annotations

import pickletools

import pyarrow as pa
import pytest
from apache_beam.coders import registry

from driftline.transforms.coders import RecordBatchCoder
from tests.transforms.timelines import events


@pytest.mark.parametrize(
    "batch",
    [
        events([1, 2, 3], ["A", None, "é"], [1.0, None, float("nan")], ["", None, "x" * 100_000]),
        events([], []),
        events(range(9), "ABCABCABC").slice(3, 4),
        pa.RecordBatch.from_arrays([], names=[]),
        pa.record_batch({"d": pa.array(["a", "b", "a"]).dictionary_encode(), "l": [[1], None, []]}),
    ],
    ids=["odd values", "no rows", "slice", "no columns", "nested"],
)
def test_a_batch_comes_back_as_it_was(batch):
    coder = RecordBatchCoder()
    again = coder.decode(coder.encode(batch))
    assert again.schema.equals(batch.schema, check_metadata=True)
    assert again.num_rows == batch.num_rows
    assert repr(again.to_pylist()) == repr(batch.to_pylist())


def test_a_slice_is_sent_without_the_rows_around_it():
    whole = events(range(10_000), ["A"] * 10_000)
    assert len(RecordBatchCoder().encode(whole.slice(5, 1))) < 3_000


def test_the_registry_gives_it_for_batches():
    assert registry.get_coder(pa.RecordBatch) == RecordBatchCoder()
    assert RecordBatchCoder().to_type_hint() is pa.RecordBatch


def test_it_is_arrow_and_no_pickle():
    data = RecordBatchCoder().encode(events([1], ["A"]))
    assert pa.ipc.open_stream(data).read_all().num_rows == 1
    with pytest.raises(ValueError, match=r"opcode|pickle"):
        list(pickletools.genops(data))


def test_it_may_not_code_keys():
    assert RecordBatchCoder().is_deterministic() is False
    assert hash(RecordBatchCoder()) == hash(RecordBatchCoder())
    assert RecordBatchCoder() != object()
