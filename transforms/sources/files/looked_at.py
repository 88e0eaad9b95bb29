"""What is said about the first rows of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.config.errors import ConfigError, Problem
from driftline.config.times import show_time
from driftline.decoding.rejects import Reason

if TYPE_CHECKING:
    from driftline.transforms.sources.files.first_rows import FirstRows
    from driftline.transforms.sources.source import Reading

_OF_TIMES: Final = {Reason.INVALID_EVENT_TIME.value, Reason.MISSING_EVENT_TIME.value}
_DAMAGE: Final = {Reason.TRUNCATED.value, Reason.UNDECODABLE.value, Reason.OVERSIZED.value}
_ID_LIKE: Final = 0.95
_ENOUGH: Final = 50


def said_of(found: FirstRows, reading: Reading, pattern: str) -> list[str]:
    """Say what the first rows are like.

    Parameters
    ----------
    pattern
        The files, for messages.

    Returns
    -------
    list of str
        How many rows are usable and from when they are, what is wrong with the others, and which features
        look as if they could not be compared.

    Raises
    ------
    ConfigError
        If there are rows or files, and not one row can be used: with every reason, and a case of each.
    """
    label = reading.schema.label
    if found.rejected and not found.usable:
        if label is not None and label.alone:  # the events are judged without
            return [f"warning: no label of the first can be used: {text}" for text in found.complaints()]
        raise ConfigError(reading.name, [_problem(found, reading, pattern)])
    if not found.usable:
        return []
    times = found.micros()
    files = f"{found.files} file{'s' if found.files != 1 else ''}"
    said = (
        f"files {pattern}: of the first rows of {files} {found.usable:,} are usable and {found.rejected:,} "
        f"are not; times from {show_time(int(times.min()))} to {show_time(int(times.max()))} (UTC)"
    )
    return [said, *(f"warning: {text}" for text in found.complaints()), *_odd_features(found, reading)]


def _problem(found: FirstRows, reading: Reading, pattern: str) -> Problem:
    complaints = found.complaints()
    reasons = {*found.reasons}
    if reasons <= _DAMAGE:
        what = "cannot be read: " + "; ".join(complaints)
        return Problem(f"{reading.key}.pattern", what, "name whole files of this format", pattern)
    key = reading.schema.keys.time if reasons <= _OF_TIMES else reading.key
    what = f"no row of the first of {pattern} can be used: " + "; ".join(complaints)
    return Problem(key, what, "correct it, or read other files")


def _odd_features(found: FirstRows, reading: Reading) -> list[str]:
    table = pa.Table.from_batches(found.events)
    said = []
    for feature in reading.schema.features:
        values = table.column(f"feature.{feature.name}").drop_null()
        if not len(values):
            said.append(
                f"warning: feature {feature.name!r}: column {feature.column!r} is null in all of these rows"
            )
        elif feature.kind != "numeric" and len(values) >= _ENOUGH:
            different = pc.count_distinct(values).as_py()
            if different >= _ID_LIKE * len(values):
                said.append(
                    f"warning: feature {feature.name!r}: {different:,} of {len(values):,} values are "
                    "different: an id says nothing about drift; remove it from features"
                )
    return said
