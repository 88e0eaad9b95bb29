"""Drop the duplicates of a producer that retries: each request id once a slice, also over restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.streaming.duplicates import decode_ids, drop_seen, encode_ids, merge_runs, shard_events
from driftline.transforms.counters import DUPLICATES, count
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.timestamps import stamped
from driftline.windows.slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.windows.slices import SliceLength

#: (shard, start of the slice in microseconds)
ShardKey = tuple[int, int]

#: Ids are kept this much longer than a row can still be accepted, microseconds.
SLACK: Final = 60_000_000

#: So many runs of ids, and the next, are joined into one: each run is searched for every batch.
MOST_RUNS: Final = 16


class ShardEvents(GatherBundle):
    """Split event batches by slice and shard of request id.

    An element is stamped with the last millisecond of its slice, as the slice's profiles are later: the
    watermark does not pass the slice before its rows have passed.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds.
    """

    def __init__(self, slice_length: int) -> None:
        self._slice_length = slice_length

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Split events."""
        for shard, start, rows in shard_events(batch, self._slice_length):
            yield stamped(((shard, start), rows), start + self._slice_length - MILLISECOND)


class DropSeen(beam.DoFn):
    """Keep the first event of each request, and its id for as long as a duplicate can come.

    Each batch adds a run of ids to a bag. A full bag becomes one run of the next bag, as in a log-structured
    tree, so that an id is rewritten a few times and not with every batch.

    Parameters
    ----------
    forget_after
        How long after the start of a slice its ids are forgotten, microseconds.
    """

    RECENT = BagStateSpec("recent_request_ids_v1", BytesCoder())
    OLDER = BagStateSpec("older_request_ids_v1", BytesCoder())
    FORGET = TimerSpec("forget_request_ids_v1", TimeDomain.WATERMARK)

    def __init__(self, forget_after: int) -> None:
        self._forget_after = forget_after

    def process(
        self,
        element: tuple[ShardKey, pa.RecordBatch],
        recent=beam.DoFn.StateParam(RECENT),  # noqa: ANN001, B008
        older=beam.DoFn.StateParam(OLDER),  # noqa: ANN001, B008
        forget=beam.DoFn.TimerParam(FORGET),  # noqa: ANN001, B008
    ) -> Iterator[pa.RecordBatch]:
        """Drop what was seen and remember the rest."""
        (_, start), events = element
        new_runs = [decode_ids(data) for data in recent.read()]
        old_runs = [decode_ids(data) for data in older.read()]
        kept, ids = drop_seen(events, [*old_runs, *new_runs])
        count(DUPLICATES, events.num_rows - kept.num_rows)
        if len(ids):
            if len(new_runs) < MOST_RUNS:
                recent.add(encode_ids(ids))
            else:
                recent.clear()
                ids = merge_runs([*new_runs, ids])
                if len(old_runs) >= MOST_RUNS:
                    older.clear()
                    ids = merge_runs([*old_runs, ids])
                older.add(encode_ids(ids))
            # every time, so that a job started again with another lateness goes by it
            forget.set(Timestamp(micros=start + self._forget_after))
        if kept.num_rows:
            yield kept

    @on_timer(FORGET)
    def forget(
        self,
        recent=beam.DoFn.StateParam(RECENT),  # noqa: ANN001, B008
        older=beam.DoFn.StateParam(OLDER),  # noqa: ANN001, B008
    ) -> None:
        """Forget the ids of a slice that no row can join any more."""
        recent.clear()
        older.clear()


@dataclass
class DropDuplicates(beam.PTransform):
    """From event batches with a column ``request`` to batches without it and without duplicates.

    Duplicates are events of one slice with one request id. They are counted.

    Parameters
    ----------
    keep_for
        How long after its end a slice can still receive rows, microseconds.
    """

    length: SliceLength
    keep_for: int

    def expand(self, events: beam.PCollection) -> beam.PCollection:
        """Split by shard and slice, then compare with what was seen."""
        return (
            events
            | "Shard"
            >> beam.ParDo(ShardEvents(self.length.slice)).with_output_types(
                tuple[tuple[int, int], pa.RecordBatch]
            )
            | "Drop"
            >> beam.ParDo(DropSeen(self.length.slice + self.keep_for + SLACK)).with_output_types(
                pa.RecordBatch
            )
        )
