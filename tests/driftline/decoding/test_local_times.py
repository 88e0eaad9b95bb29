"""Times that say no zone are those of the configured one; all others stay."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftline.decoding.event_schema import EventSchema
from driftline.decoding.event_times import event_times
from driftline.decoding.events import decode_events
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.local_times import in_zone
from driftline.windows.calendar import DAY, UTC, Calendar

HOUR = 3_600_000_000
ZONE = "America/New_York"


def shifts(column, unit=None, zone=ZONE):
    times, _, _ = event_times(column, unit)
    return ((in_zone(times, column, zone, numbers=unit is not None) - times) // HOUR).tolist()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026-01-05", 5),
        ("2026-07-05", 4),
        ("2026-01-05T10:30", 5),
        ("2026-01-05 10:30:01.25", 5),
        ("2026-01-05T10", 5),
        ("20260105T103000", 5),
        ("2026-01-05T10:30Z", 0),
        ("2026-01-05t10:30z", 0),
        ("2026-01-05T10-05", 0),
        ("2026-01-05 10:30:00.5+05:30", 0),
        ("2026-01-05 10:30+0530", 0),
        ("20260105T103000-05", 0),
    ],
)
def test_text_without_an_offset_is_local(text, hours):
    assert shifts(pa.array([text, None])) == [hours, 0]
    assert shifts(pa.array([text.encode()])) == [hours]
    assert shifts(pa.array([text]), zone=UTC) == [0]


def test_types_say_it_too():
    moments = [datetime(2026, 1, 5)]  # without a zone, on purpose
    assert shifts(pa.array(moments, pa.timestamp("ms"))) == [5]
    assert shifts(pa.array(moments, pa.timestamp("ms", "UTC"))) == [0]
    assert shifts(pa.array(moments, pa.timestamp("ms", "Asia/Kolkata"))) == [0]
    assert shifts(pa.array([date(2026, 1, 5)])) == [5]
    assert shifts(pa.array([1_767_571_200]), "s") == [0]
    assert shifts(pa.array(["1767571200", "2026-01-05"]), "s") == [0, 5]


@settings(deadline=None)
@given(st.datetimes(datetime(2012, 1, 2), datetime(2037, 12, 31)), st.sampled_from([ZONE, "Europe/Berlin"]))
def test_it_is_the_time_that_zoneinfo_says(local, zone):
    instant = local.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    assume(instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local)  # clocks do not skip it
    column = pa.array([local.isoformat()])
    times, _, _ = event_times(column, None)
    expected = (instant - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    assert in_zone(times, column, zone, numbers=False).tolist() == [expected]


def test_a_date_is_in_the_day_of_its_zone():
    schema = EventSchema("at", calendar=Calendar("day", ZONE), timezone=ZONE)
    result = decode_events(JsonDecoder(schema), [b'{"at": "2026-01-05"}', b'{"at": "2026-07-05"}'], schema)
    days = [time // DAY for time in result.events["time"].to_pylist()]
    assert days == [(day - date(1970, 1, 1)).days for day in (date(2026, 1, 5), date(2026, 7, 5))]
