"""The measure and the statistic of docs/extending.md, as they stand there, through the command line."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from tests.extensions.toy_package import CLI, python

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
    """Rows in which x is larger than y in a share of them, whatever either looks like alone."""
    rng = np.random.default_rng(seed)
    n = 200 * hours
    low, high = np.sort(rng.normal(size=(2, n)), axis=0)
    swap = rng.random(n) < larger
    columns = {
        "at": np.sort(rng.integers(first, first + hours * HOUR, n)),
        "s": rng.choice(["a", "b"], n),
        "x": np.where(swap, high, low),
        "y": np.where(swap, low, high),
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


def share(rows, segment="*"):
    keep = [segment in {"*", f"s={s}"} for s in rows["s"].to_pylist()]
    larger = rows["x"].to_numpy() > rows["y"].to_numpy()
    return larger[np.array(keep)].mean()


def test_rows_of_a_measure_go_to_its_table(desk):
    rows = pq.read_table(desk / "out" / "order_shares.parquet")
    assert len(set(rows["row_id"].to_pylist())) == rows.num_rows
    past, live = pq.read_table(desk / "past.parquet"), pq.read_table(desk / "live.parquet")
    assert set(rows["segment"].to_pylist()) == {"*", "s=a", "s=b"}
    for row in rows.to_pylist():
        assert row["share_reference"] == pytest.approx(share(past, row["segment"]))
        start, end = (row[name].timestamp() * 1e6 for name in ("window_start", "window_end"))
        at = live["at"].to_numpy()
        inside = live.filter(pa.array((at >= start) & (at < end)))
        assert row["share"] == pytest.approx(share(inside, row["segment"]))
        counted = inside.filter(
            pa.array([row["segment"] in {"*", f"s={s}"} for s in inside["s"].to_pylist()])
        )
        assert row["n"] == counted.num_rows


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
