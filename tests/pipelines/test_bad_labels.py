"""Labels that are wrong, or not there: one clear message, or dead letters; and counts that add up."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from driftline.report import RunSummary
from tests.pipelines.conftest import DAY, FIRST, Desk

HOUR = DAY // 24
LIVE = FIRST + 12 * DAY
LONG = "z" * 1_000_000
CONFIG = """\
model: shop
event_time: {column: at, unit: us}
request_id: id
prediction: score
features: {x: numeric}
windows: {size: 1d, every: 1d}
source: {files: {pattern: ref.parquet}}
baseline: {path: baseline.avro}
tests: {min_n: 30}
sinks: [files: {path: out}]
"""
LABELS = (
    "{{column: y, source: {{files: {{pattern: {}/labels.parquet}}}}, "
    "time: {{column: known, unit: us}}, wait: 12h}}"
)
TYPES = {"id": pa.string(), "y": pa.int64(), "known": pa.int64()}


def events(seed, rows, first, days):
    rng = np.random.default_rng(seed)
    at = first + rng.integers(0, days * DAY, rows)
    columns = {
        "id": [f"r{seed}-{i}" for i in range(rows)],
        "at": at.tolist(),
        "x": rng.normal(size=rows).tolist(),
    }
    return columns | {"score": rng.beta(2, 2, rows).tolist()}


def labels(of, seed=9):
    rng = np.random.default_rng(seed)
    rows = len(of["id"])
    y = (rng.random(rows) < np.array(of["score"])).astype(int).tolist()
    return {
        "id": list(of["id"]),
        "y": y,
        "known": (np.array(of["at"]) + rng.integers(0, 10 * HOUR, rows)).tolist(),
    }


def changed(columns, **values):
    """The columns with some of their values replaced, by row."""
    copy = {name: list(column) for name, column in columns.items()}
    for name, by_row in values.items():
        for row, value in by_row.items():
            copy[name][row] = value
    return copy


PAST, NOW = events(1, 1_200, FIRST, 12), events(2, 300, LIVE, 2)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with a baseline that knows labels, and one that does not."""
    from driftline.pipelines.cli import main

    desk = Desk(tmp_path_factory.mktemp("shop"))
    desk.write(pa.table(PAST), "ref.parquet")
    desk.write(pa.table(labels(PAST)), "labels.parquet")
    assert main(["baseline", desk.config(CONFIG, labels=LABELS.format(desk.folder))]) == 0
    assert main(["baseline", desk.config(CONFIG, "alone.yaml"), "--output", f"{desk.folder}/alone.avro"]) == 0
    return desk


@pytest.fixture
def run(shop, desk, driftline):
    """A backtest of events with labels, in a folder of its own."""

    def backtest(these=NOW, known=None, baseline="baseline.avro", **keys):
        desk.write(pa.table(these))
        known = labels(NOW) if known is None else known
        desk.write(
            pa.table(known) if known["id"] else pa.table(known, pa.schema(TYPES.items())), "labels.parquet"
        )
        keys = {"labels": LABELS.format(desk.folder)} | keys
        text = CONFIG.replace("path: baseline.avro", f"path: {shop.folder}/{baseline}")
        config = desk.config(text, **keys)
        ran = driftline("backtest", config, "--input", desk.folder / "live.parquet")
        assert ran.code == 0, ran.err
        assert "UNACCOUNTED" not in ran.out
        assert "Traceback" not in ran.err
        found = RunSummary.from_json((desk.folder / "out" / "run.json").read_bytes()).labels
        assert (
            found.predictions == found.matched + found.expired + found.waiting + found.duplicate_predictions
        )
        letters = Counter(letter["reason"] for letter in desk.rejects())
        return ran, found, letters

    return backtest


def test_what_cannot_be_used_is_a_dead_letter_and_the_rest_is_joined(run):
    these = changed(
        NOW, score={0: np.nan, 1: np.inf, 2: 1.5, 3: -0.1, 4: None}, id={10: None, 11: LONG, 12: ""}
    )
    known = labels(NOW)
    known = changed(
        known,
        id={10: None, 11: LONG, 12: ""},
        y={20: 7, 21: None},
        known={30: None, 31: -5, 32: known["known"][32] + DAY, 33: known["known"][33] - DAY},
    )
    ran, found, letters = run(these, known)
    assert ran.counts["profiled"] == 300
    assert (found.predictions, found.unusable, found.rejected) == (295, 5, 3)
    # without a label: no id (null or empty) twice, no label twice, no time once, a wrong clock three times
    assert (found.matched, found.expired) == (295 - 8, 8)
    assert (found.labels, found.unmatched_labels) == (297, 2 + 3 + 5)
    assert letters == {
        "invalid_score": 5,
        "unknown_class": 1,
        "missing_label": 1,
        "missing_event_time": 1,
        "no_prediction": 10,
    }
    assert "warning" not in ran.out


