"""What the first pass over the reference learns: enough to decide what every profile holds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from driftline.framing import check_head, frame, refuses_damage, unframe
from driftline.measures.measure_registry import measure
from driftline.profiles.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.feature_spec import FeatureSpec

_TAG, _VERSION = b"dSU", 1


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of the reference before there are profiles.

    Parameters
    ----------
    surveys
        By name of the measure, what it has found.
    """

    rows: int
    features: tuple[str, ...]
    surveys: dict[str, bytes]

    @classmethod
    def of(
        cls, events: Any, features: Sequence[FeatureSpec], asked: Mapping[str, Any] | None = None
    ) -> Survey:
        """Survey some events.

        Parameters
        ----------
        events
            Normalised events (`pyarrow.RecordBatch` or `pyarrow.Table`).
        asked
            Measures that come with no feature: their settings by name.
        """
        wanted = wanted_measures(features, asked)
        surveys = {name: measure(name).survey(events, features, its) for name, its in wanted.items()}
        return cls(events.num_rows, tuple(each.name for each in features), surveys)

    @classmethod
    def merge_all(cls, surveys: Sequence[Survey | bytes]) -> Survey:
        """Merge surveys of disjoint events.

        Parameters
        ----------
        surveys
            One or more, or their bytes, all of the same features.

        Raises
        ------
        ValueError
            If there are none, or they are of different features.
        """
        parts = [cls.from_bytes(survey) if isinstance(survey, bytes) else survey for survey in surveys]
        shapes = {(part.features, tuple(part.surveys)) for part in parts}
        if len(shapes) != 1:
            raise ValueError(
                f"{len(parts)} surveys of {len(shapes)} different sets of features cannot merge; "
                "survey the whole reference with one configuration"
            )
        ((features, names),) = shapes
        merged = {name: measure(name).merge_surveys([part.surveys[name] for part in parts]) for name in names}
        return cls(sum(part.rows for part in parts), features, merged)

    def layout(self, features: Sequence[FeatureSpec], asked: Mapping[str, Any] | None = None) -> Layout:
        """Decide what profiles hold.

        Parameters
        ----------
        features, asked
            As for `of`: the features must be those that were surveyed.
        """
        wanted = wanted_measures(features, asked)
        absent = [each.name for each in features if each.name not in self.features]
        if absent:
            raise ValueError(
                f"features that the reference was not surveyed for: {', '.join(absent)}; survey it again"
            )
        parts = [
            part
            for name, its in wanted.items()
            for part in measure(name).parts(self.surveys[name], features, its)
        ]
        return Layout.of_parts(parts)

    def to_bytes(self) -> bytes:
        """Serialise, format version 1; no survey outlives the job that made it.

        Returns
        -------
        bytes
            A JSON head, then the surveys of the measures in its order.
        """
        head = {
            "rows": self.rows,
            "features": self.features,
            "surveys": [[name, len(data)] for name, data in self.surveys.items()],
        }
        return frame(_TAG, _VERSION, head, b"".join(self.surveys.values()))

    @classmethod
    @refuses_damage("survey", "survey the reference again")
    def from_bytes(cls, data: bytes) -> Survey:
        """Read what `to_bytes` wrote.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, of a newer version, or cut short.
        """
        head, payload = unframe(_TAG, _VERSION, "survey", data)
        check_head("survey", head, rows=int, features=list)
        sizes = {str(name): int(length) for name, length in head["surveys"]}
        return cls(head["rows"], tuple(head["features"]), dict(zip(sizes, _cut(payload, sizes), strict=True)))


def _cut(payload: bytes, sizes: Mapping[str, int]) -> list[bytes]:
    """Cut bytes into pieces of known sizes."""
    if sum(sizes.values()) != len(payload):
        raise ValueError(
            f"survey cut short: {len(payload)} bytes of {sum(sizes.values())}; survey the reference again"
        )
    ends = list(accumulate(sizes.values(), initial=0))
    return [payload[start:end] for start, end in pairwise(ends)]


def wanted_measures(
    features: Sequence[FeatureSpec], asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """List the measures of a configuration.

    Parameters
    ----------
    features
        The configured features: each kind is a measure.
    asked
        Settings of those that come with no feature, by name.

    Returns
    -------
    dict
        Settings by name, None where there are none. In an order that does not depend on that of the features.
    """
    kinds = {each.kind for each in features}
    ours = [kind for kind in ("numeric", "categorical") if kind in kinds]
    return dict.fromkeys([*ours, *sorted(kinds - {*ours})]) | dict(sorted((asked or {}).items()))


def merge_surveys(surveys: Sequence[bytes]) -> bytes:
    """Merge serialised surveys."""
    return Survey.merge_all(surveys).to_bytes()
