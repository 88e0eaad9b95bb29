"""What would have to be configured for a column to be read as times."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.decoding.arrow_kinds import is_number, is_text
from driftline.decoding.event_times import event_times
from driftline.decoding.guessed_formats import formats_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

EARLIEST: Final = 631_152_000_000_000
"""1990, in microseconds: what a unit makes earlier than that is probably another unit."""

_YEAR: Final = 31_557_600_000_000
_UNITS: Final = ("s", "ms", "us", "ns")
_NUMBER_FORMATS: Final = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H", "%Y%m", "%Y")
_NUMBER: Final = r"^\s*[+-]?\d{1,30}(\.\d*)?([eE][+-]?\d{1,2})?\s*$"
_SAMPLE: Final = 5_000
_TRIED: Final = 20
_ENOUGH: Final = 0.9
_PLAIN: Final = r"[A-Za-z_][\w.-]*"


@dataclass(frozen=True)
class TimeGuess:
    """How a column would be read as times.

    Parameters
    ----------
    setting
        What stands beside the column in the configuration, such as ``unit: s``; empty if nothing has to.
    share
        Share of the values that it reads.
    other
        A setting that reads as many, if there is one: day or month first.
    """

    setting: str
    share: float
    other: str | None = None

    def line(self, key: str, column: str) -> str:
        """The line of the configuration.

        Parameters
        ----------
        key
            The key that names the column, such as ``event_time``.

        Examples
        --------
        >>> TimeGuess("unit: s", 1.0).line("event_time", "at")
        'event_time: {column: at, unit: s}'
        """
        shown = column if re.fullmatch(_PLAIN, column) else json.dumps(column, ensure_ascii=False)
        *above, last = key.split(".")
        value = f"{{column: {shown}, {self.setting}}}" if self.setting else shown
        for outer in reversed(above):
            value, last = f"{{{last}: {value}}}", outer
        return f"{last}: {value}"

    def arguments(self) -> tuple[str | None, str | None]:
        """Unit and format, as `event_times` takes them."""
        return _arguments(self.setting)


def latest(now: float | None = None) -> int:
    """The last moment that a unit may plausibly give: two years from now, in microseconds."""
    return int((time.time() if now is None else now) * 1e6) + 2 * _YEAR


def guess_times(column: Any) -> TimeGuess | None:
    """Guess how a column is to be read as times.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Values, shape (rows,); at most 5,000 of them, in their order, are looked at.

    Returns
    -------
    TimeGuess or None
        None if nothing reads nine in ten of the values. Numbers must become times from 1990 on.

    Notes
    -----
    Where the first number may be the day or the month, the reading under which neighbouring rows lie closest
    in time is taken.

    Examples
    --------
    >>> guess_times(pa.array(["30/12/2025 23:00", "31/12/2025 00:00", "01/01/2026 01:00"])).setting
    'format: "%d/%m/%Y %H:%M"'
    >>> guess_times(pa.array([1_700_000_000_000, 1_700_000_060_000])).setting
    'unit: ms'
    >>> guess_times(pa.array(["a", "b"])) is None
    True
    """
    values = flat(column)
    if pa.types.is_union(values.type):
        return None  # values of several types have no one way to be read
    values = values.drop_null()
    step = max(1, len(values) // _SAMPLE)
    values = values.take(pa.array(np.arange(0, len(values), step)[:_SAMPLE]))
    if not len(values) or pa.types.is_nested(values.type) or pa.types.is_boolean(values.type):
        return None
    if is_number(values.type):
        return _of_numbers(values)
    read = _share(values, "")
    if read >= _ENOUGH or not is_text(values.type):
        return TimeGuess("", read) if read >= _ENOUGH else None
    text = _text(values)
    written = pc.match_substring_regex(text, _NUMBER).to_numpy(zero_copy_only=False)
    if written.mean() >= _ENOUGH:
        return _of_numbers(text.filter(pa.array(written)))
    return _of_text(text)


def _text(values: Any) -> Any:
    found = [
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in values.to_pylist()
    ]
    return pa.array(found, pa.string())


def _of_numbers(values: Any) -> TimeGuess | None:
    plain = pc.utf8_trim_whitespace(values) if is_text(values.type) else values
    numbers = plain.cast(pa.float64(), safe=False)
    raw = numbers.to_numpy(zero_copy_only=False)
    if not is_text(values.type):
        values = numbers
    for unit in _UNITS:
        factor = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}[unit]
        share = float(np.mean((raw * factor >= EARLIEST) & (raw * factor <= latest())))
        if share >= _ENOUGH:
            return TimeGuess(f"unit: {unit}", share)
    for form in _NUMBER_FORMATS:
        setting = f'format: "{form}"'
        times, valid = _read(values, setting)
        share = float(np.mean(valid & (times <= latest()) & (times >= -2 * EARLIEST)))
        if share >= _ENOUGH:
            return TimeGuess(setting, share)
    return None


def _of_text(text: Any) -> TimeGuess | None:
    tried = text.unique().to_pylist()
    tried = tried[:: max(1, len(tried) // _TRIED)][:_TRIED]
    forms = dict.fromkeys(form for value in tried for form in formats_of(value))
    rated: list[tuple[float, float, int, str]] = []
    for form in forms:
        setting = f'format: "{form}"'
        times, valid = _read(text, setting)
        jumps = float(np.abs(np.diff(times[valid].astype(np.float64))).sum())
        rated.append((-float(np.mean(valid)), jumps, len(rated), setting))
    rated.sort()
    if not rated or -rated[0][0] < _ENOUGH:
        return None
    best, *others = rated
    other = next((setting for share, _, _, setting in others if share == best[0]), None)
    return TimeGuess(best[3], -best[0], other)


def _read(values: Any, setting: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    unit, form = _arguments(setting)
    times, missing, invalid = event_times(values, unit, form)
    return times, ~missing & ~invalid


def _share(values: Any, setting: str) -> float:
    return float(np.mean(_read(values, setting)[1]))


def _arguments(setting: str) -> tuple[str | None, str | None]:
    key, _, value = setting.partition(": ")
    return (value if key == "unit" else None), (value.strip('"') if key == "format" else None)
