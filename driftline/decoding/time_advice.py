"""What is said about event times that cannot be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from driftline.config.times import show_time
from driftline.decoding.guessed_times import EARLIEST, TimeGuess, guess_times, latest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MICROS: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


def time_advice(column: Any, key: str, name: str) -> str:
    """Say what to write so that a column is read as times.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Values that were not.
    key, name
        The key of the configuration, and the column it names.

    Returns
    -------
    str
        What follows a semicolon.

    Examples
    --------
    >>> time_advice(pa.array(["31.1.2026 08:30"]), "event_time", "at")
    'write event_time: {column: at, format: "%d.%m.%Y %H:%M"}'
    """
    return advice_of(guess_times(column), key, name)


def advice_of(guess: TimeGuess | None, key: str, name: str) -> str:
    """Say what a guess means for the configuration."""
    if guess is None:
        return (
            "name a column of times, or say how they are written: "
            f'{key}: {{column: {name}, format: "%d.%m.%Y %H:%M"}}, '
            "with the directives of strptime; docs/formats.md lists what is read without"
        )
    second = ""
    if guess.other is not None:
        other = TimeGuess(guess.other, guess.share).setting
        second = f"   # or {other}: these values fit both, and rows lie closer in time so"
    return f"write {guess.line(key, name)}{second}"


def implausible_unit(times: NDArray[np.int64], unit: str, key: str, name: str) -> str | None:
    """Tell whether numbers were taken for times in the wrong unit.

    Parameters
    ----------
    times : ndarray of int64, shape (rows,)
        Microseconds since the epoch, as they were read.
    unit
        The configured unit.

    Returns
    -------
    str or None
        What is wrong and what to write, if most times lie outside the years from 1990 to two years from now
        and another unit or a format brings them into these; else None.

    Examples
    --------
    >>> said = implausible_unit(np.array([1_700_000_000_000]), "ms", "event_time", "at")
    >>> said.partition("read as ms: ")[2]
    'these are s, not ms? write event_time: {column: at, unit: s}'
    """
    if not len(times) or np.mean((times < EARLIEST) | (times > latest())) <= 0.5:
        return None
    raw = np.rint(times / _MICROS[unit]).astype(np.int64)
    guess = guess_times(pa.array(raw))
    if guess is None or guess.setting == f"unit: {unit}":
        return None
    first, last = int(times.min()), int(times.max())
    year = show_time(int(np.median(times)))[:4]
    better = guess.setting.partition(": ")[2]
    what = (
        f"{better}, not {unit}" if guess.setting.startswith("unit") else f"dates written {better}, not {unit}"
    )
    return (
        f"column {name!r} lies in {year} ({show_time(first)} to {show_time(last)}) read as {unit}: "
        f"these are {what}? write {guess.line(key, name)}"
    )
