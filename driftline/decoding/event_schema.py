"""Which columns an event is made of, and whether a source has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from driftline.config.errors import did_you_mean
from driftline.decoding.arrow_kinds import is_number, is_text, is_unknown
from driftline.decoding.column_paths import is_list, kind_at, paths_of, root_of
from driftline.decoding.duplicate_columns import duplicates
from driftline.decoding.guessed_times import guess_times
from driftline.decoding.time_advice import advice_of
from driftline.feature_spec import PREDICTION, probability_of
from driftline.windows.calendar import IN_UTC, UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftline.losses import Loss

TIME_UNITS = ("s", "ms", "us", "ns")

REQUEST = "request"
"""Column of normalised events that holds the hash of the request id, where duplicates are dropped."""

ID = ("id_high", "id_low")
"""Columns that hold the halves of a longer hash of it, where predictions and labels are matched."""

_SHOWN = 30
_UNCUT = {";": '";"', "|": '"|"', "\t": "tab", ",": '","'}

LABEL = "label"
"""Column that holds the label: class 0 or 1, or a number; null where it is not known."""

INVALID = "invalid."
"""What the columns begin with that say which values of a feature were none of its kind, where any was."""

SPELLINGS = (("0", "1"), ("false", "true"))
"""How classes are spelt unless the configuration says otherwise."""


class Feature(Protocol):
    """What decoding needs to know of a feature; the configuration's `FeatureSpec` has it."""

    @property
    def name(self) -> str:
        """Name of the feature."""

    @property
    def kind(self) -> str:
        """Kind of the feature: ``numeric`` or ``categorical``."""

    @property
    def column(self) -> str:
        """Column of the source."""


