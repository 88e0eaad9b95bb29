"""Which categories the features of a reference have, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from driftline.framing import frame, unframe
from driftline.profiles.categories import Categories

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAG, _VERSION = b"dSC", 1


@dataclass(frozen=True, eq=False)
class CategoricalSurvey:
    """Counts of the categories of features."""

    features: dict[str, Categories]

    @classmethod
    def of(cls, events: Any, names: Sequence[str]) -> CategoricalSurvey:
        """Survey normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`)."""
        return cls({name: Categories.of(events.column(f"feature.{name}")) for name in names})

    @classmethod
    def merge_all(cls, surveys: Sequence[CategoricalSurvey]) -> CategoricalSurvey:
        """Merge surveys of the same features of disjoint events."""
        names = surveys[0].features
        return cls({name: Categories.merge_all([each.features[name] for each in surveys]) for name in names})

    def to_bytes(self) -> bytes:
        """Serialise, format version 1: a JSON head, then the sketches of the features in its order."""
        head = {"features": [[name, len(each.sketch)] for name, each in self.features.items()]}
        return frame(_TAG, _VERSION, head, b"".join(each.sketch for each in self.features.values()))

    @classmethod
    def from_bytes(cls, data: bytes) -> CategoricalSurvey:
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(_TAG, _VERSION, "survey of categorical features", data)
        features, offset = {}, 0
        for name, length in head["features"]:
            features[name] = Categories(payload[offset : offset + length])
            offset += length
        return cls(features)
