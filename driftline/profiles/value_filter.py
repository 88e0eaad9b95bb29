"""Which values a feature has had, approximately and in few bytes: a Bloom filter of their 64-bit hashes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES: Final = 1 << 20
"""Bytes of the largest filter: 875,000 values at 1 % of false positives, 1.5 million at 10 %."""

FALSE_POSITIVES: Final = 0.01
"""A filter is no larger than it must be for this share of other values to seem to be among its own."""

_PROBES: Final = 7  # the best number where half of the bits are set, which is at 1 %
_HALF: Final = np.uint64(32)


@dataclass(frozen=True, eq=False)
class ValueFilter:
    """A set of values that forgets none and takes few others for its own.

    Parameters
    ----------
    bits
        Shape (bytes,), uint8, a power of two: eight bits each, the lowest first. Read-only.

    Raises
    ------
    ValueError
        If their number is no power of two.

    References
    ----------
    Bloom, B. H. (1970). Space/time trade-offs in hash coding with allowable errors. Communications of the ACM
    13, 422-426. Kirsch, A. and Mitzenmacher, M. (2006). Less hashing, same performance: building a better
    Bloom filter. ESA 2006, section 2 (two hashes give all probes).

    Examples
    --------
    >>> values = ValueFilter.of(np.array([7, 1 << 40], np.uint64), 1024)
    >>> values.has(np.array([1 << 40, 8], np.uint64)), values.count
    (array([ True, False]), 2)
    """

    bits: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Check the size and freeze the bits."""
        size = len(self.bits)
        if not 1 <= size <= MOST_BYTES or size & (size - 1):
            raise ValueError(
                f"a filter of values has {size} bytes, which is no power of two up to {MOST_BYTES}: "
                "copy the baseline again, or build it anew"
            )
        self.bits.flags.writeable = False

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], size: int) -> ValueFilter:
        """Make a filter of some bytes, a power of two, of the hashes (n,) of values."""
        found = np.zeros(8 * size, bool)
        found[_places(hashes, size)] = True
        return cls(np.packbits(found, bitorder="little"))

    def has(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell which values (n,) it holds; a few others seem to be."""
        places = _places(hashes, len(self.bits))
        found: NDArray[np.bool_] = ((self.bits[places >> 3] >> (places & 7)) & 1).all(-1).astype(bool)
        return found

    def merge(self, other: ValueFilter) -> ValueFilter:
        """Hold the values of both; of one size."""
        return ValueFilter(self.bits | other.bits)

    def folded(self) -> ValueFilter:
        """Make it as small as `FALSE_POSITIVES` allows; the same from any larger filter of the values."""
        found = self
        while len(found.bits) > 1:
            half = len(found.bits) // 2
            smaller = ValueFilter(found.bits[:half] | found.bits[half:])
            if smaller.false_positives > FALSE_POSITIVES:
                break
            found = smaller
        return found

    @property
    def _set(self) -> float:
        """Share of the bits that are set."""
        return float(np.unpackbits(self.bits).mean())

    @property
    def false_positives(self) -> float:
        """Share of other values that seem to be among its own."""
        return self._set**_PROBES

    @property
    def count(self) -> int:
        """How many values it holds, estimated from the bits that are not set."""
        size = 8 * len(self.bits)
        return round(-size / _PROBES * math.log1p(-min(self._set, 1 - 1 / size)))


def _places(hashes: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    """Bits (n, probes) of hashes (n,): those of half a filter are these, modulo its size."""
    step = (hashes >> _HALF) | np.uint64(1)
    probes = np.arange(_PROBES, dtype=np.uint64)
    with np.errstate(over="ignore"):
        places = hashes[:, None] + step[:, None] * probes
    return (places & np.uint64(8 * size - 1)).astype(np.int64)
