"""Trends of the performance in a whole job: an error rate that rises by less than any day shows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from driftline.config.budgets import AlarmBudget
from driftline.performance.performance_measure import PART
from driftline.tables.trends import OF_PERFORMANCE
from tests.pipelines.conftest import DAY, FIRST, Desk, log

HOUR = DAY // 24
LIVE, RISE = FIRST + 60 * DAY, FIRST + 75 * DAY
SMALL = {
    "segments": None,
    "features": "{x: numeric}",
    "windows": "{size: 1d, every: 12h}",
    "tests": "{min_n: 30, false_alarms: 1 per month}",
}


def labelled(seed, rows, *, days, first=FIRST):
    """Events whose scores are on the wrong side for 8 % of labels, and for 12 % from `RISE` on."""
    table, rng = log(seed, rows, days=days, first=first), np.random.default_rng(seed)
    wrong = rng.random(rows) < np.where(table["at"].to_numpy() >= RISE, 0.12, 0.08)
    y = ((table["score"].to_numpy() >= 0.5) != wrong).astype(int)
    ids = pa.array([f"{seed}-{row}" for row in range(rows)])
    return table.append_column("y", pa.array(y)).set_column(0, "id", ids)


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    """60 days of reference, 30 of which the last 15 have more errors: 200 rows a day, labels within."""
    from driftline.pipelines.cli import main

    desk = Desk(tmp_path_factory.mktemp("months"))
    desk.write(labelled(1, 12_000, days=60), "ref.parquet")
    desk.write(labelled(2, 6_000, days=30, first=LIVE))
    config = desk.config(**SMALL, labels="{column: y}")
    assert main(["baseline", config]) == 0
    assert main(["backtest", config, "--input", str(desk.folder / "live.parquet")]) == 0
    return desk


def table(desk, name, out="out"):
    return pq.read_table(desk.folder / out / f"{name}.parquet").to_pylist()


def day(time):
    return (time.timestamp() * 1e6 - FIRST) / DAY


def of_all(desk, out="out"):
    rows = [row for row in table(desk, "trends", out) if row["feature"] == OF_PERFORMANCE]
    return sorted(rows, key=lambda row: row["window_start"])


def test_more_errors_than_any_day_shows_are_told(months):
    rows = of_all(months)
    assert [day(row["window_start"]) for row in rows] == [*range(60, 90)]
    alarms = [row for row in rows if row["alarm"]]
    assert 76 < day(alarms[0]["alarm_since"]) <= 85
    assert abs(day(alarms[-1]["since"]) - 75) <= 2
    assert alarms[-1]["statistic"] == "loss"
    words, before, _, _, after, _ = alarms[-1]["change"].split()
    assert words == "errors"
    assert float(before) == pytest.approx(8, abs=0.5)
    assert float(after) == pytest.approx(12, abs=1.2)
    full = [row for row in table(months, "performance") if row["n"] > 150]
    assert sum(row["p_value"] < 0.001 for row in full) <= 2


def test_the_budget_is_shared_with_the_features(months):
    rows = table(months, "trends")
    assert {(row["segment"], row["feature"]) for row in rows} == {
        ("*", name) for name in ("x", "prediction", OF_PERFORMANCE)
    }
    month = AlarmBudget(1.0, "month").in_time(DAY)
    assert [row["limit"] for row in rows] == pytest.approx([month / 3] * len(rows))


def test_the_report_lists_it(months, driftline):
    assert driftline("report", months.folder / "out").code == 0
    page = (months.folder / "out" / "report.html").read_text()
    assert f"{OF_PERFORMANCE}</td>" in page
    assert "errors 8" in page.split('id="trends"')[1]


def test_labels_of_their_own_give_the_same_rows(months):
    """They come hours after the events; a tenth never."""
    from driftline.pipelines.cli import main

    for name in ("ref", "live"):
        events = pq.read_table(months.folder / f"{name}.parquet")
        rng = np.random.default_rng(len(name))
        known = events["at"].to_numpy() + rng.integers(-HOUR, 30 * HOUR, events.num_rows)
        labels = pa.table({"id": events["id"], "y": events["y"], "known": known})
        kept = labels.filter(pa.array(rng.random(events.num_rows) < 0.95))
        months.write(kept, f"labels_{name}.parquet")
        months.write(events.drop_columns("y"), f"bare_{name}.parquet")
    section = (
        f"{{column: y, wait: 36h, time: {{column: known, unit: us}}, "
        f"source: {{files: {{pattern: {months.folder}/labels_*.parquet}}}}}}"
    )
    config = months.config(
        name="own.yaml",
        labels=section,
        **SMALL,
        baseline=f"{{path: {months.folder}/own.avro}}",
        sinks=f"[files: {{path: {months.folder}/own}}]",
    )
    assert main(["baseline", config, "--input", str(months.folder / "bare_ref.parquet")]) == 0
    assert main(["backtest", config, "--input", str(months.folder / "bare_live.parquet")]) == 0
    rows = of_all(months, "own")
    assert [day(row["window_start"]) for row in rows] == [*range(60, 90)]
    alarms = [row for row in rows if row["alarm"]]
    assert 76 < day(alarms[0]["alarm_since"]) <= 86
    assert abs(day(alarms[-1]["since"]) - 75) <= 3


def test_a_baseline_of_an_earlier_release_does_not_follow_it(months, driftline):
    from driftline.baseline.file import encode_baseline, read_records

    data = (months.folder / "baseline.avro").read_bytes()
    known, records = decode_baseline(data, "b"), read_records(data)
    for record in records:
        if record["part"] == PART.name and record["null"]:
            null = known.entries[record["segment"], PART.name].null
            old = type(null)(null.table, null.classes, null.bias).to_bytes()
            record["null"] = old[:3] + b"\x02" + old[4:]
    heads = {name: getattr(known, name) for name in ("model", "size", "every", "segment_columns", "windows")}
    path = months.folder / "old.avro"
    path.write_bytes(encode_baseline(records, known.layout, **heads, created_at=0, min_n=known.min_n))
    config = months.config(
        name="old.yaml",
        labels="{column: y}",
        **SMALL,
        baseline=f"{{path: {path}}}",
        sinks=f"[files: {{path: {months.folder}/old}}]",
    )
    ran = driftline("backtest", config, "--input", months.folder / "live.parquet")
    assert ran.code == 0
    assert "the performance is not followed" in ran.out + ran.err
    assert OF_PERFORMANCE not in {row["feature"] for row in table(months, "trends", "old")}
