"""The profile of a block of categorical features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.profiles import frequent, hyperloglog
from driftline.profiles.encoding import Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.profiles.layout import Block

TAG = b"dCP"
"""How the bytes of a categorical profile begin."""

_ANEW = "build it again from the events"
_HEADS = {
    1: Head(TAG, 1, "categorical profile", "8sqHIBI", _ANEW),
    2: Head(TAG, 2, "categorical profile", "8sqHIBIH", _ANEW),
    3: Head(TAG, 3, "categorical profile", "8sqHIBIH", _ANEW),
    4: Head(TAG, 4, "categorical profile", "8sqHIBIH", _ANEW),
}
# layout fingerprint, rows, features, width, bytes a count, registers in use (or _DENSE), buckets
# the first version has no buckets, the first two no invalid values; until the third one, registers are of
# hashes that were not mixed: they are good enough alone, and where the two meet they count values twice
_WITH_INVALID = 3
_NEWEST = max(_HEADS)
_HEAD = _HEADS[_NEWEST]


@dataclass(frozen=True, eq=False)
class CategoricalProfile:
    """What is known of the rows of one slice or window, for each of the F features of a block.

    Everything but `frequent` is exact or, for `registers`, the same for any split and order of the rows.
    The arrays are read-only.

    Parameters
    ----------
    fingerprint
        8 bytes of the block it was counted with; only equal ones merge.
    rows
        Rows, missing values included.
    missing
        (F,) int64, rows without a value.
    invalid
        (F,) int64, rows with a value that is no plain one, such as a list.
    counts
        (F, width) int64, rows in each category's bin, then in *other*; bins a feature does not have are 0.
    unknown
        (F,) int64, rows with a value that the reference never had; 0 where it had too many to keep.
    registers
        (F, 1024) uint8, HyperLogLog of the values.
    frequent
        F sketches of frequent items: of the values that the reference never had or, where that cannot be
        told, of those in *other*. Read them with `top`.
    buckets
        (F, buckets) int64, rows with a value in each hash bucket; those a feature does not have are 0.

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> from driftline.profiles.hashing import hash_text
    >>> from driftline.profiles.binned_features import CategoricalFeature
    >>> from driftline.profiles.layout import Layout
    >>> known = np.sort(hash_text(pa.array(["UA", "DL", "HA"])))
    >>> block = Layout.of([CategoricalFeature("carrier", ("UA", "DL"), known)]).blocks[0]
    >>> profile = CategoricalProfile.of(block, [pa.array(["UA", "HA", None, "XX", "UA"])])
    >>> profile.rows, profile.missing, profile.counts, profile.unknown
    (5, array([1]), array([[2, 0, 2]]), array([1]))
    >>> profile.top(0, 5), profile.cardinality.round()
    ([('XX', 1)], array([3.]))
    """

    TAG: ClassVar[bytes] = TAG

    fingerprint: bytes
    rows: int
    missing: NDArray[np.int64]
    counts: NDArray[np.int64]
    unknown: NDArray[np.int64]
    registers: NDArray[np.uint8]
    frequent: tuple[bytes, ...]
    buckets: NDArray[np.int64]
    invalid: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Freeze the arrays: one slice profile enters several windows."""
        for array in (
            *(self.missing, self.counts, self.unknown),
            *(self.registers, self.buckets, self.invalid),
        ):
            array.flags.writeable = False

    @classmethod
    def empty(cls, block: Block) -> CategoricalProfile:
        """Profile no rows: the neutral element of merging."""
        features = len(block)
        return cls(
            block.fingerprint,
            0,
            np.zeros(features, np.int64),
            np.zeros((features, block.width), np.int64),
            np.zeros(features, np.int64),
            hyperloglog.empty(features),
            (b"",) * features,
            np.zeros((features, block.buckets), np.int64),
            np.zeros(features, np.int64),
        )

    @classmethod
    def of(cls, block: Block, columns: Sequence[Any]) -> CategoricalProfile:
        """Profile the rows of some columns.

        Parameters
        ----------
        columns
            F text arrays (`pyarrow.Array` or `pyarrow.ChunkedArray`), in the block's order.
        """
        encoding = Encoding.of(block, columns)
        return cls.of_rows(encoding, 0, len(encoding.codes))

    @classmethod
    def of_rows(
        cls, encoding: Encoding, start: int, end: int, invalid: NDArray[np.int64] | None = None
    ) -> CategoricalProfile:
        """Profile the rows [start, end) of an encoded block.

        Parameters
        ----------
        invalid
            How many nulls of each feature are values that are none of its kind, shape (F,), int64; none if
            not given.
        """
        block = encoding.block
        invalid = np.zeros(len(block), np.int64) if invalid is None else invalid
        features, width = len(block), block.width
        values, weights = encoding.distinct(start, end)
        slots = np.bincount(encoding.slot[values], weights, features * (width + 1))
        table = slots.astype(np.int64).reshape(features, width + 1)
        unknown = np.zeros(features, np.int64)
        sketches = [b""] * features
        tracked = encoding.tracked[values]
        if tracked.any():
            unseen = encoding.unknown[values]
            owner = encoding.feature[values]
            unknown = np.bincount(owner[unseen], weights[unseen], features).astype(np.int64)
            for f in np.unique(owner[tracked]):
                own = tracked & (owner == f)
                sketches[f] = _sketch(encoding, int(f), values[own], weights[own])
        bucket = encoding.bucket[values]
        some = bucket >= 0
        buckets = np.bincount(bucket[some], weights[some], features * block.buckets)
        registers = hyperloglog.empty(features)
        np.maximum.at(registers.reshape(-1), encoding.register[values], encoding.rank[values])
        return cls(
            block.fingerprint,
            end - start,
            table[:, width] - invalid,
            np.ascontiguousarray(table[:, :width]),
            unknown,
            registers,
            tuple(sketches),
            buckets.astype(np.int64).reshape(features, block.buckets),
            invalid,
        )

    def add(self, block: Block, columns: Sequence[Any]) -> CategoricalProfile:
        """Profile more rows; parameters as in `of`."""
        return self.merge_all([self, self.of(block, columns)])

    def merge(self, other: CategoricalProfile) -> CategoricalProfile:
        """Merge with a profile of other rows and the same block (else ValueError); neither is changed."""
        return self.merge_all([self, other])

    @classmethod
    def merge_all(cls, profiles: Sequence[CategoricalProfile | bytes]) -> CategoricalProfile:
        """Merge profiles of disjoint rows.

        Parameters
        ----------
        profiles
            One or more profiles of one block, or their bytes. They are not changed.

        Raises
        ------
        ValueError
            If there are none, one was counted with another layout, or its bytes cannot be read.
        """
        parts = [cls.from_bytes(part) if isinstance(part, bytes) else part for part in profiles]
        if not parts:
            raise ValueError("no profiles to merge: give at least one, if only an empty one")
        first = parts[0]
        for part in parts:
            if part.fingerprint != first.fingerprint:
                raise ValueError(
                    f"categorical profiles of layout {first.fingerprint.hex()} and {part.fingerprint.hex()} "
                    "cannot merge: profile all rows with the same baseline"
                )
        registers = first.registers.copy()
        for part in parts:
            np.maximum(registers, part.registers, out=registers)
        return cls(
            first.fingerprint,
            sum(part.rows for part in parts),
            _total([part.missing for part in parts], first.missing.shape),
            _total([part.counts for part in parts], first.counts.shape),
            _total([part.unknown for part in parts], first.unknown.shape),
            registers,
            tuple(frequent.merge(part.frequent[f] for part in parts) for f in range(len(first.missing))),
            _total([part.buckets for part in parts], first.buckets.shape),
            _total([part.invalid for part in parts], first.missing.shape),
        )

    @property
    def cardinality(self) -> NDArray[np.float64]:
        """Distinct values of each feature, (F,) float64, estimated with a standard error of 3.3 %."""
        return hyperloglog.estimate(self.registers)

    def top(self, feature: int, k: int) -> list[tuple[str, int]]:
        """Name a feature's most frequent new values.

        Returns
        -------
        list of (str, int)
            Values with their counts (lower bounds beyond 48 distinct values), most frequent first.
        """
        return frequent.top(self.frequent[feature], k)

    def new_categories(self, block: Block, feature: int, most: int) -> list[str]:
        """Name the most frequent categories that the reference never had.

        Returns
        -------
        list of str
            Most frequent first, ties by name; none where the reference had too many categories to tell.
        """
        if block.features[feature].known is None:  # type: ignore[union-attr]
            return []
        return [text for text, _ in self.top(feature, most)]

    def to_bytes(self) -> bytes:
        """Serialise, format version 4.

        Returns
        -------
        bytes
            Little-endian: header; missing, unknown, counts, buckets, invalid, in the smallest unsigned type
            that holds `rows`; registers, or where that is shorter positions and values of those in use; sizes
            of the sketches; sketches.
        """
        features, width = self.counts.shape
        dtype = np.min_scalar_type(self.rows).newbyteorder("<")
        used = np.flatnonzero(self.registers)
        sparse = 3 * len(used) < self.registers.size
        registers = len(used) if sparse else _DENSE
        head = (self.fingerprint, self.rows, features, width, dtype.itemsize, registers)
        parts = [
            _HEAD.pack(*head, self.buckets.shape[1]),
            self.missing.astype(dtype).tobytes(),
            self.unknown.astype(dtype).tobytes(),
            self.counts.astype(dtype).tobytes(),
            self.buckets.astype(dtype).tobytes(),
            self.invalid.astype(dtype).tobytes(),
            # A block has at most 64 features, so a position fits 16 bits.
            used.astype("<u2").tobytes() if sparse else b"",
            self.registers.reshape(-1)[used].tobytes() if sparse else self.registers.tobytes(),
            np.array([len(sketch) for sketch in self.frequent], "<u4").tobytes(),
            *self.frequent,
        ]
        return b"".join(parts)

    @classmethod
    @refuses_damage("categorical profile")
    def from_bytes(cls, data: bytes) -> CategoricalProfile:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        version = data[3] if len(data) > len(TAG) and data[3] in _HEADS else _NEWEST
        (fingerprint, rows, features, width, size, used, *in_other), arrays = _HEADS[version].unpack(data)
        [buckets] = in_other or [0]
        if size not in {1, 2, 4, 8} or not 1 <= features <= _MOST_FEATURES:
            raise arrays.damaged()
        dtype = f"<u{size}"
        missing = arrays.take(dtype, features).astype(np.int64)
        unknown = arrays.take(dtype, features).astype(np.int64)
        counts = arrays.take(dtype, features * width).astype(np.int64).reshape(features, width)
        in_bucket = arrays.take(dtype, features * buckets).astype(np.int64).reshape(features, buckets)
        invalid = np.zeros(features, np.int64)
        if version >= _WITH_INVALID:
            invalid = arrays.take(dtype, features).astype(np.int64)
        registers = hyperloglog.empty(features)
        if used == _DENSE:
            registers[:] = arrays.take("u1", registers.size).reshape(registers.shape)
        else:
            positions = arrays.take("<u2", used)
            if used and positions.max() >= registers.size:
                raise arrays.damaged()
            registers.reshape(-1)[positions] = arrays.take("u1", used)
        sketches = tuple(arrays.take("u1", int(length)).tobytes() for length in arrays.take("<u4", features))
        arrays.done()
        return cls(fingerprint, rows, missing, counts, unknown, registers, sketches, in_bucket, invalid)


_DENSE = 0xFFFFFFFF
_MOST_FEATURES = 64


def _total(arrays: Sequence[NDArray[np.int64]], shape: tuple[int, ...]) -> NDArray[np.int64]:
    total = np.zeros(shape, np.int64)
    for array in arrays:
        total += array
    return total


def _sketch(encoding: Encoding, f: int, values: NDArray[np.int64], weights: NDArray[np.int64]) -> bytes:
    def texts(at: NDArray[np.int64]) -> list[str]:
        listed: list[str] = encoding.texts[f].take(values[at] - encoding.starts[f]).to_pylist()
        return listed

    return frequent.sketch(texts, weights, encoding.hashes[values])
