"""Suggest a configuration for some data."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.config.errors import ConfigError, Problem
from driftline.config.file_suffixes import COMPRESSIONS
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.event_times import event_times
from driftline.pipelines.looked_at_files import csv_of, records_of, sample
from driftline.suggest.facts import facts_of
from driftline.suggest.rhythm import rhythm_of
from driftline.suggest.roles import roles_of
from driftline.suggest.time_column import time_columns
from driftline.suggest.written import Suggestion
from driftline.transforms.sources.files.read_files import batches_of_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.config.csv_dialect import CsvDialect
    from driftline.suggest.time_column import TimeColumn

_LOOKED_AT: Final = 200_000
_TIMES: Final = 5_000_000
_ALL: Final = 1_000_000


def suggest(pattern: str) -> Suggestion:
    """Look at files and suggest how to monitor what is in them.

    Parameters
    ----------
    pattern
        File name or glob pattern, of any format that the jobs read.

    Returns
    -------
    Suggestion
        Its text is a configuration that `driftline baseline` and `driftline backtest` run as it is.

    Raises
    ------
    ConfigError
        If there are no such files, or nothing in them says when a request happened.
    """
    csv = csv_of(pattern)
    columns = sample(pattern, None, _LOOKED_AT, ("init", "DATA"), csv)
    facts = {name: facts_of(name, column) for name, column in columns.items()}
    found = time_columns(facts, columns)
    if not found:
        raise _refused(
            pattern,
            "no column holds times",
            "name data with a time for each row, such as 2026-01-31T08:30; without one two batches can be "
            "compared: driftline compare REFERENCE CURRENT",
        )
    time, *others = found
    times = _times(pattern, csv, time)
    rhythm = rhythm_of(times) if len(times) else None
    if rhythm is None:
        raise _refused(
            pattern,
            f"column {time.name!r} holds one time only",
            "give data of a longer time; or compare two batches: driftline compare REFERENCE CURRENT",
        )
    roles = roles_of(facts, time.name, [other.name for other in others], rhythm.rows)
    if not roles.features and roles.prediction is None:
        why = "; ".join(f"{name}: {reason}" for name, reason in roles.left_out.items())
        raise _refused(pattern, f"has no column that could be monitored: {why}", "give data with features")
    looked = max(fact.rows for fact in facts.values())
    counts = len(times), looked
    return Suggestion(_model(pattern), pattern, counts, time, tuple(others), roles, rhythm, csv)


def _times(pattern: str, csv: CsvDialect | None, time: TimeColumn) -> NDArray[np.int64]:
    column = time.name
    unit, time_format = time.guess.arguments()
    schema = EventSchema(column, unit, time_format=time_format)
    found: list[NDArray[np.int64]] = []
    for batches in batches_of_files(pattern, None, schema, csv, most=_ALL):
        for records in records_of(batches):
            if column not in records.column_names:
                continue
            times, missing, invalid = event_times(records.column(column), unit, time_format)
            found.append(times[~missing & ~invalid])
            if sum(map(len, found)) >= _TIMES:
                return np.concatenate(found)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _model(pattern: str) -> str:
    name = Path(pattern.replace("\\", "/")).name
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name.rpartition(".")[0] or name).strip("_-")
    return stem or "model"


def _refused(pattern: str, message: str, remedy: str) -> ConfigError:
    return ConfigError("init", [Problem("DATA", message, remedy, pattern)])


def write_suggestion(pattern: str, output: str) -> Suggestion:
    """Write a suggested configuration.

    Parameters
    ----------
    output
        A local file; one that is there is not replaced.

    Raises
    ------
    ConfigError
        As `suggest`; and if the file is there.
    """
    path = Path(output)
    if path.exists():
        problem = Problem("--output", "is there already", "remove it, or name another file", output)
        raise ConfigError("command line", [problem])
    found = suggest(pattern)
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.text(), encoding="utf-8")
    return found
