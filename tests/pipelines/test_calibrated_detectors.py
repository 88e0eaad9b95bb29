"""Detectors of the loss that know the reference, from its labels to the rows, and where they cannot."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.baseline import decode_baseline
from driftline.config import ConfigError, load_config
from driftline.pipelines.outcomes import calibration_of_detectors, check_calibration
from driftline.signals.alarm_limits_measure import PART
from tests.pipelines.conftest import DAY, FIRST, Desk, log

LIVE = FIRST + 30 * DAY
FLIP = LIVE + 5 * DAY
WATCH = "[{signal: loss, detector: adwin}, {signal: loss, detector: page_hinkley, calibrated: false}]"


def labelled(table, seed, *, flip=None):
    """Labels that the scores predict, on some days better than on others; from `flip` on their opposites."""
    random = np.random.default_rng(seed)
    at, score = table["at"].to_numpy(), table["score"].to_numpy()
    day = at // DAY
    wrong = random.random(len(at)) < random.uniform(0.02, 0.35, int(day.max()) + 1)[day]
    y = (score >= 0.5) ^ wrong
    if flip is not None:
        y ^= at >= flip
    return table.append_column("y", pa.array(y.astype(int)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with the rows of a backtest."""
    from driftline.pipelines.cli import main

    desk = Desk(tmp_path_factory.mktemp("calibrated"))
    desk.write(labelled(log(1, 9_000, days=30), 3), "ref.parquet")
    desk.write(labelled(log(2, 3_000, days=10, first=LIVE), 4, flip=FLIP))
    config = desk.config(
        source=f"{{files: {{pattern: {desk.folder}/live.parquet}}}}", labels="{column: y}", detectors=WATCH
    )
    assert main(["baseline", config, "--input", str(desk.folder / "ref.parquet")]) == 0
    assert main(["backtest", config, "--output", str(desk.folder / "out")]) == 0
    return desk


def read(desk):
    baseline = decode_baseline((desk.folder / "baseline.avro").read_bytes(), "it")
    return baseline, load_config(str(desk.folder / "drift.yaml"))


def test_one_row_for_the_flip_where_the_textbook_has_many(run):
    rows = pq.read_table(run.folder / "out" / "detections.parquet").to_pylist()
    own = [row for row in rows if row["segment"] == "*"]
    calibrated = [row for row in own if row["calibrated"]]
    assert {row["detector"] for row in calibrated} == {"adwin"}
    assert {row["detector"] for row in own if not row["calibrated"]} == {"page_hinkley"}
    [row] = calibrated
    baseline, _ = read(run)
    assert row["before"] == baseline.entries["*", PART.name].profile.level
    assert row["after"] > 0.6
    assert FLIP - DAY < row["at"].timestamp() * 1e6 < FLIP + DAY
    assert row["detected_at"].timestamp() * 1e6 < FLIP + DAY


def test_segments_with_too_few_labels_are_silent_and_named(run):
    baseline, config = read(run)
    entries = baseline.of_part(PART.name)
    assert "*" in entries
    silent = [segment for segment in baseline.segments if segment not in entries]
    assert silent
    rows = pq.read_table(run.folder / "out" / "detections.parquet").to_pylist()
    assert not [row for row in rows if row["segment"] in silent and row["detector"] == "adwin"]
    [remark] = calibration_of_detectors(config, baseline)
    assert f"silent in {len(silent)} of {len(baseline.segments)} segments ({silent[0]}, " in remark
    assert "fewer than 4,800 labels" in remark
    check_calibration(config, baseline)


def test_a_baseline_without_limits(run, capsys):
    from driftline.pipelines.cli import main

    baseline, config = read(run)
    for place in [place for place in baseline.entries if place[1] == PART.name]:
        del baseline.entries[place]
    [remark] = calibration_of_detectors(config, baseline)
    assert remark.startswith("note: detectors of the loss are not calibrated, so each storm is a detection")
    check_calibration(config, baseline)  # it is only the default
    few = run.folder / "few.parquet"
    pq.write_table(labelled(log(1, 2_000, days=30), 3), few)
    strict = run.folder / "strict.yaml"
    text = (
        (run.folder / "drift.yaml")
        .read_text()
        .replace("detector: adwin", "detector: adwin, calibrated: true")
    )
    strict.write_text(text.replace("baseline.avro", "few.avro"))
    assert main(["baseline", str(strict), "--input", str(few)]) == 0
    assert "are not calibrated" in capsys.readouterr().out
    assert main(["backtest", str(strict), "--output", str(run.folder / "never")]) == 2
    said = capsys.readouterr().err
    assert "detectors[0].calibrated" in said
    assert "has nothing to calibrate on" in said
    assert "with 4,800 labels or more" in said
    with pytest.raises(ConfigError, match="calibrate"):
        check_calibration(load_config(str(strict)), baseline)


def test_nothing_is_said_where_no_detector_is_calibrated(run):
    baseline, _ = read(run)
    off = run.folder / "off.yaml"
    text = (
        (run.folder / "drift.yaml")
        .read_text()
        .replace("detector: adwin", "detector: adwin, calibrated: false")
    )
    off.write_text(text)
    assert calibration_of_detectors(load_config(str(off)), baseline) == []
