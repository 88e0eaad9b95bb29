"""Backtests of small logs, every number against counting the rows by hand."""

from __future__ import annotations

import duckdb
import fastavro
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from driftline import DriftDetector
from driftline.baseline import decode_baseline
from driftline.tables import RESULT
from tests.pipelines.conftest import DAY, EVERY, FIRST, LABELS, log, rows_of

FEATURES = {"x": "numeric", "k": "numeric", "prediction": "numeric", "c": "categorical"}
COLUMNS = {"x": "x", "k": "k", "prediction": "score", "c": "c"}


@pytest.fixture(scope="module")
def rows(judged):
    return rows_of(judged.results())


@pytest.fixture(scope="module")
def baseline(shop):
    path = shop.folder / "baseline.avro"
    return decode_baseline(path.read_bytes(), str(path))


def inside(table, start, segment="*"):
    """Rows of a window and segment, by the segment's value."""
    at = table["at"].to_numpy()
    keep = (at >= start) & (at < start + DAY)
    if segment != "*":
        known = {label: value for value, label in LABELS.items()}
        s = np.array(table["s"].to_pylist(), object)
        keep &= (s == known[segment]) if segment in known else ~np.isin(s, list(LABELS))
    return table.filter(pa.array(keep))


def windows_with_data(table):
    last = np.unique(table["at"].to_numpy() // EVERY) * EVERY
    return sorted({int(start - back * EVERY) for start in last for back in range(4)})


def feature_of(baseline, name):
    return next(f for block in baseline.layout.blocks for f in block.features if f.name == name)


def test_there_is_a_row_for_every_baseline_segment_and_feature_in_every_window_with_data(rows, live):
    expected = {
        (segment, feature, start)
        for segment in ("*", *LABELS.values())
        for feature in FEATURES
        for start in windows_with_data(live)
    }
    others = {key for key in rows if key[0] == "(other)"}
    assert set(rows) - others == expected
    unknown = live.filter(pc.equal(live["s"], "unknown"))
    assert others == {("(other)", f, start) for f in FEATURES for start in windows_with_data(unknown)}


def test_counts_extremes_rates_and_bins_are_exact(rows, live, baseline):
    for (segment, name, start), row in rows.items():
        part = inside(live, start, segment)
        column = part[COLUMNS[name]]
        present = column.drop_null()
        assert row["n"] == part.num_rows, (segment, name, start)
        if row["n"] == 0:
            assert row["status"] == "no_data"
            assert row["bin_counts"] is None
            continue
        assert row["missing_rate"] == pytest.approx(column.null_count / part.num_rows)
        feature = feature_of(baseline, name)
        if FEATURES[name] == "numeric":
            values = present.to_numpy().astype(float)
            finite = values[np.isfinite(values)]
            assert row["nonfinite_rate"] == pytest.approx((len(values) - len(finite)) / part.num_rows)
            assert (row["min"], row["max"]) == (finite.min(), finite.max())
            assert row["mean"] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9)
            assert row["variance"] == pytest.approx(finite.var(), rel=1e-9, abs=1e-12)
            bins = np.searchsorted(feature.edges, finite, side="right")
            assert row["bin_counts"] == np.bincount(bins, minlength=feature.bins).tolist()
        else:
            values = present.to_pylist()
            counts = [values.count(category) for category in feature.categories]
            assert row["bin_counts"] == [*counts, len(values) - sum(counts)]
            assert row["cardinality"] == len(set(values))
            new = [value for value in values if value not in "abc"]
            assert row["new_category_rate"] == pytest.approx(len(new) / len(values))
            assert row["new_categories"] == sorted(set(new))


def test_quantiles_have_small_rank_errors(rows, live):
    for (segment, name, start), row in rows.items():
        if FEATURES[name] != "numeric" or row["n"] < 30:
            continue
        values = inside(live, start, segment)[COLUMNS[name]].drop_null().to_numpy().astype(float)
        values = np.sort(values[np.isfinite(values)])
        for label, value in row["quantiles"].items():
            q = int(label[1:]) / 100
            low = np.searchsorted(values, value, "left") / len(values)
            high = np.searchsorted(values, value, "right") / len(values)
            assert low - 1.5 / len(values) - 0.01 <= q <= high + 1.5 / len(values) + 0.01


