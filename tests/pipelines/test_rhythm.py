"""Logs of dates, nightly batches and workdays from the command line; and local days, weeks and months."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from driftline.pipelines.cli import main

MONDAY = datetime(2026, 1, 5, tzinfo=timezone.utc)
CONFIG = """
model: shop
event_time: at
features: {{x: numeric}}
windows: {windows}
source: {{files: {{pattern: {folder}/ref.parquet}}}}
baseline: {{path: {folder}/baseline.avro}}
tests: {{min_n: 50}}
{more}
"""


def days(count, *, workdays=False):
    found = [MONDAY + timedelta(days=day) for day in range(count)]
    return [day for day in found if not workdays or day.weekday() < 5]


def log(moments, rows=120, seed=0):
    """So many rows at each moment, as text."""
    texts = np.repeat([str(moment) for moment in moments], rows)
    return pa.table({"at": texts, "x": np.random.default_rng(seed).normal(size=len(texts))})


def judge(folder, capsys, table, *, windows="{size: 1d, every: 1d}", more=""):
    """Build a baseline of a log and judge the log by it; give what was printed, and rows."""
    pq.write_table(table, folder / "ref.parquet")
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(windows=windows, folder=folder, more=more))
    assert main(["baseline", str(config)]) == 0
    said = capsys.readouterr()
    assert main(["backtest", str(config), "--output", str(folder / "out")]) == 0
    capsys.readouterr()
    rows = pq.read_table(folder / "out" / "results.parquet").sort_by("window_start")
    return said.out + said.err, rows


def baseline(folder):
    return decode_baseline((folder / "baseline.avro").read_bytes(), "baseline.avro")


def test_a_day_is_whole_with_its_date(tmp_path, capsys):
    moments = [day.date() for day in days(49, workdays=True)]
    said, rows = judge(tmp_path, capsys, log(moments))
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert set(rows["coverage"].to_pylist()) == {1.0}
    assert rows.num_rows == len(moments)
    assert baseline(tmp_path).windows == len(moments)
    assert "reference windows, fewer" not in said


@pytest.mark.parametrize(
    ("windows", "zone", "count", "begins"),
    [
        ("{size: 1d, every: 1d}", "America/New_York", 60, lambda at: at.hour == 0),
        ("{size: 1w, every: 1w}", "Europe/Berlin", 91, lambda at: at.hour == 0 and at.weekday() == 0),
        ("{size: 1mo, every: 1mo}", "Europe/Berlin", 140, lambda at: at.hour == 0 and at.day == 1),
    ],
    ids=["days", "weeks", "months"],
)
def test_windows_begin_at_local_midnight(tmp_path, capsys, windows, zone, count, begins):
    _, rows = judge(
        tmp_path, capsys, log([day.date() for day in days(count)]), windows=windows, more=f"timezone: {zone}"
    )
    bounds = [rows[name].to_pylist() for name in ("window_start", "window_end")]
    assert all(begins(at.astimezone(ZoneInfo(zone))) for at in (*bounds[0], *bounds[1]))
    dates = {day.date() for day in days(count)}
    for start, end, n in zip(*bounds, rows["n"].to_pylist(), strict=True):
        first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (start, end))
        assert n == 120 * len([day for day in dates if first <= day < last])
