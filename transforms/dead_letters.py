"""Dead letters: rows of what could not be used."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import pyarrow as pa

from driftline.decoding.rejects import Reason, Reject
from driftline.schemas import DEAD_LETTER, dead_letter_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEAD_LETTERS: Final = "dead_letters"
"""Tag of the output that carries dead letters."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

_UNMATCHED: Final = {
    Reason.AFTER_DEADLINE: "the label came after labels.wait had passed",
    Reason.NO_PREDICTION: "no prediction with its request id came in time",
}
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


class UnmatchedDeadLetters(beam.DoFn):
    """Makes dead letters of labels that match no prediction.

    Parameters
    ----------
    model
        Name of the model.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def process(self, unmatched: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Make them of a batch of `UNMATCHED`."""
        by_source: dict[str, list[tuple[str, Reject]]] = {}
        for row in unmatched.to_pylist():
            source, _, position = (row["where"] or "").partition("\t")
            reason = Reason(row["reason"])
            detail = f"{_UNMATCHED[reason]}: label {row['label']:g} of {_time(row['time'])}"
            by_source.setdefault(source, []).append((position, Reject(reason, detail, 0)))
        for source, placed in by_source.items():
            yield from dead_letter_rows(self._model, source, placed, time.time())


def _time(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat()


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