def test_all_traffic_is_the_sum_of_the_segments(rows):
    segments = {segment for segment, _, _ in rows} - {"*"}
    for (segment, name, start), row in rows.items():
        if segment != "*":
            continue
        parts = [rows[key] for s in segments if (key := (s, name, start)) in rows and rows[key]["n"]]
        assert row["n"] == sum(part["n"] for part in parts)
        assert row["bin_counts"] == np.sum([part["bin_counts"] for part in parts], axis=0).tolist()
        if FEATURES[name] == "numeric":
            assert row["min"] == min(part["min"] for part in parts if part["min"] is not None)


def test_every_event_is_in_as_many_windows_as_contain_it(rows, live):
    n = sum(row["n"] for (segment, name, _), row in rows.items() if segment == "*" and name == "x")
    assert n == 4 * live.num_rows


def test_segment_values_are_not_encoded(rows):
    for (segment, _, _), row in rows.items():
        if segment in LABELS.values():
            assert [LABELS[value] for value in row["segment_values"]] == [segment]
        else:
            assert row["segment_values"] == []


def test_a_segment_without_rows_says_no_data_and_has_no_numbers(rows):
    gone = [
        row for (segment, _, start), row in rows.items() if segment == "s=B" and start >= FIRST + 32 * DAY
    ]
    assert len(gone) == 4 * 4
    for row in gone:
        assert (row["status"], row["n"], row["drifted"]) == ("no_data", 0, None)
        assert row["n_reference"] > 0
        for name in ("missing_rate", "mean", "psi", "p_value", "p_adjusted", "quantiles", "bin_counts"):
            assert row[name] is None, name


def test_a_segment_the_baseline_has_never_seen_is_other_without_a_baseline(rows):
    found = [row for (segment, _, _), row in rows.items() if segment == "(other)"]
    assert found
    for row in found:
        assert row["status"] == "no_baseline"
        assert row["n"] > 0
        assert row["n_reference"] is None
        for name in ("ks", "psi", "chi2", "p_value", "p_iid", "p_adjusted", "drifted"):
            assert row[name] is None, name


