"""Backtests with labels: joined, measured and watched, against counting the rows by hand."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from driftline.baseline import decode_baseline
from driftline.config import load_config
from driftline.detectors import ADWIN
from driftline.pipelines.joined_labels import outcome_remarks
from driftline.pipelines.outcomes import monitor_performance
from driftline.report import RunSummary
from driftline.statistics.null import calibrate_difference
from driftline.statistics.null.lookup_grid import p_values
from driftline.statistics.rates import arcsine_difference, iid_p_value
from driftline.tables import DETECTION, PERFORMANCE
from driftline.transforms.spine.baseline_source import BaselineSource
from tests.pipelines.conftest import CONFIG, DAY, EVERY, FIRST, LABELS, Desk, log

HOUR = DAY // 24
WAIT = 12 * HOUR
FLIP = FIRST + 31 * DAY
LIVE = FIRST + 30 * DAY
SECTION = """\
  column: y
  source: {{files: {{pattern: {}/labels*.parquet}}}}
  time: {{column: known, unit: us}}
  wait: 12h
"""
DETECTORS = """
  - {signal: loss, detector: adwin, calibrated: false}
  - {signal: feature.x, detector: page_hinkley}
  - {signal: ks.x, detector: adwin}"""


def labels_of(table, seed, flip=None):
    """Labels that the scores predict well until the meaning flips, known some hours later."""
    rng = np.random.default_rng(seed)
    at, score = table["at"].to_numpy(), table["score"].to_numpy()
    y = (rng.random(len(at)) < score).astype(int)
    if flip is not None:
        y = np.where(at >= flip, 1 - y, y)
    known = at + rng.integers(-HOUR, 14 * HOUR, len(at))
    keep = rng.random(len(at)) < 0.8
    return pa.table({"id": table["id"], "y": y, "known": known}).filter(pa.array(keep))


@pytest.fixture(scope="module")
def past(reference):
    return reference.set_column(0, "id", pa.array([f"past{i}" for i in range(reference.num_rows)]))


@pytest.fixture(scope="module")
def now():
    table = log(5, 6_000, days=3, first=LIVE)
    score = table["score"].to_numpy().copy()
    score[0], score[1] = np.nan, 1.5
    table = table.set_column(table.schema.get_field_index("score"), "score", pa.array(score))
    ids = table["id"].to_pylist()
    ids[4000] = None  # it can have no label, and must not stop the job
    return table.set_column(0, "id", pa.array(ids))


@pytest.fixture(scope="module")
def judged(tmp_path_factory, past, now):
    """A folder with the rows of a backtest, and what was printed."""
    from driftline.pipelines.cli import main

    desk = Desk(tmp_path_factory.mktemp("labels"))
    desk.write(past, "ref.parquet")
    desk.write(now)
    desk.write(labels_of(past, 3), "labels_past.parquet")
    fresh = labels_of(now, 4, FLIP)
    twice = fresh.slice(0, 40)
    lost = pa.table({"id": [f"lost{i}" for i in range(30)], "y": [0] * 30, "known": [LIVE] * 30})
    bad = pa.table({"id": [None, "r5"], "y": [1, 3], "known": [LIVE, LIVE]}, schema=fresh.schema)
    desk.write(pa.concat_tables([fresh, twice, lost, bad]), "labels_now.parquet")
    config = desk.config(
        source=f"{{files: {{pattern: {desk.folder}/live.parquet}}}}",
        labels="\n" + SECTION.format(desk.folder).rstrip(),
        detectors=DETECTORS,
    )
    assert main(["baseline", config, "--input", str(desk.folder / "ref.parquet")]) == 0
    assert main(["backtest", config, "--output", str(desk.folder / "out")]) == 0
    return desk


def table(desk, name):
    return pq.read_table(desk.folder / "out" / f"{name}.parquet")


@pytest.fixture(scope="module")
def outcomes(now):
    """What a join by hand gives: rows of prediction and label."""
    rows = now.to_pandas()
    rows = rows[(rows["score"] >= 0) & (rows["score"] <= 1)]
    joined = rows.merge(labels_of(now, 4, FLIP).to_pandas(), on="id", how="left")
    joined.loc[joined["id"].isna(), "known"] = np.nan  # no id is that of no label
    late = (joined["known"] - joined["at"]).abs() > WAIT
    joined["matched"] = joined["known"].notna() & ~late
    joined["late"] = late
    joined["loss"] = ((joined["score"] >= 0.5) != (joined["y"] == 1)).astype(float)
    return joined


def in_segment(rows, segment):
    known = {label: value for value, label in LABELS.items()}
    if segment == "*":
        return rows
    if segment not in known:
        return rows[~rows["s"].isin(list(LABELS))]
    value = known[segment]
    return rows[rows["s"].isna()] if value is None else rows[rows["s"] == value]


def test_every_window_is_measured(judged, outcomes):
    rows = table(judged, "performance")
    assert rows.schema.names == list(PERFORMANCE.names)
    seen = Counter()
    for row in rows.to_pylist():
        start = int(row["window_start"].timestamp() * 1e6)
        inside = in_segment(outcomes, row["segment"])
        inside = inside[(inside["at"] >= start) & (inside["at"] < start + DAY)]
        matched = inside[inside["matched"]]
        assert row["n_predictions"] == len(inside)
        assert row["n"] == len(matched)
        seen[row["segment"], start] += 1
        if len(matched) < 2:
            continue
        assert row["error_rate"] == pytest.approx(matched["loss"].mean())
        assert row["mean_loss"] == pytest.approx(matched["loss"].mean())
        assert row["log_loss"] == pytest.approx(log_loss(matched["y"], matched["score"], labels=[0, 1]))
        if 0 < matched["y"].mean() < 1:
            assert row["auc"] == pytest.approx(roc_auc_score(matched["y"], matched["score"]), abs=0.005)
    assert set(seen.values()) == {1}
    starts = {start for segment, start in seen if segment == "*"}
    first = (int(outcomes["at"].min()) // EVERY - 3) * EVERY
    assert starts == set(range(first, int(outcomes["at"].max()) // EVERY * EVERY + 1, EVERY))


def test_the_reference_is_measured_too(judged, past):
    path = judged.folder / "baseline.avro"
    profile = decode_baseline(path.read_bytes(), str(path)).entries["*", "performance"].profile
    joined = past.to_pandas().merge(labels_of(past, 3).to_pandas(), on="id")
    matched = joined[(joined["known"] - joined["at"]).abs() <= WAIT]
    assert profile.n_predictions == past.num_rows
    assert profile.n == len(matched)
    errors = (matched["score"] >= 0.5) != (matched["y"] == 1)
    assert profile.errors == errors.sum()
    row = table(judged, "performance").to_pylist()[0]
    assert row["baseline_version"] == decode_baseline(path.read_bytes(), str(path)).version
    assert row["error_rate_reference"] is not None


def test_p_values_are_calibrated_on_the_windows_of_the_reference(judged, past, outcomes):
    joined = past.to_pandas().merge(labels_of(past, 3).to_pandas(), on="id")
    joined = joined[(joined["known"] - joined["at"]).abs() <= WAIT]
    joined["loss"] = ((joined["score"] >= 0.5) != (joined["y"] == 1)).astype(float)
    rows = {
        (row["segment"], row["window_start"].timestamp()): row
        for row in table(judged, "performance").to_pylist()
    }
    for segment in ("*", "s=A"):
        own = in_segment(joined, segment)
        starts = FIRST + EVERY * np.arange(4 * 29 + 1)
        inside = [own["loss"][(own["at"] >= start) & (own["at"] < start + DAY)] for start in starts]
        n = np.array([len(part) for part in inside], float)
        assert (n >= 30).all()
        errors = np.array([part.sum() for part in inside])
        null = calibrate_difference(arcsine_difference(errors, n, own["loss"].mean()), n, overlap=4)
        judged_rows = [row for key, row in rows.items() if key[0] == segment and row["n"]]
        assert len(judged_rows) > 10
        for row in judged_rows:
            wrong = round(row["n"] * row["error_rate"])
            distance = arcsine_difference([wrong], [row["n"]], own["loss"].mean())
            [p] = p_values(
                null.quantiles[None], np.array([null.typical_n]), distance**2, np.array([float(row["n"])])
            )
            assert row["p_value"] == pytest.approx(p, rel=1e-4)
            [iid] = iid_p_value([wrong], [row["n"]], [own["loss"].sum()], [len(own)])
            assert row["p_iid"] == pytest.approx(iid)


def test_what_the_baseline_lacks_is_said(judged):
    config = load_config(judged.folder / "drift.yaml")
    path = judged.folder / "baseline.avro"
    baseline = decode_baseline(path.read_bytes(), str(path))
    [rare] = outcome_remarks(config, baseline)
    assert "stays null in 1 of 5 segments (s=~): fewer than 10 of their reference windows have 30" in rare
    entries = baseline.of_part("performance")

    def without(**changed):
        known = {(segment, "performance"): entry for segment, entry in changed.items()}
        others = {key: entry for key, entry in baseline.entries.items() if key[1] != "performance"}
        return outcome_remarks(config, replace(baseline, entries=others | known))

    assert without(**{"*": entries["*"]}) == []
    [few] = without(**{segment: replace(entry, null=None) for segment, entry in entries.items()})
    assert few.startswith("note: fewer than 10 reference windows have 30 outcomes")
    [none] = without()
    assert none.startswith("no prediction of the baseline has a label")


def test_the_flip_is_found_and_dated(judged, outcomes):
    rows = table(judged, "detections")
    assert rows.schema.names == list(DETECTION.names)
    found = [row for row in rows.to_pylist() if row["signal"] == "loss" and row["segment"] == "*"]
    assert {row["detector"] for row in found} == {"adwin"}
    first = found[0]
    assert first["after"] > first["before"] + 0.1
    at = first["at"].timestamp() * 1e6
    assert FLIP - 6 * HOUR < at < FLIP + 6 * HOUR


def test_detections_are_those_of_the_sorted_losses(judged, outcomes):
    matched = outcomes[outcomes["matched"]].copy()
    matched["when"] = matched[["at", "known"]].max(axis=1)
    for segment in ("*", "s=A"):
        # ties are broken by the hash of the id: times to the microsecond have none
        part = in_segment(matched, segment).sort_values(["when", "at"])
        assert not part.duplicated(["when", "at"]).any()
        positions = ADWIN().update_many(part["loss"].to_numpy())
        expected = part["when"].to_numpy()[positions].astype(np.int64).tolist()
        rows = [
            round(row["detected_at"].timestamp() * 1e6)
            for row in table(judged, "detections").to_pylist()
            if row["signal"] == "loss" and row["segment"] == segment
        ]
        assert sorted(rows) == expected


def test_what_matches_nothing_is_a_dead_letter(judged, outcomes):
    letters = table(judged, "dead_letters").to_pylist()
    reasons = Counter(letter["reason"] for letter in letters)
    labels = sum(
        pq.read_metadata(judged.folder / f"labels_{name}.parquet").num_rows for name in ("past", "now")
    )
    unmatched = (
        labels - 1 - outcomes["matched"].sum() - 40
    )  # less the one that is no label, and those sent twice
    assert reasons["after_deadline"] + reasons["no_prediction"] == unmatched
    assert 0 < reasons["after_deadline"] <= outcomes["late"].sum()
    assert reasons["invalid_score"] == 2
    assert reasons["unknown_class"] == 1
    some = next(letter for letter in letters if letter["reason"] == "no_prediction")
    assert some["source"].endswith(".parquet")
    assert re.fullmatch(r"row \d+", some["position"])
    assert len({letter["row_id"] for letter in letters}) == len(letters)


def test_counts_add_up(driftline, judged, outcomes):
    ran = driftline("backtest", judged.folder / "drift.yaml", "--output", judged.folder / "again")
    assert ran.code == 0, ran.err
    lines = [line for line in ran.out.splitlines() if line.startswith("labels: ")]
    assert not any("UNACCOUNTED" in line for line in lines), lines
    assert f"{len(outcomes):,} predictions = {outcomes['matched'].sum():,} matched" in lines[0]
    assert "40 duplicates" in lines[1]
    run = RunSummary.from_json((judged.folder / "again" / "run.json").read_bytes())
    assert [f"labels: {line}" for line in run.labels.sentences()] == lines
    assert run.labels.predictions == len(outcomes)
    assert run.labels.matched == outcomes["matched"].sum()
    assert run.labels.matched + run.labels.expired + run.labels.waiting == len(outcomes)
    assert driftline("report", judged.folder / "again").code == 0
    page = (judged.folder / "again" / "report.html").read_text()
    assert lines[0].removeprefix("labels: ") in page
    assert "1 labels rejected" in lines[2]
    assert "2 events whose prediction" in lines[3]


def test_labels_with_the_events(driftline, desk, past, now):
    def with_labels(rows, seed, flip=None):
        labels = labels_of(rows, seed, flip).to_pandas().set_index("id")["y"]
        y = [None if np.isnan(value) else int(value) for value in labels.reindex(rows["id"].to_pylist())]
        return rows.append_column("y", pa.array(y, pa.int64()))

    desk.write(with_labels(past, 3), "ref.parquet")
    desk.write(with_labels(now, 4, FLIP))
    config = desk.config(
        labels="{column: y}",
        detectors="[{signal: loss, detector: adwin}]",
        source=f"{{files: {{pattern: {desk.folder}/live.parquet}}}}",
    )
    assert driftline("baseline", config, "--input", desk.folder / "ref.parquet").code == 0
    ran = driftline("backtest", config, "--output", desk.folder / "out")
    assert ran.code == 0, ran.err
    assert "UNACCOUNTED" not in ran.out
    rows = table(desk, "performance").to_pylist()
    total = max(row["n"] for row in rows)
    assert total > 1000
    assert any(row["segment"] == "*" for row in table(desk, "detections").to_pylist())


@pytest.mark.parametrize(
    ("labels", "wait"),
    [("{column: y}", 0), ("\n" + SECTION.format("elsewhere").rstrip(), WAIT)],
    ids=["with the events", "from a source"],
)
def test_windows_wait_for_labels_of_a_source_only(desk, labels, wait):
    config = load_config(desk.config(labels=labels))
    baseline = BaselineSource(config.baseline.path, "v")
    assert monitor_performance(config, config.labels, baseline, HOUR).wait == wait


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("column: y", "column: why"), "labels.column: the data has no column 'why'"),
        (
            ("column: known", "column: knwn"),
            "labels.time: the data has no column 'knwn'; did you mean 'known'?",
        ),
        (("labels*.parquet", "nothing*.parquet"), "labels.source.files.pattern: no file matches"),
    ],
)
def test_labels_are_checked_before_the_job_starts(driftline, desk, past, now, change, message):
    desk.write(past, "ref.parquet")
    desk.write(now)
    desk.write(labels_of(past, 3), "labels.parquet")
    section = SECTION.format(desk.folder).replace(*change)
    config = desk.config(labels="\n" + section.rstrip())
    said = []
    for command in ("baseline", "validate"):
        ran = driftline(command, config)
        assert ran.code == 2
        key, _, rest = message.rpartition(": ")
        assert key in ran.err
        assert rest in ran.err
        assert "Traceback" not in ran.err
        said.append(ran.err)
    assert said[0] == said[1]


@pytest.mark.parametrize("command", ["baseline", "backtest"])
def test_wrong_files_on_the_command_line_are_named_by_their_option(driftline, judged, desk, command):
    nothing = desk.folder / "nothing-*.parquet"
    out = ("--output", desk.folder / "out")
    ran = driftline(command, judged.folder / "drift.yaml", "--labels", nothing, *out)
    assert ran.code == 2
    assert f"command line: 1 problem\n  --labels: {nothing}\n" in ran.err
    assert "no file matches" in ran.err
    assert "labels.source" not in ran.err


def test_another_loss_wants_another_baseline(driftline, judged):
    config = judged.folder / "drift.yaml"
    other = judged.folder / "other.yaml"
    other.write_text(config.read_text().replace("wait: 12h", "wait: 12h\n  loss: log"))
    ran = driftline("backtest", other, "--output", judged.folder / "never")
    assert ran.code == 2
    assert "its outcomes were measured by zero_one at threshold 0.5, labels ask for log" in ran.err


def test_labels_with_the_events_need_no_ids(driftline, desk, past, now):
    text = re.sub(r"(?m)^request_id:.*\n", "", CONFIG)
    y = pa.array((np.arange(past.num_rows) % 2).tolist())
    desk.write(past.append_column("y", y), "ref.parquet")
    desk.write(now.append_column("y", pa.array([0, 1] * (now.num_rows // 2))))
    config = desk.config(text, labels="{column: y}", detectors="[{signal: loss, detector: ddm}]")
    assert driftline("baseline", config, "--input", desk.folder / "ref.parquet").code == 0
    ran = driftline(
        "backtest", config, "--input", desk.folder / "live.parquet", "--output", desk.folder / "out"
    )
    assert ran.code == 0, ran.err
    assert max(row["n"] for row in table(desk, "performance").to_pylist()) > 1000


def test_a_run_leaves_no_tables_of_another(driftline, desk, past, now):
    desk.write(past, "ref.parquet")
    desk.write(now)
    config = desk.config()
    assert driftline("baseline", config, "--input", desk.folder / "ref.parquet").code == 0
    (desk.folder / "out").mkdir()
    for name in ("performance", "detections"):
        (desk.folder / "out" / f"{name}.parquet").write_bytes(b"of another run")
    ran = driftline(
        "backtest", config, "--input", desk.folder / "live.parquet", "--output", desk.folder / "out"
    )
    assert ran.code == 0, ran.err
    left = sorted(path.name for path in (desk.folder / "out").iterdir())
    assert left == ["dead_letters.parquet", "results.parquet", "run.json", "trends.parquet"]
