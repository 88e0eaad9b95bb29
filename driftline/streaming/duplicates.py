"""Which events are duplicates: the request ids of a slice, in shards, and who came first.

A producer that retries sends the same request with the same event time, so the duplicate falls into the same
slice, whatever partition it takes. Within a slice the 64-bit hash of its request id names an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.decoding.event_schema import REQUEST
from driftline.framing import Head, refuses_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SHARDS: Final = 4
"""Parts that the ids of a slice are kept in: few, as every bundle makes an element of each.

It decides the keys of running state: never change it.
"""

IDS_VERSION: Final = 1

_HEAD: Final = Head(b"dri", IDS_VERSION, "set of request ids", "I")  # their number; 8 bytes align the ids
_RADIX: Final = 1 << 16  # keys below this sort as 16-bit integers, which numpy does by radix


class Shard(NamedTuple):
    """Events of one slice whose ids fall into one shard.

    Parameters
    ----------
    shard
        0 to `SHARDS` - 1.
    start
        Start of the slice, microseconds since the epoch, UTC.
    events
        The events, in the order they came.
    """

    shard: int
    start: int
    events: Any


def shard_events(events: Any, slice_length: int) -> Iterator[Shard]:
    """Bring together the events that can be duplicates of each other.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch`) with the column ``request``.
    slice_length
        Length of a slice in microseconds; slices are aligned to the epoch.

    Yields
    ------
    Shard
        One for each slice and shard that rows fall into. Rows without an id are spread over all shards.
    """
    if events.num_rows == 0:
        return
    column = events.column(REQUEST)
    shards = column.fill_null(0).to_numpy() % np.uint64(SHARDS)
    if column.null_count:
        unknown = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
        shards[unknown] = unknown % SHARDS
    slices = events.column("time").to_numpy() // slice_length  # floor: right for times before 1970 too
    first = int(slices.min())
    keys = (slices - first) * SHARDS + shards.astype(np.int64)
    if keys.max() < _RADIX:
        keys = keys.astype(np.uint16)
    order = np.argsort(keys, kind="stable")
    keys = keys[order].astype(np.int64)
    events = events.take(pa.array(order))
    bounds = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]]))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        number, shard = divmod(int(keys[begin]), SHARDS)
        yield Shard(shard, (first + number) * slice_length, events.slice(begin, end - begin))


def drop_seen(events: Any, runs: Sequence[NDArray[np.uint64]]) -> tuple[Any, NDArray[np.uint64]]:
    """Keep the first event of each request.

    Parameters
    ----------
    events
        Events of one `Shard`, with the column ``request``.
    runs
        Ids that came before, each array in ascending order.

    Returns
    -------
    pyarrow.RecordBatch, ndarray of uint64
        The events to keep, in order and without the column ``request``; and their ids, ascending. Events
        without an id are kept, all of them.

    Examples
    --------
    >>> batch = pa.record_batch({"x": [1, 2, 3, 4], "request": pa.array([7, 5, 7, None], pa.uint64())})
    >>> kept, ids = drop_seen(batch, [np.array([5], np.uint64)])
    >>> kept.to_pylist(), ids.tolist()
    ([{'x': 1}, {'x': 4}], [7])
    """
    column = events.column(REQUEST)
    keep = column.is_null().to_numpy(zero_copy_only=False).copy()
    rows = np.flatnonzero(~keep)
    ids, first = np.unique(pc.drop_null(column).to_numpy(), return_index=True)
    fresh = np.ones(len(ids), bool)
    for run in runs:
        fresh &= np.take(run, np.searchsorted(run, ids), mode="clip") != ids
    keep[rows[first[fresh]]] = True
    kept = events.remove_column(events.schema.get_field_index(REQUEST))
    return kept if keep.all() else kept.filter(pa.array(keep)), ids[fresh]


def merge_runs(runs: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Join ids that have no value in common into one ascending array."""
    return np.sort(np.concatenate(runs), kind="stable")  # finds the runs: merges instead of sorting


def encode_ids(ids: NDArray[np.uint64]) -> bytes:
    """Write ascending ids: a head of 8 bytes, then 8 bytes an id."""
    return _HEAD.pack(len(ids)) + ids.astype("<u8", copy=False).tobytes()


@refuses_damage("ids of events")
def decode_ids(data: bytes) -> NDArray[np.uint64]:
    """Read what `encode_ids` wrote, without copying it; other bytes raise UnreadableBytesError."""
    (count,), arrays = _HEAD.unpack(data)
    ids = arrays.take("<u8", count)
    arrays.done()
    if not count:
        raise arrays.damaged()
    return ids