def test_status_and_coverage_follow_from_n_and_the_quarters_of_a_period(rows, live):
    units = set((live["at"].to_numpy() // (EVERY // 4)).tolist())
    for (_, _, start), row in rows.items():
        covered = sum(start // (EVERY // 4) + i in units for i in range(16)) / 16
        assert row["coverage"] == covered
        if row["status"] in {"no_data", "no_baseline"}:
            continue
        expected = "insufficient" if row["n"] < 30 else "partial" if covered < 0.5 else "ok"
        assert row["status"] == expected
        assert (row["drifted"] is None) == (expected != "ok")


def test_what_moved_is_found_and_what_did_not_is_not(rows):
    full = [(key, row) for key, row in rows.items() if key[0] == "*" and row["status"] == "ok"]
    assert {row["drifted"] for (_, name, _), row in full if name == "x"} == {True}
    assert {row["drifted"] for (_, name, _), row in full if name in {"k", "prediction"}} == {False}
    assert {name for (_, name, _), row in full if row["new_categories"]} == {"c"}


def test_no_number_of_a_row_is_nan_or_infinite(judged):
    table = judged.results()
    for field in table.schema:
        if pa.types.is_floating(field.type):
            assert pc.all(pc.is_finite(table[field.name].drop_null())).as_py() is not False, field.name
    for name in ("p_value", "p_iid", "p_adjusted", "ks", "ks_p", "psi_p", "chi2_p", "missing_p"):
        low, high = pc.min_max(table[name]).as_py().values()
        assert 0 <= low <= high <= 1, name


def test_the_results_have_the_schema_everywhere(judged):
    path = judged.folder / "out" / "results.parquet"
    assert pq.read_table(path).schema.equals(RESULT.arrow)
    frame = pd.read_parquet(path)
    assert list(frame.columns) == RESULT.arrow.names
    assert str(frame["window_start"].dtype) == "datetime64[us, UTC]"
    assert set(frame["baseline_version"]) == {
        decode_baseline((judged.folder / "baseline.avro").read_bytes(), "b").version
    }


def test_duckdb_opens_the_results(judged):
    path = judged.folder / "out" / "results.parquet"
    query = f"select sum(n) from '{path}' where segment = '*' and feature = 'x'"
    assert duckdb.sql(query).fetchall() == [(6_000,)]


def test_no_scratch_is_left(judged):
    assert judged.left_behind() == []
    assert sorted(path.name for path in (judged.folder / "out").iterdir()) == [
        "dead_letters.parquet",
        "results.parquet",
        "run.json",
        "trends.parquet",
    ]
    assert judged.rejects() == []


def comparable(table):
    return table.drop_columns(["emitted_at"]).sort_by("row_id").to_pylist()


def test_again_and_from_two_files_in_any_order_the_rows_are_the_same(judged, live, desk, driftline):
    order = np.random.default_rng(0).permutation(live.num_rows)
    shuffled = live.take(pa.array(order))
    desk.write(shuffled.slice(900), "live-0.parquet")
    desk.write(shuffled.slice(0, 900), "live-1.parquet")
    ran = driftline(
        "backtest",
        judged.folder / "drift.yaml",
        "--input",
        f"{desk.folder}/live-*.parquet",
        "--output",
        desk.folder / "out",
    )
    assert ran.counts == {"decoded": 1_500, "profiled": 1_500, "rejected": 0, "dropped": 0}
    again = driftline(
        "backtest",
        judged.folder / "drift.yaml",
        "--input",
        judged.folder / "live.parquet",
        "--output",
        desk.folder / "again",
    )
    assert again.code == 0
    first = comparable(judged.results())
    assert comparable(desk.results("again")) == first
    for mine, theirs in zip(comparable(desk.results()), first, strict=True):
        for name, value in theirs.items():
            if name == "quantiles" and value is not None:
                assert mine[name] == pytest.approx(value, abs=0.2)
            elif isinstance(value, float):
                assert mine[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name
            else:
                assert mine[name] == value, name


def as_avro(table, path):
    schema = {
        "type": "record",
        "name": "event",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": "long"},
            {"name": "s", "type": ["null", "string"]},
            {"name": "x", "type": ["null", "double"]},
            {"name": "k", "type": "long"},
            {"name": "c", "type": ["null", "string"]},
            {"name": "score", "type": "double"},
        ],
    }
    with path.open("wb") as file:
        fastavro.writer(file, schema, table.to_pylist(), codec="deflate")


def as_jsonl(table, path):
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in table.to_pylist()))


def as_arrow(table, path):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("writer", [as_avro, as_jsonl, as_arrow])
def test_every_format_gives_the_same_rows(judged, live, desk, driftline, writer):
    suffix = writer.__name__.removeprefix("as_")
    if suffix == "jsonl":  # JSON has no infinities
        x = live["x"]
        finite = pc.if_else(pc.is_finite(x), x, pa.scalar(None, pa.float64()))
        live = live.set_column(live.schema.get_field_index("x"), "x", finite)
    path = desk.folder / f"live.{suffix}"
    writer(live, path)
    ran = driftline(
        "backtest", judged.folder / "drift.yaml", "--input", path, "--output", desk.folder / "out"
    )
    assert ran.counts["profiled"] == 1_500
    mine, theirs = rows_of(desk.results()), rows_of(judged.results())
    assert set(mine) == set(theirs)
    for key, row in theirs.items():
        for name in ("row_id", "n", "status", "min", "max", "bin_counts", "new_categories", "coverage", "ks"):
            assert mine[key][name] == row[name], (key, name)


def test_the_detector_says_what_the_job_said(judged, rows, live):
    start = FIRST + 30 * DAY
    for segment in ("*", "s=A"):
        part = inside(live, start, segment)
        table = part.rename_columns(["id", "at", "s", "x", "k", "c", "prediction"])
        detector = DriftDetector.from_baseline(
            judged.folder / "baseline.avro", segment=segment, min_n=30, time="at"
        )
        for result in detector.detect_all(table):
            row = rows[segment, result.feature, start]
            assert result.statistic == pytest.approx(row["ks" if result.method == "ks" else "chi2"], rel=1e-9)
            assert result.p_value == pytest.approx(row["p_value"], rel=1e-9)
            assert result.psi == pytest.approx(row["psi"], rel=1e-9)
            assert result.n == row["n"]
            assert result.missing_rate == pytest.approx(row["missing_rate"])
            assert result.calibration in {"calibrated", "bound"}


def test_adjusted_p_values_are_over_the_whole_window_of_the_model(judged):
    frame = judged.results().to_pandas()
    from scipy.stats import false_discovery_control

    for _, window in frame.groupby("window_start"):
        tested = window[(window["status"] == "ok") & window["calibration"].isin(["calibrated", "bound"])]
        rest = window.drop(tested.index)
        assert rest["p_adjusted"].isna().all()
        if len(tested):
            expected = false_discovery_control(tested["p_value"].to_numpy())
            assert tested["p_adjusted"].to_numpy() == pytest.approx(expected, rel=1e-12)
            large = (tested["psi"] > 0.25) | (tested["wasserstein_iqr"] > 0.1)
            assert (tested["drifted"].to_numpy() == ((expected < 0.01) & large)).all()


def test_events_before_1970_are_in_their_windows(judged, desk, driftline):
    table = log(3, 1_200, days=3, first=-1_000 * DAY)
    path = desk.write(table)
    args = ("--input", path, "--output", desk.folder / "out")
    assert driftline("backtest", judged.folder / "drift.yaml", *args).code == 0
    found = rows_of(desk.results())
    assert {start for _, _, start in found} == set(windows_with_data(table))
    for (segment, name, start), row in found.items():
        assert row["n"] == inside(table, start, segment).num_rows, (segment, name, start)


def test_without_segments_there_is_only_all_traffic(desk, driftline, reference, live, rows):
    desk.write(reference, "ref.parquet")
    config = desk.config(segments=None)
    assert driftline("baseline", config).code == 0
    ran = driftline("backtest", config, "--input", desk.write(live))
    assert ran.counts["profiled"] == 1_500
    mine = rows_of(desk.results())
    assert {segment for segment, _, _ in mine} == {"*"}
    for key, row in mine.items():
        for name in ("row_id", "n", "min", "max", "bin_counts", "ks", "psi", "chi2", "missing_rate"):
            assert row[name] == rows[key][name], (key, name)


def test_only_the_largest_segments_are_told_apart_and_ties_go_by_name(desk, driftline):
    names = ["d", "c", "b", "a", "e"]
    sizes = {"d": 60, "c": 80, "b": 60, "a": 60, "e": 10}
    parts = [
        log(i, sizes[name] * 10, days=10, segments=(name,)).slice(0, sizes[name] * 10)
        for i, name in enumerate(names)
    ]
    table = pa.concat_tables(parts)
    desk.write(table, "ref.parquet")
    config = desk.config(max_segments=2)
    assert driftline("baseline", config).code == 0
    ran = driftline("backtest", config, "--input", desk.folder / "ref.parquet")
    assert ran.counts["profiled"] == table.num_rows
    rows = rows_of(desk.results())
    assert {segment for segment, _, _ in rows} == {"*", "s=a", "s=c", "(other)"}
    n = {
        segment: sum(row["n"] for (s, name, _), row in rows.items() if (s, name) == (segment, "x"))
        for segment in ("*", "s=a", "s=c", "(other)")
    }
    assert n == {"*": 2700 * 4, "s=a": 600 * 4, "s=c": 800 * 4, "(other)": 1300 * 4}
    others = [row for (segment, _, _), row in rows.items() if segment == "(other)" and row["n"] >= 30]
    assert {row["n_reference"] for row in others} == {1300}


def test_a_run_that_fails_leaves_the_old_results_as_they_were(judged, desk, driftline, live, monkeypatch):
    config = judged.folder / "drift.yaml"
    args = ["backtest", config, "--input", desk.write(live), "--output", desk.folder / "out"]
    assert driftline(*args).code == 0
    before = {path.name: path.read_bytes() for path in (desk.folder / "out").iterdir()}
    monkeypatch.setattr("driftline.transforms.decide.settle_window.settle_window", None)
    ran = driftline(*args)
    assert ran.code == 1
    assert "failed: " in ran.err
    assert "Traceback" not in ran.err
    assert {path.name: path.read_bytes() for path in (desk.folder / "out").iterdir()} == before
    assert desk.left_behind() == []


def test_a_run_that_fails_to_start_leaves_nothing(judged, desk, driftline, live, monkeypatch):
    monkeypatch.setattr("driftline.pipelines.monitor.build_monitor", None)
    ran = driftline(
        "backtest", judged.folder / "drift.yaml", "--input", desk.write(live), "--output", desk.folder / "out"
    )
    assert ran.code == 1
    assert desk.left_behind() == []


def test_results_that_cannot_be_published_leave_nothing(judged, desk, driftline, live, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("driftline.transforms.write_file.write_atomically", full)
    ran = driftline(
        "backtest", judged.folder / "drift.yaml", "--input", desk.write(live), "--output", desk.folder / "out"
    )
    assert ran.code == 1
    assert "No space left" in ran.err
    assert desk.left_behind() == []


def test_the_config_s_own_words_are_in_the_run_summary(judged):
    run = orjson.loads((judged.folder / "out" / "run.json").read_bytes())
    assert run["model"] == "shop"
    assert run["min_n"] == 30
    assert (run["decoded"], run["profiled"], run["dropped_late"]) == (1_500, 1_500, 0)
