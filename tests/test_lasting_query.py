"""The query for drift that lasts, as the docs show it, finds what `driftline.verdicts.lasting` says."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from driftline.verdicts.lasting import stretches

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "read-results.md"
UTC = pa.timestamp("us", tz="UTC")
HOUR = 3_600_000_000
SCHEMA = pa.schema(
    [
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("window_start", UTC),
        ("window_end", UTC),
        ("drifted", pa.bool_()),
    ]
)


def query():
    (text,) = re.findall(r"-- drift that lasts[^;]*;", PAGE.read_text())
    return text


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        yield connection


def as_the_query_says(connection, rows):
    cursor = connection.cursor()
    cursor.register("results", pa.Table.from_pylist(rows, SCHEMA))
    columns = "segment, feature, epoch_us(since), epoch_us(until), windows"
    return sorted(cursor.execute(f"SELECT {columns} FROM ({query().rstrip(';')})").fetchall())


def as_decided(rows):
    found = []
    for key in {(row["segment"], row["feature"]) for row in rows}:
        series = sorted(
            (row for row in rows if (row["segment"], row["feature"]) == key),
            key=lambda row: row["window_start"],
        )
        starts, ends = (
            np.array([row[name] for row in series], np.int64) for name in ("window_start", "window_end")
        )
        judged = np.array([row["drifted"] is not None for row in series], bool)
        drifted = np.array([bool(row["drifted"]) for row in series], bool)
        found += [
            (*key, each.start, each.end, each.windows)
            for each in stretches(judged, drifted, starts, ends)
            if each.lasting
        ]
    return sorted(found)


def rows_of(size, series):
    return [
        {
            "segment": segment, "feature": feature, "window_start": at * HOUR,
            "window_end": (at + size) * HOUR, "drifted": {"d": True, "-": False, "?": None}[letter],
        }
        for (segment, feature), text in series.items()
        for at, letter in enumerate(text)
        if letter != " "
    ]  # fmt: skip


KEYS = [("*", "x"), ("*", "y"), ("s=A", "x")]


@settings(deadline=None)
@given(st.integers(1, 5), st.dictionaries(st.sampled_from(KEYS), st.text("d-? ", max_size=14)))
@example(1, {KEYS[0]: "dd", KEYS[1]: "d-d", KEYS[2]: "d?d"})
@example(2, {KEYS[0]: "dd", KEYS[1]: "ddd", KEYS[2]: "d d"})
@example(3, {KEYS[0]: "d?-?d", KEYS[1]: "d??d?", KEYS[2]: "?dddd-dddd"})
def test_the_query_of_the_page_finds_what_lasts(database, size, series):
    rows = rows_of(size, series)
    assert as_the_query_says(database, rows) == as_decided(rows)


def test_there_is_something_to_find(database):
    rows = rows_of(2, {KEYS[0]: "-d?d-", KEYS[1]: "-dd--"})
    assert as_the_query_says(database, rows) == [("*", "x", HOUR, 5 * HOUR, 2)]
