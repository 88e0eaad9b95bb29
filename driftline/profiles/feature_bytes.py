"""Features as the bytes of a layout hold them: words of its head, and arrays behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.profiles.binned_features import CategoricalFeature
from driftline.profiles.value_filter import ValueFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def described(feature: CategoricalFeature) -> dict[str, Any]:
    """Describe a categorical feature in the head, in the words of the first version where they are enough."""
    found: dict[str, Any] = {"name": feature.name, "categories": list(feature.categories), "known": None}
    if isinstance(feature.known, ValueFilter):
        found["filter"] = len(feature.known.bits)
    elif feature.known is not None:
        found["known"] = len(feature.known)
    return found | ({"buckets": feature.buckets} if feature.buckets else {})


def known_bytes(feature: CategoricalFeature) -> bytes:
    """Write what is known of the categories without a bin: sorted hashes, or the bits of their filter."""
    if isinstance(feature.known, ValueFilter):
        return feature.known.bits.tobytes()
    return b"" if feature.known is None else feature.known.astype("<u8").tobytes()


def categorical(item: dict[str, Any], array: NDArray[Any]) -> CategoricalFeature:
    """Make a feature of its words in the head and of what `known_bytes` wrote."""
    known = ValueFilter(array) if item.get("filter") else None if item["known"] is None else array
    return CategoricalFeature(item["name"], tuple(item["categories"]), known, item.get("buckets", 0))


def array_at(payload: bytes, dtype: str, count: int, offset: int) -> NDArray[Any]:
    """Read an array behind the head; ValueError if the bytes end before it does."""
    end = offset + np.dtype(dtype).itemsize * count
    if end > len(payload):
        raise ValueError(
            f"layout cut short: {len(payload)} payload bytes, its head describes at least {end}; "
            "write or copy the baseline again"
        )
    return np.frombuffer(payload, dtype, count, offset)
