"""Dead letters: rows of what could not be used."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.decoding.rejects import Reason, Reject
from driftline.tables import DEAD_LETTER, dead_letter_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEAD_LETTERS: Final = "dead_letters"
"""Tag of the output that carries dead letters."""

_UNMATCHED: Final = {
    Reason.AFTER_DEADLINE: "the label came after labels.wait had passed",
    Reason.NO_PREDICTION: "no prediction with its request id came in time",
}
_WHERE: Final = r"(?s)^(?P<source>[^\t]*)\t?(?P<position>.*)$"
_MOST_ROWS: Final = 1_000
_MOST_BYTES: Final = 16_000_000
_MOST_UNMATCHED: Final = 16_384  # rows at a time; they have no payload


def position_of(reject: Reject, positions: Sequence[Any], unit: str = "") -> str:
    """Say where in its source a reject lies.

    Parameters
    ----------
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
    """Count the rows that are lost, by reason."""
    lost: Counter[str] = Counter()
    for reject in rejects:
        lost[reject.reason.value] += reject.rows
    return lost


class UnmatchedDeadLetters(beam.DoFn):
    """Makes dead letters of labels that match no prediction."""

    def __init__(self, model: str) -> None:
        self._model = model

    def process(self, unmatched: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Make them of a batch of `UNMATCHED`."""
        place = pc.extract_regex(unmatched["where"].fill_null(""), _WHERE)
        source, position = place.field("source"), place.field("position")
        columns = {
            "row_id": dead_letter_ids(self._model, source.to_pylist(), position.to_pylist()),
            "model": [self._model] * unmatched.num_rows,
            "reason": unmatched["reason"],
            "detail": _unmatched_details(unmatched),
            "source": source,
            "position": position,
            "payload": pa.nulls(unmatched.num_rows, pa.binary()).fill_null(b""),
            "emitted_at": np.full(unmatched.num_rows, time.time_ns() // 1000),
        }
        rows = _rows(columns)
        for start in range(0, rows.num_rows, _MOST_UNMATCHED):
            yield rows.slice(start, _MOST_UNMATCHED)


def _unmatched_details(unmatched: pa.RecordBatch) -> Any:
    """Say of each label why it is unmatched, which it is and of when."""
    reason, label = (unmatched[name].dictionary_encode() for name in ("reason", "label"))
    why = [_UNMATCHED[Reason(name)] for name in reason.dictionary.to_pylist()]
    what = [f": label {number!r} of " for number in label.dictionary.to_pylist()]
    at = np.datetime_as_string(unmatched["time"].to_numpy().view("M8[us]")).astype(object)
    return pc.binary_join_element_wise(
        pa.array(why, pa.string()).take(reason.indices),
        pa.array(what, pa.string()).take(label.indices),
        pc.replace_substring_regex(pa.array(at, pa.string()), r"\.0{6}$", ""),
        "+00:00",
        "",
    )


def _batch(
    model: str, source: str, placed: Sequence[tuple[str, Reject]], emitted_at: float
) -> pa.RecordBatch:
    count = len(placed)
    columns: dict[str, list[Any]] = {
        "row_id": dead_letter_ids(model, [source] * count, [position for position, _ in placed]),
        "model": [model] * count,
        "reason": [reject.reason.value for _, reject in placed],
        "detail": [reject.detail.encode(errors="replace").decode() for _, reject in placed],
        "source": [source] * count,
        "position": [position for position, _ in placed],
        "payload": [reject.payload for _, reject in placed],
        "emitted_at": [int(emitted_at * 1e6)] * count,
    }
    return _rows(columns)


def _rows(columns: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name], field.type) for field in DEAD_LETTER.arrow], schema=DEAD_LETTER.arrow
    )
