"""Layouts: what profiles hold, part by part: blocks of features and their bins, and what takes whole rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe
from driftline.profiles.bin_offsets import anchors
from driftline.profiles.binned_features import CategoricalFeature, Feature, NumericFeature
from driftline.profiles.feature_bytes import array_at, categorical, described, known_bytes
from driftline.profiles.value_filter import ValueFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK_FEATURES = 64
"""Most features that one block holds."""

_TAG, _VERSION = b"dLY", 3
_BLOCKS_ONLY = 1  # the version of layouts without parts of whole rows: their fingerprint stays
_UNBUCKETED = 2  # that of layouts without buckets and filters, likewise


@dataclass(frozen=True, eq=False)
class Block:
    """Up to 64 features of one kind, profiled and merged together as arrays over features.

    Parameters
    ----------
    name
        ``numeric/0``, ``categorical/1``, ...; unique in a layout, part of keys.
    kind
        ``numeric`` or ``categorical``.
    features
        Features of that kind, in layout order.

    Raises
    ------
    ValueError
        If a feature is of another kind, or there are none or too many.
    """

    name: str
    kind: str
    features: tuple[NumericFeature, ...] | tuple[CategoricalFeature, ...]

    @property
    def numeric(self) -> tuple[NumericFeature, ...]:
        """The features of a numeric block; none of another."""
        return tuple(feature for feature in self.features if isinstance(feature, NumericFeature))

    @property
    def categorical(self) -> tuple[CategoricalFeature, ...]:
        """The features of a categorical block; none of another."""
        return tuple(feature for feature in self.features if isinstance(feature, CategoricalFeature))

    def __post_init__(self) -> None:
        """Check kinds and number."""
        if not 1 <= len(self.features) <= BLOCK_FEATURES:
            raise ValueError(
                f"block {self.name!r} of {len(self.features)} features: a block holds 1 to {BLOCK_FEATURES}; "
                "let Layout.of make the blocks"
            )
        for feature in self.features:
            if feature.kind != self.kind:
                raise ValueError(
                    f"block {self.name!r} is {self.kind}, feature {feature.name!r} is {feature.kind}; "
                    "let Layout.of make the blocks"
                )

    def __len__(self) -> int:
        """Count the features, F."""
        return len(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def width(self) -> int:
        """Most bins of any feature: the width of the block's count arrays."""
        return max(feature.bins for feature in self.features)

    @cached_property
    def buckets(self) -> int:
        """Most hash buckets of any feature."""
        return max((feature.buckets for feature in self.categorical), default=0)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Bin edges of all features, shape (F, width - 1), rows padded with +inf.

        Raises
        ------
        ValueError
            If the block is categorical.
        """
        padded = np.full((len(self.features), self.width - 1), np.inf)
        for row, feature in zip(padded, self.features, strict=True):
            if not isinstance(feature, NumericFeature):
                raise ValueError(f"block {self.name!r} is categorical and has no bin edges; use .features")  # noqa: TRY004
            row[: len(feature.edges)] = feature.edges
        padded.flags.writeable = False
        return padded

    @cached_property
    def needles(self) -> list[NDArray[np.float64]]:
        """What to look up in each sorted row to count it: lowest finite number, edges, +inf, NaN."""
        lowest = np.full((len(self), 1), np.finfo(np.float64).min)
        beyond = np.tile([np.inf, np.nan], (len(self), 1))
        return list(np.hstack((lowest, self.edges, beyond)))

    @cached_property
    def anchors(self) -> NDArray[np.float64]:
        """Values from which the offsets of each bin count, shape (F, width)."""
        return anchors(self.edges)

    @cached_property
    def fingerprint(self) -> bytes:
        """Hash of name, kind, features and bins, 8 bytes: what may be merged has the same one."""
        return blake2b(Layout((self,)).to_bytes(), digest_size=8).digest()


@dataclass(frozen=True)
class WholeRows:
    """A part of a measure that takes events as a whole.

    Parameters
    ----------
    name
        Unique in a layout, part of keys.
    kind
        Name of the measure.
    data
        What the measure decided of it when the reference was surveyed.
    """

    name: str
    kind: str
    data: bytes = b""


Part: TypeAlias = Block | WholeRows
"""What profiles of one kind hold, and what names them in keys."""


def blocks_of(kind: str, features: Sequence[Feature]) -> list[Block]:
    """Group features of one kind, in the order given, in blocks of at most 64."""
    starts = range(0, len(features), BLOCK_FEATURES)
    alike: tuple[Any, ...] = tuple(features)
    return [
        Block(f"{kind}/{i}", kind, alike[start : start + BLOCK_FEATURES]) for i, start in enumerate(starts)
    ]


@dataclass(frozen=True, eq=False)
class Layout:
    """What the profiles of a model hold.

    Parameters
    ----------
    blocks
        All features, in blocks with distinct names.
    wholes
        Parts of measures that take whole rows.

    Examples
    --------
    >>> layout = Layout.of([NumericFeature("age", np.array([30.0])), CategoricalFeature("carrier", ("UA",))])
    >>> [block.name for block in layout.blocks]
    ['numeric/0', 'categorical/0']
    >>> Layout.from_bytes(layout.to_bytes()).fingerprint == layout.fingerprint
    True
    """

    blocks: tuple[Block, ...]
    wholes: tuple[WholeRows, ...] = ()
    _by_name: dict[str, Part] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that names are unique."""
        object.__setattr__(self, "_by_name", {part.name: part for part in self.parts})
        names = [name for block in self.blocks for name in block.names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or len(self._by_name) != len(self.parts):
            raise ValueError(
                f"features given twice: {twice or [part.name for part in self.parts]}; name each once"
            )

    @classmethod
    def of(cls, features: Sequence[Feature]) -> Layout:
        """Group features by kind, in the order given, in blocks of at most 64.

        Parameters
        ----------
        features
            Features of either kind, names distinct.

        Returns
        -------
        Layout
            Numeric blocks first.
        """
        return cls(
            tuple(
                block
                for kind in ("numeric", "categorical")
                for block in blocks_of(kind, [feature for feature in features if feature.kind == kind])
            )
        )

    @classmethod
    def of_parts(cls, parts: Sequence[Part]) -> Layout:
        """Put the parts of several measures together.

        Parameters
        ----------
        parts
            Blocks and parts of whole rows, names distinct.

        Returns
        -------
        Layout
            Blocks first.
        """
        return cls(
            tuple(part for part in parts if isinstance(part, Block)),
            tuple(part for part in parts if isinstance(part, WholeRows)),
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part, blocks first."""
        return (*self.blocks, *self.wholes)

    def part(self, name: str) -> Part:
        """Look a part up.

        Parameters
        ----------
        name
            Name of the part, such as ``numeric/0``.

        Returns
        -------
        Part

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"no part {name!r} in this layout, it has {sorted(self._by_name)}") from None

    @property
    def features(self) -> tuple[Feature, ...]:
        """All features, in block order."""
        return tuple(feature for block in self.blocks for feature in block.features)

    def block(self, name: str) -> Block:
        """Look a block up.

        Parameters
        ----------
        name
            Name of the block, such as ``numeric/0``.

        Returns
        -------
        Block
            The block.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        for block in self.blocks:
            if block.name == name:
                return block
        raise KeyError(f"no block {name!r} in this layout, it has {[block.name for block in self.blocks]}")

    @cached_property
    def fingerprint(self) -> bytes:
        """Hash of all blocks, features and bins, 8 bytes."""
        return blake2b(self.to_bytes(), digest_size=8).digest()

    def to_bytes(self) -> bytes:
        """Write the layout, format version 3; the earliest that can say it, so that fingerprints stay.

        Returns
        -------
        bytes
            A JSON head, then edges (float64) and known hashes (uint64, little-endian) or the bits of their
            filter in feature order, then the bytes of parts of whole rows.
        """
        head, arrays = [], []
        for block in self.blocks:
            features: list[dict[str, Any]] = []
            for feature in block.features:
                if isinstance(feature, NumericFeature):
                    features.append({"name": feature.name, "edges": len(feature.edges)})
                    arrays.append(feature.edges.astype("<f8").tobytes())
                else:
                    features.append(described(feature))
                    arrays.append(known_bytes(feature))
            head.append({"name": block.name, "kind": block.kind, "features": features})
        newest = any(
            each.buckets or isinstance(each.known, ValueFilter)
            for block in self.blocks
            for each in block.categorical
        )
        if not self.wholes and not newest:
            return frame(_TAG, _BLOCKS_ONLY, {"blocks": head}, b"".join(arrays))
        wholes = [{"name": part.name, "kind": part.kind, "bytes": len(part.data)} for part in self.wholes]
        arrays += [part.data for part in self.wholes]
        version = _VERSION if newest else _UNBUCKETED
        return frame(_TAG, version, {"blocks": head, "wholes": wholes}, b"".join(arrays))

    @classmethod
    @refuses_damage("layout", "build the baseline again")
    def from_bytes(cls, data: bytes) -> Layout:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Returns
        -------
        Layout
            The same layout: same fingerprint.

        Raises
        ------
        UnreadableBytesError
            If the bytes are not a layout, of a newer version, or damaged.
        """
        head, payload = unframe(_TAG, _VERSION, "layout", data)
        offset, blocks, wholes = 0, [], []
        try:
            for block in head["blocks"]:
                features: list[Any] = []
                for item in block["features"]:
                    if block["kind"] == "numeric":
                        array = array_at(payload, "<f8", item["edges"], offset)
                        features.append(NumericFeature(item["name"], array))
                    else:
                        bits = item.get("filter")
                        array = array_at(
                            payload, *(("u1", bits) if bits else ("<u8", item["known"] or 0)), offset
                        )
                        features.append(categorical(item, array))
                    offset += array.nbytes
                blocks.append(Block(block["name"], block["kind"], tuple(features)))
            for item in head["wholes"] if data[3] > _BLOCKS_ONLY else ():
                data_of_it = payload[offset : offset + item["bytes"]]
                offset += item["bytes"]
                wholes.append(WholeRows(item["name"], item["kind"], data_of_it))
        except (KeyError, TypeError) as error:
            raise UnreadableBytesError(
                f"layout with a damaged head ({error!r}); write or copy the baseline again"
            ) from None
        if offset != len(payload):
            raise UnreadableBytesError(
                f"layout of {len(payload)} payload bytes, its head describes {offset}; "
                "write or copy the baseline again"
            )
        return cls(tuple(blocks), tuple(wholes))
