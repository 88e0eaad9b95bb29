"""Bad input, given to whole jobs: a clear error or a dead letter, nothing lost, nothing crashed."""

from __future__ import annotations

import io

import fastavro
import numpy as np
import orjson
import pyarrow as pa
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.windows_file import decode_windows
from tests.pipelines.conftest import DAY, FIRST, log, rows_of

START = FIRST + 30 * DAY
YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999


def replaced(table, **columns):
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
        table = table.set_column(place, name, column)
    return table


@pytest.fixture
def today():
    """One day of good events."""
    return log(7, 400, days=1, first=START)


@pytest.fixture
def backtest(shop, desk, driftline):
    """Judge a table or a file with the shop's baseline."""

    def run(data, config=None):
        path = desk.write(data) if isinstance(data, pa.Table) else data
        return driftline(
            "backtest", config or shop.folder / "drift.yaml", "--input", path, "--output", desk.folder / "out"
        )

    return run


def full_day(desk, feature, segment="*"):
    return rows_of(desk.results())[segment, feature, START]


def refused(ran, *words):
    """Ended as wrong configuration, saying all of this, without a traceback."""
    assert ran.code == 2, ran
    for word in words:
        assert word in ran.err, ran.err
    assert "Traceback" not in ran.err


# --- files


def test_no_such_file(backtest, desk):
    ran = backtest(desk.folder / "nothing-*.parquet")
    refused(ran, "command line", "--input", "nothing-*.parquet", "no file matches")
    assert "source.files.pattern" not in ran.err
    assert list(desk.folder.iterdir()) == []


def test_no_such_files_in_the_configuration(desk, driftline):
    ran = driftline("baseline", desk.config())
    refused(ran, "drift.yaml", "source.files.pattern", "ref.parquet", "no file matches", "--input")


def test_no_such_file_for_a_baseline_keeps_the_old_one(shop, desk, driftline):
    (desk.folder / "b.avro").write_text("old")
    ran = driftline(
        "baseline",
        shop.folder / "drift.yaml",
        "--input",
        desk.folder / "x.parquet",
        "--output",
        desk.folder / "b.avro",
    )
    refused(ran, "x.parquet", "no file matches")
    assert (desk.folder / "b.avro").read_text() == "old"
    assert desk.left_behind() == []


@pytest.mark.parametrize("name", ["e.parquet", "e.avro", "e.arrow", "e.jsonl"])
def test_an_empty_file(backtest, desk, name):
    (desk.folder / name).write_bytes(b"")
    ran = backtest(desk.folder / name)
    assert ran.code == 0, ran.err
    letters = desk.rejects()
    assert ran.counts["decoded"] == ran.counts["rejected"] == len(letters) == (name != "e.jsonl")
    assert {letter["reason"] for letter in letters} <= {"truncated"}
    assert desk.results().num_rows == 0
    assert "window_start" in desk.results().column_names


def test_a_file_without_rows(backtest, desk, today):
    ran = backtest(today.slice(0, 0))
    assert ran.counts == {"decoded": 0, "profiled": 0, "rejected": 0, "dropped": 0}
    assert desk.results().num_rows == 0


@pytest.mark.parametrize("rows", [0, None], ids=["no rows", "no bytes"])
def test_a_reference_without_rows_is_no_baseline(desk, driftline, today, rows):
    config = desk.config()
    if rows == 0:
        desk.write(today.slice(0, 0), "ref.parquet")
    else:
        (desk.folder / "ref.parquet").write_bytes(b"")
    refused(driftline("baseline", config), "the reference has no usable row", "--input")
    assert sorted(path.name for path in desk.folder.iterdir()) == ["drift.yaml", "ref.parquet"]


def test_one_row(backtest, desk, today):
    ran = backtest(today.slice(0, 1))
    assert ran.counts["profiled"] == 1
    ours = [row for row in desk.results().to_pylist() if row["n"]]
    assert {row["n"] for row in ours} == {1}
    assert {row["status"] for row in ours} == {"insufficient"}
    assert len(ours) == 4 * 4 * 2  # windows, features, the segment and all traffic


def test_a_reference_of_one_row_judges_and_acts_on_nothing(desk, driftline, today):
    desk.write(today.slice(0, 1), "ref.parquet")
    config = desk.config()
    assert driftline("baseline", config).code == 0
    assert driftline("backtest", config, "--input", desk.write(today)).counts["profiled"] == 400
    rows = desk.results().to_pylist()
    assert {row["calibration"] for row in rows if row["segment"] == "*"} == {"uncalibrated"}
    assert not any(row["drifted"] for row in rows)


