"""Trends of a whole job: since when and how far, the budget, and why there are none."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.file import encode_baseline, read_records
from driftline.tables.trends import TREND
from tests.pipelines.conftest import DAY, FIRST, Desk, log


@pytest.fixture(scope="module")
def quarter(tmp_path_factory):
    """40 days of reference, 20 days of which the last ten are .12 sd higher: 300 rows a day."""
    desk = Desk(tmp_path_factory.mktemp("quarter"))
    desk.write(log(1, 12_000, days=40), "ref.parquet")
    before = log(2, 3_000, days=10, first=FIRST + 40 * DAY)
    after = log(3, 3_000, days=10, first=FIRST + 50 * DAY, shift=0.12)
    desk.write(pa.concat_tables([before, after]))
    return desk


@pytest.fixture(scope="module")
def trends(quarter):
    from driftline.pipelines.cli import main

    config = quarter.config(tests="{min_n: 30, false_alarms: 1 per week}")
    assert main(["baseline", config]) == 0
    assert main(["backtest", config, "--input", str(quarter.folder / "live.parquet")]) == 0
    rows = pq.read_table(quarter.folder / "out" / "trends.parquet")
    assert rows.schema.equals(TREND.arrow)
    return rows.to_pylist()


def day(time):
    return int(time.timestamp() * 1e6 - FIRST) / DAY


def test_a_shift_that_no_day_shows_is_told(trends, quarter):
    found = [row for row in trends if (row["segment"], row["feature"]) == ("*", "x")]
    assert [day(row["window_start"]) for row in sorted(found, key=lambda row: row["window_start"])] == [
        *range(40, 60)
    ]
    alarms = [row for row in found if row["alarm"]]
    first = min(alarms, key=lambda row: row["window_end"])
    assert 51 < day(first["alarm_since"]) <= 58
    last = max(alarms, key=lambda row: row["window_end"])
    assert abs(day(last["since"]) - 50) <= 3
    assert last["change"].startswith("shift +0.")
    assert 0.05 < float(last["change"].split()[1]) < 0.2
    assert {row["feature"] for row in trends if row["alarm"] and row["segment"] == "*"} == {"x"}
    daily = quarter.results().to_pylist()
    alone = [row for row in daily if row["feature"] == "x" and (row["p_adjusted"] or 1) < 0.01]
    assert len(alone) < 5


def test_the_budget_is_shared_by_all_that_is_followed(trends):
    followed = {(row["segment"], row["feature"]) for row in trends}
    assert [row["limit"] for row in trends] == pytest.approx([1 / 7 / len(followed)] * len(trends))


def test_a_baseline_that_does_not_say_how_windows_follow_is_refitted(quarter, trends, driftline):
    path = quarter.folder / "baseline.avro"
    new = path.read_bytes()
    before, records = decode_baseline(new, "b"), read_records(new)
    for record in records:
        record["null"] = record["null"] and record["null"].replace(b'"run_', b'"old_')
    known = {name: getattr(before, name) for name in ("model", "size", "every", "segment_columns", "windows")}
    path.write_bytes(encode_baseline(records, before.layout, **known, created_at=0, min_n=before.min_n))
    ran = driftline("backtest", quarter.folder / "drift.yaml", "--input", quarter.folder / "live.parquet")
    assert ran.code == 0
    assert "no trends are followed" in ran.out + ran.err
    assert "--refit" in ran.out + ran.err
    assert pq.read_table(quarter.folder / "out" / "trends.parquet").num_rows == 0
    assert driftline("baseline", quarter.folder / "drift.yaml", "--refit").code == 0
    again = decode_baseline(path.read_bytes(), "b")
    assert all(
        again.entries[key].null.to_bytes() == entry.null.to_bytes() for key, entry in before.entries.items()
    )


def test_few_reference_windows_tell_nothing(desk, driftline):
    desk.write(log(1, 1_800, days=6), "ref.parquet")
    desk.write(log(2, 900, days=3, first=FIRST + 6 * DAY))
    config = desk.config()
    assert driftline("baseline", config).code == 0
    ran = driftline("backtest", config, "--input", desk.folder / "live.parquet")
    assert ran.code == 0
    assert "trends" not in ran.out + ran.err
    assert pq.read_table(desk.folder / "out" / "trends.parquet").num_rows == 0


@pytest.mark.parametrize("budget", ["1 a week", "0 per day", "7"])
def test_what_is_no_budget_is_refused(desk, driftline, budget):
    ran = driftline("validate", desk.config(tests=f"{{false_alarms: {budget}}}"))
    assert ran.code == 2
    assert "tests.false_alarms" in ran.err
    assert "1 per quarter" in ran.err
