"""Which label belongs to which prediction: the rule, for all rows whose time has come at once.

Rows are looked at in the order of their times, whatever the order they came in:

- A prediction with the request id of an earlier one, no more than `wait` after it, is a duplicate. Of two at
  one time, the one with the smaller score, then segment, then features, stands.
- A label belongs to the first prediction with its id whose time is no more than `wait` away. The first label,
  of two at one time the smaller, is the prediction's; all others that belong to it are duplicates.
- A label that repeats another that waits (same id, time and value) is a duplicate; of those looked at
  together the one with the smallest position in the source stands, if it is known.
- A prediction expires, and a label is given up, once all rows up to `wait` after it have been looked at.

So what is found among the rows before some time does not depend on later rows. Rows that come after others of
their time were looked at still find what is there; nothing said before is taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.outcomes.row_arrays import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.outcomes.row_arrays import Labels, Predictions

    Indices = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MatchRule:
    """How long predictions and labels wait for each other.

    Parameters
    ----------
    wait
        How far apart the times of a prediction and its label may be, microseconds.
    remember
        How long after its deadline a prediction is remembered, microseconds. For so long a label is known to
        be too late for a prediction rather than to belong to none.
    """

    wait: int
    remember: int


class Match(NamedTuple):
    """What was found.

    Parameters
    ----------
    predictions, labels : ndarray of uint8
        The new `Status` of every prediction and label.
    matched : tuple of ndarray of int64
        Indices of matched predictions and, in the same order, of their labels.
    after_deadline, no_prediction : ndarray of int64
        Indices of the labels that are given up.
    expired, duplicate_predictions, duplicate_labels
        Numbers of rows.
    """

    predictions: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    matched: tuple[Indices, Indices]
    after_deadline: Indices
    no_prediction: Indices
    expired: int
    duplicate_predictions: int
    duplicate_labels: int


def match(predictions: Predictions, labels: Labels, cut: int, rule: MatchRule) -> Match:
    """Look at all rows before a point in time.

    Parameters
    ----------
    predictions, labels
        All rows of a shard that are known.
    cut
        Rows before this time, and no others, have come; microseconds since the epoch.
    """
    p_status, l_status = predictions.status.copy(), labels.status.copy()
    new_p = np.flatnonzero((p_status == Status.UNSETTLED) & (predictions.time < cut))
    new_l = np.flatnonzero((l_status == Status.UNSETTLED) & (labels.time < cut))
    touched = np.unique(np.concatenate([predictions.high[new_p], labels.high[new_l]]))
    old_p = _with_id(predictions.high, (p_status != Status.UNSETTLED) & (p_status != Status.GONE), touched)
    old_l = _with_id(labels.high, (l_status == Status.WAITING) | (l_status == Status.TOO_LATE), touched)
    some_p, some_l = np.concatenate([old_p, new_p]), np.concatenate([old_l, new_l])
    group = _groups(
        np.concatenate([predictions.high[some_p], labels.high[some_l]]),
        np.concatenate([predictions.low[some_p], labels.low[some_l]]),
    )
    group_p, group_l = group[: len(some_p)], group[len(some_p) :]

    kept = _without_duplicates(predictions, some_p, group_p, len(old_p), rule.wait)
    p_status[new_p] = np.where(kept[len(old_p) :], Status.WAITING, Status.GONE)
    some_p, group_p = some_p[kept], group_p[kept]
    order = np.lexsort((predictions.time[some_p], group_p))
    some_p, group_p = some_p[order], group_p[order]
    time_p, time_l = predictions.time[some_p], labels.time[some_l]

    at = _first_from(group_p, time_p, group_l, time_l - rule.wait)
    belongs = _same_group(group_p, group_l, at)
    belongs[belongs] = time_p[at[belongs]] <= time_l[belongs] + rule.wait
    own, owner = some_l[belongs], some_p[at[belongs]]
    free = p_status[owner] == Status.WAITING
    missed = own[p_status[owner] == Status.EXPIRED]
    duplicates = int((p_status[owner] == Status.MATCHED).sum())
    l_status[own] = Status.GONE
    own, owner = own[free], owner[free]
    order = np.lexsort((labels.label[own], labels.time[own], owner))
    own, owner = own[order], owner[order]
    first = np.ones(len(own), bool)
    first[1:] = owner[1:] != owner[:-1]
    duplicates += len(own) - int(first.sum())
    own, owner = own[first], owner[first]
    p_status[owner] = Status.MATCHED

    repeats = _repeats(labels, some_l, group_l, ~belongs, len(old_l))
    l_status[some_l[repeats]] = Status.GONE
    left = ~belongs & ~repeats
    left[: len(old_l)] = False
    at = _first_from(group_p, time_p, group_l[left], time_l[left] - (rule.wait + rule.remember))
    late = _same_group(group_p, group_l[left], at)
    late[late] = time_p[at[late]] < time_l[left][late] - rule.wait
    l_status[some_l[left]] = np.where(late, Status.TOO_LATE, Status.WAITING)

    overdue_p = (p_status == Status.WAITING) & (predictions.time < cut - rule.wait)
    p_status[overdue_p] = Status.EXPIRED
    overdue_l = labels.time < cut - rule.wait
    after = np.flatnonzero(overdue_l & (l_status == Status.TOO_LATE))
    without = np.flatnonzero(overdue_l & (l_status == Status.WAITING))
    l_status[after] = l_status[without] = Status.GONE
    return Match(
        p_status,
        l_status,
        (owner, own),
        np.concatenate([missed, after]),
        without,
        int(overdue_p.sum()),
        len(kept) - int(kept.sum()),
        duplicates + int(repeats.sum()),
    )


def _with_id(high: NDArray[np.uint64], eligible: Mask, ids: NDArray[np.uint64]) -> Indices:
    """Find the rows whose id is among some, which are ascending.

    Rows are many and hits few, so a table of single bits of the hash goes first: one look into a cache
    instead of a binary search.
    """
    if not len(ids) or not len(high):
        return np.empty(0, np.int64)
    bits = min(max(len(ids).bit_length() + 3, 10), 24)
    shift = np.uint64(64 - bits)
    table = np.zeros(1 << bits, bool)
    table[ids >> shift] = True
    rows = np.flatnonzero(table[high >> shift] & eligible)
    found: Indices = rows[np.take(ids, np.searchsorted(ids, high[rows]), mode="clip") == high[rows]]
    return found


def _groups(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Indices:
    """Number the ids: equal numbers for equal ids, starting at 0."""
    order = np.argsort(high, kind="stable")
    new = np.ones(len(high), bool)
    same = high[order[1:]] == high[order[:-1]]
    equal = low[order[1:]] == low[order[:-1]]
    if (same & ~equal).any():  # half of the hash is equal and half is not: sort by both
        order = np.lexsort((low, high))
        same = high[order[1:]] == high[order[:-1]]
        equal = low[order[1:]] == low[order[:-1]]
    new[1:] = ~(same & equal)
    group = np.empty(len(high), np.int64)
    group[order] = np.cumsum(new) - 1
    return group


def _first_from(
    key_group: Indices, key_time: NDArray[np.int64], group: Indices, time: NDArray[np.int64]
) -> Indices:
    """Find for each (group, time) the first of the sorted keys that is not before it."""
    order = np.lexsort(
        (
            np.repeat([0, 1], [len(group), len(key_group)]),  # what asks comes before what is as large
            np.concatenate([time, key_time]),
            np.concatenate([group, key_group]),
        )
    )
    is_key = order >= len(group)
    at = np.empty(len(group), np.int64)
    at[order[~is_key]] = np.cumsum(is_key)[~is_key]
    return at


def _same_group(key_group: Indices, group: Indices, at: Indices) -> Mask:
    """Tell where `_first_from` found a key of the same group."""
    found: Mask = at < len(key_group)
    found[found] = key_group[at[found]] == group[found]
    return found


def _without_duplicates(predictions: Predictions, rows: Indices, group: Indices, old: int, wait: int) -> Mask:
    """Tell the predictions that are no duplicates; the first `old` rows are none."""
    keep = np.ones(len(rows), bool)
    several = np.bincount(group, minlength=1)[group] > 1
    if not several[old:].any():
        return keep
    new = np.flatnonzero(several[old:]) + old
    before = np.flatnonzero(several[:old])
    time = predictions.time[rows]
    if len(before):
        before = before[np.lexsort((time[before], group[before]))]
        at = _first_from(group[before], time[before], group[new], time[new] - wait)
        near = _same_group(group[before], group[new], at)
        near[near] = time[before[at[near]]] <= time[new[near]] + wait
        keep[new[near]] = False
        new = new[~near]
    of = rows[new]
    keys: list[NDArray[Any]] = [predictions.segment[of], predictions.score[of], time[new], group[new]]
    if predictions.features is not None and len(of):
        keys.insert(0, np.unique(predictions.features[of], axis=0, return_inverse=True)[1].ravel())
    new = new[np.lexsort(keys)]
    keep[new] = False
    following = _first_from(group[new], time[new], group[new], time[new] + wait + 1)
    first = np.ones(len(new), bool)
    first[1:] = group[new[1:]] != group[new[:-1]]
    # From the first prediction of every id at once to the next that is no duplicate of it, and so on: as many
    # rounds as the busiest id has predictions.
    stand = np.flatnonzero(first)
    while len(stand):
        keep[new[stand]] = True
        after = following[stand]
        stand = after[_same_group(group[new], group[new[stand]], after)]
    return keep


def _repeats(labels: Labels, rows: Indices, group: Indices, free: Mask, old: int) -> Mask:
    """Tell the labels that repeat another; the first `old` rows do not."""
    repeats = np.zeros(len(rows), bool)
    some = np.flatnonzero(free & (np.bincount(group, minlength=1)[group] > 1))
    some = some[pc.sort_indices(labels.where.take(pa.array(rows[some]))).to_numpy()]
    some = some[np.lexsort((some >= old, labels.label[rows[some]], labels.time[rows[some]], group[some]))]
    same = group[some[1:]] == group[some[:-1]]
    for column in (labels.time, labels.label):
        same &= column[rows[some[1:]]] == column[rows[some[:-1]]]
    repeats[some[1:]] = same
    repeats[:old] = False
    return repeats
