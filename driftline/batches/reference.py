"""A reference in memory, as a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from driftline.baseline.artefact import Baseline
from driftline.measures.measure import Entry
from driftline.measures.measure_registry import measure, merge_encoded
from driftline.measures.slicing import profile_events
from driftline.measures.survey import Survey
from driftline.measures.window_histograms import ReferenceWindows
from driftline.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.feature_spec import FeatureSpec
    from driftline.profiles.layout import Layout


def reference_of(
    events: Any,
    specs: Sequence[FeatureSpec],
    starts: NDArray[Any],
    size: int,
    *,
    min_n: int,
    windows: int,
) -> Baseline:
    """Learn a baseline from events in memory.

    Parameters
    ----------
    events : pyarrow.Table
        Normalised events, not empty.
    starts : ndarray of int64, shape (W,)
        Starts of the windows that it is calibrated on, on the line of the events' times, `size` apart. Empty
        if rows have no times: then there are no nulls.
    size
        Length of a window.
    min_n
        Fewest rows that are ever judged.
    windows
        How many windows the baseline says it has.
    """
    layout: Layout = Survey.of(events, specs).layout(specs)
    first = int(starts[0]) if len(starts) else 0
    slices: dict[str, dict[int, bytes]] = {part.name: {} for part in layout.parts}
    shifted = events.set_column(0, "time", pc.subtract(events["time"], first))
    for partial in profile_events(shifted, layout, None, size):
        slices[partial.part][first + partial.start] = partial.profile
    known = ReferenceWindows(starts, size, size, min_n)
    entries = {}
    for part in layout.parts:
        of, parts = measure(part.kind), slices[part.name]
        whole = merge_encoded(list(parts.values()))
        null, _ = of.fit(part, whole, parts, known)
        entries[ALL, part.name] = Entry(of.decode(whole), None if null is None else of.read_null(null))
    return Baseline(
        model="",
        size=size,
        every=size,
        segment_columns=(),
        layout=layout,
        entries=entries,
        windows=windows,
        created_at=0,
        version="",
    )
