"""The sink and the table of docs/extending.md, as they stand there, from outside the tree."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pyarrow.parquet as pq
import pytest

from driftline.config import ConfigError, parse_config
from driftline.pipelines.cli import main
from tests.extensions.toy_package import CLI, python
from tests.pipelines.conftest import DAY, FIRST, Desk, log

CONFIG = """
model: m
event_time: at
features: {x: numeric}
source: {files: {pattern: a.parquet}}
baseline: {path: b.avro}
"""
TABLE = """
import json, sys
import pyarrow as pa
from driftline.config import parse_config
from driftline.pipelines.configured_sinks import sinks_of
from driftline.tables import TABLES, rows_of, standing_rows, table_named, tables_of
from driftline.tables.rows_page import page, section
from driftline.tables.row_messages import row_values

CONFIG, ASKED = sys.argv[1], "measures: {order: {first: x, second: x}}"
kafka = "sinks: [kafka: {brokers: ['b:1'], results: r, order_shares: t}]"
table = table_named("order_shares")
row_id = table.row_id("m", "*", window_start=0, window_end=9)
row = {"row_id": row_id, "model": "m", "segment": "*", "window_start": 0, "window_end": 9, "share": 0.5}
row |= {"emitted_at": 5, "n": 7}
rows = [row, row | {"emitted_at": 6, "n": 3}, row | {"emitted_at": 4, "n": 7}, row | {"row_id": "z"}]
batch = pa.RecordBatch.from_pylist(rows, schema=table.schema.arrow)
read = rows_of([(b"k", value, None) for value in row_values(batch, table.schema, "avro")], table.schema)
(sink,) = sinks_of(parse_config(CONFIG + kafka))
print(json.dumps({
    "names": TABLES.names,
    "without": [each.name for each in tables_of(parse_config(CONFIG))],
    "with": [each.name for each in tables_of(parse_config(CONFIG + ASKED))],
    "topic": sink.write(table, streaming=True).topic,
    "no topic": sink.write(table_named("detections"), streaming=True),
    "row_id": row_id,
    "stands": standing_rows(read)["emitted_at"].cast("int64").to_pylist(),
    "section": section(table),
    "in our page": "Order shares" in page(),
}))
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Past and present of a model, and its baseline."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.write(log(1, 2_000, days=6), "ref.parquet")
    assert main(["baseline", desk.config()]) == 0
    desk.write(log(2, 500, days=2, first=FIRST + 6 * DAY, shift=0.7))
    return desk


def test_rows_go_to_a_sink_of_another_package(site, desk):
    config = desk.config(
        source=f"{{files: {{pattern: {desk.folder}/live.parquet}}}}",
        sinks=f"[files: {{path: {desk.folder}/out}}, toy: {{path: {desk.folder}/rows.sqlite}}]",
        name="toy.yaml",
    )
    out = desk.folder / "out"
    out.mkdir()
    (out / "order_shares.parquet").write_bytes(b"of a configuration with the measure")
    done = python(*CLI, "monitor", config, site=site, cwd=desk.folder)
    assert done.returncode == 0, done.stderr
    assert f"results written to {out}, {desk.folder}/rows.sqlite" in done.stdout
    with closing(sqlite3.connect(desk.folder / "rows.sqlite")) as file:
        rows = file.execute("SELECT name, row_id, row FROM rows").fetchall()
    assert {name for name, _, _ in rows} == {"results"}, "there are no dead letters"
    theirs = {row_id: json.loads(row)["ks"] for _, row_id, row in rows}
    results = pq.read_table(out / "results.parquet")
    assert theirs == dict(zip(results["row_id"].to_pylist(), results["ks"].to_pylist(), strict=True))
    assert theirs
    assert sorted(path.name for path in out.iterdir()) == [
        "dead_letters.parquet",
        "results.parquet",
        "run.json",
        "trends.parquet",
    ]


def test_everything_follows_from_a_table_of_another_package(site, tmp_path):
    done = python("-c", TABLE, CONFIG, site=site, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ours = ["results", "performance", "trends", "detections", "dead_letters"]
    assert found["names"] == [*ours, "order_shares"]
    assert found["without"] == ["results", "trends", "dead_letters"]
    assert found["with"] == ["results", "trends", "dead_letters", "order_shares"]
    assert found["topic"] == "t"
    assert found["no topic"] is None
    texts = b"5:table,12:order_shares,1:m,1:*,1:0,1:9,"
    assert found["row_id"] == hashlib.sha256(texts).hexdigest()[:32]
    assert found["stands"] == [5, 5], "the largest `n`, then the newest"
    assert "## Order shares" in found["section"]
    assert "the one with the largest `n` stands, then the largest `emitted_at`" in found["section"]
    assert not found["in our page"], "the reference is of our own tables, whatever is installed"


def test_what_is_not_installed_is_refused_with_what_is():
    with pytest.raises(ConfigError) as caught:
        parse_config(CONFIG + "sinks: [toy: {path: rows.sqlite}]")
    (problem,) = caught.value.problems
    assert (problem.where, problem.message) == ("sinks[0].toy", "is not a sink that is installed")
    assert problem.remedy.startswith("there are files, kafka: install the package that brings it")
