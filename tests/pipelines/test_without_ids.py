"""A configuration names a request id, and the data at hand have none: it is asked for where it is used."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.pipelines.conftest import DAY, FIRST, Desk, log

CONFIG = """\
model: shop
event_time: {column: at, unit: us}
request_id: id
prediction: score
features: {x: numeric}
windows: {size: 1d, every: 1d}
source: {files: {pattern: %s}}
baseline: {path: %s}
tests: {min_n: 30}
sinks: [files: {path: out}]
"""


def rows(seed=0):
    found = log(seed, 400, days=4).select(["at", "x", "score"])
    return found.set_column(1, "x", pc.fill_null(found.column("x"), 0.0))


def write(table, path):
    if path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    elif path.suffix == ".jsonl":
        lines = [json.dumps({**row, "x": str(row["x"])}) for row in table.to_pylist()]
        path.write_text("\n".join(lines) + "\n")
    else:
        pa.parquet.write_table(table, path)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_a_log_without_ids_is_learnt_from_judged_and_valid(tmp_path, driftline, suffix):
    desk, path = Desk(tmp_path), tmp_path / f"ref.{suffix}"
    write(rows(), path)
    config = desk.config(CONFIG % (path, tmp_path / "b.avro"))
    for command in (
        ["baseline", config],
        ["validate", config],
        ["backtest", config, "--output", tmp_path / "o"],
    ):
        ran = driftline(*command)
        assert ran.code in {0, 3}, (command, ran.err)
        assert "request_id" not in ran.err
    assert not desk.rejects("o")


def test_labels_that_come_with_the_events_need_no_id(tmp_path, driftline):
    table = rows()
    table = table.append_column("y", pa.array([k % 2 for k in range(len(table))]))
    write(table, tmp_path / "ref.parquet")
    text = CONFIG % (tmp_path / "ref.parquet", tmp_path / "b.avro") + "labels: {column: y}\n"
    ran = driftline("baseline", Desk(tmp_path).config(text))
    assert ran.code == 0, ran.err


def test_labels_from_elsewhere_need_one(tmp_path, driftline):
    write(rows(), tmp_path / "ref.parquet")
    labels = pa.table({"id": ["a"], "y": [1], "known": [FIRST + DAY]})
    write(labels, tmp_path / "labels.parquet")
    source = f"{{files: {{pattern: {tmp_path}/labels.parquet}}}}"
    more = f"labels: {{column: y, source: {source}, time: {{column: known, unit: us}}, wait: 1d}}\n"
    text = CONFIG % (tmp_path / "ref.parquet", tmp_path / "b.avro") + more
    ran = driftline("baseline", Desk(tmp_path).config(text))
    assert ran.code == 2
    assert "request_id" in ran.err
    assert "has no column 'id'" in ran.err
