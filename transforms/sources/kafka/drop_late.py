"""Drop what is too late, where it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from driftline.transforms.counters import DECODED, DROPPED_LATE, count
from driftline.windows.lateness import watermarks_before

if TYPE_CHECKING:
    from driftline.decoding.events import DecodedEvents
    from driftline.windows.lateness import LateRule


def drop_late(
    result: DecodedEvents, rule: LateRule, watermark: int, *, disorder: int, now: int
) -> tuple[DecodedEvents, int]:
    """Drop and count the rows that are too late for every window, by the partition's own watermark.

    Parameters
    ----------
    result
        Events of messages that followed each other in one partition.
    watermark
        Of the partition before the first row, microseconds.
    disorder
        How far rows may be out of order, microseconds.
    now
        The clock, microseconds.

    Returns
    -------
    DecodedEvents
        Without the late rows.
    int
        The partition's watermark after the last row, microseconds.
    """
    times = result.events["time"].to_numpy()
    # events come writer's schema by writer's schema, the watermark follows the offsets
    in_order = bool((result.message[1:] >= result.message[:-1]).all())
    order = None if in_order else np.argsort(result.message, kind="stable")
    before, after = watermarks_before(
        times if order is None else times[order], watermark, disorder=disorder, now=now
    )
    late = rule.too_late(times if order is None else times[order], before)
    if not late.any():
        return result, after
    if order is not None:
        late = late[np.argsort(order)]
    count(DECODED, int(late.sum()))
    count(DROPPED_LATE, int(late.sum()))
    return result.filter(~late), after
