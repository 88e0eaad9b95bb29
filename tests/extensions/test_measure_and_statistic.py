"""The measure and the statistic of docs/extending.md, as they stand there, through the command line."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from tests.extensions.toy_package import CLI, FILES, install, python

HOUR = 3_600_000_000
CONFIG = """
model: m
event_time: {column: at, unit: us}
segments: [s]
features: {x: numeric, y: numeric}
windows: {size: 1h, every: 30m}
source: {files: {pattern: live.parquet}}
baseline: {path: baseline.avro}
tests: {min_n: 20}
"""
ASKED = "measures: {order: {first: x, second: y}}\n"


def events(seed, hours, first, larger=0.5):
    """Rows in which x is larger than y in a share of them, whatever either looks like alone; some lack it."""
    rng = np.random.default_rng(seed)
    n = 200 * hours
    low, high = np.sort(rng.normal(size=(2, n)), axis=0)
    swap = rng.random(n) < larger
    x, y = np.where(swap, high, low), np.where(swap, low, high)
    for values in (x, y):
        values[rng.random(n) < 0.02] = np.nan
        values[rng.random(n) < 0.01] = np.inf
    columns = {
        "at": np.sort(rng.integers(first, first + hours * HOUR, n)),
        "s": rng.choice(["a", "b"], n),
        "x": pa.array(x, mask=rng.random(n) < 0.05),
        "y": pa.array(y, mask=rng.random(n) < 0.05),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def desk(tmp_path_factory, site):
    folder = tmp_path_factory.mktemp("desk")
    pq.write_table(events(1, 30, 0), folder / "past.parquet")
    pq.write_table(events(2, 3, 30 * HOUR, larger=0.9), folder / "live.parquet")
    (folder / "plain.yaml").write_text(CONFIG.replace("baseline.avro", "plain.avro"))
    (folder / "toy.yaml").write_text(CONFIG + ASKED)
    run(folder, "baseline", "toy.yaml", "--input", "past.parquet", site=site)
    run(folder, "backtest", "toy.yaml", "--output", "out", site=site)
    return folder


def run(folder, *args, site):
    done = python(*CLI, *args, site=site, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def larger(rows, segment="*"):
    """Whether x is larger than y, of the rows of a segment that have both."""
    return [
        row["x"] > row["y"]
        for row in rows.to_pylist()
        if segment in {"*", f"s={row['s']}"}
        and not any(value is None or math.isnan(value) for value in (row["x"], row["y"]))
    ]


def test_rows_of_a_measure_go_to_its_table(desk):
    rows = pq.read_table(desk / "out" / "order_shares.parquet")
    assert len(set(rows["row_id"].to_pylist())) == rows.num_rows
    past, live = pq.read_table(desk / "past.parquet"), pq.read_table(desk / "live.parquet")
    assert set(rows["segment"].to_pylist()) == {"*", "s=a", "s=b"}
    for row in rows.to_pylist():
        assert row["share_reference"] == pytest.approx(np.mean(larger(past, row["segment"])))
        start, end = (row[name].timestamp() * 1e6 for name in ("window_start", "window_end"))
        at = live["at"].to_numpy()
        inside = live.filter(pa.array((at >= start) & (at < end)))
        counted = larger(inside, row["segment"])
        assert row["share"] == pytest.approx(np.mean(counted))
        assert 0 < row["n"] == len(counted)


def test_a_statistic_has_its_columns_and_a_null_of_its_own(desk):
    rows = pq.read_table(desk / "out" / "results.parquet")
    assert rows.column_names[-2:] == ["energy", "energy_p"]
    found = [row for row in rows.to_pylist() if row["status"] == "ok"]
    assert found
    for row in found:
        assert 0 < row["energy_p"] <= 1
        assert row["energy"] >= row["ks"]  # the largest gap is one of those that it sums up
    by_p = sorted(found, key=lambda row: row["energy_p"])
    assert by_p[0]["energy"] > by_p[-1]["energy"]


def test_without_the_package_its_part_is_absent_and_its_columns_are_null(desk, site, tmp_path):
    baseline = decode_baseline((desk / "baseline.avro").read_bytes(), "b")
    assert {part for _, part in baseline.entries} == {"numeric/0"}
    assert "energy" not in baseline.entries["*", "numeric/0"].null.statistics
    done = python(*CLI, "backtest", "toy.yaml", "--output", "o", site=tmp_path, cwd=desk)
    assert done.returncode == 2
    assert "order" in done.stderr
    refused = (desk / "refused.yaml").write_text(CONFIG)
    assert refused
    done = python(*CLI, "backtest", "refused.yaml", "--output", "o", site=site, cwd=desk)
    assert done.returncode == 2
    assert "it has measure 'order', which the configuration lacks" in done.stderr


def test_a_baseline_without_the_statistic_is_readable_with_it(desk, site, tmp_path):
    run(desk, "baseline", "plain.yaml", "--input", "past.parquet", site=tmp_path)
    run(desk, "backtest", "plain.yaml", "--output", "plain", site=site)
    rows = pq.read_table(desk / "plain" / "results.parquet")
    assert rows["energy_p"].null_count == rows.num_rows
    assert rows["energy"].null_count < rows.num_rows
    assert rows["ks_p"].null_count < rows.num_rows
    summary = json.loads((desk / "plain" / "run.json").read_text())
    assert summary["profiled"] == 600


OTHER_BYTES = """
from driftline.measures.measure_registry import decode_profile, measure
mine = measure("order").encode(n=3, larger=2)
assert decode_profile(mine) == (3, 2)
for other in (mine[:-1], mine[:3] + bytes([2]) + mine[4:], mine[:4], b"toO"):
    try:
        decode_profile(other)
    except ValueError as error:
        assert "measure order" in str(error), error
    else:
        raise AssertionError(other)
