"""Event times in formats of one's own, and what is guessed of a column that is not read."""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.config.event_time import EventTime
from driftline.config.time_format import check_format
from driftline.decoding.event_schema import EventSchema, column_problems
from driftline.decoding.event_times import event_times
from driftline.decoding.formatted_times import formatted_times
from driftline.decoding.guessed_times import guess_times
from driftline.decoding.normalise import normalise
from driftline.decoding.time_advice import implausible_unit

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def micros(moment):
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


FORMATS = [
    "%d.%m.%Y %H:%M:%S.%f",
    "%m/%d/%Y %I:%M:%S %p",
    "%a, %d %b %Y %H:%M:%S %z",
    "%A %d %B %Y %H:%M",
    "%Y-%j %H",
    "%Y%m%d%H%M%S",
    "%d-%b-%y",
    "%FT%T%z",
    "%b %d, %Y %I%p",
    "%Y年%m月%d日",
    "100%% %Y-%m-%d [%H]",
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2067, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_format_is_read_as_strptime_reads_it(form, moment, offset):
    moment = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=offset)))
    text = moment.strftime(form)
    expected = dt.datetime.strptime(text, form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S"))
    expected = expected.replace(tzinfo=expected.tzinfo or dt.timezone.utc)
    times, valid = formatted_times(pa.array([text, None, text + "x", ""]), form)
    assert times.tolist() == [micros(expected), 0, 0, 0]
    assert valid.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y", "30.02.2024"),
        ("%d.%m.%Y", "29.02.2023"),
        ("%m/%d/%Y", "13/01/2024"),
        ("%Y-%j", "2023-366"),
        ("%H:%M %Y", "24:00 2024"),
        ("%I:%M %p %Y", "13:00 PM 2024"),
        ("%d %b %Y", "1 Foo 2024"),
        ("%Y", "0000"),
    ],
)
def test_a_time_that_does_not_exist_is_none(form, text):
    assert not formatted_times(pa.array([text]), form)[1].any()


