"""The join row by row, as one would explain it: the oracle of the vectorised one."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple


class Joined(NamedTuple):
    """Outcomes, unmatched labels with reason, expired predictions, and numbers of duplicates."""

    outcomes: list
    unmatched: list
    expired: list
    duplicate_predictions: int
    duplicate_labels: int


def join(predictions, labels, wait, remember):
    """Join (id, time, segment, score) with (id, time, label); rows come out in order."""
    by_id = defaultdict(lambda: ([], []))
    for row in predictions:
        by_id[row[0]][0].append(row)
    for row in labels:
        by_id[row[0]][1].append(row)
    outcomes, unmatched, expired, twice_p, twice_l = [], [], [], 0, 0
    for some, own in by_id.values():
        kept = []
        for row in sorted(some, key=lambda row: (row[1], row[3], row[2])):
            if kept and row[1] <= kept[-1][1] + wait:
                twice_p += 1
            else:
                kept.append(row)
        left = sorted(own, key=lambda row: (row[1], row[2]))
        for prediction in kept:
            near = [row for row in left if abs(row[1] - prediction[1]) <= wait]
            left = [row for row in left if abs(row[1] - prediction[1]) > wait]
            if near:
                outcomes.append((*prediction, near[0][2], max(prediction[1], near[0][1])))
                twice_l += len(near) - 1
            else:
                expired.append(prediction)
        twice_l += len(left) - len(set(left))
        for row in set(left):
            late = any(wait < row[1] - prediction[1] <= wait + remember for prediction in kept)
            unmatched.append((*row, "after_deadline" if late else "no_prediction"))
    outcomes.sort(key=lambda row: (row[5], row[1], row[0]))
    return Joined(outcomes, sorted(unmatched), sorted(expired), twice_p, twice_l)
