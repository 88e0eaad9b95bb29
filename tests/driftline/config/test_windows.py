"""Windows of days, weeks and months of a zone, as a configuration writes them."""

from __future__ import annotations

import pytest

from driftline.config import ConfigError, parse_config
from driftline.config.durations import format_duration
from driftline.windows.calendar import DAY, IN_UTC, MONTH, Calendar

CONFIG = """
model: m
event_time: at
features: {x: numeric}
windows: %s
source: {files: {pattern: "*.parquet"}}
baseline: {path: b.avro%s}
%s
"""


def config(windows, more="", exclude=""):
    return parse_config(CONFIG % (windows, exclude, more))


@pytest.mark.parametrize(
    ("windows", "zone", "calendar"),
    [
        ("{size: 30m, every: 15m}", "Europe/Berlin", IN_UTC),
        ("{size: 12h, every: 12h}", "Europe/Berlin", IN_UTC),
        ("{size: 1d, every: 6h}", "Europe/Berlin", Calendar("day", "Europe/Berlin")),
        ("{size: 7d, every: 1d}", "Europe/Berlin", Calendar("day", "Europe/Berlin")),
        ("{size: 7d, every: 1d}", "UTC", IN_UTC),
        ("{size: 1w, every: 1d}", "UTC", Calendar("week", "UTC")),
        ("{size: 14d, every: 1w}", "Asia/Kolkata", Calendar("week", "Asia/Kolkata")),
        ("{size: 3mo, every: 1mo}", "UTC", Calendar("month", "UTC")),
        ("{size: 12 mo, every: 3mo}", "America/New_York", Calendar("month", "America/New_York")),
    ],
)
def test_what_windows_follow(windows, zone, calendar):
    assert config(windows, f"timezone: {zone}").calendar == calendar
    if zone == "UTC":
        assert config(windows).calendar == calendar


def test_lengths_are_read_and_written():
    windows = config("{size: 6mo, every: 1mo}").windows
    assert (windows.size, windows.every) == (6 * MONTH, MONTH)
    assert [format_duration(length) for length in (windows.size, MONTH, 7 * DAY)] == ["6mo", "1mo", "7d"]
    assert config("{size: 2w, every: 1w}").windows.size == 14 * DAY


@pytest.mark.parametrize(
    ("windows", "more", "said"),
    [
        ("{size: 1mo, every: 1d}", "", "windows.size are not both in months"),
        ("{size: 30d, every: 1mo}", "", "windows.size are not both in months"),
        ("{size: 3mo, every: 2mo}", "", "does not divide windows.size"),
        ("{size: 0mo, every: 1mo}", "", "must be longer than 0"),
        ("{size: 1M, every: 1M}", "", "such as 90s, 30m, 6h, 7d, 1w or 1mo"),
        ("{size: 1201mo, every: 1mo}", "", "the longest duration is 36500d"),
        ("{size: 1d, every: 1d, allowed_lateness: 1mo}", "", "is not a duration"),
        ("{size: 1d, every: 1d}", "timezone: Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("{size: 1d, every: 1d}", "timezone: 2", "is not the name of a time zone"),
        ("{size: 1d, every: 1d}", "timezone: ../etc/passwd", "is not a time zone of the IANA database"),
    ],
)
def test_what_is_no_window_is_refused_with_a_remedy(windows, more, said):
    with pytest.raises(ConfigError) as caught:
        config(windows, more)
    assert said in str(caught.value)


def test_excluded_spans_are_on_the_line_of_the_windows():
    exclude = ", exclude: [{from: '2026-07-01T00:00+02:00', to: '2026-07-02T00:00+02:00'}]"
    ((begin, end),) = config("{size: 1d, every: 1d}", "timezone: Europe/Berlin", exclude).excluded
    assert (begin % DAY, end - begin) == (0, DAY)
    assert (
        config("{size: 1d, every: 1d}", "", exclude).excluded
        == config("{size: 1h, every: 1h}", "timezone: Europe/Berlin", exclude).excluded
    )
