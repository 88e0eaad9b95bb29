"""How often each category of a feature occurs in the reference: exact up to some thousand categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import datasketches
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiles.binned_features import BUCKETS, CategoricalFeature
from driftline.profiles.hashing import hash_text
from driftline.profiles.number_text import canonical_text
from driftline.profiles.value_set import ValueSet

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = 4096
"""Most categories of the reference that are remembered one by one; of more there is a filter."""

LG_MAX_SIZE = 14
"""Base 2 logarithm of the size of a sketch's hash map: exact up to three quarters, 12,288 categories."""


@dataclass(frozen=True, eq=False)
class Categories:
    """How often each category of a feature occurs in the reference.

    Parameters
    ----------
    sketch
        A serialised `datasketches.frequent_strings_sketch`; empty if the feature never had a value.
    values
        All values; None if they were not gathered, as by earlier releases.

    Examples
    --------
    >>> import pyarrow as pa
    >>> categories = Categories.of(pa.array(["UA", "DL", None, "UA"]))
    >>> categories.counts(), categories.exact
    ({'UA': 2, 'DL': 1}, True)
    """

    sketch: bytes = b""
    values: ValueSet | None = field(default_factory=lambda: ValueSet.of(np.empty(0, np.uint64)))

    @classmethod
    def of(cls, column: Any) -> Categories:
        """Count the categories of a column.

        Parameters
        ----------
        column
            Text, as `pyarrow.Array` or `pyarrow.ChunkedArray`; nulls are no category. Numbers are spelt in
            one way: 1.50 is ``1.5``.
        """
        counted = pc.value_counts(column.drop_null())
        if len(counted) == 0:
            return cls()
        sketch = datasketches.frequent_strings_sketch(LG_MAX_SIZE)
        values = canonical_text(counted.field(0))
        # Python once a distinct value; the row counting above is Arrow's.
        for text, count in zip(values.to_pylist(), counted.field(1).to_pylist(), strict=True):
            sketch.update(text, count)
        return cls(sketch.serialize(), ValueSet.of(hash_text(values)))

    @classmethod
    def merge_all(cls, parts: Sequence[Categories]) -> Categories:
        """Merge the counts of disjoint rows."""
        present = [part for part in parts if part.sketch]
        if len(present) <= 1:
            return present[0] if present else cls()
        merged = _read(present[0].sketch)
        for part in present[1:]:
            merged.merge(_read(part.sketch))
        values = [part.values for part in present if part.values is not None]
        all_of_them = len(values) == len(present)
        return cls(merged.serialize(), ValueSet.merge_all(values) if all_of_them else None)

    def counts(self) -> dict[str, int]:
        """List the categories.

        Returns
        -------
        dict of str to int
            Rows of each category, most first, ties by name; if not `exact`, lower bounds without the rarest.
        """
        if not self.sketch:
            return {}
        kind = datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES
        held = [(text, int(lower)) for text, _, lower, _ in _read(self.sketch).get_frequent_items(kind)]
        return dict(sorted(held, key=lambda item: (-item[1], item[0])))

    @property
    def exact(self) -> bool:
        """Whether no category had to be forgotten."""
        if not self.sketch:
            return True
        sketch = _read(self.sketch)
        # The gap of any text is what may have been forgotten of it.
        return bool(sketch.get_upper_bound("") == sketch.get_lower_bound(""))

    def feature(self, name: str, bins: int) -> CategoricalFeature:
        """Choose the categories that get a bin of their own.

        Parameters
        ----------
        bins
            How many at most.

        Returns
        -------
        CategoricalFeature
            The largest categories, ties by name; the hashes of all categories if they are at most `KNOWN`,
            else a filter of them. Those without a bin of their own have hash buckets.
        """
        counts = self.counts()
        known: Any = None
        if len(counts) <= KNOWN and self.exact:
            known = np.unique(hash_text(pa.array(list(counts), pa.large_string())))
        elif self.values is not None:
            known = self.values.vocabulary()
        return CategoricalFeature(name, tuple(counts)[:bins], known, BUCKETS if len(counts) > bins else 0)


def _read(sketch: bytes) -> datasketches.frequent_strings_sketch:
    try:
        return datasketches.frequent_strings_sketch.deserialize(sketch)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ValueError(
            f"category counts of {len(sketch)} bytes cannot be read ({error}); survey the reference again"
        ) from error
