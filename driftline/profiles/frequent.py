"""The frequent items of a categorical feature: a small sketch as bytes, merged in any order.

The sketch is the Misra-Gries one of datasketches. It is exact up to `CAPACITY` distinct values; beyond that
every count is a lower bound, and any value with more than its share of the rows (about 1 / `CAPACITY`) stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import datasketches
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

LG_MAX_SIZE = 6
"""Base 2 logarithm of the size of a sketch's hash map."""

CAPACITY = 3 << (LG_MAX_SIZE - 2)
"""Distinct values a sketch holds before it begins to forget: three quarters of its hash map."""


def sketch(
    texts: Callable[[NDArray[np.int64]], Sequence[str]],
    counts: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> bytes:
    """Sketch distinct values and their counts.

    Of more than `CAPACITY` values it keeps the most frequent, with their whole count. What it drops loses no
    more than the count of the first one dropped, the bound that Misra-Gries gives.

    Parameters
    ----------
    texts
        Gives the texts of the values at some positions. It is asked only for those that the sketch will hold,
        so a million rare values never become Python strings.
    counts
        (k,) int64, how often each distinct value occurred; at least 1.
    hashes
        (k,) uint64, one of each value: the order among equal counts, the same wherever the value is met.

    Returns
    -------
    bytes
        Empty if there are no values.

    References
    ----------
    Agarwal et al., Mergeable summaries (2013), section 3.

    Examples
    --------
    >>> values = ["HA", "OO", "YV"]
    >>> counts, hashes = np.array([3, 1, 9]), np.array([7, 8, 9], np.uint64)
    >>> top(sketch(lambda at: [values[i] for i in at], counts, hashes), 2)
    [('YV', 9), ('HA', 3)]
    """
    if len(counts) == 0:
        return b""
    kept = np.arange(len(counts), dtype=np.int64)
    if len(counts) > CAPACITY:
        least = np.partition(counts, -CAPACITY)[-CAPACITY]
        above, ties = np.flatnonzero(counts > least), np.flatnonzero(counts == least)
        room = CAPACITY - len(above)
        kept = np.concatenate([above, ties[np.argpartition(hashes[ties], room - 1)[:room]]])
    items = datasketches.frequent_strings_sketch(LG_MAX_SIZE)
    for text, count in zip(texts(kept), counts[kept].tolist(), strict=True):
        items.update(text, count)
    serialised: bytes = items.serialize()
    return serialised


def merge(sketches: Iterable[bytes]) -> bytes:
    """Merge sketches of disjoint rows; empty if all are."""
    present = [serialised for serialised in sketches if serialised]
    if len(present) <= 1:
        return present[0] if present else b""
    items = _read(present[0])
    for serialised in present[1:]:
        items.merge(_read(serialised))
    merged: bytes = items.serialize()
    return merged


def top(serialised: bytes, k: int) -> list[tuple[str, int]]:
    """Name the most frequent values.

    Parameters
    ----------
    serialised
        Bytes that `sketch` or `merge` gave.

    Returns
    -------
    list of (str, int)
        Values with their counts (lower bounds where the sketch had to forget), most frequent first, ties
        by name.
    """
    if not serialised:
        return []
    # No false negatives at threshold 0: every value the sketch holds.
    held = _read(serialised).get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES)
    counts = [(text, int(lower)) for text, _, lower, _ in held]
    return sorted(counts, key=lambda item: (-item[1], item[0]))[:k]


def _read(serialised: bytes) -> datasketches.frequent_strings_sketch:
    try:
        return datasketches.frequent_strings_sketch.deserialize(serialised)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ValueError(
            f"frequent items of {len(serialised)} bytes cannot be read ({error}); "
            "they were cut short or written by something else: build the profile again"
        ) from error
