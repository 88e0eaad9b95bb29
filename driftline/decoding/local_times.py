"""Event times that say no zone, in a configuration that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat, split_union
from driftline.decoding.arrow_kinds import is_bytes, is_text
from driftline.windows.calendar import UTC, local_to_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OFFSET: Final = r"(?i)(\d[T ]|:)\d\d(:?\d\d)*([.,]\d+)?\s*(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)(\[.*\])?\s*$"
_NUMBER: Final = r"^\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*$"


def in_zone(
    times: NDArray[np.int64], column: Any, zone: str, *, numbers: bool, time_format: str | None = None
) -> NDArray[np.int64]:
    """Read times that say no zone as what clocks of a zone say.

    Parameters
    ----------
    times : ndarray of int64, shape (rows,)
        What was read of the column, as if clocks were those of UTC; microseconds since the epoch.
    column : pyarrow.Array or pyarrow.ChunkedArray
        Text, timestamps, dates or numbers. Numbers, and times with an offset, stay as they are.
    zone : str
        Name of the zone.
    numbers : bool
        Whether text that is a number counts from the epoch.
    time_format : str, optional
        How the times are written, which then tells whether they say an offset.

    Returns
    -------
    ndarray of int64, shape (rows,)
        Microseconds since the epoch, UTC. An hour that comes twice is the first; a time that clocks skip is
        the time of the skip.

    Examples
    --------
    >>> column = pa.array(["1970-01-02", "1970-01-02T00:00Z"])
    >>> (in_zone(np.array([86_400_000_000] * 2), column, "America/New_York", numbers=False) // 3_600_000_000)
    array([29, 24])
    """
    if zone == UTC:
        return times
    if time_format is not None:
        return times if "%z" in time_format or "%Z" in time_format else local_to_utc(times, zone)
    without = _says_no_zone(flat(column), numbers=numbers)
    return np.where(without, local_to_utc(times, zone), times)


def _says_no_zone(column: Any, *, numbers: bool) -> NDArray[np.bool_]:
    kind, without = column.type, np.zeros(len(column), bool)
    if pa.types.is_union(kind):
        for rows, values in split_union(column):
            without[rows] = _says_no_zone(flat(values), numbers=numbers)
    elif pa.types.is_timestamp(kind):
        without[:] = kind.tz is None
    elif pa.types.is_date(kind):
        without[:] = True
    elif is_text(kind):
        if is_bytes(kind):
            column = column.cast(pa.binary()).cast(pa.string(), safe=False)
        said = pc.match_substring_regex(column, _OFFSET)
        if numbers:
            said = pc.or_(said, pc.match_substring_regex(column, _NUMBER))
        without = ~pc.fill_null(said, True).to_numpy(zero_copy_only=False)
    return without
