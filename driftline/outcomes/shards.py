"""Split predictions and labels into shards by request id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.outcomes.packed_rows import encode_labels, encode_predictions
from driftline.outcomes.row_arrays import Labels, Predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARDS: Final = 32
"""Parts that request ids are kept in: the work can be spread over as many workers, and each is looked at as a
whole. It decides the keys of running state: never change it.
"""


def without_id(batch: Any) -> tuple[Any, Any]:
    """Rows that have a request id, in the columns ``id_high`` and ``id_low``, and rows that have none."""
    absent = pc.or_(batch.column("id_high").is_null(), batch.column("id_low").is_null())
    if not pc.any(absent).as_py():
        return batch, batch.slice(0, 0)
    return batch.filter(pc.invert(absent)), batch.filter(absent)


def pack_by_shard(batch: Any) -> Iterator[tuple[int, int, bytes]]:
    """Pack rows shard by shard.

    Parameters
    ----------
    batch
        `pyarrow.RecordBatch` with the columns of `PREDICTIONS` or `LABELS` and no null ids.

    Yields
    ------
    int, int, bytes
        Shard, 0 to `SHARDS` - 1; earliest time, microseconds since the epoch; block.
    """
    if not batch.num_rows:
        return
    shards = (batch.column("id_low").to_numpy() % np.uint64(SHARDS)).astype(np.uint16)
    order = np.argsort(shards, kind="stable")
    bounds = np.searchsorted(shards[order], np.arange(SHARDS + 1))
    batch = batch.take(pa.array(order))
    labels = "label" in batch.schema.names
    rows: Any = Labels.of(batch) if labels else Predictions.of(batch)
    for shard in range(SHARDS):
        some = np.arange(bounds[shard], bounds[shard + 1])
        if len(some):
            part = rows.take(some)
            block = encode_labels(part) if labels else encode_predictions(part)
            yield shard, int(part.time.min()), block
