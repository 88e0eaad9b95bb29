"""Dead letters: rows of what could not be used."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from driftline.schemas import DEAD_LETTER, dead_letter_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.decoding.rejects import Reject

DEAD_LETTERS: Final = "dead_letters"
"""Tag of the output that carries dead letters."""

_MOST_ROWS: Final = 1_000
_MOST_BYTES: Final = 16_000_000


def position_of(reject: Reject, positions: Sequence[Any], unit: str = "") -> str:
    """Say where in its source a reject lies.

    Parameters
    ----------
    reject
        Of one of the messages.
    positions
        Positions of the messages in the source.
    unit
        What positions count, such as ``row``; empty for offsets and message ids.

    Returns
    -------
    str
        Such as ``17``, ``line 3`` or ``17#2`` for the third event of message 17.
    """
    place = f"{unit} {positions[reject.message]}" if unit else str(positions[reject.message])
    return place if reject.event < 0 else f"{place}#{reject.event}"


def dead_letter_rows(
    model: str, source: str, placed: Sequence[tuple[str, Reject]], emitted_at: float
) -> Iterator[pa.RecordBatch]:
    """Make dead letters of rejects.

    Parameters
    ----------
    model
        Name of the model.
    source
        File, topic and partition, or subscription.
    placed
        Position and reject. Model, source and position identify the row: a replay makes the same.
    emitted_at
        Now, in seconds since the epoch.

    Yields
    ------
    pyarrow.RecordBatch
        Rows of `DEAD_LETTER`, at most 1,000 and about 16 MB at a time.
    """
    start = size = 0
    for stop, (_, reject) in enumerate(placed, 1):
        size += len(reject.payload)
        if stop - start >= _MOST_ROWS or size >= _MOST_BYTES or stop == len(placed):
            yield _batch(model, source, placed[start:stop], emitted_at)
            start, size = stop, 0


def by_reason(rejects: Sequence[Reject]) -> Counter[str]:
    """Count rejects by reason."""
    return Counter(reject.reason.value for reject in rejects)


def _batch(
    model: str, source: str, placed: Sequence[tuple[str, Reject]], emitted_at: float
) -> pa.RecordBatch:
    count = len(placed)
    columns: dict[str, list[Any]] = {
        "row_id": [dead_letter_id(model, source, position) for position, _ in placed],
        "model": [model] * count,
        "reason": [reject.reason.value for _, reject in placed],
        "detail": [reject.detail.encode(errors="replace").decode() for _, reject in placed],
        "source": [source] * count,
        "position": [position for position, _ in placed],
        "payload": [reject.payload for _, reject in placed],
        "emitted_at": [int(emitted_at * 1e6)] * count,
    }
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name], field.type) for field in DEAD_LETTER.arrow], schema=DEAD_LETTER.arrow
    )
