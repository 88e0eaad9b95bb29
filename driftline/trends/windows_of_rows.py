"""From result rows to what trends follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.measures.counts_of_rows import column, places
from driftline.measures.measure_registry import measure
from driftline.profiles.layout import Block
from driftline.tables import Status
from driftline.trends.followed_rows import followed_rows
from driftline.trends.followed_windows import Followed, FollowedWindows
from driftline.trends.run_words import sizes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.baseline import Baseline


_NEEDED: Final = frozenset(
    {
        "segment",
        "status",
        "baseline_version",
        "feature",
        "window_start",
        "window_end",
        "n",
        "missing_rate",
        "nonfinite_rate",
        "invalid_rate",
        "bin_counts",
        "components",
        "shift",
        "spread",
    }
)
_P_VALUE: Final = "_p"


def followed_windows(results: Any, baseline: Baseline) -> Iterator[tuple[tuple[str, str], FollowedWindows]]:
    """Take from result rows what trends follow.

    Parameters
    ----------
    results : pyarrow.RecordBatch
        Result rows. Only windows that start at multiples of their length are followed, so that they do not
        overlap, and only those of status ``ok`` that were compared with this baseline.

    Yields
    ------
    (str, str), FollowedWindows
        Segment label and part, and its windows.
    """
    needed = [each for each in results.schema.names if each in _NEEDED or each.endswith(_P_VALUE)]
    rows = followed_rows(results.select(needed), baseline, Status.OK.value)
    if not rows.num_rows:
        return
    part_of = {name: part for part in baseline.layout.parts for name in measure(part.kind).features(part)}
    segments, features = rows.column("segment").to_pylist(), rows.column("feature").to_pylist()
    keys: dict[tuple[str, str], list[int]] = {}
    for row, (segment, feature) in enumerate(zip(segments, features, strict=True)):
        keys.setdefault((segment, part_of[feature].name), []).append(row)
    for (segment, name), own in keys.items():
        entry = baseline.entries.get((segment, name))
        if entry is None or entry.null is None:
            continue
        windows = _of_part(rows.take(pa.array(own)), baseline, segment, name)
        if windows.statistics:
            yield (segment, name), windows


def _of_part(rows: Any, baseline: Baseline, segment: str, name: str) -> FollowedWindows:
    part = baseline.layout.part(name)
    kind, entry = measure(part.kind), baseline.entries[segment, name]
    place = places(rows, kind.features(part))
    start = rows.column("window_start").cast(pa.int64()).to_numpy()
    n, statistics = rows.column("n").to_numpy(), {}
    for statistic, vectors in kind.vectors(part, entry, baseline.reference(segment, part), rows).items():
        told = ~np.isnan(vectors).any(1)
        if told.any():
            sizes = sizes_of(statistic, rows, part.width if isinstance(part, Block) else 0)
            p = column(rows, f"{statistic}_p").astype(np.float32)
            each = Followed(place, start, n, p, vectors.astype(np.float32), sizes.astype(np.float32))
            statistics[statistic] = each.take(told)
    return FollowedWindows(baseline.version, baseline.size, statistics)
