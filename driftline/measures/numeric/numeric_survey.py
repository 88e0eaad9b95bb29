"""What must be known of numeric features before they are cut into bins, in groups of one block each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.framing import check_head, frame, refuses_damage, unframe
from driftline.profiles.bins import NumericSurvey
from driftline.profiles.layout import BLOCK_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.profiles.binned_features import NumericFeature

_TAG, _VERSION = b"dSN", 1


@dataclass(frozen=True, eq=False)
class GroupedNumericSurvey:
    """Surveys of up to 64 features at a time.

    Parameters
    ----------
    groups
        Names of the features of a group, and what is known of their values.
    """

    groups: tuple[tuple[tuple[str, ...], NumericSurvey], ...]

    @classmethod
    def of(cls, events: Any, names: Sequence[str]) -> GroupedNumericSurvey:
        """Survey normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`)."""
        groups = [tuple(names[i : i + BLOCK_FEATURES]) for i in range(0, len(names), BLOCK_FEATURES)]
        return cls(tuple((group, NumericSurvey.of(_matrix(events, group))) for group in groups))

    @classmethod
    def merge_all(cls, surveys: Sequence[GroupedNumericSurvey]) -> GroupedNumericSurvey:
        """Merge surveys of the same features of disjoint events."""
        return cls(
            tuple(
                (names, NumericSurvey.merge_all([survey.groups[i][1] for survey in surveys]))
                for i, (names, _) in enumerate(surveys[0].groups)
            )
        )

    def features(self, bins: dict[str, int]) -> list[NumericFeature]:
        """Cut the features of whose bins the number is given, in the order they were surveyed."""
        return [
            feature
            for names, survey in self.groups
            for feature in survey.features(names, [bins.get(name, 1) for name in names])
            if feature.name in bins
        ]

    def to_bytes(self) -> bytes:
        """Serialise, format version 1: a JSON head, then the surveys of the groups in its order."""
        pieces = [survey.to_bytes() for _, survey in self.groups]
        head = {
            "groups": [[names, len(piece)] for (names, _), piece in zip(self.groups, pieces, strict=True)]
        }
        return frame(_TAG, _VERSION, head, b"".join(pieces))

    @classmethod
    @refuses_damage("survey of numeric features", "survey the reference again")
    def from_bytes(cls, data: bytes) -> GroupedNumericSurvey:
        """Read what `to_bytes` wrote.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(_TAG, _VERSION, "survey of numeric features", data)
        check_head("survey of numeric features", head, groups=list)
        groups, offset = [], 0
        for names, length in head["groups"]:
            groups.append((tuple(names), NumericSurvey.from_bytes(payload[offset : offset + length])))
            offset += length
        return cls(tuple(groups))


def _matrix(events: Any, names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Gather numeric columns as (F, n); null is NaN."""
    values = np.empty((len(names), events.num_rows))
    for row, name in zip(values, names, strict=True):
        row[:] = _numbers(events.column(f"feature.{name}"))
    return values


def _numbers(column: Any) -> Any:
    return column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
