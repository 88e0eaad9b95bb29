"""Which categories the features of a reference have, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from driftline.framing import check_head, frame, refuses_damage, unframe
from driftline.profiles.categories import Categories
from driftline.profiles.value_set import ValueSet

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAG, _VERSION = b"dSC", 2


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
        """Serialise, format version 2: a JSON head, then sketch and values of the features in its order."""
        head, payload = [], []
        for name, each in self.features.items():
            values = b"" if each.values is None else each.values.to_bytes()
            head.append([name, len(each.sketch), len(values)])
            payload += [each.sketch, values]
        return frame(_TAG, _VERSION, {"features": head}, b"".join(payload))

    @classmethod
    @refuses_damage("survey of categorical features", "survey the reference again")
    def from_bytes(cls, data: bytes) -> CategoricalSurvey:
        """Read what `to_bytes` wrote.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(_TAG, _VERSION, "survey of categorical features", data)
        check_head("survey of categorical features", head, features=list)
        features, offset = {}, 0
        for name, *lengths in head["features"]:
            sketch, values = (*lengths, 0)[:2]  # the first version has no values
            end = offset + sketch + values
            known = ValueSet.from_bytes(payload[offset + sketch : end]) if values else None
            features[name] = Categories(payload[offset : offset + sketch], known)
            offset = end
        return cls(features)
