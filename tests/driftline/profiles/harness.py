"""One expectation for every profile: any split, any order, any grouping, the same result."""

import itertools
import random

from hypothesis import strategies as st


def splits(size, parts=6):
    """Draw a way to cut `size` rows into parts, to shuffle them, and to merge them.

    A permutation of the rows, cut points, the order of the parts, the shape of the merge tree, and which
    parts travel as bytes.
    """
    return st.fixed_dictionaries(
        {
            "shuffle": st.one_of(st.none(), st.integers(0, 2**32 - 1)),
            "cuts": st.lists(st.integers(0, size), max_size=parts - 1).map(sorted),
            "order": st.integers(0, 2**32 - 1),
            "tree": st.sampled_from(["flat", "left", "pairs"]),
            "wire": st.sampled_from(["bytes", "objects", "mixed"]),
        }
    )


def merged(split, size, profile, merge_all):
    """Profile the parts of a split and merge them.

    Parameters: a draw of `splits(size)`; the number of rows; ``profile(rows) -> Profile`` of a list of row
    numbers; ``merge_all(items) -> Profile``, where an item is a profile or its bytes.
    """
    rows = list(range(size))
    if split["shuffle"] is not None:
        random.Random(split["shuffle"]).shuffle(rows)
    bounds = [0, *split["cuts"], size]
    items = [profile(rows[low:high]) for low, high in itertools.pairwise(bounds)]
    random.Random(split["order"]).shuffle(items)
    before = [item.to_bytes() for item in items]

    def sent(item, i):
        wire = split["wire"] == "bytes" or (split["wire"] == "mixed" and i % 2)
        return item.to_bytes() if wire else item

    inputs = list(items)
    if split["tree"] == "left":
        while len(items) > 1:
            items = [merge_all([sent(items[0], 0), sent(items[1], 1)]), *items[2:]]
    elif split["tree"] == "pairs":
        while len(items) > 1:
            items = [
                merge_all([sent(p, i) for i, p in enumerate(items[k : k + 2])])
                for k in range(0, len(items), 2)
            ]
    result = merge_all([sent(item, i) for i, item in enumerate(items)])
    assert [item.to_bytes() for item in inputs] == before, "a merge changed its input"
    return result