@dataclass(frozen=True)
class LabelColumn:
    """The column that holds labels, and how they are spelt.

    Parameters
    ----------
    column : str
        Column of the source.
    classes : tuple of (str, str)
        How the negative and the positive class are spelt, each pair being one way; empty for numbers.
    alone : bool
        Whether the source is one of labels, in which a record without a label is of no use.
    """

    column: str
    classes: tuple[tuple[str, str], ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class ColumnKeys:
    """Keys of the configuration that name the columns of a source, for messages."""

    time: str = "event_time"
    request_id: str = "request_id"
    label: str = "labels.column"


@dataclass(frozen=True)
class EventSchema:
    """The columns of a source that make an event.

    Parameters
    ----------
    time_column : str
        Column of the event time.
    time_unit : str, optional
        ``s``, ``ms``, ``us`` or ``ns`` if event times are numbers since the epoch.
    time_format : str, optional
        How event times are written, as for `driftline.decoding.formatted_times`.
    segments : tuple of str
        Segment columns.
    features : tuple of Feature
        Features in order, the prediction last.
    request_id : str, optional
        A column that is read along where there is one, so that dead letters of file rows show it. It must be
        there only where `needs_ids`.
    deduplicate : bool
        Whether events carry the hash of their request id, as a column ``request``.
    joined : bool
        Whether predictions and labels are matched by request id: columns ``id_high`` and ``id_low``, the
        halves of its hash.
    label : LabelColumn, optional
        The label, where it comes with the events or where these are labels: a column ``label``.
    loss : Loss, optional
        How predictions are compared with labels: one that cannot be is reported.
    keys : ColumnKeys
        Keys of the configuration that name the columns.
    calendar : Calendar
        On whose line event times are counted.
    timezone : str
        Of event times that say none.
    """

    time_column: str
    time_unit: str | None = None
    segments: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    request_id: str | None = None
    deduplicate: bool = False
    joined: bool = False
    label: LabelColumn | None = None
    loss: Loss | None = None
    keys: ColumnKeys = ColumnKeys()
    time_format: str | None = None
    calendar: Calendar = IN_UTC
    timezone: str = UTC

    def __post_init__(self) -> None:
        """Check the unit, and that there is an id to recognise duplicates by."""
        if self.time_unit is not None and self.time_unit not in TIME_UNITS:
            raise ValueError(f"event time unit {self.time_unit!r} is not one of {', '.join(TIME_UNITS)}")
        if self.deduplicate and self.request_id is None:
            raise ValueError("duplicates are recognised by request id; name its column: request_id: COLUMN")

    @classmethod
    def of(cls, config: Any, *, deduplicate: bool = False) -> EventSchema:
        """Take the event schema out of a configuration.

        Parameters
        ----------
        config : Config
            The configuration; the prediction is the last of its ``feature_specs``.
        deduplicate : bool
            Whether events carry the hash of their request id.

        Returns
        -------
        EventSchema
            The columns to decode.
        """
        labels = config.labels
        return cls(
            config.event_time.column,
            config.event_time.unit,
            tuple(config.segments),
            tuple(config.feature_specs),
            config.request_id,
            deduplicate,
            joined=labels is not None and config.request_id is not None,
            label=_label(labels) if labels is not None and labels.source is None else None,
            loss=None if labels is None else labels.measure,
            time_format=config.event_time.format,
            calendar=config.calendar,
            timezone=config.timezone,
        )

    @classmethod
    def of_labels(cls, config: Any) -> EventSchema:
        """Take the schema of a source of labels out of a configuration.

        Parameters
        ----------
        config : Config
            The configuration; its labels have a source.

        Returns
        -------
        EventSchema
            The columns to decode.
        """
        labels = config.labels
        time = labels.time
        return cls(
            "" if time is None else time.column,
            None if time is None else time.unit,
            request_id=labels.request_id or config.request_id,
            joined=True,
            label=_label(labels),
            keys=ColumnKeys(time="labels.time", request_id="labels.request_id"),
            time_format=None if time is None else time.format,
            calendar=config.calendar,
            timezone=config.timezone,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the source to read, each once."""
        extra: tuple[str, ...] = () if self.request_id is None else (self.request_id,)
        extra += () if self.label is None else (self.label.column,)
        named = (self.time_column, *self.segments, *(feature.column for feature in self.features), *extra)
        return tuple(dict.fromkeys(named))

    @property
    def needs_ids(self) -> bool:
        """Whether something is found by its request id: a duplicate, or a label that comes from elsewhere."""
        return self.deduplicate or (self.joined and (self.label is None or self.label.alone))

    @property
    def numeric_columns(self) -> frozenset[str]:
        """Columns that are read as numbers only."""
        numeric = {feature.column for feature in self.features if feature.kind == "numeric"}
        texts = {feature.column for feature in self.features if feature.kind != "numeric"}
        labels = set() if self.label is None else {self.label.column}
        return frozenset(numeric - texts - labels - {self.time_column, *self.segments})

    @property
    def numbers(self) -> frozenset[str]:
        """Columns of which text is read as numbers where a source has nothing but text."""
        numbers = {feature.column for feature in self.features if feature.kind == "numeric"}
        if self.label is not None and not self.label.classes:
            numbers.add(self.label.column)
        return frozenset(numbers - {self.time_column, self.request_id})

    @property
    def arrow(self) -> Any:
        """The ``pyarrow.Schema`` of normalised events."""
        return pa.schema(
            [pa.field("time", pa.int64(), nullable=False)]
            + [pa.field(f"segment.{column}", pa.string()) for column in self.segments]
            + [
                pa.field(f"feature.{f.name}", pa.float64() if f.kind == "numeric" else pa.string())
                for f in self.features
            ]
            + ([pa.field(REQUEST, pa.uint64())] if self.deduplicate else [])
            + ([pa.field(name, pa.uint64()) for name in ID] if self.joined else [])
            + ([pa.field(LABEL, pa.float64())] if self.label is not None else [])
        )


def _label(labels: Any) -> LabelColumn:
    spelt = SPELLINGS if not labels.class_names else (labels.class_names,)
    return LabelColumn(labels.column, () if labels.numeric else spelt, alone=labels.source is not None)


def check_columns(columns: Iterable[tuple[str, Any]], schema: EventSchema) -> list[str]:
    """Compare the columns of a source with what the configuration wants of them.

    Parameters
    ----------
    columns : iterable of (str, pyarrow.DataType)
        Columns of the source.
    schema : EventSchema
        The columns the configuration names.

    Returns
    -------
    list of str
        One sentence per problem: the key, what is wrong and what to do. Empty if all is well.

    Examples
    --------
    >>> check_columns([("tme", pa.string())], EventSchema("time"))
    ["event_time: the data has no column 'time'; did you mean 'tme'? Its columns are: tme"]
    """
    return [f"{key}: {found}" for key, found in column_problems(columns, schema)]


def column_problems(
    columns: Iterable[tuple[str, Any]],
    schema: EventSchema,
    *,
    record_times: bool = False,
    times: Sequence[Any] = (),
    features: bool = True,
) -> list[tuple[str, str]]:
    """Compare the columns of a source with what the configuration wants of them.

    Parameters
    ----------
    columns : iterable of (str, pyarrow.DataType)
        Columns of the source.
    schema : EventSchema
        The columns the configuration names, and its keys that name them.
    record_times : bool
        Whether times are those of records, so that no column needs to hold them.
    times : sequence of pyarrow.Array
        Some values of the column of event times: a unit is guessed from them.
    features : bool
        Whether features are looked at. Text may be numbers: only its values can tell.

    Returns
    -------
    list of (str, str)
        Of each problem the key of the configuration, and what is wrong and what to do. Empty if all is well.
    """
    columns = list(columns)
    types = dict(columns)
    names = [name for name, _ in columns]
    paths = paths_of(columns)
    types |= {path: kind for path in schema.columns if (kind := kind_at(types, path)) is not None}
    keys = schema.keys
    problems: list[tuple[str, str]] = []

    def missing(key: str, column: str) -> bool:
        if column not in types:
            problems.append((key, _no_column(column, paths)))
            return True
        root = root_of(column, names)
        problems.extend((key, said) for said in duplicates(names, (root,)).values())
        return False

    if not record_times and not missing(keys.time, schema.time_column):
        problems += _time_problems(types[schema.time_column], schema, times)
    for column in schema.segments:
        if not missing("segments", column) and pa.types.is_nested(types[column]):
            problems += _nested("segments", column, types[column], "a segment needs plain values")
    if schema.request_id is not None and schema.needs_ids:
        missing(keys.request_id, schema.request_id)
    classes = schema.loss.classes if schema.loss is not None else ()
    made = {PREDICTION: "prediction"} | {probability_of(x): f"labels.probabilities.{x}" for x in classes}
    for feature in schema.features if features else ():
        key = made.get(feature.name, f"features.{feature.name}")
        if not missing(key, feature.column):
            problems += _feature_problems(key, feature, types[feature.column])
    if schema.label is not None and not missing(keys.label, schema.label.column):
        problems += _label_problems(keys.label, schema.label, types[schema.label.column])
    return problems


def _nested(key: str, column: str, kind: Any, what: str) -> list[tuple[str, str]]:
    if is_unknown(kind):
        return []
    inside = paths_of([(column, kind)])
    if column.startswith("length("):
        return [(key, f"{column} is of no list and no map; {what}")]
    if is_list(kind):
        what += f"; write length({column}) for its number of elements"
    elif inside != [column]:
        what += "; name one inside: " + ", ".join(inside[:_SHOWN])
    return [(key, f"column {column!r} is {_called(kind)}; {what}")]


def _called(kind: Any) -> str:
    """Name a nested type, which in full may be pages long."""
    return f"a struct of {kind.num_fields} fields" if pa.types.is_struct(kind) else str(kind)


def _time_problems(kind: Any, schema: EventSchema, times: Sequence[Any]) -> list[tuple[str, str]]:
    key, column = schema.keys.time, schema.time_column
    nested = pa.types.is_nested(kind) and not is_unknown(kind)
    if pa.types.is_boolean(kind) or pa.types.is_time(kind) or nested:
        return [(key, f"column {column!r} is {kind}, which is not a point in time")]
    if is_number(kind) and schema.time_unit is None and schema.time_format is None:
        guess = guess_times(pa.chunked_array(times)) if len({part.type for part in times}) == 1 else None
        if guess is not None:
            return [(key, f"column {column!r} is {kind} and needs a unit; {advice_of(guess, key, column)}")]
        remedy = f"{key}: {{column: {column}, unit: s}}   # or ms, us, ns"
        return [(key, f"column {column!r} is {kind} and needs a unit; write {remedy}")]
    return []


def _feature_problems(key: str, feature: Feature, kind: Any) -> list[tuple[str, str]]:
    if pa.types.is_nested(kind):
        return _nested(key, feature.column, kind, "a feature needs plain values")
    if feature.kind == "numeric" and not (is_number(kind) or is_text(kind) or is_unknown(kind)):
        remedy = (
            "name a column of numbers, or monitor it as a categorical feature"
            if feature.name == PREDICTION
            else "declare it as categorical or name another column"
        )
        return [(key, f"column {feature.column!r} is {kind}, not a number; {remedy}")]
    return []


def _label_problems(key: str, label: LabelColumn, kind: Any) -> list[tuple[str, str]]:
    if pa.types.is_nested(kind):
        return _nested(key, label.column, kind, "a label is a plain value")
    if not label.classes and not is_number(kind) and not is_unknown(kind):
        remedy = "name a column of numbers, or set labels.loss to zero_one or log"
        return [(key, f"column {label.column!r} is {kind}, not a number; {remedy}")]
    return []


def _no_column(column: str, names: Sequence[str]) -> str:
    close = did_you_mean(column, names)
    hint = f"; did you mean {close!r}?" if close else "."
    uncut = next((mark for mark in _UNCUT if len(names) == 1 and mark in names[0]), None)
    if uncut is not None:
        hint = f"; is CSV cut at another character? Write delimiter: {_UNCUT[uncut]} in source.files."
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"the data has no column {column!r}{hint} Its columns are: {shown}"
