"""Compare two batches of events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.baseline import decode_baseline, encode_baseline
from driftline.batches.groups import Groups, calibration_of, group_p_values
from driftline.batches.judged import WHOLE, as_if_independent, judge_batch
from driftline.batches.reference import reference_of
from driftline.measures.measure_registry import decode_profile
from driftline.measures.result_rows import floats
from driftline.measures.slicing import profile_events
from driftline.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.baseline import Baseline
    from driftline.config import Tests
    from driftline.feature_spec import FeatureSpec
    from driftline.tables import Calibration

WINDOW: Final = (0, 86_400_000_000)
"""What the rows of a batch say of its time: the first day of 1970, which no log is of."""
MODEL: Final = "compare"


@dataclass(frozen=True, eq=False)
class Batch:
    """Events of a batch.

    Parameters
    ----------
    events : pyarrow.Table
        Normalised events, without segments; times do not matter.
    group : pyarrow.ChunkedArray, optional
        Group of each row, as text.
    """

    events: pa.Table
    group: Any = None


@dataclass(frozen=True, eq=False)
class Compared:
    """What a comparison found.

    Parameters
    ----------
    rows : pyarrow.Table
        Result rows, one a feature.
    baseline
        The reference.
    baseline_file
        It as the bytes of a file, without nulls.
    groups
        Of reference and current batch; None if rows are taken as independent.
    shared
        Groups that are in both.
    """

    rows: pa.Table
    baseline: Baseline
    baseline_file: bytes
    groups: tuple[Groups, Groups] | None
    shared: int = 0


def compare_batches(reference: Batch, current: Batch, specs: Sequence[FeatureSpec], tests: Tests) -> Compared:
    """Compare a batch with another.

    Parameters
    ----------
    reference, current
        Not empty; both with the features of `specs`, and either both with groups or none.
    """
    nothing = np.zeros(0, np.int64)
    learned = reference_of(reference.events, specs, nothing, WHOLE, min_n=tests.min_n, windows=0)
    baseline, data = _named(learned)
    if reference.group is None or current.group is None:
        rows = judge_batch(
            current.events, baseline, tests, segment=ALL, window=WINDOW, revised=as_if_independent
        )
        return Compared(rows, baseline, data, None)
    groups = Groups.of(reference.group), Groups.of(current.group)
    parts: dict[str, list[Any]] = {part.name: [] for part in baseline.layout.parts}
    dealt = reference.events.set_column(0, "time", pa.array(groups[0].part))
    for each in profile_events(dealt, baseline.layout, None, 1):
        parts[each.part].append(decode_profile(each.profile))
    calibration = calibration_of(groups[0])

    def by_groups(rows: pa.RecordBatch, part: Any, profile: Any) -> tuple[Any, Calibration]:  # noqa: ARG001
        return floats(group_p_values(part, parts[part.name], profile, groups)), calibration

    rows = judge_batch(current.events, baseline, tests, segment=ALL, window=WINDOW, revised=by_groups)
    known = set(pc.unique(reference.group).to_pylist())
    shared = sum(each in known for each in pc.unique(current.group).to_pylist() if each is not None)
    return Compared(rows, baseline, data, groups, shared)


def _named(baseline: Baseline) -> tuple[Baseline, bytes]:
    """Give the baseline the version of the file that would hold its profiles."""
    size = WINDOW[1]
    data = encode_baseline(
        [
            {"segment": segment, "part": part, "profile": entry.profile.to_bytes(), "null": None}
            for (segment, part), entry in baseline.entries.items()
        ],
        baseline.layout,
        model=MODEL,
        size=size,
        every=size,
        segment_columns=(),
        windows=0,
        created_at=0,
    )
    version = decode_baseline(data, "the reference").version
    return replace(baseline, model=MODEL, version=version, size=size, every=size), data
