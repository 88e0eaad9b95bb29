"""Labels: what turned out to be true, hours after the prediction."""

from __future__ import annotations

import math
from typing import Annotated, Any, cast, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from driftline.config.event_time import EventTime  # noqa: TC001  # pydantic reads the annotation
from driftline.config.sources import Source  # noqa: TC001  # pydantic reads the annotation
from driftline.config.value_types import Duration, Level, OneOf, Section, Shown, Text, mistake
from driftline.losses import BINARY, Loss, LossName


def _class(value: Any) -> Any:
    """Write a class as the labels are read: YAML's 0, 0.0 and false are not the same text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    whole = isinstance(value, int | float) and math.isfinite(value) and value == int(value)
    return str(int(value)) if whole else value


ClassName = Annotated[str, BeforeValidator(_class), Shown("text, number or truth value")]


class Labels(Section):
    """Where labels come from, and how a prediction is compared with its label."""

    column: Text = Field(description="Column that holds the label.", examples=["was_late"])
    source: Source | None = Field(
        default=None,
        description="Where labels come from, if not with the events: any source that events may come from.",
    )
    request_id: Text | None = Field(
        default=None,
        description="Column of the label source with the request's id; the `request_id` of the events if "
        "absent.",
        examples=["id"],
    )
    time: EventTime | None = Field(
        default=None,
        description="When a label became known: a column of the label source, or a column and its unit.",
        examples=["{column: landed_at, unit: s}"],
    )
    wait: Duration = Field(
        default="24h",
        description="How long after its prediction a label of the source may come. What waits is held in "
        "state. Labels of the events come at once.",
        examples=["6h"],
        validate_default=True,
    )
    loss: Annotated[str, OneOf(get_args(LossName))] = Field(
        default="zero_one",
        description="How wrong a prediction was. `zero_one` (the class at the threshold is wrong) and `log` "
        "take the prediction as the probability of the positive class; `absolute` and `squared` as a number.",
    )
    threshold: Level = Field(
        default=0.5,
        description="Scores of at least this predict the positive class, for `zero_one` and `log`.",
    )
    classes: tuple[ClassName, ...] = Field(
        default=(),
        description="The negative and the positive class, as the labels spell them; 0 and 1, or false and "
        "true, if absent. Or three classes and more, by name: then `prediction` is the column of the "
        "predicted class.",
        examples=["[on_time, late]"],
    )
    probabilities: Annotated[dict[ClassName, Text], Shown("a column for each class")] = Field(
        default_factory=dict,
        description="Of three classes and more, the column of the probability of each: what `predict_proba` "
        "of scikit-learn gives. `loss: log` and `auc` need them; without `prediction` the most probable "
        "class is the predicted one.",
        examples=["{setosa: p_setosa, versicolor: p_versicolor, virginica: p_virginica}"],
    )

    @field_validator("wait")
    @classmethod
    def _is_positive(cls, value: int) -> int:
        if value == 0:
            raise mistake("must be longer than 0", "write a duration such as 24h")
        return value

    @field_validator("threshold")
    @classmethod
    def _splits_classes(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("loss", BINARY[0]) not in BINARY:
            raise mistake("has no meaning for a loss of numbers", "remove it, or set loss: zero_one")
        return value

    @field_validator("classes")
    @classmethod
    def _two_classes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value:
            return value
        if info.data.get("loss", BINARY[0]) not in BINARY:
            raise mistake("has no meaning for a loss of numbers", "remove it, or set loss: zero_one")
        if len(set(value)) < 2:
            remedy = "write [negative, positive], in this order, or name three or more"
            raise mistake("must be two different classes", remedy)
        if len(set(value)) < len(value):
            raise mistake("names a class twice", "name every class once")
        return value

    @field_validator("probabilities")
    @classmethod
    def _of_all_classes(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if not value:
            return value
        if info.data.get("loss", BINARY[0]) not in BINARY:
            raise mistake("has no meaning for a loss of numbers", "remove it, or set loss: zero_one")
        if len(value) < 3:
            remedy = "of two classes, give `prediction` the column of the positive class's probability"
            raise mistake("must name three classes or more", remedy)
        classes = info.data.get("classes", ())
        if classes and {*classes} != {*value}:
            odd = sorted({*classes} ^ {*value})
            raise mistake(f"and classes differ in {', '.join(odd)}", "name the same classes in both")
        return value

    @model_validator(mode="after")
    def _more_than_two_classes(self) -> Labels:
        if len(self.class_names) < 3:
            return self
        if self.loss == "log" and not self.probabilities:
            remedy = "add labels.probabilities, a column for each class, or set loss: zero_one"
            raise mistake("needs the probability of each class", remedy, below=("loss",))
        if "threshold" in self.model_fields_set:
            raise mistake("has no meaning for more than two classes", "remove it", below=("threshold",))
        return self

    @model_validator(mode="after")
    def _keys_of_a_source(self) -> Labels:
        if self.source is None:
            for key in ("request_id", "time", "wait"):
                if key in self.model_fields_set:
                    raise mistake(
                        "belongs to a source of labels, and there is none",
                        "add labels.source, or remove the key: the events carry the label",
                        below=(key,),
                    )
        elif self.source.settings.drops_duplicates:
            raise mistake(
                "has no effect on labels: each prediction takes one of its request id anyway",
                "remove it",
                below=("source", self.source.kind, "deduplicate"),
            )
        elif self.time is None and not self.source.settings.has_record_times:
            raise mistake(
                "does not say when a label became known",
                "add for example `time: {column: landed_at, unit: s}`; to Kafka, also `event_time: record`",
            )
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, as configured; empty if they are 0 and 1, and of numbers."""
        return self.classes or tuple(self.probabilities)

    @property
    def numeric(self) -> bool:
        """Whether predictions and labels are numbers."""
        return self.loss not in BINARY

    @property
    def binary(self) -> bool:
        """Whether a prediction is the probability of one of two classes."""
        return not self.numeric and len(self.class_names) < 3

    @property
    def measure(self) -> Loss:
        """How predictions are compared with labels."""
        name = cast("LossName", self.loss)
        if self.numeric or self.binary:
            return Loss(name, self.threshold)
        return Loss(name, classes=self.class_names, probabilities=bool(self.probabilities))
