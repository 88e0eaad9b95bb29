"""Compare the profile of a window with the baseline, whatever its measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.measures.measure import JudgedWindow
from driftline.measures.measure_registry import MEASURES, measure

if TYPE_CHECKING:
    import pyarrow as pa

    from driftline.baseline import Baseline
    from driftline.profiles.layout import Part


def judge(
    profile: Any,
    segment: str,
    part: Part,
    window: tuple[int, int],
    *,
    baseline: Baseline,
    min_n: int,
    timed: bool = True,
) -> dict[str, pa.RecordBatch]:
    """Compare one window's profile with the baseline.

    Parameters
    ----------
    profile
        Profile of the window, as the part's measure reads it.
    window
        Start and end, microseconds.
    timed
        Whether these are of time.

    Returns
    -------
    dict of str to pyarrow.RecordBatch
        Rows by table. What is decided per model and window of results (`coverage`, `p_adjusted`, `drifted`,
        `pane`, `pane_index`, `emitted_at`) is null.

    Raises
    ------
    ValueError
        If there are rows of a table that the measure does not name: nothing would write them.
    """
    entry = baseline.entries.get((segment, part.name))
    reference = baseline.reference(segment, part) if entry is not None else None
    place = JudgedWindow(baseline.model, segment, *window, baseline.version, min_n, timed)
    of = measure(part.kind)
    rows = dict(of.judge(part, profile, entry, reference, place))
    if stray := sorted(rows.keys() - {*of.tables}):
        raise ValueError(
            f"measure `{of.name}` gives rows of the table `{stray[0]}`, and its `tables` are "
            f"{', '.join(of.tables) or 'none'}: name every table there"
        )
    return rows


def no_data(
    baseline: Baseline, window: tuple[int, int], present: set[tuple[str, str]]
) -> list[pa.RecordBatch]:
    """Make the rows of the baseline's segments that have no events in a window.

    Parameters
    ----------
    window
        Start and end, microseconds.
    present
        (segment, first feature of a part) that have rows already.

    Returns
    -------
    list of pyarrow.RecordBatch
        Rows with status ``no_data`` and n = 0.
    """
    parts = {part.name: part for part in baseline.layout.parts if part.kind in MEASURES.names}
    batches = []
    for (segment, name), entry in baseline.entries.items():
        if name not in parts:
            continue
        part = parts[name]
        of = measure(part.kind)
        if any((segment, feature) in present for feature in of.features(part)[:1]):
            continue
        place = JudgedWindow(baseline.model, segment, *window, baseline.version, 0)
        rows = of.without_data(part, entry, place)
        if rows is not None:
            batches.append(rows)
    return batches
