"""Baseline format 3 stays readable: it knows no rhythm and no calendar, and coverage is by time as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.file import encode_baseline, read_records
from driftline.profiles.coverage import Coverage
from driftline.profiles.rhythm import Rhythm
from driftline.windows.calendar import IN_UTC, Calendar

DATA = (Path(__file__).parent / "data" / "baseline_v3.avro").read_bytes()
MINUTE = 60_000_000
UNIT = 15 * MINUTE // 4


@pytest.fixture(scope="module")
def known():
    return decode_baseline(DATA, "baseline_v3.avro")


def rewritten(known, **more):
    heads = {name: getattr(known, name) for name in ("model", "size", "every", "segment_columns", "windows")}
    return encode_baseline(
        read_records(DATA), known.layout, **heads, created_at=known.created_at, min_n=known.min_n, **more
    )


def test_it_says_what_it_said(known):
    assert (known.version, known.windows, known.min_n) == ("2898f96d0f879707", 21, 20)
    assert known.rhythm is None
    assert known.calendar == IN_UTC


def test_its_coverage_is_the_share_of_time(known):
    quarters = Coverage.of(np.array([0, 8]) * UNIT, UNIT)
    assert known.coverage(quarters, 0, 8 * UNIT) == 1 / 8


def test_written_anew_without_a_rhythm_it_has_the_same_version(known):
    assert decode_baseline(rewritten(known), "b").version == known.version


def test_rhythm_and_calendar_are_kept_and_make_another_version(known):
    rhythm = Rhythm(UNIT, np.array([9, 0, 0, 0]), np.array([9, 9, 9, 9]))
    calendar = Calendar("week", "Europe/Berlin")
    again = decode_baseline(rewritten(known, rhythm=rhythm, calendar=calendar), "b")
    assert again.calendar == calendar
    assert again.rhythm.held.tolist() == [9, 0, 0, 0]
    assert again.coverage(Coverage.of(np.array([0]), UNIT), 0, 8 * UNIT) == 0.5
    one, other = (
        decode_baseline(rewritten(known, **more), "b").version
        for more in ({"rhythm": rhythm}, {"calendar": calendar})
    )
    assert len({known.version, again.version, one, other}) == 4


def test_a_rhythm_of_other_units_is_not_used(known):
    rhythm = Rhythm(2 * UNIT, np.array([9, 0]), np.array([9, 9]))
    again = decode_baseline(rewritten(known, rhythm=rhythm), "b")
    assert again.coverage(Coverage.of(np.array([0]), UNIT), 0, 8 * UNIT) == 1 / 8


def test_the_head_is_plain_json_where_windows_follow_the_epoch(known):
    head = DATA[DATA.index(b'{"format_version"') :][:400]
    assert orjson.loads(head[: head.index(b',"layout"')] + b"}")["format_version"] == 3
    assert b'"calendar"' not in rewritten(known)
