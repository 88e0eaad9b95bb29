"""The values that a feature has in a reference, gathered piece by piece in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import UnreadableBytesError, refuses_damage
from driftline.profiles.value_filter import MOST_BYTES, ValueFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_FALSE_POSITIVES: Final = 0.1
"""With more, nothing is said of new values: the vocabulary is too large to tell."""

_HASHES, _FILTER = b"h", b"f"


@dataclass(frozen=True, eq=False)
class ValueSet:
    """Sorted hashes of values, or a filter of them where that is shorter.

    What it becomes does not depend on how the values were split: it is a filter as soon as there are more
    values than fit in as many bytes.

    Parameters
    ----------
    known
        Sorted without repeats, shape (n,), uint64; or a filter of the largest size.

    Examples
    --------
    >>> a, b = (ValueSet.of(np.array(hashes, np.uint64)) for hashes in ([3, 1, 3], [2]))
    >>> ValueSet.merge_all([a, b]).known.tolist()
    [1, 2, 3]
    """

    known: NDArray[np.uint64] | ValueFilter

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> ValueSet:
        """Gather the hashes (n,) of values."""
        distinct = np.unique(hashes)
        return cls(distinct if distinct.nbytes <= MOST_BYTES else ValueFilter.of(distinct, MOST_BYTES))

    @classmethod
    def merge_all(cls, parts: Sequence[ValueSet]) -> ValueSet:
        """Gather what one or more have."""
        listed = [part.known for part in parts if not isinstance(part.known, ValueFilter)]
        merged = cls.of(np.concatenate(listed)) if listed else cls(np.empty(0, np.uint64))
        filters = [part.known for part in parts if isinstance(part.known, ValueFilter)]
        if not filters:
            return merged
        found = merged.filter
        for each in filters:
            found = found.merge(each)
        return cls(found)

    @property
    def filter(self) -> ValueFilter:
        """A filter of the largest size."""
        return self.known if isinstance(self.known, ValueFilter) else ValueFilter.of(self.known, MOST_BYTES)

    def vocabulary(self) -> ValueFilter | None:
        """Make what a baseline keeps to tell new values.

        Returns
        -------
        ValueFilter or None
            A filter with about 1 % of false positives, or with up to `MOST_FALSE_POSITIVES` where that takes
            more than `MOST_BYTES`; None beyond.
        """
        found = self.filter
        return None if found.false_positives > MOST_FALSE_POSITIVES else found.folded()

    def to_bytes(self) -> bytes:
        """Serialise: one letter for the form, then hashes (uint64, little-endian) or the filter's bits."""
        if isinstance(self.known, ValueFilter):
            return _FILTER + self.known.bits.tobytes()
        return _HASHES + self.known.astype("<u8").tobytes()

    @classmethod
    @refuses_damage("values of a feature", "survey the reference again")
    def from_bytes(cls, data: bytes) -> ValueSet:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        if data[:1] == _FILTER and len(data) == MOST_BYTES + 1:
            return cls(ValueFilter(np.frombuffer(data, np.uint8, offset=1)))
        if data[:1] != _HASHES or len(data) % 8 != 1:
            raise UnreadableBytesError(
                f"values of a feature in {len(data)} bytes are damaged or cut short: "
                "survey the reference again"
            )
        return cls(np.frombuffer(data, "<u8", offset=1).astype(np.uint64))
