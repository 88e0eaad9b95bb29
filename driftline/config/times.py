"""How a configuration writes a point in time."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

REMEDY: Final = "write for example 2026-01-31, 2026-01-31T08:30 (UTC) or 2026-01-31T08:30:00+01:00"
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_time(value: Any) -> int:
    """Read a time: ISO 8601, in UTC if it has no offset.

    Parameters
    ----------
    value : str, date or datetime
        YAML makes the latter two of unquoted times.

    Returns
    -------
    int
        Microseconds since the epoch.

    Raises
    ------
    ValueError
        If it is no time, with what is wrong; `REMEDY` says how to write one.

    Examples
    --------
    >>> parse_time("1970-01-01T01:00:00+01:00"), parse_time(date(1970, 1, 2))
    (0, 86400000000)
    """
    if isinstance(value, str):
        value = _read(value)
    if not isinstance(value, date):
        raise ValueError("is not a time")  # noqa: TRY004  (what pydantic and a start make a mistake of)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    elif value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    elapsed: int = (value - _EPOCH) // timedelta(microseconds=1)
    return elapsed


def _read(text: str) -> datetime:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a time")
    day, minutes, seconds, fraction, zone = match.groups()
    offset = {None: "+00:00", "Z": "+00:00", "z": "+00:00"}.get(zone, zone or "")
    if len(offset) == 3:
        offset += ":00"
    elif ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    try:
        return datetime.fromisoformat(
            f"{day}T{minutes or '00:00'}{seconds or ':00'}.{(fraction or '0').ljust(6, '0')}{offset}"
        )
    except ValueError:
        raise ValueError("is not a time that exists") from None


def show_time(microseconds: int) -> str:
    """Write a time as a configuration does, no longer than it needs to be.

    Examples
    --------
    >>> show_time(0), show_time(1_800_000_000), show_time(1)
    ('1970-01-01', '1970-01-01T00:30', '1970-01-01T00:00:00.000001')
    """
    time = _EPOCH + timedelta(microseconds=microseconds)
    if microseconds % 60_000_000:
        return time.replace(tzinfo=None).isoformat()
    return time.strftime("%Y-%m-%d" if not (time.hour or time.minute) else "%Y-%m-%dT%H:%M")
