"""Event times from any usual form, as microseconds since the epoch."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftline.arrays import flat, nulls, split_union
from driftline.decoding.arrow_kinds import is_bytes, is_text
from driftline.decoding.bisection import bisect_good
from driftline.decoding.formatted_times import formatted_times
from driftline.schemas.time_range import MAX_TIME, MIN_TIME

_MICROS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_DAY: Final = 86_400_000_000

_CLOCK = r"([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)?"
_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_NAIVE: Final = f"^{_DATE}([T ]{_CLOCK})?$"
_ZONED: Final = rf"^{_DATE}[T ]{_CLOCK}(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)$"
_NUMBER: Final = r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$"
#: the rarer forms, and the ones that Arrow parses
_TIDIED: Final = (
    (r"^(\d{4})/(\d{2})/(\d{2})", r"\1-\2-\3"),  # year first leaves one reading
    (r"^(\d{4})(\d{2})(\d{2})[T ](\d{2})(\d{2})(\d{2})", r"\1-\2-\3T\4:\5:\6"),
    (r"^(\d{4})(\d{2})(\d{2})[T ](\d{2})(\d{2})", r"\1-\2-\3T\4:\5"),
    (r"(:\d{2})[.,](\d{1,6})\d*", r"\1.\2"),
    (r"(Z|[+-]\d{2}(?::?\d{2})?)\[[^\[\]]+\]$", r"\1"),  # java.time names the zone behind its offset
    (r"(\d)\s*(?:UTC|GMT)$", r"\1Z"),
    (r"(:\d{2}(?:\.\d+)?)\s+(Z|[+-]\d{2})", r"\1\2"),
)
_ERRORS: Final = (pa.ArrowInvalid,)

Times = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]


def event_times(column: Any, unit: str | None, time_format: str | None = None) -> Times:
    """Read event times.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        ISO 8601 text (without offset it is UTC), timestamps of any unit and zone, dates, or numbers.
    unit
        ``s``, ``ms``, ``us`` or ``ns``: what numbers count since the epoch. Without it they are invalid.
    time_format
        What text and whole numbers look like, as for `formatted_times`. Timestamps and dates need none.

    Returns
    -------
    times : ndarray of int64, shape (rows,)
        Microseconds since the epoch, UTC; 0 where there is none. Finer parts are cut off.
    missing : ndarray of bool, shape (rows,)
        Rows whose time is null.
    invalid : ndarray of bool, shape (rows,)
        Rows whose time is not a time, or outside the years 1 to 9999.

    Examples
    --------
    >>> times, missing, invalid = event_times(pa.array(["1970-01-01T00:00:01Z", None, "soon"]), None)
    >>> times.tolist(), missing.tolist(), invalid.tolist()
    ([1000000, 0, 0], [False, True, False], [False, False, True])
    """
    column = flat(column)
    if pa.types.is_union(column.type):
        return _union(column, unit, time_format)
    missing = nulls(column)
    times, valid = _read(column, unit) if time_format is None else _formatted(column, time_format)
    valid &= ~missing
    times[~valid] = 0
    return times, missing, ~valid & ~missing


def _read(  # noqa: PLR0911  # one return a type
    column: Any, unit: str | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _scaled(_integers(column.view(pa.int64())), kind.unit)
    if pa.types.is_date32(kind):
        return _multiplied(_integers(column.view(pa.int32())), _DAY)
    if pa.types.is_date64(kind):
        return _scaled(_integers(column.view(pa.int64())), "ms")
    if is_text(kind):
        return _text(column, unit)
    if unit is not None and pa.types.is_integer(kind):
        return _scaled(_integers(column), unit)
    if unit is not None and pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    if unit is not None and pa.types.is_floating(column.type):
        return _floats(column.cast(pa.float64()), unit)
    return np.zeros(len(column), np.int64), np.zeros(len(column), bool)


def _formatted(column: Any, time_format: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):  # whole numbers beside nulls
        whole = pc.equal(column, pc.floor(column))
        column = pc.if_else(whole, column, pa.scalar(None, kind)).cast(pa.int64(), safe=False)
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if not is_text(column.type):
        return _read(column, None)
    times, valid = formatted_times(_utf8(column), time_format)
    return times, valid & (times >= MIN_TIME) & (times <= MAX_TIME)


def _union(column: Any, unit: str | None, time_format: str | None) -> Times:
    times = np.zeros(len(column), np.int64)
    missing = np.zeros(len(column), bool)
    invalid = np.zeros(len(column), bool)
    for rows, values in split_union(column):
        times[rows], missing[rows], invalid[rows] = event_times(values, unit, time_format)
    return times, missing, invalid


def _integers(column: Any) -> NDArray[np.int64]:
    values = (column.fill_null(0) if column.null_count else column).to_numpy(zero_copy_only=False)
    if values.dtype == np.uint64:
        values = np.minimum(values, np.uint64(2**63 - 1))  # far outside the years, whatever the unit
    result: NDArray[np.int64] = values.astype(np.int64)
    return result


def _scaled(values: NDArray[np.int64], unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    if unit == "ns":  # all of int64 nanoseconds lies in the years 1677 to 2262
        return values // 1000, np.ones(len(values), bool)
    return _multiplied(values, _MICROS[unit])


def _multiplied(values: NDArray[np.int64], factor: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    valid = (values >= -(-MIN_TIME // factor)) & (values <= MAX_TIME // factor)
    return np.where(valid, values, 0) * factor, valid


def _floats(column: Any, unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    values = (column.fill_null(0) if column.null_count else column).to_numpy(zero_copy_only=False)
    factor = 1e-3 if unit == "ns" else float(_MICROS[unit])
    with np.errstate(over="ignore", invalid="ignore"):
        micros = np.rint(values * factor)
        valid = (micros >= float(MIN_TIME)) & (micros < float(MAX_TIME + 1))
    return np.where(valid, micros, 0).astype(np.int64), valid


def _text(column: Any, unit: str | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cast all at once if the column is clean, else tidy it up and find what is not a time."""
    column = column if pa.types.is_string(column.type) else _utf8(column)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            times = _integers(column.cast(kind).view(pa.int64()))
        except _ERRORS:
            continue
        return times, (times >= MIN_TIME) & (times <= MAX_TIME) & ~nulls(column)
    times = np.zeros(len(column), np.int64)
    valid = np.zeros(len(column), bool)
    column = _tidy(_utf8(column))
    if unit is None:  # else these are numbers
        column = pc.replace_substring_regex(column, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
    if unit is not None:
        numbers = _matching(column, _NUMBER)
        for rows, values in _cast_good(column, numbers, pa.float64()):
            times[rows], valid[rows] = _floats(values, unit)
        for rows, values in _cast_good(column, numbers, pa.int64()):  # exact where it can be
            times[rows], valid[rows] = _scaled(_integers(values), unit)
    for pattern, kind in ((_ZONED, pa.timestamp("us", "UTC")), (_NAIVE, pa.timestamp("us"))):
        for rows, values in _cast_good(column, _matching(column, pattern), kind):
            times[rows] = _integers(values.view(pa.int64()))
            valid[rows] = (times[rows] >= MIN_TIME) & (times[rows] <= MAX_TIME)
    return times, valid


def _utf8(column: Any) -> Any:
    """Make text of it; what is not UTF-8 becomes null, which is then no valid time."""
    try:
        return (column if is_bytes(column.type) else column.cast(pa.binary())).cast(pa.string())
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return pa.array(
            [_text_or_none(value.as_py()) for value in column.cast(pa.large_binary())], pa.string()
        )


def _text_or_none(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _tidy(column: Any) -> Any:
    """Bring the rarer forms of ISO 8601 to the one that Arrow parses."""
    column = pc.utf8_upper(pc.utf8_trim_whitespace(column))
    for pattern, tidy in _TIDIED:
        column = pc.replace_substring_regex(column, pattern, tidy)
    return column


def _matching(column: Any, pattern: str) -> NDArray[np.intp]:
    matches = pc.fill_null(pc.match_substring_regex(column, pattern), False)
    return np.flatnonzero(matches.to_numpy(zero_copy_only=False))


def _cast_good(column: Any, rows: NDArray[np.intp], kind: Any) -> list[tuple[NDArray[np.intp], Any]]:
    """Cast rows of the right shape; 30 February and the like drop out by bisection."""
    candidates = column.take(pa.array(rows))
    good, _ = bisect_good(
        len(rows), lambda start, stop: candidates.slice(start, stop - start).cast(kind), _ERRORS
    )
    return [(rows[start : start + len(values)], values) for start, values in good]
