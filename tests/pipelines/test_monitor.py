"""The monitor job on files: the same rows as a backtest, in the configured sinks and formats."""

from __future__ import annotations

import io

import fastavro
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.tables import DEAD_LETTER, RESULT
from tests.pipelines.conftest import FIRST, log, rows_of


@pytest.fixture(scope="module")
def monitored(judged, tmp_path_factory):
    """The live data and some bad rows, in all formats at once."""
    from driftline.pipelines.cli import main
    from tests.pipelines.conftest import Desk

    desk = Desk(tmp_path_factory.mktemp("monitored"))
    (desk.folder / "baseline.avro").write_bytes((judged.folder / "baseline.avro").read_bytes())
    table = pq.read_table(judged.folder / "live.parquet")
    bad = table.slice(0, 3).set_column(1, "at", pa.nulls(3, pa.int64()))
    desk.write(pa.concat_tables([table, bad]))
    source = f"{{files: {{pattern: {desk.folder}/live.parquet}}}}"
    sinks = "\n".join(
        f"  - files: {{path: {desk.folder}/{name[0]}, format: {name}}}"
        for name in ("avro", "jsonl", "parquet")
    )
    assert main(["monitor", desk.config(source=source, sinks="\n" + sinks)]) == 0
    return desk


def of_avro(path):
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def of_jsonl(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def by_id(rows):
    found = {row["row_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_parquet_holds_what_a_backtest_says(monitored, judged):
    table = pq.read_table(monitored.folder / "p" / "results.parquet")
    assert table.schema.equals(RESULT.arrow)
    assert rows_of(table) == rows_of(judged.results())


def test_avro_holds_what_parquet_holds(monitored):
    theirs = by_id(pq.read_table(monitored.folder / "p" / "results.parquet").to_pylist())
    mine = by_id(of_avro(monitored.folder / "a" / "results.avro"))
    assert set(mine) == set(theirs)
    for identity, row in mine.items():
        expected = theirs[identity]
        for name in ("segment_values", "bin_counts", "new_categories"):
            assert (row[name] or []) == (expected[name] or []), name
        for name in set(RESULT.arrow.names) - {"segment_values", "bin_counts", "new_categories"}:
            assert row[name] == expected[name], name


def test_json_holds_what_parquet_holds(monitored):
    theirs = by_id(pq.read_table(monitored.folder / "p" / "results.parquet").to_pylist())
    mine = by_id(of_jsonl(monitored.folder / "j" / "results.jsonl"))
    assert set(mine) == set(theirs)
    for identity, row in mine.items():
        expected = theirs[identity]
        assert list(row) == RESULT.arrow.names
        assert row["window_start"] == expected["window_start"].isoformat()
        for name in ("n", "ks", "p_value", "drifted", "quantiles", "bin_counts", "segment_values", "status"):
            assert row[name] == expected[name], name


def test_json_has_no_number_that_json_lacks(monitored):
    text = (monitored.folder / "j" / "results.jsonl").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_dead_letters_go_to_every_sink(monitored):
    letters = pq.read_table(monitored.folder / "p" / "dead_letters.parquet")
    assert letters.schema.equals(DEAD_LETTER.arrow)
    letters = by_id(letters.to_pylist())
    assert sorted(letter["position"] for letter in letters.values()) == ["row 1500", "row 1501", "row 1502"]
    assert {letter["reason"] for letter in letters.values()} == {"missing_event_time"}
    assert by_id(of_avro(monitored.folder / "a" / "dead_letters.avro")) == letters
    for identity, row in by_id(of_jsonl(monitored.folder / "j" / "dead_letters.jsonl")).items():
        assert row["payload"].encode() == letters[identity]["payload"]
        assert orjson.loads(row["payload"])["id"].startswith("r")


def test_bytes_that_are_no_text_can_be_read_in_json(desk, shop, driftline):
    source = desk.folder / "live.jsonl"
    source.write_bytes(b'{"at": 1, \xff\x00"}\n')
    (desk.folder / "baseline.avro").write_bytes((shop.folder / "baseline.avro").read_bytes())
    config = desk.config(
        source=f"{{files: {{pattern: {source}}}}}",
        sinks=f"[files: {{path: {desk.folder}/out, format: jsonl}}]",
    )
    ran = driftline("monitor", config)
    assert ran.counts["rejected"] == 1
    [letter] = of_jsonl(desk.folder / "out" / "dead_letters.jsonl")
    assert "\\xff" in letter["payload"]


@pytest.mark.parametrize("sink", ["avro", "jsonl", "parquet"])
def test_a_sink_without_rows_is_a_file_that_opens(desk, shop, driftline, sink):
    (desk.folder / "baseline.avro").write_bytes((shop.folder / "baseline.avro").read_bytes())
    desk.write(log(1, 0, days=1), "ref.parquet")
    config = desk.config(sinks=f"[files: {{path: {desk.folder}/out, format: {sink}}}]")
    assert driftline("monitor", config).counts["decoded"] == 0
    for name in ("results", "trends", "dead_letters"):
        data = (desk.folder / "out" / f"{name}.{sink}").read_bytes()
        if sink == "avro":
            assert list(fastavro.reader(io.BytesIO(data))) == []
        elif sink == "parquet":
            assert pq.read_table(io.BytesIO(data)).num_rows == 0
        else:
            assert data == b""


def test_again_the_rows_are_the_same(monitored, driftline):
    before = rows_of(pq.read_table(monitored.folder / "p" / "results.parquet"))
    letters = {row["row_id"] for row in of_avro(monitored.folder / "a" / "dead_letters.avro")}
    assert driftline("monitor", monitored.folder / "drift.yaml").code == 0
    assert rows_of(pq.read_table(monitored.folder / "p" / "results.parquet")) == before
    assert {row["row_id"] for row in of_avro(monitored.folder / "a" / "dead_letters.avro")} == letters
    assert monitored.left_behind() == []


def test_a_run_that_fails_leaves_every_sink_as_it_was(monitored, driftline, monkeypatch):
    before = {path: path.read_bytes() for path in monitored.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr("driftline.transforms.sinks.files.write_rows.orjson", None)
    assert driftline("monitor", monitored.folder / "drift.yaml").code == 1
    assert {path: path.read_bytes() for path in monitored.folder.rglob("*") if path.is_file()} == before
    assert monitored.left_behind() == []


def test_without_a_sink_it_is_refused(shop, desk, driftline):
    ran = driftline("monitor", desk.config(sinks=None))
    assert ran.code == 2
    assert "sinks" in ran.err


def test_a_relative_sink_is_beside_where_one_stands(shop, desk, driftline, monkeypatch):
    (desk.folder / "baseline.avro").write_bytes((shop.folder / "baseline.avro").read_bytes())
    desk.write(log(1, 10, days=1, first=FIRST), "ref.parquet")
    monkeypatch.chdir(desk.folder)
    assert driftline("monitor", desk.config(sinks="[files: {path: .}]")).code == 0
    assert (desk.folder / "results.parquet").exists()
    assert desk.left_behind() == []
