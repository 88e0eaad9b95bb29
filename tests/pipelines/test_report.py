"""The report command on what a backtest left."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from driftline.tables import DETECTION, PERFORMANCE, RESULT
from driftline.tables.trends import TREND
from driftline.transforms.sinks.files.write_stream_files import WriteFiles, make_folder
from tests.pipelines.conftest import DAY, FIRST, log


@pytest.fixture
def results(judged, desk):
    """A copy of the results that a test may break."""
    shutil.copytree(judged.folder / "out", desk.folder / "out")
    return desk.folder / "out"


def test_a_report_is_one_file_that_loads_nothing(results, driftline):
    ran = driftline("report", results)
    assert ran.code == 0, ran.err
    assert ran.out == f"report written to {results}/report.html\n"
    page = (results / "report.html").read_text()
    assert "shop" in page
    for outside in ('src="http', "src='http", "url(http", "<link", "@import"):
        assert outside not in page


def test_a_folder_with_replays_and_late_panes_makes_the_same_report(results, driftline):
    assert driftline("report", results).code == 0
    page = (results / "report.html").read_text()
    rows = pq.read_table(results / "results.parquet").combine_chunks()
    (results / "results.parquet").unlink()
    folder = str(results / "results.parquet")
    make_folder(folder, RESULT, "parquet")
    write = WriteFiles(folder, RESULT, ("n", "pane_index"), "parquet")
    write.setup()
    write.start_bundle()
    n = rows["n"].combine_chunks()
    older = rows.set_column(rows.schema.get_field_index("n"), RESULT.arrow.field("n"), pc.subtract(n, n))
    for batch in (*rows.to_batches(max_chunksize=7), *older.to_batches(), *rows.to_batches()):
        write.process(batch)
    write.finish_bundle()
    ran = driftline("report", results)
    assert ran.code == 0, ran.err
    assert (results / "report.html").read_text() == page


def test_it_may_go_elsewhere(results, desk, driftline):
    assert driftline("report", results, "--output", desk.folder / "drift.html").code == 0
    assert (desk.folder / "drift.html").exists()
    assert not (results / "report.html").exists()


@pytest.mark.parametrize("name", ["results.parquet", "run.json"])
def test_a_directory_without_results_is_refused(results, driftline, name):
    (results / name).unlink()
    ran = driftline("report", results)
    assert ran.code != 0
    assert f"{results}/{name}" in ran.err
    assert "driftline backtest" in ran.err
    assert not (results / "report.html").exists()


def test_no_directory_at_all_is_refused(desk, driftline):
    ran = driftline("report", desk.folder / "nowhere")
    assert ran.code != 0
    assert "nowhere" in ran.err


@pytest.mark.parametrize("name", ["results.parquet", "run.json"])
@pytest.mark.parametrize("keep", [0, 100])
def test_damaged_results_are_refused_by_name(results, driftline, name, keep):
    data = (results / name).read_bytes()
    (results / name).write_bytes(data[:keep])
    ran = driftline("report", results)
    assert ran.code == 1
    assert name in ran.err
    assert "Traceback" not in ran.err
    assert not (results / "report.html").exists()


def test_another_table_is_no_results(results, driftline):
    pq.write_table(pa.table({"a": [1]}), results / "results.parquet")
    ran = driftline("report", results)
    assert ran.code == 1
    assert f"{results}/results.parquet is damaged or not of a backtest" in ran.err


def test_without_the_baseline_it_says_what_is_lacking(results, driftline):
    run = (results / "run.json").read_text()
    (results / "run.json").write_text(run.replace("/baseline.avro", "/gone.avro"))
    ran = driftline("report", results)
    assert ran.code == 0
    assert "without the reference's distributions: no baseline at" in ran.out
    assert (results / "report.html").exists()


def test_with_another_baseline_it_says_so_and_draws_none(results, judged, driftline):
    run = (results / "run.json").read_text()
    version = run.split('"baseline_version":')[1].split('"')[1]
    (results / "run.json").write_text(run.replace(version, "0123456789abcdef"))
    ran = driftline("report", results)
    assert ran.code == 0
    assert f"is now version {version}, these results were judged by 0123456789abcdef" in ran.out


OUTCOMES = {
    "row_id": "a", "model": "shop", "segment": "*", "segment_values": [], "window_start": 0,
    "window_end": 86_400_000_000, "emitted_at": 0, "n_predictions": 500, "n": 0, "loss": "zero_one",
    "status": "no_labels", "estimated_accuracy": 0.875,
}  # fmt: skip
CHANGE = {
    "row_id": "b", "model": "shop", "segment": "*", "signal": "feature.x", "detector": "kswin", "at": 0,
    "detected_at": 1, "emitted_at": 2,
}  # fmt: skip


def add_table(results, name, schema, rows):
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.arrow), results / f"{name}.parquet")


def test_performance_and_detections_are_read_if_they_are_there(results, driftline):
    assert driftline("report", results).code == 0
    assert "Is the model still right?" not in (results / "report.html").read_text()
    add_table(results, "performance", PERFORMANCE, [OUTCOMES])
    add_table(results, "detections", DETECTION, [CHANGE])
    ran = driftline("report", results)
    assert (ran.code, ran.out) == (0, f"report written to {results}/report.html\n"), ran.err
    page = (results / "report.html").read_text()
    assert "no label is known yet; accuracy is estimated at 87.5% in all traffic" in page
    assert "1 detection on features or statistics" in page


def test_a_folder_of_performance_is_read_and_the_row_that_stands_is_shown(results, driftline):
    (results / "performance.parquet").mkdir()
    later = OUTCOMES | {"n": 400, "mean_loss": 0.25, "error_rate": 0.25, "status": "no_baseline"}
    for place, row in enumerate([later, OUTCOMES]):
        add_table(results / "performance.parquet", f"part-{place}", PERFORMANCE, [row])
    assert driftline("report", results).code == 0
    assert "Error rate 25.0% in all traffic; no outcomes" in (results / "report.html").read_text()


def test_trends_are_read_if_they_are_there(results, driftline):
    add_table(results, "trends", TREND, [])
    assert driftline("report", results).code == 0
    assert "No window was followed for trends." in (results / "report.html").read_text()
    (results / "trends.parquet").write_bytes(b"PAR1")
    ran = driftline("report", results)
    assert ran.code == 1
    assert f"{results}/trends.parquet is damaged" in ran.err
    (results / "trends.parquet").unlink()
    assert driftline("report", results).code == 0
    assert "trends-data" not in (results / "report.html").read_text().split("<script>")[0]


def test_trends_of_a_backtest_are_in_its_report(results, driftline):
    rows = pq.read_table(results / "trends.parquet")
    assert rows.num_rows
    assert driftline("report", results).code == 0
    page = (results / "report.html").read_text().split("<script>")[0]
    assert ('id="trends"' in page) is bool(pc.any(rows["alarm"]).as_py())
    assert 'id="trends-data"' in page


@pytest.mark.parametrize(("name", "schema"), [("performance", PERFORMANCE), ("detections", DETECTION)])
def test_a_damaged_or_empty_table_is_named_or_shown_as_empty(results, driftline, name, schema):
    add_table(results, name, schema, [])
    assert driftline("report", results).code == 0
    assert "Is the model still right?" in (results / "report.html").read_text()
    (results / f"{name}.parquet").write_bytes(b"PAR1")
    ran = driftline("report", results)
    assert ran.code == 1
    assert f"{results}/{name}.parquet is damaged" in ran.err


def test_a_table_in_another_format_is_said_to_be_lacking(results, driftline):
    (results / "performance.jsonl").write_text("{}")
    ran = driftline("report", results)
    assert ran.code == 0
    assert f"without {results}/performance.jsonl: the report reads Parquet only" in ran.out


def test_markup_in_names_stays_text(shop, desk, driftline):
    evil = "</script><script>alert(1)</script>"
    table = log(1, 2_000, days=10)
    s = [evil if value == "B" else value for value in table["s"].to_pylist()]
    c = [evil if value == "a" else value for value in table["c"].to_pylist()]
    table = table.set_column(2, "s", pa.array(s)).set_column(5, "c", pa.array(c))
    desk.write(table, "ref.parquet")
    config = desk.config(windows="{size: 1d, every: 1d}")
    assert driftline("baseline", config).code == 0
    assert driftline("backtest", config).code == 0
    assert driftline("report", desk.folder / "out").code == 0
    page = (desk.folder / "out" / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert page.count("</script>") == page.count("<script")


def test_a_shift_that_a_baseline_of_six_windows_cannot_tell_is_not_judged(desk, driftline):
    config = desk.config(windows="{size: 1d, every: 1d}")
    desk.write(log(1, 6_000, days=6), "ref.parquet")
    assert driftline("baseline", config).code == 0
    shifted = desk.write(log(2, 2_000, days=2, first=FIRST + 6 * DAY, shift=3.0))
    assert driftline("backtest", config, "--input", shifted).code == 0
    results = desk.results()
    assert pc.all(pc.equal(results["status"], "ok")).as_py()
    assert results["drifted"].null_count == results.num_rows
    assert driftline("report", desk.folder / "out").code == 0
    page = (desk.folder / "out" / "report.html").read_text()
    assert "Not judged" in page
    assert "Cannot judge: the baseline has 6 reference windows; build it from 10 or more" in page
    assert "No drift" not in page
    assert "Nothing drifted" not in page
