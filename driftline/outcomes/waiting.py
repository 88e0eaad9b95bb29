"""What waits in a shard, as blocks of bytes, and what a look at all that is due makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.outcomes.batch_schemas import AFTER_DEADLINE, NO_PREDICTION, OUTCOMES, UNMATCHED
from driftline.outcomes.match import match
from driftline.outcomes.packed_rows import (
    LABELS_TAG,
    PREDICTIONS_TAG,
    Marks,
    decode_block,
    encode_labels,
    encode_marks,
    encode_predictions,
    span,
)
from driftline.outcomes.row_arrays import Labels, Predictions, Status
from driftline.outcomes.travelling_features import FEATURES, as_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from driftline.outcomes.match import Match, MatchRule

MOST_BLOCKS: Final = 256
"""More blocks than this are packed anew into as few as will do."""

_ROWS_A_BLOCK: Final = 65_536
_SPARE: Final = 64 << 10


@dataclass(frozen=True)
class Settled:
    """What a look at a shard found, and what is to be kept.

    Parameters
    ----------
    outcomes
        `pyarrow.RecordBatch` with `OUTCOMES` columns, and ``features`` if predictions have them, in the order
        of ``known, time, id_high, id_low``.
    unmatched
        `pyarrow.RecordBatch` with `UNMATCHED` columns, in the order of ``time, id_high, id_low``.
    expired, duplicate_predictions, duplicate_labels
        Numbers of rows.
    waiting
        Number of predictions that wait.
    blocks
        To be kept beside what is held, or instead of it.
    instead
        Whether `blocks` replace what is held.
    later
        Blocks of the rows that came and are not before the horizon.
    next
        Time of the next look, once all rows up to it have come; None if there is nothing more to do.
    """

    outcomes: Any
    unmatched: Any
    expired: int
    duplicate_predictions: int
    duplicate_labels: int
    waiting: int
    blocks: list[bytes]
    instead: bool
    later: list[bytes]
    next: int | None


def settle(
    held: Sequence[bytes], arrived: Iterable[bytes], cut: int, rule: MatchRule, horizon: int | None = None
) -> Settled:
    """Look at all rows of a shard before a point in time.

    Parameters
    ----------
    held
        Blocks kept after the last look, in any order.
    arrived
        Blocks of rows that came since.
    cut
        Rows before this time have come, microseconds since the epoch.
    horizon
        Rows of this time or later are returned, not taken in; by default all are taken in.

    Raises
    ------
    ValueError
        If a block is damaged or missing.
    """
    old_p, old_l = _held([decode_block(data) for data in held])
    new_p, new_l = _arrived(arrived)
    later: list[bytes] = []
    if horizon is not None:
        (new_p, new_l), far = _parted(new_p, new_l, horizon)
        later = list(_packed(*far))
    predictions = Predictions.concatenate([old_p, new_p])
    labels = Labels.concatenate([old_l, new_l])
    found = match(predictions, labels, cut, rule)
    outcomes, unmatched = _outcomes(predictions, labels, found), _unmatched(labels, found)

    predictions, labels = predictions.with_status(found.predictions), labels.with_status(found.labels)
    keep_p = (found.predictions != Status.GONE) & (
        (found.predictions < Status.MATCHED) | (predictions.time >= cut - (rule.wait + rule.remember))
    )
    keep_l = found.labels != Status.GONE
    blocks = [
        *_marks(PREDICTIONS_TAG, old_p.status, found.predictions[: len(old_p)]),
        *_marks(LABELS_TAG, old_l.status, found.labels[: len(old_l)]),
    ]
    rows_p = np.flatnonzero(keep_p[len(old_p) :]) + len(old_p)
    rows_l = np.flatnonzero(keep_l[len(old_l) :]) + len(old_l)
    blocks += _packed(predictions.take(rows_p), labels.take(rows_l), len(old_p), len(old_l))
    size = sum(map(len, held)) + sum(map(len, blocks))
    instead = bool(held) and (
        len(held) + len(blocks) > MOST_BLOCKS
        or size > 3 * _needed(predictions, labels, keep_p, keep_l) // 2 + _SPARE
    )
    if instead or not (keep_p.any() or keep_l.any()):
        instead = bool(held)
        blocks = list(_packed(_in_order(predictions.take(keep_p)), _in_order(labels.take(keep_l))))
    return Settled(
        outcomes,
        unmatched,
        found.expired,
        found.duplicate_predictions,
        found.duplicate_labels,
        int((found.predictions <= Status.WAITING).sum()),
        blocks,
        instead,
        later,
        _next(predictions, labels, keep_p, rule),
    )


def split(block: bytes, time: int) -> tuple[bytes | None, bytes | None]:
    """Split a block into the rows before a time, microseconds, and the others; None for no rows."""
    start, end = span(block)
    if end < time:
        return block, None
    if start >= time:
        return None, block
    before, after = _parted(*_arrived([block]), time)
    return next(_packed(*before)), next(_packed(*after))


def _parted(
    predictions: Predictions, labels: Labels, time: int
) -> tuple[tuple[Predictions, Labels], tuple[Predictions, Labels]]:
    """Part the rows before a time from the others."""
    early_p, early_l = predictions.time < time, labels.time < time
    return (
        (predictions.take(early_p), labels.take(early_l)),
        (predictions.take(~early_p), labels.take(~early_l)),
    )


def _held(blocks: Sequence[Any]) -> tuple[Predictions, Labels]:
    """Put held rows in the order of their numbers and mark what has become of them."""
    rows: dict[bytes, list[tuple[int, Any]]] = {PREDICTIONS_TAG: [], LABELS_TAG: []}
    marks: list[Marks] = []
    for block in blocks:
        if isinstance(block, Marks):
            marks.append(block)
        else:
            side = PREDICTIONS_TAG if isinstance(block.rows, Predictions) else LABELS_TAG
            rows[side].append((block.first, block.rows))
    for parts in rows.values():
        parts.sort(key=lambda part: part[0])
        expected = 0
        for first, part in parts:
            if first != expected:
                raise ValueError(
                    f"waiting rows are damaged: a block starts at row {first}, expected {expected}; "
                    "start from an older savepoint, or anew"
                )
            expected += len(part)
    predictions = Predictions.concatenate([part for _, part in rows[PREDICTIONS_TAG]])
    labels = Labels.concatenate([part for _, part in rows[LABELS_TAG]])
    return (
        predictions.with_status(_marked(PREDICTIONS_TAG, predictions.status, marks)),
        labels.with_status(_marked(LABELS_TAG, labels.status, marks)),
    )


def _marked(side: bytes, status: NDArray[np.uint8], marks: Sequence[Marks]) -> NDArray[np.uint8]:
    status = status.copy()
    for mark in marks:
        if mark.side == side:
            # a row's status only ever grows, so marks may come in any order
            status[mark.number] = np.maximum(status[mark.number], mark.status)
    return status


def _arrived(blocks: Iterable[bytes]) -> tuple[Predictions, Labels]:
    rows = [decode_block(data).rows for data in blocks]  # type: ignore[union-attr]
    return (
        Predictions.concatenate([part for part in rows if isinstance(part, Predictions)]),
        Labels.concatenate([part for part in rows if isinstance(part, Labels)]),
    )


def _packed(predictions: Predictions, labels: Labels, first_p: int = 0, first_l: int = 0) -> Iterator[bytes]:
    """Pack rows; what waits no more without score and segment, and behind the others."""
    bare = predictions.status >= Status.MATCHED
    for rows, is_bare in ((predictions.take(~bare), False), (predictions.take(bare), True)):
        for part in _parts(rows):
            yield encode_predictions(part, first_p, bare=is_bare)
            first_p += len(part)
    for part in _parts(labels):
        yield encode_labels(part, first_l)
        first_l += len(part)


def _parts(rows: Any) -> Iterator[Any]:
    for start in range(0, len(rows), _ROWS_A_BLOCK):
        yield rows.take(np.arange(start, min(start + _ROWS_A_BLOCK, len(rows))))


def _marks(side: bytes, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Iterator[bytes]:
    changed = np.flatnonzero(before != after)
    if len(changed):
        yield encode_marks(side, changed, after[changed])


def _needed(
    predictions: Predictions, labels: Labels, keep_p: NDArray[np.bool_], keep_l: NDArray[np.bool_]
) -> int:
    """Estimate the bytes of what is kept, packed anew."""
    bare = int((keep_p & (predictions.status >= Status.MATCHED)).sum())
    full = int(keep_p.sum()) - bare
    n = int(keep_l.sum())
    text = int(labels.where.nbytes) * n // max(len(labels), 1)
    width = 0 if predictions.features is None else predictions.features.shape[1]
    return 21 * bare + (30 + width) * full + 33 * n + text


def _in_order(rows: Any) -> Any:
    return rows.take(np.argsort(rows.time, kind="stable"))


def _next(predictions: Predictions, labels: Labels, keep_p: NDArray[np.bool_], rule: MatchRule) -> int | None:
    """Say when a row's time comes, a row has waited long enough, or the last can be forgotten."""
    times: list[int] = []
    for rows in (predictions, labels):
        new = rows.time[rows.status == Status.UNSETTLED]
        waiting = rows.time[(rows.status == Status.WAITING) | (rows.status == Status.TOO_LATE)]
        times += [int(new.min())] if len(new) else []
        times += [int(waiting.min()) + rule.wait] if len(waiting) else []
    if not times and keep_p.any():
        times.append(int(predictions.time[keep_p].max()) + rule.wait + rule.remember)
    return min(times, default=None)


def _outcomes(predictions: Predictions, labels: Labels, found: Match) -> Any:
    rows_p, rows_l = found.matched
    known = np.maximum(predictions.time[rows_p], labels.time[rows_l])
    order = np.lexsort((predictions.low[rows_p], predictions.high[rows_p], predictions.time[rows_p], known))
    some, own = predictions.take(rows_p[order]), rows_l[order]
    columns = [some.high, some.low, some.time, some.segments(), some.score, labels.label[own], known[order]]
    arrays, schema = [pa.array(column) for column in columns], OUTCOMES
    if some.features is not None:
        arrays.append(as_column(some.features))
        schema = schema.append(pa.field(FEATURES, arrays[-1].type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _unmatched(labels: Labels, found: Match) -> Any:
    rows = np.concatenate([found.after_deadline, found.no_prediction])
    reason = np.repeat([AFTER_DEADLINE, NO_PREDICTION], [len(found.after_deadline), len(found.no_prediction)])
    order = np.lexsort((labels.low[rows], labels.high[rows], labels.time[rows]))
    some = labels.take(rows[order])
    columns = [some.high, some.low, some.time, some.label, some.where, reason[order].astype(object)]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=UNMATCHED)
