"""From events to profiles: split by segment and slice, profile each group, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.encoded import merge_encoded
from driftline.profiles.encoding import Encoding
from driftline.profiles.numeric import NumericProfile
from driftline.segments import OTHER, PREFIX, labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from driftline.profiles.layout import Block, Layout

_FEATURE = "feature."
_RADIX = 1 << 16  # keys below this sort as 16-bit integers, which numpy does by radix, ten times as fast


class SliceProfile(NamedTuple):
    """The profile of one block of features over one slice of one segment.

    Parameters
    ----------
    segment
        Segment label.
    start
        Start of the slice, microseconds since the epoch, UTC.
    block
        Name of the block.
    profile
        The serialised `NumericProfile` or `CategoricalProfile`.
    """

    segment: str
    start: int
    block: str
    profile: bytes


def profile_events(
    events: Any, layout: Layout, monitored: frozenset[str] | None, slice_length: int
) -> Iterator[SliceProfile]:
    """Profile events by segment, slice and block.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`).
    layout
        The blocks of features to profile.
    monitored
        Labels of the segments to tell apart; rows of all others become ``(other)``. None tells all apart.
        Events without segment columns are all traffic, ``*``, whatever it says.
    slice_length
        Length of a slice in microseconds; slices are aligned to the epoch.

    Yields
    ------
    SliceProfile
        One for each segment, slice and block that rows fall into. None for ``*`` where there are segment
        columns: it is merged from the segments later.

    Raises
    ------
    ValueError
        If a feature of the layout is no column of the events.
    """
    if events.num_rows == 0:
        return
    absent = [
        name for block in layout.blocks for name in block.names if _FEATURE + name not in events.schema.names
    ]
    if absent:
        raise ValueError(
            f"features of the baseline that the events lack: {', '.join(absent)}; "
            "configure the same features as when the baseline was built, or build it again"
        )
    groups = _Groups.of(events, monitored, slice_length)
    for block in layout.blocks:
        profiles = (
            _numeric(block, events, groups)
            if block.kind == "numeric"
            else _categorical(block, events, groups)
        )
        for segment, start, profile in zip(groups.segments, groups.starts, profiles, strict=True):
            yield SliceProfile(segment, start, block.name, profile)


class EventBuffer:
    """Collects events until there are enough of them to profile at once.

    How much is enough is the caller's to say: watch `rows` and `bytes`, `compact` when they grow too large,
    and `flush` at the end of the bundle.

    Parameters
    ----------
    layout, monitored, slice_length
        As for `profile_events`.
    """

    def __init__(self, layout: Layout, monitored: frozenset[str] | None, slice_length: int) -> None:
        self._layout, self._monitored, self._slice_length = layout, monitored, slice_length
        self._events: list[Any] = []
        self._partials: dict[tuple[str, int, str], list[bytes]] = {}
        self._rows = self._event_bytes = self._partial_bytes = 0

    @property
    def rows(self) -> int:
        """Events not yet profiled."""
        return self._rows

    @property
    def bytes(self) -> int:
        """Memory held, by events not yet profiled and by profiles not yet flushed."""
        return self._event_bytes + self._partial_bytes

    def add(self, events: Any) -> None:
        """Hold more events.

        Parameters
        ----------
        events
            Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`), of the same schema every time.
        """
        self._events.extend(events.to_batches() if isinstance(events, pa.Table) else [events])
        self._rows += events.num_rows
        self._event_bytes += events.nbytes

    def compact(self) -> None:
        """Turn the events held into profiles, which take a bounded amount of memory a segment and slice."""
        if not self._rows:
            return
        events = self._events[0] if len(self._events) == 1 else pa.Table.from_batches(self._events)
        self._events, self._rows, self._event_bytes = [], 0, 0
        for part in profile_events(events, self._layout, self._monitored, self._slice_length):
            self._partials.setdefault(part[:3], []).append(part.profile)
            self._partial_bytes += len(part.profile)

    def flush(self) -> list[SliceProfile]:
        """Give the profiles of everything added since the last flush, and forget it.

        Returns
        -------
        list of SliceProfile
            One for each segment, slice and block, however often `compact` ran.
        """
        self.compact()
        partials, self._partials, self._partial_bytes = self._partials, {}, 0
        return [
            SliceProfile(segment, start, block, merge_encoded(parts))
            for (segment, start, block), parts in partials.items()
        ]


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which rows belong together: G groups of one segment and slice each."""

    order: NDArray[np.int64] | None  # (n,) brings each group's rows together; None if they are
    bounds: NDArray[np.int64]  # (G + 1,) where each group starts in that order
    segments: list[str]  # G
    starts: list[int]  # G

    @classmethod
    def of(cls, events: Any, monitored: frozenset[str] | None, slice_length: int) -> _Groups:
        codes, names = segment_codes(events, monitored)
        # Floor division: right for times before 1970 too.
        slices = events.column("time").to_numpy() // slice_length
        first, last = int(slices.min()), int(slices.max())
        if last - first < _RADIX:
            slices -= first
            starts = np.arange(first, last + 1) * slice_length
        else:
            starts, slices = np.unique(slices, return_inverse=True)
            starts = starts * slice_length
        keys = slices * len(names) + codes
        if len(starts) * len(names) <= _RADIX:
            keys = keys.astype(np.uint16)
        order: NDArray[np.int64] | None = None
        if (keys[1:] < keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
        opens = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        which, segment = np.divmod(keys[opens].astype(np.int64), len(names))
        named = names.take(pa.array(segment)).to_pylist()
        return cls(order, np.append(opens, len(keys)), named, starts[which].tolist())

    def arrange(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring values (n,) into the order of the groups."""
        return values if self.order is None else values[self.order]


def segment_codes(events: Any, monitored: frozenset[str] | None) -> tuple[NDArray[np.int64], Any]:
    """Give each row's segment as a code, and the labels behind the codes.

    Parameters
    ----------
    events, monitored
        As for `profile_events`.

    Returns
    -------
    ndarray of int64, pyarrow.StringArray
        Shape (n,), indices into the labels; the labels, of which not all need occur.
    """
    columns = [name.removeprefix(PREFIX) for name in events.schema.names if name.startswith(PREFIX)]
    encoded = labels(events, columns)
    codes, names = encoded.indices.to_numpy().astype(np.int64), encoded.dictionary
    if monitored is None or not columns:
        return codes, names
    kept = pc.is_in(names, value_set=pa.array(sorted(monitored), names.type))
    mask = kept.to_numpy(zero_copy_only=False)
    if mask.all():
        return codes, names
    named = names.filter(kept)
    renumbered = np.where(mask, np.cumsum(mask) - 1, len(named))
    return renumbered[codes], pa.concat_arrays([named, pa.array([OTHER], names.type)])


def _numeric(block: Block, events: Any, groups: _Groups) -> Iterator[bytes]:
    values = np.empty((len(block), events.num_rows))
    missing = np.zeros((len(block), len(groups.segments)), np.int64)
    for f, name in enumerate(block.names):
        column = events.column(_FEATURE + name)
        present = (
            column.to_numpy()
            if isinstance(column, pa.ChunkedArray)
            else column.to_numpy(zero_copy_only=False)
        )
        if groups.order is None:
            values[f] = present
        else:
            np.take(present, groups.order, out=values[f], mode="clip")  # the other modes copy `out` once more
        if column.null_count:
            nulls = pc.is_null(column)
            nulls = (
                nulls.to_numpy()
                if isinstance(nulls, pa.ChunkedArray)
                else nulls.to_numpy(zero_copy_only=False)
            )
            missing[f] = np.add.reduceat(groups.arrange(nulls).astype(np.int64), groups.bounds[:-1])
    for g, (start, end) in enumerate(zip(groups.bounds[:-1], groups.bounds[1:], strict=True)):
        yield NumericProfile.of(block, np.ascontiguousarray(values[:, start:end]), missing[:, g]).to_bytes()


def _categorical(block: Block, events: Any, groups: _Groups) -> Iterator[bytes]:
    encoding = Encoding.of(block, [events.column(_FEATURE + name) for name in block.names], groups.order)
    for start, end in zip(groups.bounds[:-1].tolist(), groups.bounds[1:].tolist(), strict=True):
        yield CategoricalProfile.of_rows(encoding, start, end).to_bytes()
