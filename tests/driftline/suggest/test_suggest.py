"""What is made of columns and times: roles, windows, and text that reads back as it was meant."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftline.config import parse_config
from driftline.decoding.guessed_times import guess_times
from driftline.suggest.facts import facts_of
from driftline.suggest.rhythm import rhythm_of
from driftline.suggest.roles import roles_of
from driftline.suggest.time_column import TimeColumn, time_columns
from driftline.suggest.written import Suggestion, quoted

HOUR = 3_600_000_000
DAY = 24 * HOUR
FIRST = 19_723 * DAY  # 2024


def table(rows=2_000, seed=0):
    rng = np.random.default_rng(seed)
    times = FIRST + np.sort(rng.integers(0, 90 * DAY, rows))
    score = rng.random(rows)
    return {
        "row": np.arange(rows),
        "request_id": [f"r{i:x}" for i in range(rows)],
        "birth_date": ["1980-05-06"] * (rows - 1) + ["1979-01-01"],
        "created_at": times // 1_000_000,
        "year": [2024] * rows,
        "amount": rng.lognormal(3, 1, rows),
        "paid": rng.random(rows) < 0.5,
        "country": rng.choice(["DE", "FR", "IT"], rows, p=[0.4, 0.4, 0.2]),
        "plan": rng.choice(list("abcdefghijklmnop"), rows),
        "comment": [f"words and more words that nobody reads twice, no. {i}" for i in range(rows)],
        "token": [f"{rng.integers(1 << 60):x}" for _ in range(rows)],
        "constant": ["x"] * rows,
        "empty": pa.nulls(rows, pa.string()),
        "nested": pa.array([[1]] * rows),
        "score": score,
        "churned": np.where(rng.random(rows) < score, "yes", "no"),
        "  blank": rng.random(rows),
    }


def suggested(columns, rows=2_000):
    columns = {name: pa.array(values) for name, values in columns.items()}
    facts = {name: facts_of(name, values) for name, values in columns.items()}
    time, *others = time_columns(facts, columns)
    return time, roles_of(facts, time.name, [other.name for other in others], rows)


def test_every_column_has_its_role():
    time, roles = suggested(table())
    assert (time.name, time.guess.setting) == ("created_at", "unit: s")
    assert (roles.request_id, roles.prediction, roles.label) == ("request_id", "score", "churned")
    assert (roles.loss, roles.classes) == ("zero_one", ("no", "yes"))
    assert roles.segments == ["country"]
    assert roles.features == {"amount": "numeric", "paid": "categorical", "plan": "categorical"}
    reasons = {
        "row": "counts up",
        "birth_date": "a time",
        "year": "a part of the event time",
        "comment": "free text",
        "token": "near-unique",
        "constant": "one value only",
        "empty": "no value",
        "nested": "nested",
        "  blank": "blank",
    }
    assert set(roles.left_out) == set(reasons)
    for name, reason in reasons.items():
        assert reason in roles.left_out[name], name


def test_a_label_without_a_prediction_is_a_feature_with_a_note():
    columns = table()
    del columns["score"]
    _, roles = suggested(columns)
    assert roles.label is None
    assert roles.features["churned"] == "categorical"
    assert "looks like a label" in roles.notes["churned"]


def test_segments_are_such_that_their_windows_are_large():
    assert suggested(table(), rows=300)[1].segments == []


@pytest.mark.parametrize(
    ("a_day", "days", "size", "min_n"),
    [
        (2_000, 120, DAY, None),
        (100, 730, 7 * DAY, None),
        (50_000, 3, 0, None),  # parts of a day
        (1, 720, 0, 3),
    ],
)
def test_windows_follow_the_rhythm(a_day, days, size, min_n):
    times = FIRST + np.arange(a_day * days) * DAY // a_day
    found = rhythm_of(times)
    assert found.windows >= 10
    assert times[0] <= found.split <= times[-1] < found.end
    assert found.min_n is None if min_n is None else found.min_n >= min_n
    if size:
        assert found.length == size
        assert found.windows >= 30


def test_one_time_or_a_wild_one_is_no_trouble():
    assert rhythm_of(np.full(10, FIRST)) is None
    good = FIRST + np.arange(3_000) * HOUR
    wild = np.append(good, [-60_000_000 * HOUR // 60, 200_000_000_000_000_000])
    assert rhythm_of(wild) == rhythm_of(good)


def days_of(first, last, step):
    """Begins of days, months or years."""
    return np.arange(first, last, dtype=f"datetime64[{step}]").astype("datetime64[us]").astype(np.int64)


@pytest.mark.parametrize(
    ("times", "size", "rows"),
    [
        (np.repeat(days_of("2024-01-01", "2024-05-01", "D"), 300), "1d", 300),  # dates only
        (np.repeat(days_of("2000-01", "2010-01", "M"), 250), "1mo", 250),
        (np.repeat(days_of("1950", "2020", "Y"), 250), "12mo", 250),
        (days_of("1700", "2009", "Y"), "60mo", 5),
        (days_of("2012-01-01", "2016-01-01", "D"), "1mo", 30),
        (days_of("2024-01-01", "2024-05-01", "D").repeat(300) + np.tile(np.arange(300), 121), "1d", 300),
    ],
    ids=["dates", "months", "years", "years_of_one_row", "a_row_a_day", "a_batch_a_night"],
)
def test_windows_are_of_the_calendar_and_never_shorter_than_its_steps(times, size, rows):
    found = rhythm_of(times)
    assert (found.size, found.rows) == (size, rows)
    assert found.windows >= 30
    assert found.few is None


def test_weekends_with_few_rows_do_not_make_windows_of_two_days():
    days = days_of("2024-01-01", "2024-09-01", "D")
    workdays = days[(days // DAY + 3) % 7 < 5]
    found = rhythm_of((workdays[:, None] + np.arange(160) * HOUR // 20).ravel())
    assert (found.size, found.min_n) == ("1d", 80)


def test_a_table_of_which_no_window_can_be_judged_says_so():
    assert rhythm_of(days_of("1950", "1970", "Y")).few is not None
    assert rhythm_of(days_of("2024-01-01", "2024-01-04", "D")).few is not None


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool))
def test_any_name_reads_back(name):
    text = (
        f"model: m\nevent_time: at\nfeatures: {{? {quoted(name)} : numeric}}\n"
        f"source: {{files: {{pattern: a.parquet}}}}\nbaseline: {{path: {quoted(name)}}}\n"
    )
    config = parse_config(text, environ={})
    assert config.baseline.path == name
    if "${" not in name:
        assert list(yaml.safe_load(text)["features"]) == [name]


def test_the_text_is_a_configuration_that_means_what_was_found():
    columns = table()
    time, roles = suggested(columns)
    rhythm = rhythm_of(np.asarray(columns["created_at"]) * 1_000_000)
    text = Suggestion("shop", "data/*.parquet", (2_000, 2_000), time, (), roles, rhythm).text()
    config = parse_config(text)
    assert config.event_time.unit == "s"
    assert {spec.name: spec.kind for spec in config.feature_specs} == {
        **roles.features,
        "prediction": "numeric",
    }
    assert config.labels.classes == ("no", "yes")
    assert config.windows.size == rhythm.length
    ((begin, end),) = config.baseline.excluded
    assert begin == rhythm.split
    assert end >= rhythm.end > np.max(columns["created_at"]) * 1_000_000
    for name in roles.left_out:
        assert f'"{name}":' in text


def test_many_features_are_auto_with_what_is_left_out():
    rng = np.random.default_rng(1)
    columns = {**table(), **{f"f{i}": rng.normal(size=2_000) for i in range(70)}}
    time, roles = suggested(columns)
    rhythm = rhythm_of(np.asarray(columns["created_at"]) * 1_000_000)
    config = parse_config(Suggestion("shop", "a.parquet", (1, 1), time, (), roles, rhythm).text())
    assert config.auto_features
    assert {"token", "comment", "year"} <= set(config.exclude)


def test_day_first_is_said_to_be_a_choice():
    days = [(dt.date(2024, 3, 1) + dt.timedelta(days=day)).strftime("%d/%m/%Y") for day in range(9)]
    time = TimeColumn("at", guess_times(pa.array(days)), 1.0)
    roles = suggested(table())[1]
    rhythm = rhythm_of(FIRST + np.arange(9) * DAY)
    text = Suggestion("m", "a.parquet", (9, 9), time, (), roles, rhythm).text()
    assert '# or format: "%m/%d/%Y"' in text
    assert parse_config(text).event_time.format == "%d/%m/%Y"


@pytest.mark.parametrize(
    ("name", "values"),
    [("YEAR", list(range(1700, 2009))), ("year", [float(year) for year in range(1850, 1900)])],
)
def test_years_of_any_century_are_times_where_the_name_says_so(name, values):
    columns = {name: pa.array(values), "spots": pa.array(np.arange(len(values)) % 7)}
    facts = {each: facts_of(each, column) for each, column in columns.items()}
    (found,) = time_columns(facts, columns)
    assert (found.name, found.guess.setting) == (name, 'format: "%Y"')
    columns["amount"] = columns.pop(name)
    assert not time_columns({each: facts_of(each, column) for each, column in columns.items()}, columns)


def test_an_amount_that_grows_is_no_id():
    grows = np.cumsum(np.arange(1, 200) % 5 + 1)
    assert facts_of("population", pa.array(grows + 0.5)).unfit() is None
    assert facts_of("population", pa.array(grows)).unfit() is None
    assert "an id" in facts_of("n", pa.array(np.arange(5, 500, 5))).unfit()
    assert "an id" in facts_of("n", pa.array(np.cumsum(np.arange(3_000) % 5 + 1))).unfit()


def test_an_id_that_ends_in_str_is_one_and_comes_before_a_counter():
    count = 300
    columns = {
        "rownames": pa.array(range(count)),
        "id_str": pa.array(np.random.default_rng(1).permutation(count) + 10**15),
        "user_id_str": pa.array(np.arange(count) % 150),
        "x": pa.array(np.arange(count) % 7),
    }
    facts = {name: facts_of(name, column) for name, column in columns.items()}
    roles = roles_of(facts, "at", [], 100)
    assert roles.request_id == "id_str"
    assert {"rownames", "user_id_str"} <= set(roles.left_out)
    assert list(roles.features) == ["x"]