@pytest.mark.parametrize(
    ("change", "warning", "reasons"),
    [
        ("text", "not one label could be used: the dead letters say why", {"unknown_class": 300}),
        ("ids", "no label belongs to a prediction: the dead letters say why", {"no_prediction": 300}),
        ("clock", "no label belongs to a prediction: the dead letters say why", {"no_prediction": 300}),
        ("empty", "no prediction has a label: is labels.source right?", {}),
    ],
)
def test_labels_of_which_none_fits_are_one_clear_warning(run, change, warning, reasons):
    known = labels(NOW)
    known |= {
        "text": {"y": ["yes" if y else "no" for y in known["y"]]},
        "ids": {"id": [f"other-{name}" for name in known["id"]]},
        "clock": {"known": [at + DAY for at in known["known"]]},
        "empty": {name: [] for name in known},
    }[change]
    ran, found, letters = run(known=known)
    assert f"  warning: {warning}" in ran.out
    assert (found.matched, found.expired) == (0, 300)
    assert letters == reasons


def test_labels_of_which_one_class_is_lost_are_warned_of(run):
    known = labels(NOW)
    known |= {"y": [y + 1 for y in known["y"]]}
    ran, found, _ = run(known=known)
    assert 30 < found.rejected < 270
    assert f"  warning: {found.rejected} of 300 labels are rejected: is labels.classes right?" in ran.out


def test_scores_of_which_most_are_percentages_are_warned_of(run):
    ran, found, _ = run(
        NOW | {"score": [100 * score if i % 9 else score for i, score in enumerate(NOW["score"])]}
    )
    assert found.matched > 0
    assert f"{found.unusable} of 300 predictions cannot be used: is labels.loss right?" in ran.out


def test_scores_of_which_none_can_be_used_are_one_clear_warning(run):
    ran, found, letters = run(NOW | {"score": [score + 2 for score in NOW["score"]]})
    assert "  warning: not one prediction could be used: the dead letters say why" in ran.out
    assert (found.predictions, found.unusable) == (0, 300)
    assert letters == {"invalid_score": 300, "no_prediction": 300}


def test_a_baseline_that_knows_no_labels_is_said(run):
    ran, found, _ = run(baseline="alone.avro")
    assert found.matched == 300
    assert "no prediction of the baseline has a label" in ran.out


def test_a_baseline_that_knows_labels_serves_without_them_too(run):
    ran, found, _ = run(labels=None)
    assert ran.counts["profiled"] == 300
    assert found.predictions == 0
    assert "label" not in ran.out


def test_a_wait_shorter_than_the_lateness_loses_nothing(run, desk):
    ran, found, letters = run(labels=LABELS.format(desk.folder).replace("12h", "5m"))
    late = np.array(labels(NOW)["known"]) - np.array(NOW["at"]) > HOUR // 12
    assert (found.matched, found.expired) == (300 - late.sum(), late.sum())
    assert letters["after_deadline"] + letters["no_prediction"] == late.sum()
    assert f"warning: {late.sum()} of 300 labels belong to no prediction: are the ids" in ran.out


@pytest.mark.parametrize(
    ("y", "warning"),
    [
        (
            "yes",
            "not one label could be used: the dead letters say why; are labels.column and labels.classes",
        ),
        (None, "no prediction has a label: is labels.column right?"),
    ],
)
def test_labels_with_the_events_are_not_looked_for_in_a_source(run, y, warning):
    these = NOW | {"y": pa.array([y] * 300, pa.string())}
    ran, found, letters = run(these, labels="{column: y}")
    assert f"  warning: {warning}" in ran.out
    assert "labels.source" not in ran.out
    assert (found.predictions, found.matched, found.unusable) == (300, 0, 300 if y else 0)
    assert letters == ({"unknown_class": 300} if y else {})


@pytest.mark.parametrize("command", ["baseline", "backtest", "monitor"])
def test_labels_from_pubsub_are_one_clear_error(shop, desk, driftline, command):
    desk.write(pa.table(NOW), "ref.parquet")
    pubsub = "{pubsub: {subscription: projects/p/subscriptions/s, format: json}}"
    text = CONFIG.replace("path: baseline.avro", f"path: {shop.folder}/baseline.avro")
    config = desk.config(text, labels=f"{{column: y, source: {pubsub}, time: {{column: known, unit: us}}}}")
    ran = driftline(command, config, *(["--output", desk.folder / "o"] if command != "monitor" else []))
    assert ran.code == 2
    assert ran.err.splitlines() == [
        f"{config}: 1 problem",
        "  labels.source.pubsub: projects/p/subscriptions/s",
        "      is not read by this release",
        "      -> name files or kafka; baseline and backtest also take files with --labels",
    ]


def test_files_of_labels_stand_in_for_pubsub(shop, desk, driftline):
    desk.write(pa.table(NOW), "ref.parquet")
    known = desk.write(pa.table(labels(NOW)), "labels.parquet")
    pubsub = "{pubsub: {subscription: projects/p/subscriptions/s, format: json}}"
    text = CONFIG.replace("path: baseline.avro", f"path: {shop.folder}/baseline.avro")
    config = desk.config(text, labels=f"{{column: y, source: {pubsub}, time: {{column: known, unit: us}}}}")
    ran = driftline("backtest", config, "--labels", known)
    assert ran.code == 0, ran.err
    assert "300 matched" in ran.out