"""


def test_bytes_of_another_version_are_refused(site, tmp_path):
    done = python("-c", OTHER_BYTES, site=site, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_measure_that_gives_rows_of_a_table_it_does_not_name_stops_the_job(desk, tmp_path):
    theirs = {"toy_measure.py": FILES["toy_measure.py"].replace("tables = (TABLE.name,)", "tables = ()")}
    install(FILES | theirs, tmp_path)
    done = python(*CLI, "backtest", "toy.yaml", "--output", "stray", site=tmp_path, cwd=desk)
    assert done.returncode == 1
    assert "measure `order` gives rows of the table `order_shares`, and its `tables` are none" in done.stderr


def refused(folder, text, site):
    (folder / "wrong.yaml").write_text(text)
    done = python(*CLI, "validate", "wrong.yaml", site=site, cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_settings_of_a_measure_are_checked_against_the_configuration(desk, site):
    said = refused(desk, CONFIG + ASKED.replace("second: y", "second: s"), site)
    assert "measures.order.second: s" in said
    assert "is no numeric feature -> name one of x, y" in said


def test_a_measure_whose_table_is_not_installed_is_refused(desk, tmp_path):
    without = FILES["pyproject.toml"].replace('order_shares = "toy_table:TABLE"', "")
    install(FILES | {"pyproject.toml": without}, tmp_path)
    said = refused(desk, CONFIG + ASKED, tmp_path)
    assert "measures.order" in said
    assert "needs the table order_shares, which is not installed -> install the package" in said


def test_a_measure_gives_no_rows_of_a_table_that_the_job_fills(desk, tmp_path):
    theirs = FILES["toy_measure.py"].replace("(TABLE.name,)", '(TABLE.name, "detections")')
    install(FILES | {"toy_measure.py": theirs}, tmp_path)
    said = refused(desk, CONFIG + ASKED, tmp_path)
    assert (
        "gives rows of detections, which the job fills itself -> give its rows a table of their own" in said
    )


def test_a_measure_that_is_not_installed_is_refused_with_what_is(desk, site, tmp_path):
    said = refused(desk, CONFIG + ASKED, tmp_path)
    assert "measures.order" in said
    assert "is not a measure that is installed -> there is none: install the package that brings it" in said
    assert "did you mean `order`?" in refused(desk, CONFIG + ASKED.replace("order", "ordr"), site)


@pytest.mark.parametrize(("signal", "code"), [("energy.x", 0), ("energy_p.x", 2), ("energy.s", 2)])
def test_the_value_of_a_statistic_is_a_signal(desk, site, signal, code):
    watch = f"detectors: [{{signal: {signal}, detector: page_hinkley}}]\n"
    (desk / "watched.yaml").write_text(CONFIG.replace("baseline.avro", "later.avro") + watch)
    done = python(*CLI, "validate", "watched.yaml", site=site, cwd=desk)
    assert done.returncode == code, done.stdout + done.stderr


OURS = """
import sys
from driftline.measures.measure_registry import MEASURES
from driftline.schemas.statistic_columns import STATISTICS
STATISTICS.built_in["energy"] = "toy_statistic:ENERGY"
MEASURES.built_in["order"] = "toy_measure:ORDER"
from driftline.tables.table_registry import TABLES
TABLES.built_in["order_shares"] = "toy_table:TABLE"
from driftline.config.configuration_page import page
from driftline.pipelines.cli import main
assert main(["backtest", "ours.yaml", "--output", "ours"]) == 0
assert "Two numeric features whose order is watched." in page(), "it is documented as ours"
"""


def test_in_driftline_itself_each_is_a_line(desk, tmp_path):
    install({name: text for name, text in FILES.items() if name.endswith(".py")}, tmp_path)
    watch = "detectors: [{signal: energy.x, detector: page_hinkley, parameters: {threshold: 0.001}}]\n"
    (desk / "ours.yaml").write_text(CONFIG + ASKED + watch)
    done = python("-c", OURS, site=tmp_path, cwd=desk)
    assert done.returncode == 0, done.stderr
    for name in ("results", "order_shares"):
        ours, theirs = (pq.read_table(desk / folder / f"{name}.parquet") for folder in ("ours", "out"))
        ours, theirs = (each.drop_columns("emitted_at").sort_by("row_id") for each in (ours, theirs))
        assert ours.equals(theirs)
    assert (desk / "ours" / "detections.parquet").exists()
