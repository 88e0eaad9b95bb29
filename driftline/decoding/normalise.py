"""From records as they came to columns of events, and what is wrong with those that are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.arrays import flat, nulls
from driftline.decoding.class_scores import scores_of_events
from driftline.decoding.event_schema import INVALID
from driftline.decoding.event_times import event_times
from driftline.decoding.guessed_times import guess_times
from driftline.decoding.label_values import class_values, number_values
from driftline.decoding.local_times import in_zone
from driftline.decoding.rejects import Reason, shorten
from driftline.decoding.request_ids import request_hashes, request_keys
from driftline.decoding.shown_values import value_at
from driftline.decoding.time_advice import advice_of
from driftline.decoding.values import numeric_values, text_values
from driftline.feature_spec import PREDICTION, probability_of
from driftline.schemas.time_range import MAX_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.decoding.event_schema import EventSchema, LabelColumn
    from driftline.losses import Loss


@dataclass(frozen=True)
class RowReject:
    """One record that is no event.

    Parameters
    ----------
    detail
        The column and the value.
    """

    row: int
    reason: Reason
    detail: str


@dataclass(frozen=True, eq=False)
class Normalised:
    """Events, and the records that are none.

    Parameters
    ----------
    events
        Columns of `EventSchema.arrow`, then ``invalid.<name>`` of every feature that has invalid values.
    rows : ndarray of int64, shape (events,)
        Row of the records that each event came from.
    rejects
        The others, in order.
    flagged
        Events whose prediction or label cannot be used, though all else can.
    absent
        Columns of features that the records do not have.
    empty
        Columns of features in which there is no value.
    """

    events: pa.RecordBatch
    rows: NDArray[np.int64]
    rejects: tuple[RowReject, ...]
    flagged: tuple[RowReject, ...] = ()
    absent: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


class _Fault(NamedTuple):
    """What is wrong with some rows of a column, or with what is no column."""

    reason: Reason
    what: str
    column: str | None
    rows: NDArray[np.bool_]


def normalise(records: Any, schema: EventSchema, record_times: NDArray[np.int64] | None = None) -> Normalised:
    """Bring records to the columns and types of events.

    Parameters
    ----------
    records : pyarrow.Table or pyarrow.RecordBatch
        Columns as they came; those not configured are ignored, configured ones that are absent are null.
    record_times : ndarray of int64, shape (rows,), optional
        Event times that the source knows, milliseconds since the epoch, negative where it knows none.
        The column of event times is then not looked at.

    Returns
    -------
    Normalised
        Events and rejected rows. A row with several faults is rejected for the first: its time, then
        segments in order. A value that is none of its feature's kind is null and marked invalid: the other
        features of the row are as good as ever.

    Examples
    --------
    >>> from driftline.decoding.event_schema import EventSchema
    >>> schema = EventSchema("at", "s", ("origin",))
    >>> result = normalise(pa.table({"at": [1, None], "origin": ["JFK", "LGA"]}), schema)
    >>> result.events.to_pylist()
    [{'time': 1000000, 'segment.origin': 'JFK'}]
    >>> result.rejects
    (RowReject(row=1, reason=<Reason.MISSING_EVENT_TIME: 'missing_event_time'>, ...),)
    """
    count = records.num_rows
    times, faults = _times(records, schema) if record_times is None else _record_times(record_times)
    columns = [pa.array(times)]
    for column in schema.segments:
        values, wrong = text_values(_column(records, column))
        columns.append(values)
        faults.append(_Fault(Reason.WRONG_TYPE, f"segment {column!r}", column, wrong))
    invalid: dict[str, Any] = {}
    for feature in schema.features:
        read = numeric_values if feature.kind == "numeric" else text_values
        values, wrong = read(_column(records, feature.column))
        columns.append(values)
        if wrong.any():
            invalid[INVALID + feature.name] = pa.array(wrong)
    if schema.deduplicate:
        columns.append(request_hashes(_column(records, str(schema.request_id))))
    if schema.joined:
        columns += request_keys(_column(records, str(schema.request_id)))
    flaws: list[_Fault] = []
    if schema.label is not None:
        values, wrong_labels = _labels(records, schema.label)
        columns.append(values)
        (faults if schema.label.alone else flaws).extend(wrong_labels)
    batch = pa.RecordBatch.from_arrays(columns, schema=schema.arrow)
    if schema.loss is not None:
        flaws.append(_scores(batch, schema, schema.loss))
    for name, wrong in invalid.items():
        batch = batch.append_column(name, wrong)
    columns_read = dict.fromkeys(feature.column for feature in schema.features)
    absent = tuple(name for name in columns_read if records.schema.get_field_index(name) < 0)
    empty = tuple(name for name in columns_read if _column(records, name).null_count == count)
    if not any(fault.rows.any() for fault in (*faults, *flaws)):
        return Normalised(batch, np.arange(count, dtype=np.int64), (), absent=absent, empty=empty)
    rejects = _said(faults, records, schema)
    kept = np.setdiff1d(np.arange(count, dtype=np.int64), np.fromiter(rejects, np.int64, len(rejects)))
    flagged = {row: said for row, said in _said(flaws, records, schema).items() if row not in rejects}
    return Normalised(
        batch.take(pa.array(kept)),
        kept,
        tuple(rejects[row] for row in sorted(rejects)),
        tuple(flagged[row] for row in sorted(flagged)),
        absent,
        empty,
    )


def _said(faults: Sequence[_Fault], records: Any, schema: EventSchema) -> dict[int, RowReject]:
    """Say of each row what is wrong with it, once."""
    said: dict[int, RowReject] = {}
    for fault in faults:
        advice = _advice(fault, records, schema)
        for row in np.flatnonzero(fault.rows).tolist():
            if row not in said:
                said[row] = RowReject(row, fault.reason, _detail(fault, records, row, schema) + advice)
    return said


def _advice(fault: _Fault, records: Any, schema: EventSchema) -> str:
    """Say what would read the times of a batch that were not; nothing where that cannot be told."""
    if fault.reason is not Reason.INVALID_EVENT_TIME or fault.column is None or fault.rows.mean() <= 0.5:
        return ""  # what most rows are read by is right
    values = flat(_column(records, fault.column))
    guess = None if pa.types.is_nested(values.type) else guess_times(values.filter(pa.array(fault.rows)))
    if guess is None or not guess.setting:
        return ""
    return f"; {advice_of(guess, schema.keys.time, fault.column)}"


def _labels(records: Any, label: LabelColumn) -> tuple[Any, list[_Fault]]:
    column = _column(records, label.column)
    if label.classes:
        values, wrong, unknown = class_values(column, label.classes)
    else:
        (values, wrong), unknown = number_values(column), np.zeros(len(column), bool)
    faults = [
        _Fault(Reason.WRONG_TYPE, "label", label.column, wrong),
        _Fault(Reason.UNKNOWN_CLASS, "label", label.column, unknown),
    ]
    if label.alone:
        absent = nulls(values) & ~wrong & ~unknown
        faults.append(_Fault(Reason.MISSING_LABEL, "label", label.column, absent))
    return values, faults


def _scores(events: pa.RecordBatch, schema: EventSchema, loss: Loss) -> _Fault:
    names = (PREDICTION, *(probability_of(name) for name in loss.classes))
    column = next(feature.column for feature in schema.features if feature.name in names)
    what = f"prediction, which is to be a {'probability' if loss.binary else 'finite number'}"
    if loss.classes:
        what = "prediction, which is to be one of labels.classes"
        if loss.probabilities:
            what = f"{what}, with probabilities of all of them that add up to 1"
    return _Fault(Reason.INVALID_SCORE, what, column, ~loss.usable_scores(scores_of_events(events, loss)))


def _times(records: Any, schema: EventSchema) -> tuple[NDArray[np.int64], list[_Fault]]:
    column = schema.time_column
    came = _column(records, column)
    times, missing, invalid = event_times(came, schema.time_unit, schema.time_format)
    numbers = schema.time_unit is not None
    known = in_zone(times, came, schema.timezone, numbers=numbers, time_format=schema.time_format)
    times = np.where(missing | invalid, times, known)
    return times, [
        _Fault(Reason.MISSING_EVENT_TIME, "event_time", column, missing),
        _Fault(Reason.INVALID_EVENT_TIME, "event_time", column, invalid),
    ]


def _record_times(record_times: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[_Fault]]:
    missing, invalid = record_times < 0, record_times > MAX_TIME // 1000
    return np.where(missing | invalid, 0, record_times) * 1000, [
        _Fault(Reason.MISSING_EVENT_TIME, "event_time: the record has no timestamp", None, missing),
        _Fault(
            Reason.INVALID_EVENT_TIME, "event_time: the record's timestamp is after year 9999", None, invalid
        ),
    ]


def _column(records: Any, name: str) -> Any:
    index = records.schema.get_field_index(name)
    return pa.nulls(records.num_rows) if index < 0 else records.column(index)


def _detail(fault: _Fault, records: Any, row: int, schema: EventSchema) -> str:
    reason, what, column, _ = fault
    if column is None:
        return what
    index = records.schema.get_field_index(column)
    if index < 0:
        return f"{what}: there is no column {column!r}"
    if reason in {Reason.MISSING_EVENT_TIME, Reason.MISSING_LABEL}:
        return f"{what}: column {column!r} is null"
    value = value_at(records.column(index), row)
    found = f"{what}: column {column!r} holds {shorten(value)}"
    if reason is Reason.UNKNOWN_CLASS:
        assert schema.label is not None
        known = ", ".join(name for pair in schema.label.classes for name in pair)
        found = f"{found}, which is none of {known}; see labels.classes"
    if reason is not Reason.INVALID_EVENT_TIME:
        return found
    return f"{found}, {_not_a_time(value, schema)}"


def _not_a_time(value: Any, schema: EventSchema) -> str:
    if schema.time_format is not None:
        return f"which is no time in the format {schema.time_format}"
    number = isinstance(value, (int, float)) and schema.time_unit is None
    if number and guess_times(pa.array([float(value)])) is None:
        return f"a number without a unit; set {schema.keys.time}: {{column: {schema.time_column}, unit: s}}"
    return "a number without a unit" if number else "which is no time in the years 1 to 9999"
