"""Text columns of a whole flush as integers, so that profiling a group of its rows needs only numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profiles import hyperloglog
from driftline.profiles.hashing import bucket_of, hash_text
from driftline.profiles.spelling import as_in_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.profiles.binned_features import CategoricalFeature
    from driftline.profiles.layout import Block


@dataclass(frozen=True, eq=False)
class Encoding:
    """The rows of a categorical block as codes, and what is to be known of each of the D distinct values.

    A distinct value belongs to one feature; null is one of them, the last of its feature.

    Parameters
    ----------
    block
        The categorical block of F features.
    codes
        (n, F) int32, the distinct value of each row and feature, an index into the tables below.
    feature
        (D,) int64, the feature the value belongs to.
    slot
        (D,) int64, ``feature * (width + 1) + bin``, null in a bin of its own behind the others.
    bucket
        (D,) int64, ``feature * buckets + bucket``, -1 of null and where the feature has none.
    unknown
        (D,) bool, the reference never had the value (False where its categories were too many to keep).
    tracked
        (D,) bool, the value goes to the frequent items: unknown values or, where that cannot be told, those
        in *other*.
    hashes
        (D,) uint64, of the text.
    register, rank
        (D,) int64 and uint8, what the value does to the block's flat HyperLogLog registers; null has rank 0.
    texts
        For each feature its distinct values but null, as an Arrow array; spelt as in the reference, so that
        one may be there twice.
    starts
        (F,) int64, the first table index of each feature.
    """

    block: Block
    codes: NDArray[np.int32]
    feature: NDArray[np.int64]
    slot: NDArray[np.int64]
    bucket: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    tracked: NDArray[np.bool_]
    hashes: NDArray[np.uint64]
    register: NDArray[np.int64]
    rank: NDArray[np.uint8]
    texts: tuple[Any, ...]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, block: Block, columns: Sequence[Any], order: NDArray[np.int64] | None = None) -> Encoding:
        """Encode the columns of a block.

        Parameters
        ----------
        columns
            F text arrays (`pyarrow.Array` or `pyarrow.ChunkedArray`) of n rows.
        order
            (n,) int64, the order to bring the rows into; as they come if None.
        """
        n = len(columns[0])
        codes = np.empty((n, len(block)), np.int32)
        starts = np.zeros(len(block), np.int64)
        tables, texts, total = [], [], 0
        for f, (feature, column) in enumerate(zip(block.features, columns, strict=True)):
            encoded = _dictionary(column)
            distinct = encoded.dictionary
            indices = encoded.indices
            if indices.null_count:
                indices = pc.fill_null(indices, len(distinct))
            rows = indices.to_numpy()
            np.add(rows if order is None else rows[order], total, out=codes[:, f], casting="unsafe")
            starts[f] = total
            spelt, table = _tables(f, feature, distinct, block)
            tables.append(table)
            texts.append(spelt)
            total += len(distinct) + 1
        values, slot, bucket, unknown, tracked, hashes, register, rank = (
            np.concatenate(table) for table in zip(*tables, strict=True)
        )
        return cls(
            block, codes, values, slot, bucket, unknown, tracked, hashes, register, rank, tuple(texts), starts
        )

    def distinct(self, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the distinct values of the rows [start, end).

        Returns
        -------
        values : numpy.ndarray
            (k,) int64, ascending table indices.
        counts : numpy.ndarray
            (k,) int64, how often each occurs, at least 1.
        """
        codes = self.codes[start:end].ravel()
        if len(self.slot) <= 4 * len(codes):
            counts = np.bincount(codes, minlength=len(self.slot))
            values = np.flatnonzero(counts)
            return values, counts[values]
        ordered = np.sort(codes)
        changes = np.ones(len(ordered), bool)
        changes[1:] = ordered[1:] != ordered[:-1]
        first = np.flatnonzero(changes)
        return ordered[first].astype(np.int64), np.diff(first, append=len(ordered))


def _tables(f: int, feature: Any, distinct: Any, block: Block) -> tuple[Any, tuple[NDArray[Any], ...]]:
    """Spell the values of one feature and build the tables of them, null as the last value."""
    n, width = len(distinct), block.width
    bins = _bins(feature, distinct)
    # A category with a bin is one of the reference's, whatever the hashes say.
    in_other = bins == len(feature.categories)
    hashes = np.append(hash_text(distinct), np.uint64(0))
    unknown = in_other & feature.lacked(hashes[:-1])
    strange = np.flatnonzero(in_other if feature.known is None else unknown)
    if len(strange):
        texts = distinct.take(pa.array(strange))
        spelt = as_in_reference(feature, texts)
        other = pc.not_equal(spelt, texts).to_numpy(zero_copy_only=False)
        if other.any():
            strange, spelt = strange[other], spelt.filter(pa.array(other))
            changed = np.zeros(n, bool)
            changed[strange] = True
            distinct = pc.replace_with_mask(distinct, pa.array(changed), spelt)
            bins[strange], hashes[strange] = _bins(feature, spelt), hash_text(spelt)
            in_other = bins == len(feature.categories)
            unknown = in_other & feature.lacked(hashes[:-1])
    tracked = in_other if feature.known is None else unknown
    buckets = np.full(n + 1, -1, np.int64)
    if feature.buckets:
        buckets[:-1] = f * block.buckets + bucket_of(hashes[:-1], feature.buckets)
    register, rank = hyperloglog.positions(hashes)
    rank[-1] = 0
    return distinct, (
        np.full(n + 1, f, np.int64),
        f * (width + 1) + np.append(bins, width),
        buckets,
        np.append(unknown, False),
        np.append(tracked, False),
        hashes,
        f * hyperloglog.REGISTERS + register,
        rank,
    )


def _bins(feature: CategoricalFeature, distinct: Any) -> NDArray[np.int64]:
    found = pc.index_in(distinct, value_set=pa.array(feature.categories, distinct.type))
    bins: NDArray[np.int64] = pc.fill_null(found, len(feature.categories)).to_numpy().astype(np.int64)
    return bins


def _dictionary(column: Any) -> Any:
    encoded = pc.dictionary_encode(column)
    return encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
