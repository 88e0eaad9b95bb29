"""Detectors: which of them watches which signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, ValidationInfo, field_validator

from driftline.config.detector_parameters import checked_parameters
from driftline.config.errors import did_you_mean
from driftline.config.value_types import Flag, OneOf, Section, Shown, Text, mistake
from driftline.detectors.detector_registry import JOB_DETECTORS
from driftline.feature_spec import PREDICTION
from driftline.schemas.statistic_columns import added_values
from driftline.tables.detections import FEATURE, LEARNING_GAP, LOSS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.config.labels import Labels

_FIRST = {
    "numeric": ("ks", "psi", "wasserstein", "wasserstein_iqr", "missing_rate", "mean"),
    "categorical": ("psi", "chi2", "missing_rate", "new_category_rate"),
}

STATISTICS_BY_KIND = {kind: (*first, *added_values(kind)) for kind, first in _FIRST.items()}
"""Columns of a result that a detector can follow from window to window, by the kind of the feature."""

STATISTICS = tuple(dict.fromkeys(name for names in STATISTICS_BY_KIND.values() for name in names))

UP_TO_ONE = ("ks", "missing_rate", "new_category_rate")
"""Those of them that lie between 0 and 1."""

Parameters = Annotated[dict[str, Any], Shown("mapping")]
DetectorName = Annotated[str, OneOf(tuple(JOB_DETECTORS))]


class Signal(NamedTuple):
    """What a detector watches.

    Parameters
    ----------
    kind
        ``loss``, ``learning_gap``, ``feature``, or the statistic.
    feature
        Name of the feature; empty for ``loss`` and ``learning_gap``.
    """

    kind: str
    feature: str = ""

    @classmethod
    def parse(cls, text: str) -> Signal:
        """Take a signal apart; the text need not name one.

        >>> Signal.parse("psi.delay.minutes"), Signal.parse("loss")
        (Signal(kind='psi', feature='delay.minutes'), Signal(kind='loss', feature=''))
        """
        kind, _, feature = text.partition(".")
        return cls(kind, feature)

    def __str__(self) -> str:
        """Write it as in the configuration."""
        return f"{self.kind}.{self.feature}" if self.feature else self.kind


class Watch(Section):
    """One detector on one signal, for each segment and all traffic."""

    signal: Text = Field(
        description="What is watched, in the order of event time: `loss` (how wrong each prediction was), "
        "`feature.NAME` (every value of a numeric feature), `STATISTIC.NAME` (a column of the results of a "
        "feature, from window to window, such as `psi.distance`) or `learning_gap` (how much better a model "
        "that learns on does).",
        examples=["loss"],
    )
    detector: DetectorName = Field(description="Which detector watches it.", examples=["adwin"])
    parameters: Parameters = Field(
        default_factory=dict,
        description="Settings of the detector that differ from its defaults, of those in "
        "[detectors](detectors.md#settings).",
        examples=["{delta: 0.0005}"],
        validate_default=True,
    )
    calibrated: Flag | None = Field(
        default=None,
        description="`true` tells only of changes beyond what the baseline's reference knows, within "
        "`tests.false_alarms`; `false` tells of all that the detector finds. By default `true` for "
        "`loss`, where the baseline can; other signals have no such reference.",
    )

    @field_validator("signal")
    @classmethod
    def _signal_is_known(cls, value: str) -> str:
        kind, feature = Signal.parse(value)
        alone, named = (LOSS, LEARNING_GAP), (FEATURE, *STATISTICS)
        if kind in alone and not feature:
            return value
        if kind in named and feature:
            return value
        if kind in named:
            raise mistake("names no feature", f"write for example {kind}.distance")
        close = did_you_mean(kind, (*alone, *named))
        listed = ", ".join([*alone, *(f"{name}.NAME" for name in named)])
        raise mistake("is not a signal", f"did you mean `{close}`?" if close else f"write one of {listed}")

    @field_validator("parameters")
    @classmethod
    def _parameters_fit(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        name = info.data.get("detector")
        return value if name is None else checked_parameters(name, value)


def check_watches(watches: Sequence[Watch], features: Mapping[str, str], labels: Labels | None) -> None:
    """Refuse what does not go together with the rest of a configuration.

    Parameters
    ----------
    features
        Kind of each feature, the prediction among them.

    Raises
    ------
    PydanticCustomError
        For the first mistake.
    """
    errors = labels is not None and labels.loss == "zero_one"
    seen = set()
    for number, watch in enumerate(watches):
        kind, feature = Signal.parse(watch.signal)
        place = (number, "signal")
        if watch.calibrated and kind != LOSS:
            remedy = "remove calibrated, or watch the signal loss"
            raise mistake("has no reference to be calibrated on", remedy, below=(number, "calibrated"))
        if kind in (LOSS, LEARNING_GAP) and labels is None:
            raise mistake("needs labels", "add the section labels", below=place)
        if kind == LEARNING_GAP and labels is not None and not labels.binary:
            raise mistake("needs two classes", "set labels.loss to zero_one or log", below=place)
        if kind == LEARNING_GAP and not set(features) - {PREDICTION}:
            raise mistake("needs features to learn from", "name the model's features", below=place)
        if feature:
            _check_feature_signal(kind, feature, features, place)
        only = {"ddm": kind == LOSS and errors, "hddm_a": (kind == LOSS and errors) or kind in UP_TO_ONE}
        if not only.get(watch.detector, True):
            takes = "errors only, 0 or 1" if watch.detector == "ddm" else "values between 0 and 1"
            raise mistake(
                f"takes {takes}",
                "watch the signal loss with labels.loss: zero_one, or take another detector",
                below=(number, "detector"),
            )
        if (watch.signal, watch.detector) in seen:
            raise mistake("watches this signal already", "name every pair once", below=(number, "detector"))
        seen.add((watch.signal, watch.detector))


def _check_feature_signal(
    kind: str, feature: str, features: Mapping[str, str], place: tuple[int, str]
) -> None:
    """Refuse the signal of a feature that is not there, or that has no such values."""
    if feature not in features:
        close = did_you_mean(feature, features)
        remedy = f"did you mean `{close}`?" if close else "name a configured feature"
        raise mistake(f"names {feature}, which is no feature", remedy, below=place)
    known = STATISTICS_BY_KIND[features[feature]]
    if kind == FEATURE and features[feature] != "numeric":
        remedy = f"watch for example psi.{feature}"
        raise mistake("is categorical, and detectors take numbers", remedy, below=place)
    if kind != FEATURE and kind not in known:
        listed = ", ".join(known)
        raise mistake(f"is null for every {features[feature]} feature", f"watch one of {listed}", below=place)
