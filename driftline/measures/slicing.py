"""From events to profiles: split by segment and slice, profile each group, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from driftline.measures.measure_registry import MEASURES, measure, merge_encoded
from driftline.profiles.row_groups import RowGroups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.profiles.layout import Layout

_FEATURE = "feature."


class SliceProfile(NamedTuple):
    """The profile of one part over one slice of one segment.

    Parameters
    ----------
    start
        Start of the slice, microseconds since the epoch, UTC.
    part
        Name of the part, such as ``numeric/0``.
    """

    segment: str
    start: int
    part: str
    profile: bytes


def profile_events(
    events: Any, layout: Layout, monitored: frozenset[str] | None, slice_length: int
) -> Iterator[SliceProfile]:
    """Profile events by segment, slice and part.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`).
    layout
        The parts to profile; those of measures that are not installed are left out.
    monitored
        Labels of the segments to tell apart; rows of all others become ``(other)``. None tells all apart.
        Events without segment columns are all traffic, ``*``, whatever it says.
    slice_length
        Length of a slice in microseconds; slices are aligned to the epoch.

    Yields
    ------
    SliceProfile
        One for each segment, slice and part that rows fall into. None for ``*`` where there are segment
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
    groups = RowGroups.of(events, monitored, slice_length)
    for part in layout.parts:
        if part.kind not in MEASURES.names:
            continue
        profiles = measure(part.kind).profile(part, events, groups)
        for segment, start, profile in zip(groups.segments, groups.starts, profiles, strict=True):
            yield SliceProfile(segment, start, part.name, profile)


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
            Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`), of the same schema every time but
            for which columns of invalid values there are.
        """
        self._events.extend(events.to_batches() if isinstance(events, pa.Table) else [events])
        self._rows += events.num_rows
        self._event_bytes += events.nbytes

    def compact(self) -> None:
        """Turn the events held into profiles, which take a bounded amount of memory a segment and slice."""
        if not self._rows:
            return
        events = self._events[0] if len(self._events) == 1 else _joined(self._events)
        self._events, self._rows, self._event_bytes = [], 0, 0
        for part in profile_events(events, self._layout, self._monitored, self._slice_length):
            self._partials.setdefault(part[:3], []).append(part.profile)
            self._partial_bytes += len(part.profile)

    def flush(self) -> list[SliceProfile]:
        """Give the profiles of everything added since the last flush, and forget it.

        Returns
        -------
        list of SliceProfile
            One for each segment, slice and part, however often `compact` ran.
        """
        self.compact()
        partials, self._partials, self._partial_bytes = self._partials, {}, 0
        return [
            SliceProfile(segment, start, part, merge_encoded(profiles))
            for (segment, start, part), profiles in partials.items()
        ]


def _joined(batches: list[Any]) -> pa.Table:
    """Make one table of batches; those that lack a column of invalid values have none of them."""
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables(tables, promote_options="default")