def test_a_file_of_another_format_under_this_suffix(backtest, desk):
    path = desk.folder / "live.parquet"
    path.write_text("id,at,s,x,k,c,score\n1,2,A,3,4,a,5\n")
    refused(backtest(path), "live.parquet", "cannot be read as parquet")


def test_a_truncated_avro_block_loses_only_what_is_behind_the_cut(backtest, desk, today):
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
    out = io.BytesIO()
    fastavro.writer(out, schema, today.to_pylist(), sync_interval=2_000)
    path = desk.folder / "live.avro"
    path.write_bytes(out.getvalue()[:-300])
    ran = backtest(path)
    assert 300 < ran.counts["profiled"] < 400
    assert ran.counts["rejected"] == 1
    letter = desk.rejects()[0]
    assert letter["reason"] == "truncated"
    assert letter["source"] == str(path)
    assert letter["position"].startswith("byte ")
    assert sum(row["n"] for (s, f, _), row in rows_of(desk.results()).items() if (s, f) == ("*", "x")) == (
        4 * ran.counts["profiled"]
    )


def test_one_damaged_file_among_good_ones(backtest, desk, today):
    good = desk.write(today, "live-0.parquet")
    data = bytearray((desk.folder / "live-0.parquet").read_bytes())
    (desk.folder / "live-1.parquet").write_bytes(data[: len(data) // 2])
    ran = backtest(good.replace("live-0", "live-*"))
    assert ran.counts == {"decoded": 401, "profiled": 400, "rejected": 1, "dropped": 0}
    assert full_day(desk, "x")["n"] == 400


# --- configuration and data do not agree


def test_a_feature_the_data_lacks(backtest, desk, today):
    ran = backtest(today.drop_columns(["x"]))
    assert ran.code == 0, ran.err
    assert ran.counts["profiled"] == 400
    assert "no column x (in 400 events)" in ran.out
    row = full_day(desk, "x")
    assert (row["missing_rate"], row["drifted"]) == (1, True)


def test_files_without_any_feature_are_other_files(backtest, desk, today):
    ran = backtest(today.select(["id", "at", "s"]))
    refused(ran, "drift.yaml", "features.x", "no column 'x'", "id, at, s")
    assert desk.left_behind() == []


@pytest.mark.parametrize(("column", "key"), [("at", "event_time"), ("s", "segments")])
def test_another_column_the_data_lacks(backtest, today, column, key):
    refused(backtest(today.drop_columns([column])), key, f"no column '{column}'")


def test_a_feature_that_one_of_many_files_lacks_is_missing_there(backtest, desk, today):
    desk.write(today.slice(0, 300), "live-0.parquet")
    desk.write(today.slice(300).drop_columns(["x"]), "live-1.parquet")
    ran = backtest(desk.folder / "live-*.parquet")
    assert ran.code == 0, ran.err
    assert ran.counts["decoded"] == 400
    if ran.counts["profiled"] == 400:
        nulls = today.slice(0, 300)["x"].null_count
        assert full_day(desk, "x")["missing_rate"] == pytest.approx((100 + nulls) / 400)


def test_text_in_a_numeric_column_is_invalid_there(backtest, desk, today):
    ran = backtest(replaced(today, x=["many"] * 400))
    assert ran.code == 0, ran.err
    assert "values of another type than their feature: x 400 (100 %)" in ran.out
    row = full_day(desk, "x")
    assert (row["n"], row["invalid_rate"], row["missing_rate"], row["drifted"]) == (400, 1, 0, True)
    assert full_day(desk, "c")["n"] == 400


def test_numbers_as_text_are_numbers(backtest, desk, today):
    backtest(today)
    plain = full_day(desk, "x")
    ran = backtest(replaced(today, x=[None if x is None else repr(x) for x in today["x"].to_pylist()]))
    assert ran.code == 0, ran.err
    row = full_day(desk, "x")
    assert (row["ks"], row["invalid_rate"], row["mean"]) == (plain["ks"], 0, plain["mean"])


def test_text_among_the_numbers_of_json_lines_is_invalid_and_its_row_stays(backtest, desk, today):
    lines = [orjson.dumps(row) for row in replaced(today, x=np.zeros(400)).to_pylist()]
    lines[7] = lines[7].replace(b'"x":0.0', b'"x":"many"')
    path = desk.folder / "live.jsonl"
    path.write_bytes(b"\n".join(lines))
    ran = backtest(path)
    assert ran.counts == {"decoded": 400, "profiled": 400, "rejected": 0, "dropped": 0}
    assert desk.rejects() == []
    assert full_day(desk, "x")["invalid_rate"] == pytest.approx(1 / 400)
    assert full_day(desk, "c")["invalid_rate"] == 0


# --- values


def test_all_null(backtest, desk, today):
    ran = backtest(replaced(today, x=pa.nulls(400, pa.float64()), c=pa.nulls(400, pa.string())))
    assert ran.counts["profiled"] == 400
    x, c = full_day(desk, "x"), full_day(desk, "c")
    assert x["missing_rate"] == c["missing_rate"] == 1
    for name in ("mean", "min", "max", "quantiles", "ks", "ks_p", "wasserstein", "variance", "skewness"):
        assert x[name] is None, name
    assert sum(x["bin_counts"]) == sum(c["bin_counts"]) == 0
    assert c["cardinality"] == 0
    assert c["new_category_rate"] is None
    assert (x["drifted"], c["drifted"]) == (True, True)  # a feature that is gone has drifted


def test_nulls_of_no_type(backtest, desk, today):
    assert backtest(replaced(today, x=pa.nulls(400))).counts["profiled"] == 400
    assert full_day(desk, "x")["missing_rate"] == 1


@pytest.fixture(scope="module")
def degenerate(tmp_path_factory):
    """A baseline of features that never vary or never are."""
    from driftline.pipelines.cli import main
    from tests.pipelines.conftest import Desk

    desk = Desk(tmp_path_factory.mktemp("degenerate"))
    table = log(1, 3_000, days=20)
    desk.write(
        replaced(
            table,
            x=pa.nulls(3_000, pa.float64()),
            k=np.full(3_000, 7),
            c=pa.nulls(3_000, pa.string()),
            score=np.full(3_000, np.nan),
        ),
        "ref.parquet",
    )
    assert main(["baseline", desk.config()]) == 0
    return desk


@pytest.mark.parametrize(
    ("changes", "drifted"),
    [
        ({}, set()),
        ({"k": np.arange(400) % 5}, {"k"}),
        ({"x": np.arange(400.0)}, {"x"}),
        ({"c": ["a"] * 400}, {"c"}),
        ({"score": np.arange(400.0)}, {"prediction"}),
    ],
    ids=["as ever", "k varies", "x appears", "c appears", "prediction appears"],
)
def test_constant_and_absent_features(request, degenerate, today, changes, drifted):
    backtest, desk = request.getfixturevalue("backtest"), request.getfixturevalue("desk")
    same = replaced(
        today,
        x=pa.nulls(400, pa.float64()),
        k=np.full(400, 7),
        c=pa.nulls(400, pa.string()),
        score=np.full(400, np.nan),
    )
    ran = backtest(replaced(same, **changes), degenerate.folder / "drift.yaml")
    assert ran.counts["profiled"] == 400
    found = {f: full_day(desk, f) for f in ("x", "k", "c", "prediction")}
    assert {row["status"] for row in found.values()} == {"ok"}
    assert {feature for feature, row in found.items() if row["drifted"]} == drifted
    if not changes:
        k = found["k"]
        assert (k["min"], k["max"], k["mean"], k["variance"], k["ks"]) == (7, 7, 7, 0, 0)
        assert found["prediction"]["nonfinite_rate"] == 1


def test_nan_infinities_negative_zero_denormals_and_the_largest_numbers(backtest, desk, today):
    odd = [1e308, -1e308, 5e-324, -5e-324, -0.0, 0.0, float("nan"), float("inf"), float("-inf"), None]
    ran = backtest(replaced(today, x=pa.array(odd * 40, pa.float64()), score=np.full(400, 1e308)))
    assert ran.counts["profiled"] == 400
    row = full_day(desk, "x")
    assert row["missing_rate"] == pytest.approx(0.1)
    assert row["nonfinite_rate"] == pytest.approx(0.3)
    assert (row["min"], row["max"]) == (-1e308, 1e308)
    assert sum(row["bin_counts"]) == 240
    for table in (desk.results(),):
        for field in table.schema:
            if pa.types.is_floating(field.type):
                assert np.isfinite(table[field.name].drop_null().to_numpy()).all(), field.name
    assert full_day(desk, "prediction")["drifted"]


def test_a_reference_of_odd_numbers_makes_a_baseline(desk, driftline, today):
    odd = [1e308, -1e308, 5e-324, -5e-324, -0.0, 0.0, float("nan"), float("inf"), float("-inf"), None]
    table = replaced(log(3, 3_000, days=20), x=pa.array(odd * 300, pa.float64()))
    desk.write(table, "ref.parquet")
    config = desk.config()
    assert driftline("baseline", config).code == 0
    assert driftline("backtest", config).counts["profiled"] == 3_000
    assert not any(row["drifted"] for row in desk.results().to_pylist() if row["feature"] == "x")


def test_integers_no_float_can_hold(backtest, desk, today):
    ran = backtest(replaced(today, k=np.full(400, 2**63 - 1)))
    assert ran.code == 0, ran.err
    assert ran.counts["decoded"] == 400
    assert full_day(desk, "k")["max"] == float(2**63 - 1)


def test_a_category_of_10_mb(backtest, desk, today):
    c = today["c"].to_pylist()
    c[0] = "y" * 10_000_000
    ran = backtest(replaced(today, c=c))
    assert ran.counts["profiled"] == 400
    [name] = full_day(desk, "c")["new_categories"]
    assert name.startswith("y" * 200 + "…#")
    assert len(name) == 218


def test_a_segment_value_of_10_mb(backtest, desk, today):
    s = today["s"].to_pylist()
    s[0] = "y" * 10_000_000
    ran = backtest(replaced(today, s=s))
    assert ran.counts["profiled"] == 400
    assert full_day(desk, "x", "(other)")["n"] == 1


@pytest.mark.long
def test_a_million_segments(desk, driftline):
    n = 1_000_000
    table = log(5, n, days=2)
    many = np.char.add("u", np.arange(n).astype(str))
    many[:3_000] = np.array(["big", "large", "tall"])[np.arange(3_000) % 3]
    desk.write(replaced(table, s=many), "ref.parquet")
    config = desk.config(max_segments=100, windows="{size: 1d, every: 1d}")
    assert driftline("baseline", config).counts["profiled"] == n
    assert driftline("backtest", config).counts["profiled"] == n
    baseline = decode_baseline((desk.folder / "baseline.avro").read_bytes(), "b")
    names = sorted(many[3_000:])[:97]  # all the rest have one row each: ties go by name
    expected = {"*", "(other)", "s=big", "s=large", "s=tall", *(f"s={name}" for name in names)}
    assert set(baseline.segments) == expected
    rows = rows_of(desk.results())
    assert {segment for segment, _, _ in rows} == expected
    for feature in ("x", "c"):
        parts = {s: sum(row["n"] for key, row in rows.items() if key[:2] == (s, feature)) for s in expected}
        assert parts["*"] == n == sum(parts.values()) - n
        assert (parts["s=big"], parts["(other)"]) == (1_000, n - 3_097)


# --- time


def test_event_times_in_the_years_1_and_9999(backtest, desk, today):
    at = today["at"].to_numpy().copy()
    at[:5] = [YEAR_1, YEAR_9999, YEAR_1 - 1, 2**62, -(2**62)]
    ran = backtest(replaced(today, at=at))
    assert ran.counts == {"decoded": 400, "profiled": 397, "rejected": 3, "dropped": 0}
    assert {letter["reason"] for letter in desk.rejects()} == {"invalid_event_time"}
    rows = [row for row in desk.results().to_pylist() if row["segment"] == "*" and row["feature"] == "x"]
    years = [row["window_start"].year for row in rows]
    assert (years.count(1), years.count(9999)) == (4, 4)
    assert len({row["row_id"] for row in rows}) == len(rows)


@pytest.mark.parametrize("sink", ["avro", "jsonl", "parquet"])
def test_every_sink_can_write_the_years_1_and_9999(shop, desk, driftline, today, sink):
    path = desk.write(replaced(today.slice(0, 2), at=[YEAR_1, YEAR_9999]))
    text = (shop.folder / "drift.yaml").read_text()
    text = text.split("source:")[0] + (
        f"source: {{files: {{pattern: {path}}}}}\n"
        f"baseline: {{path: {shop.folder}/baseline.avro}}\n"
        f"sinks: [files: {{path: {desk.folder}/out, format: {sink}}}]\n"
    )
    ran = driftline("monitor", desk.config(text))
    assert ran.code == 0, ran.err
    data = (desk.folder / "out" / f"results.{sink}").read_bytes()
    if sink == "avro":
        starts = [row["window_start"].year for row in fastavro.reader(io.BytesIO(data))]
        assert set(starts) == {1, 9999}
    if sink == "jsonl":
        starts = [orjson.loads(line)["window_start"][:5] for line in data.splitlines()]
        assert set(starts) == {"0001-", "9999-"}


def test_a_report_on_the_years_1_and_9999(backtest, desk, driftline, today):
    at = today["at"].to_numpy().copy()
    at[:2] = [YEAR_1, YEAR_9999]
    assert backtest(replaced(today, at=at)).code == 0
    assert driftline("report", desk.folder / "out").code == 0


def test_a_reference_with_rows_in_the_years_1_and_9999_takes_no_longer(desk, driftline):
    table = log(1, 3_000, days=20)
    at = table["at"].to_numpy().copy()
    at[:2] = [YEAR_1, YEAR_9999]
    desk.write(replaced(table, at=at), "ref.parquet")
    assert driftline("baseline", desk.config()).code == 0
    windows = decode_windows((desk.folder / "baseline.avro.windows").read_bytes())
    assert 70 <= len(windows["*", "numeric/0"].starts) <= 85


def test_events_without_a_time(backtest, desk, today):
    at = today["at"].to_pylist()
    at[3] = at[5] = None
    ran = backtest(replaced(today, at=pa.array(at, pa.int64())))
    assert ran.counts == {"decoded": 400, "profiled": 398, "rejected": 2, "dropped": 0}
    assert [(letter["reason"], letter["position"]) for letter in desk.rejects()] == [
        ("missing_event_time", "row 3"),
        ("missing_event_time", "row 5"),
    ]


def test_dead_letters_are_the_same_in_a_replay(backtest, desk, today):
    table = replaced(today, at=pa.nulls(400, pa.int64()))
    assert backtest(table).counts["rejected"] == 400
    first = {letter["row_id"] for letter in desk.rejects()}
    assert backtest(table).counts["rejected"] == 400
    assert {letter["row_id"] for letter in desk.rejects()} == first
    assert len(first) == 400


def test_duplicate_ids_all_count(backtest, desk, today):
    assert backtest(replaced(today, id=["same"] * 400)).counts["profiled"] == 400
    assert full_day(desk, "x")["n"] == 400


# --- JSON


def test_json_with_duplicate_keys_deep_nesting_and_garbage(backtest, desk, today):
    good = [orjson.dumps(row) for row in replaced(today, x=np.zeros(400)).to_pylist()]
    bad = [
        good[0][:-1] + b',"x":99.0}',  # twice the same key
        good[1][:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 1_000_000,
        b"{",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"at": "yesterday"}',
        b"{}",
    ]
    path = desk.folder / "live.jsonl"
    path.write_bytes(b"\n".join([*good, *bad]))
    ran = backtest(path)
    assert ran.counts["decoded"] == 409
    assert ran.counts["profiled"] + ran.counts["rejected"] == 409
    assert ran.counts["profiled"] in range(400, 403)
    letters = desk.rejects()
    assert len(letters) == ran.counts["rejected"]
    assert {letter["position"] for letter in letters} >= {f"line {i}" for i in range(403, 410)}
    assert max(len(letter["payload"]) for letter in letters) <= 1_000_000


# --- baselines


def test_no_baseline_yet(shop, desk, driftline, today):
    config = desk.config()
    ran = driftline("backtest", config, "--input", desk.write(today))
    refused(ran, f"no baseline at {desk.folder}/baseline.avro", "driftline baseline CONFIG")
    assert not (desk.folder / "out").exists()


@pytest.mark.parametrize("keep", [0, 10, 1_000, -1])
def test_a_baseline_cut_short(shop, desk, driftline, today, keep):
    config = desk.config()
    (desk.folder / "baseline.avro").write_bytes((shop.folder / "baseline.avro").read_bytes()[:keep])
    ran = driftline("backtest", config, "--input", desk.write(today))
    refused(ran, f"{desk.folder}/baseline.avro", "cut short", "driftline baseline")
    assert not (desk.folder / "out").exists()


def test_a_baseline_of_a_newer_version(shop, desk, driftline, today):
    from tests.driftline.baseline.test_file import rewritten

    config = desk.config()
    data = rewritten((shop.folder / "baseline.avro").read_bytes(), format_version=5)
    (desk.folder / "baseline.avro").write_bytes(data)
    ran = driftline("backtest", config, "--input", desk.write(today))
    refused(ran, f"{desk.folder}/baseline.avro has baseline format 5", "upgrade driftline")


def test_a_results_file_for_a_baseline(judged, desk, driftline, today):
    config = desk.config()
    (desk.folder / "baseline.avro").write_bytes((judged.folder / "out" / "results.parquet").read_bytes())
    refused(driftline("backtest", config, "--input", desk.write(today)), "is not a driftline baseline")


MISFITS = {
    "windows.size is 1d": {"windows": "{size: 2d, every: 6h}"},
    "feature 'k' is numeric in it": {"features": "{x: numeric, k: categorical, c: categorical}"},
    "feature 'id' is not in it": {"features": "{x: numeric, k: numeric, c: categorical, id: categorical}"},
    "it has feature 'k'": {"features": "{x: numeric, c: categorical}"},
    "it has feature 'prediction'": {"prediction": None},
    "its segments are ['s']": {"segments": "[c]"},
    "built for model 'shop'": {"model": "shop2"},
}


@pytest.mark.parametrize("word", MISFITS)
@pytest.mark.parametrize("command", ["backtest", "monitor", "validate"])
def test_a_baseline_that_does_not_fit(shop, desk, driftline, word, command):
    (desk.folder / "baseline.avro").write_bytes((shop.folder / "baseline.avro").read_bytes())
    desk.write(log(7, 40, days=1), "ref.parquet")
    ran = driftline(command, desk.config(**MISFITS[word]))
    refused(ran, f"{desk.folder}/baseline.avro does not fit", word, "driftline baseline CONFIG")
    assert not (desk.folder / "out").exists()


# --- output


@pytest.mark.parametrize("name", ["results.parquet", "dead_letters.parquet", "run.json"])
def test_a_folder_where_a_file_is_to_be_written_is_left_alone(backtest, desk, today, name):
    mine = desk.folder / "out" / name / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    refused(backtest(today), "--output", name, "is a folder", "move the folder away")
    assert mine.read_text() == "precious"


def test_a_baseline_is_not_written_over_a_folder(desk, driftline, today):
    desk.config()
    (desk.folder / "models").mkdir()
    (desk.folder / "models" / "model.bin").write_text("precious")
    path = desk.write(today)
    ran = driftline(
        "baseline", desk.folder / "drift.yaml", "--input", path, "--output", desk.folder / "models"
    )
    refused(ran, "--output", "models", "is a folder")
    assert (desk.folder / "models" / "model.bin").read_text() == "precious"


def test_output_that_would_be_input_the_next_time_is_refused(shop, desk, driftline, today):
    desk.write(today)
    ran = driftline(
        "backtest", shop.folder / "drift.yaml", "--input", f"{desk.folder}/*.parquet", "--output", desk.folder
    )
    refused(ran, "--output", "results.parquet would be input the next time")


@pytest.mark.parametrize(
    ("pattern", "output"), [("res*.parquet", "."), ("./*.parquet", "./"), ("o/*.parquet", "./o")]
)
def test_output_in_the_working_directory_can_be_input_too(
    shop, desk, driftline, today, monkeypatch, pattern, output
):
    monkeypatch.chdir(desk.folder)
    (desk.folder / "o").mkdir()
    for folder in (desk.folder, desk.folder / "o"):
        desk.write(today, folder / "res-1.parquet")
    ran = driftline("backtest", shop.folder / "drift.yaml", "--input", pattern, "--output", output)
    refused(ran, "--output", "results.parquet would be input the next time")


def test_a_baseline_of_a_relative_pattern(desk, driftline, reference, monkeypatch):
    monkeypatch.chdir(desk.folder)
    desk.write(reference.slice(0, 2_000), "past-1.parquet")
    ran = driftline("baseline", desk.config(), "--input", "past-*.parquet")
    assert ran.code == 0, ran.err
    assert ran.counts["profiled"] == 2_000


def test_events_of_which_none_can_be_used_end_with_a_warning(backtest, today):
    ran = backtest(replaced(today, at=pa.nulls(len(today), pa.int64())))
    assert ran.code == 0
    assert "warning: not one event could be used" in ran.out


def test_a_baseline_of_few_windows_says_what_that_means(desk, driftline, today):
    desk.config()
    ran = driftline("baseline", desk.folder / "drift.yaml", "--input", desk.write(today))
    assert "reference windows, fewer than 10: nothing will be called drifted" in ran.out
