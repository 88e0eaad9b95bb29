"""From records as they came to columns of events, and what is wrong with those that are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from driftline.arrays import nulls
from driftline.decoding.class_scores import scores_of_events
from driftline.decoding.event_times import event_times
from driftline.decoding.label_values import class_values, number_values
from driftline.decoding.rejects import Reason, shorten
from driftline.decoding.request_ids import request_hashes, request_keys
from driftline.decoding.shown_values import value_at
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
        Columns of `EventSchema.arrow`.
    rows : ndarray of int64, shape (events,)
        Row of the records that each event came from.
    rejects
        The others, in order.
    flagged
        Events whose prediction or label cannot be used, though all else can.
    """

    events: pa.RecordBatch
    rows: NDArray[np.int64]
    rejects: tuple[RowReject, ...]
    flagged: tuple[RowReject, ...] = ()


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
        segments and features in order.

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
    wanted = [(f"segment {column!r}", column, False) for column in schema.segments]
    wanted += [(f"{f.kind} feature {f.name!r}", f.column, f.kind == "numeric") for f in schema.features]
    for what, column, numeric in wanted:
        values, wrong = (numeric_values if numeric else text_values)(_column(records, column))
        columns.append(values)
        faults.append(_Fault(Reason.WRONG_TYPE, what, column, wrong))
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
    if not any(fault.rows.any() for fault in (*faults, *flaws)):
        return Normalised(batch, np.arange(count, dtype=np.int64), ())
    rejects = _said(faults, records, schema)
    kept = np.setdiff1d(np.arange(count, dtype=np.int64), np.fromiter(rejects, np.int64, len(rejects)))
    flagged = {row: said for row, said in _said(flaws, records, schema).items() if row not in rejects}
    return Normalised(
        batch.take(pa.array(kept)),
        kept,
        tuple(rejects[row] for row in sorted(rejects)),
        tuple(flagged[row] for row in sorted(flagged)),
    )


def _said(faults: Sequence[_Fault], records: Any, schema: EventSchema) -> dict[int, RowReject]:
    """Say of each row what is wrong with it, once."""
    said: dict[int, RowReject] = {}
    for fault in faults:
        for row in np.flatnonzero(fault.rows).tolist():
            if row not in said:
                said[row] = RowReject(row, fault.reason, _detail(fault, records, row, schema))
    return said


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
    times, missing, invalid = event_times(_column(records, column), schema.time_unit)
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
    if isinstance(value, (int, float)) and schema.time_unit is None:
        return f"{found}, a number without a unit; set event_time: {{column: {column}, unit: s}}"
    return f"{found}, which is no time in the years 1 to 9999"
