"""What the first pass over the reference learns: enough to fix the bins of every feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.profiles.bins import NumericSurvey
from driftline.profiles.categories import Categories
from driftline.profiles.framing import frame, unframe
from driftline.profiles.layout import BLOCK_FEATURES, Feature, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.feature_spec import FeatureSpec

BINS = 64
"""Bins of a numeric feature, categories with a bin of their own, unless the configuration says otherwise."""

_TAG, _VERSION = b"dSV", 1


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of the features of the reference before they have bins.

    Parameters
    ----------
    rows
        Events seen.
    numeric
        Names of up to 64 numeric features, and what is known of their values; several such groups.
    categorical
        Category counts by feature name.
    """

    rows: int
    numeric: tuple[tuple[tuple[str, ...], NumericSurvey], ...]
    categorical: dict[str, Categories]

    @classmethod
    def of(cls, events: Any, features: Sequence[FeatureSpec]) -> Survey:
        """Survey some events.

        Parameters
        ----------
        events
            Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`).
        features
            The configured features.

        Returns
        -------
        Survey
            What they show.
        """
        names = [feature.name for feature in features if feature.kind == "numeric"]
        groups = [tuple(names[i : i + BLOCK_FEATURES]) for i in range(0, len(names), BLOCK_FEATURES)]
        return cls(
            events.num_rows,
            tuple((group, NumericSurvey.of(_matrix(events, group))) for group in groups),
            {
                feature.name: Categories.of(events.column(f"feature.{feature.name}"))
                for feature in features
                if feature.kind == "categorical"
            },
        )

    @classmethod
    def merge_all(cls, surveys: Sequence[Survey | bytes]) -> Survey:
        """Merge surveys of disjoint events.

        Parameters
        ----------
        surveys
            One or more, or their bytes, all of the same features.

        Returns
        -------
        Survey
            What all of the events show.

        Raises
        ------
        ValueError
            If there are none, or they are of different features.
        """
        parts = [cls.from_bytes(survey) if isinstance(survey, bytes) else survey for survey in surveys]
        shapes = {(tuple(names for names, _ in part.numeric), tuple(part.categorical)) for part in parts}
        if len(shapes) != 1:
            raise ValueError(
                f"{len(parts)} surveys of {len(shapes)} different sets of features cannot merge; "
                "survey the whole reference with one configuration"
            )
        return cls(
            sum(part.rows for part in parts),
            tuple(
                (names, NumericSurvey.merge_all([part.numeric[i][1] for part in parts]))
                for i, (names, _) in enumerate(parts[0].numeric)
            ),
            {
                name: Categories.merge_all([part.categorical[name] for part in parts])
                for name in parts[0].categorical
            },
        )

    def layout(self, features: Sequence[FeatureSpec]) -> Layout:
        """Fix the bins.

        Parameters
        ----------
        features
            The configured features, those that were surveyed.

        Returns
        -------
        Layout
            Numeric features cut at quantiles and atoms; categorical ones with their largest categories.

        Raises
        ------
        ValueError
            If a feature was not surveyed.
        """
        bins = {feature.name: feature.bins or BINS for feature in features}
        made: dict[str, Feature] = {
            name: categories.feature(name, bins[name])
            for name, categories in self.categorical.items()
            if name in bins
        }
        for names, survey in self.numeric:
            cut = survey.features(names, [bins.get(name, BINS) for name in names])
            made.update((feature.name, feature) for feature in cut)
        absent = [feature.name for feature in features if feature.name not in made]
        if absent:
            raise ValueError(
                f"features that the reference was not surveyed for: {', '.join(absent)}; survey it again"
            )
        return Layout.of([made[feature.name] for feature in features])

    def to_bytes(self) -> bytes:
        """Serialise, format version 1.

        Returns
        -------
        bytes
            A JSON head, then the numeric surveys and the category sketches in its order.
        """
        numeric = [(list(names), survey.to_bytes()) for names, survey in self.numeric]
        categorical = [(name, categories.sketch) for name, categories in self.categorical.items()]
        head = {
            "rows": self.rows,
            "numeric": [[names, len(data)] for names, data in numeric],
            "categorical": [[name, len(data)] for name, data in categorical],
        }
        return frame(_TAG, _VERSION, head, b"".join(data for _, data in (*numeric, *categorical)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Survey:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Returns
        -------
        Survey
            An equal survey.

        Raises
        ------
        ValueError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(_TAG, _VERSION, "survey", data)
        numeric, categorical, offset = [], {}, 0
        for names, length in head["numeric"]:
            numeric.append((tuple(names), NumericSurvey.from_bytes(payload[offset : offset + length])))
            offset += length
        for name, length in head["categorical"]:
            categorical[name] = Categories(payload[offset : offset + length])
            offset += length
        if offset != len(payload):
            raise ValueError(
                f"survey cut short: {len(payload)} bytes of {offset}; survey the reference again"
            )
        return cls(head["rows"], tuple(numeric), categorical)


def merge_surveys(surveys: Sequence[bytes]) -> bytes:
    """Merge serialised surveys.

    Parameters
    ----------
    surveys
        One or more.

    Returns
    -------
    bytes
        The survey of all of their events.
    """
    return Survey.merge_all(surveys).to_bytes()


def _matrix(events: Any, names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Gather numeric columns as (F, n); null is NaN."""
    values = np.empty((len(names), events.num_rows))
    for row, name in zip(values, names, strict=True):
        row[:] = _numbers(events.column(f"feature.{name}"))
    return values


def _numbers(column: Any) -> Any:
    return column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