def test_whole_numbers_and_bytes_have_formats_too():
    wanted = micros(dt.datetime(2018, 1, 31, tzinfo=dt.timezone.utc))
    for column in (
        pa.array([20180131, None]),
        pa.array([20180131.0, None]),
        pa.array([b"20180131", b"\xff"], pa.binary()),
        pa.array(["20180131", "2018"], pa.string_view()),
        pa.array(["20180131", "x"]).dictionary_encode(),
    ):
        assert event_times(column, None, "%Y%m%d")[0].tolist() == [wanted, 0], column.type
    days = pa.array([dt.date(2018, 1, 31)])
    assert event_times(days, None, "%d.%m.%Y")[0].tolist() == [wanted]  # what is a time needs no format


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%d.%m", "no year"),
        ("%Q", "%Q"),
        ("%s", "unit: s"),
        ("%I:%M %Y", "%p"),
        ("%Y %Y", "once"),
        ("%Y %d", "month"),
    ],
)
def test_a_format_that_cannot_work_is_refused_with_the_remedy(form, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        check_format(form)


FORMS = {
    "dayfirst": "%d/%m/%Y %H:%M",
    "monthfirst": "%m/%d/%Y %I:%M %p",
    "rfc 2822": "%a, %d %b %Y %H:%M:%S -0500",
    "ctime": "%a %b %d %H:%M:%S %Y",
    "apache": "%d/%b/%Y:%H:%M:%S +0100",
    "dotted": "%d.%m.%Y",
    "oracle": "%d-%b-%y",
    "words": "%B %d, %Y %H:%M",
    "fraction": "%d.%m.%Y %H:%M:%S.%f",
    "months": "%m/%Y",
    "digits": "%Y%m%d%H%M%S",
    "space": "%Y-%m-%dT%H:%M:%S -02:00",
    "slashes": "%Y/%m/%d %H:%M:%S",
    "comma": "%Y-%m-%d %H:%M:%S,123",
    "basic": "%Y%m%d",
    "utc": "%Y-%m-%d %H:%M:%S UTC",
    "postgres": "%Y-%m-%d %H:%M:%S+00",
    "go": "%Y-%m-%dT%H:%M:%S.123456789Z",
    "java": "%Y-%m-%dT%H:%M:%S+01:00[Europe/Paris]",
}


def moments(hours=5):
    start = dt.datetime(2024, 1, 1, 13, 5)
    return [start + dt.timedelta(hours=hours * row) for row in range(60)]


def advised(detail):
    """Take the line of the configuration out of a message."""
    written = re.search(r"write (event_time: \{[^}]*\})", detail)
    assert written, detail
    return EventTime.model_validate(yaml.safe_load(written[1])["event_time"])


@pytest.mark.parametrize("name", FORMS)
def test_advice_cures_the_case_it_is_printed_for(name):
    offset = {"rfc 2822": -5, "apache": 1, "space": -2, "java": 1}.get(name, 0)
    texts = [moment.strftime(FORMS[name]) for moment in moments()]
    fraction = {"comma": 123_000, "go": 123_456}.get(name, 0)
    records = pa.table({"the time": texts})
    result = normalise(records, EventSchema("the time"))
    if result.rejects:
        assert len(result.rejects) == len(texts)
        time = advised(result.rejects[0].detail)
        schema = EventSchema(time.column, time.unit, time_format=time.format)
        result = normalise(records, schema)
    assert not result.rejects
    exact = {
        "dotted": "D",
        "oracle": "D",
        "basic": "D",
        "words": "m",
        "dayfirst": "m",
        "monthfirst": "m",
        "months": "M",
    }.get(name, "s")
    wanted = (
        np.array(moments(), f"M8[{exact}]").astype("M8[us]").astype(np.int64)
        - offset * 3_600_000_000
        + fraction
    )
    assert result.events.column("time").to_pylist() == wanted.tolist()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("wrong", ["s", "ms", "us", "ns", None])
@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_a_wrong_unit_is_told_and_the_right_one_named(unit, wrong, kind):
    factor = {"s": 1e6, "ms": 1e3, "us": 1, "ns": 1e-3}[unit]
    raw = pa.array([int(micros(m.replace(tzinfo=dt.timezone.utc)) / factor) for m in moments()]).cast(kind)
    result = normalise(pa.table({"at": raw}), EventSchema("at", wrong))
    if result.rejects:
        said = result.rejects[0].detail
    else:
        said = implausible_unit(result.events.column("time").to_numpy(), wrong, "event_time", "at")
    if unit == wrong:
        assert said is None
    else:
        assert advised(said).unit == unit


def test_a_column_of_numbers_without_a_unit_is_refused_with_the_unit_of_its_values():
    column = pa.array([1_700_000_000_000])
    ((key, said),) = column_problems([("at", pa.int64())], EventSchema("at"), times=[column])
    assert key == "event_time"
    assert advised(said).unit == "ms"


def test_what_can_be_another_unit_is_doubted_and_nothing_else():
    day = 86_400_000_000
    elapsed = np.arange(100) * 1_000_000  # seconds from the start of a recording
    assert implausible_unit(elapsed, "s", "event_time", "at") is None
    assert implausible_unit(np.array([5_000 * day]), "s", "event_time", "at") is None  # 1983
    years = np.full(9, 2_018_000_000)  # 2018, read as seconds
    assert 'format: "%Y"' in implausible_unit(years, "s", "event_time", "at")


def test_one_bad_row_in_ten_does_not_change_what_is_advised_for_the_others():
    texts = [moment.strftime("%Y-%m-%d") for moment in moments()] + ["31/12/2024"]
    (reject,) = normalise(pa.table({"at": texts}), EventSchema("at")).rejects
    assert "write" not in reject.detail


@pytest.mark.parametrize(
    "values", [["soon", "later"], [None], [], [True], [[1]], ["1e99"], [1e300, float("nan")], [7]]
)
def test_nothing_is_guessed_of_what_is_no_time(values):
    assert guess_times(pa.array(values)) is None


def test_day_or_month_first_is_told_by_which_rows_lie_closer():
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        days = [dt.date(2024, 3, 1) + dt.timedelta(days=day) for day in range(9)]
        guess = guess_times(pa.array([day.strftime(form) for day in days]))
        assert guess.setting == f'format: "{form}"'
        assert guess.other is not None
