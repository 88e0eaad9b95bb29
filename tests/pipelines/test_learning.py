"""Backtests with a learner beside the frozen model: its gap grows when the meaning flips, and is found."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.decoding.request_ids import request_keys
from driftline.detectors import ADWIN
from driftline.learning.online_learner import OnlineLearningDetector
from driftline.losses import log_loss
from driftline.pipelines.cli import main
from tests.pipelines.conftest import DAY, FIRST, Desk

HOUR = DAY // 24
ROWS = 9_000
FLIP = FIRST + 2 * DAY
DETECTORS = "[{signal: learning_gap, detector: adwin}]"
FEATURES = "{x: numeric, c: categorical}"
LABELS = """
  column: y
  source: {{files: {{pattern: {}/labels.parquet}}}}
  time: {{column: known, unit: us}}
  wait: 12h"""


def traffic(seed, first, flip=None):
    """Features, the score of a model that knows the world as it was, and labels by row."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.integers(first, first + 3 * DAY, ROWS))
    x, c = rng.normal(size=ROWS), rng.choice(["a", "b"], ROWS)
    x[rng.random(ROWS) < 0.02] = np.nan
    logit = 2 * np.nan_to_num(x) + np.where(c == "a", 0.5, -0.5)
    truth = logit if flip is None else np.where(at >= flip, -logit, logit)
    order = rng.permutation(ROWS)
    events = {
        "id": [f"r{seed}-{i}" for i in range(ROWS)],
        "at": at,
        "s": rng.choice(["A", "B"], ROWS, p=[0.8, 0.2]),
        "x": x,
        "c": c,
        "score": 1 / (1 + np.exp(-logit)),
        "y": (rng.random(ROWS) < 1 / (1 + np.exp(-truth))).astype(np.int64),
        "known": at + rng.integers(-HOUR, 14 * HOUR, ROWS),
    }
    return pa.table(events).take(pa.array(order))


@pytest.fixture(scope="module")
def now():
    return traffic(2, FIRST, FLIP)


@pytest.fixture(scope="module")
def desk(tmp_path_factory, now):
    desk = Desk(tmp_path_factory.mktemp("learning"))
    for name, rows in (("ref", traffic(1, FIRST - 3 * DAY)), ("live", now)):
        desk.write(rows.drop_columns(["y", "known"]), f"{name}.parquet")
    desk.write(now.select(["id", "y", "known"]), "labels.parquet")
    desk.write(now.drop_columns(["known"]), "labelled.parquet")
    config = desk.config(
        features=FEATURES,
        source=f"{{files: {{pattern: {desk.folder}/live.parquet}}}}",
        labels=LABELS.format(desk.folder),
        detectors=DETECTORS,
    )
    assert main(["baseline", config, "--input", str(desk.folder / "ref.parquet")]) == 0
    assert main(["backtest", config, "--output", str(desk.folder / "out")]) == 0
    return desk


def found(folder, segment):
    rows = pq.read_table(folder / "detections.parquet").to_pylist()
    assert {row["signal"] for row in rows} == {"learning_gap"}
    return [row for row in rows if row["segment"] == segment]


def outcomes(now, *, late=True):
    """The outcomes in their order, with the loss of the frozen model."""
    rows = now.to_pandas()
    if late:
        rows = rows[(rows["known"] - rows["at"]).abs() <= 12 * HOUR].copy()
        rows["when"] = rows[["at", "known"]].max(axis=1)
    else:
        rows["when"] = rows["at"]
    high, low = (np.asarray(half) for half in request_keys(pa.array(rows["id"])))
    rows["high"], rows["low"] = high, low
    rows["loss"] = log_loss(rows["score"].to_numpy(), rows["y"].to_numpy().astype(float))
    return rows.sort_values(["when", "at", "high", "low"])


def plain_gaps(rows):
    """A loop over the sorted outcomes."""
    learner = OnlineLearningDetector(["x"], ["c"])
    features = pa.RecordBatch.from_pandas(rows[["x", "c"]], preserve_index=False)
    return learner.update_many(features, rows["y"].to_numpy(), rows["loss"].to_numpy())


@pytest.mark.parametrize("segment", ["*", "s=A"])
def test_detections_are_those_of_a_plain_loop(desk, now, segment):
    rows = outcomes(now)
    if segment != "*":
        rows = rows[rows["s"] == segment.removeprefix("s=")]
    gaps, positions = plain_gaps(rows)
    changes = list(ADWIN(scale_free=True).changes(gaps))
    when, at = (rows[name].to_numpy()[positions] for name in ("when", "at"))
    expected = sorted(
        (int(at[c.position - c.width + 1]), int(when[c.position]), c.width, c.after) for c in changes
    )
    assert expected
    told = [
        (round(row["at"].timestamp() * 1e6), round(row["detected_at"].timestamp() * 1e6), row["width"])
        for row in found(desk.folder / "out", segment)
    ]
    assert sorted(told) == [row[:3] for row in expected]
    after = sorted(row["after"] for row in found(desk.folder / "out", segment))
    np.testing.assert_allclose(after, sorted(row[3] for row in expected), rtol=1e-12)


def test_the_flip_is_found_and_the_gap_grows(desk, now):
    rows = outcomes(now)
    gaps, positions = plain_gaps(rows)
    after = rows["at"].to_numpy()[positions] >= FLIP
    assert gaps[after].mean() > gaps[~after].mean() + 0.3
    found_rows = sorted(found(desk.folder / "out", "*"), key=lambda row: row["detected_at"])
    first = next(row for row in found_rows if row["after"] > row["before"])
    assert FLIP < first["detected_at"].timestamp() * 1e6 < FLIP + 12 * HOUR


def test_labels_with_the_events(desk, now):
    config = desk.config(
        name="with.yaml",
        features=FEATURES,
        source=f"{{files: {{pattern: {desk.folder}/labelled.parquet}}}}",
        labels="{column: y}",
        detectors=DETECTORS,
    )
    assert main(["backtest", config, "--output", str(desk.folder / "with")]) == 0
    rows = outcomes(now, late=False)
    gaps, positions = plain_gaps(rows)
    when = rows["when"].to_numpy()[positions]
    expected = sorted(int(when[change.position]) for change in ADWIN(scale_free=True).changes(gaps))
    told = sorted(round(row["detected_at"].timestamp() * 1e6) for row in found(desk.folder / "with", "*"))
    assert told == expected


@pytest.mark.parametrize("command", ["validate", "backtest"])
def test_scikit_learn_is_missed_before_the_job_starts(driftline, desk, monkeypatch, command):
    monkeypatch.setattr("driftline.pipelines.outcomes.find_spec", lambda _: None)
    ran = driftline(command, desk.folder / "drift.yaml")
    assert ran.code == 2
    assert "detectors.0.signal: learning_gap" in ran.err
    assert "pip install 'driftline[online]'" in ran.err
    assert "Traceback" not in ran.err


def test_a_learner_needs_features(driftline, desk):
    config = desk.config(
        name="none.yaml", features="{}", labels=LABELS.format(desk.folder), detectors=DETECTORS
    )
    ran = driftline("validate", config)
    assert ran.code == 2
    assert "needs features to learn from" in ran.err
