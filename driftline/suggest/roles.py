"""What each column of a table is: id, label, prediction, segment, feature, or left out and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from driftline.feature_spec import PREDICTION
from driftline.suggest.time_column import is_part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from driftline.suggest.facts import Facts

_ID: Final = re.compile(
    r"^(id|uuid|guid|key)$|(^|_)(id|uuid|guid)(_str)?$|^request|^event_?id|^index$|^rownames?$|^unnamed: ?0$"
)
_COUNTERS: Final = {"index", "rowname", "rownames", "unnamed: 0"}
_LABEL: Final = re.compile(
    r"^(label|labels|target|y|y_true|truth|ground_truth|actual|outcome|class|is_fraud|fraud|churn|churned"
    r"|default|defaulted|converted|survived|was_\w+)$"
)
_PREDICTION: Final = re.compile(
    r"^(prediction|predicted|predictions|pred|y_pred|y_hat|yhat|score|scores|model_score|proba|probability|y_score"
    r"|predicted_\w+|pred_\w+)$"
)
_CLASSES: Final = (
    ("0", "1"),
    ("false", "true"),
    ("no", "yes"),
    ("n", "y"),
    ("0.0", "1.0"),
    ("negative", "positive"),
)
_MOST_SEGMENTS: Final = 10
_SMALLEST: Final = 0.02
_ROWS: Final = 200


@dataclass
class Roles:
    """What columns are.

    Parameters
    ----------
    features
        Kind by column.
    notes
        What is worth knowing of a role, by column.
    left_out
        Why, by column.
    loss, classes
        How prediction and label are compared, where both are known.
    """

    request_id: str | None = None
    prediction: str | None = None
    label: str | None = None
    loss: str | None = None
    classes: tuple[str, str] | None = None
    segments: list[str] = field(default_factory=list)
    features: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def is_id(name: str) -> bool:
    """Tell whether a column is named as ids are.

    Examples
    --------
    >>> is_id("user_id"), is_id("paid")
    (True, False)
    """
    return _ID.search(name.strip().lower()) is not None


def kind_of(fact: Facts) -> str:
    """Kind of feature that a column would be."""
    return "numeric" if fact.number else "categorical"


def roles_of(facts: Mapping[str, Facts], event_time: str, times: Collection[str], rows: int) -> Roles:
    """Say what each column is.

    Parameters
    ----------
    facts
        By name, in the order of the data.
    event_time
        The column of event times.
    times
        Columns that hold times.
    rows
        Rows of a window: segments are chosen that leave 200 in each.
    """
    roles = Roles()
    words = {name: name.strip().lower() for name in facts}
    left = [name for name in facts if name != event_time]
    roles.left_out = {name: "a time" for name in left if name in times}
    parts = [name for name in left if is_part(name) and name not in times]
    roles.left_out |= dict.fromkeys(parts, "a part of the event time: it changes of itself")
    ids = [name for name in left if _ID.search(words[name]) and facts[name].unique and name == name.strip()]
    if ids:
        roles.request_id = min(ids, key=lambda name: words[name] in _COUNTERS)
    left = [name for name in left if name not in roles.left_out and name != roles.request_id]
    _outcomes(roles, facts, [name for name in left if facts[name].unfit() is None], words)
    for name in left:
        if name not in {roles.prediction, roles.label}:
            _place(roles, facts[name], rows)
    if not roles.features and roles.segments and roles.prediction is None:
        name = roles.segments.pop()
        roles.features[name] = kind_of(facts[name])
    if roles.prediction is None and roles.label is not None:
        roles.features[roles.label] = kind_of(facts[roles.label])
        roles.notes[roles.label] = "looks like a label; there is no prediction to compare it with"
        roles.label = None
    return roles


def _place(roles: Roles, fact: Facts, rows: int) -> None:
    """Make a segment or a feature of a column, or leave it out."""
    name, why = fact.name, fact.unfit()
    if why is None and is_id(name) and fact.distinct > _MOST_SEGMENTS * 10:
        why = f"an id by its name ({fact.distinct:,} different values)"
    if why is not None:
        roles.left_out[name] = why
    elif not roles.segments and _splits(fact, rows):
        roles.segments.append(name)
        roles.notes[name] = f"{fact.distinct} values"
    else:
        roles.features[name] = kind_of(fact)


def _outcomes(roles: Roles, facts: Mapping[str, Facts], left: list[str], words: Mapping[str, str]) -> None:
    """Find prediction and label, and a loss that fits both."""
    predictions = [name for name in left if _PREDICTION.match(words[name]) and facts[name].number]
    labels = [name for name in left if _LABEL.match(words[name])]
    roles.prediction = next(iter(predictions), None)
    roles.label = next(iter(labels), None)
    if roles.prediction is None or roles.label is None:
        return
    fact = facts[roles.label]
    spelt = {value.lower(): value for value in fact.spelt}
    pair = next((pair for pair in _CLASSES if {*pair} == {*spelt}), None)
    if pair is not None:
        roles.loss = "zero_one"
        written = (spelt[pair[0]], spelt[pair[1]])
        roles.classes = None if pair[0] in {"0", "0.0", "false"} else written
    elif fact.number:
        roles.loss = "absolute"
    else:
        roles.notes[roles.label] = "looks like a label, and its classes could not be told"
        roles.features[roles.label] = "categorical"
        roles.label = None


def _splits(fact: Facts, rows: int) -> bool:
    """Tell whether a column cuts windows into parts that are still large."""
    few = 2 <= fact.distinct <= _MOST_SEGMENTS and fact.known == fact.rows
    worded = fact.word and not pa.types.is_boolean(fact.kind)
    large = fact.smallest >= _SMALLEST and rows * fact.smallest >= _ROWS
    return worded and few and large and fact.name != PREDICTION
