"""The baseline's keys: its season and what is left out of its reference."""

from __future__ import annotations

import pytest

from driftline.config import ConfigError, parse_config

CONFIG = """\
model: shop
event_time: at
features: {x: numeric}
source: {files: {pattern: ref.parquet}}
baseline: {path: b.avro, %s}
"""
DAY = 86_400_000_000


def read(keys):
    return parse_config(CONFIG % keys).baseline


def test_what_is_left_out_is_in_microseconds():
    first, second = "from: 1970-01-02, to: 1970-01-02T06:00", "from: '1970-01-03T01:00+01:00', to: 1970-01-04"
    found = read(f"exclude: [{{{first}}}, {{{second}, reason: gone}}]")
    assert found.excluded == ((DAY, DAY + DAY // 4), (2 * DAY, 3 * DAY))
    assert [each.reason for each in found.exclude] == [None, "gone"]


def test_seasons_are_words():
    assert read("season: week").season == "week"
    assert parse_config(CONFIG.replace(", %s", "")).baseline.season == "auto"


@pytest.mark.parametrize(
    ("keys", "where", "message", "remedy"),
    [
        ("season: month", "baseline.season", "is not one of auto, none, day, week", "write one of"),
        ("season: dya", "baseline.season", "is not one of", "did you mean `day`?"),
        ("exclude: [{from: 1970-01-02, to: 1970-01-01}]", "baseline.exclude[0].to", "ends before", "`from`"),
        ("exclude: [{from: 1970-01-02, to: 1970-01-02}]", "baseline.exclude[0].to", "ends before", "`from`"),
        ("exclude: [{from: soon, to: 1970-01-02}]", "baseline.exclude[0].from", "is not a time", "write for"),
        ("exclude: [{from: '1970-02-30', to: 1971-01-02}]", "baseline.exclude[0].from", "exists", "write"),
        ("exclude: [{from: 17, to: 1971-01-02}]", "baseline.exclude[0].from", "is a number", "2026-01-31"),
        ("exclude: [{from: 1971-01-02}]", "baseline.exclude[0].to", "is missing", ""),
    ],
)  # fmt: skip
def test_every_mistake_is_named(keys, where, message, remedy):
    with pytest.raises(ConfigError) as caught:
        read(keys)
    [problem] = caught.value.problems
    assert problem.where == where
    assert message in problem.message
    assert remedy in problem.remedy
