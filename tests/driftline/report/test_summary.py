from __future__ import annotations

import json

import pytest

from driftline.report import LabelCounts, RunSummary

VERSION_1 = """
{"format": "driftline.run", "version": 1, "model": "flights", "alpha": 0.01, "psi": 0.25,
 "wasserstein_iqr": 0.1, "min_n": 200, "min_coverage": 0.5, "window_size_us": 604800000000,
 "window_every_us": 86400000000, "decoded": 100, "profiled": 90, "dropped_late": 3, "runner":
 "DirectRunner", "started_us": 1364774400000000, "seconds": 12.5,
 "baseline_path": "baseline.avro", "baseline_version": "3f2a",
 "reference_windows": 84, "rejected": {"undecodable": 2, "wrong_type": 5}, "of a later release": true}
"""


def test_version_1_is_read_for_ever():
    run = RunSummary.from_json(VERSION_1)
    assert (run.model, run.window_size_us, run.reference_windows) == ("flights", 604_800_000_000, 84)
    assert run.rejected == {"undecodable": 2, "wrong_type": 5}
    assert (run.dead_letters, run.unaccounted) == (7, 0)
    assert run.labels == LabelCounts()


def test_round_trip(made):
    labels = LabelCounts(10, 4, 3, 2, 1, 9, 3, 1, 1, 5, 6)
    run = made.run(rejected={"wrong_type": 3, "undecodable": 1}, labels=labels)
    assert RunSummary.from_json(run.to_json()) == run
    assert RunSummary.from_json(run.to_json().encode()) == run


def test_missing_events_are_counted(made):
    assert made.run(decoded=10, profiled=5, dropped_late=1, rejected={"wrong_type": 1}).unaccounted == 3


def test_predictions_and_labels_that_are_missing_are_counted():
    whole = LabelCounts(predictions=10, matched=4, expired=3, waiting=2, duplicate_predictions=1)
    assert (whole.unaccounted_predictions, whole.unaccounted_labels) == (0, 0)
    lost = LabelCounts(predictions=10, matched=4, expired=3, labels=9, unmatched_labels=3, waiting_labels=1)
    assert (lost.unaccounted_predictions, lost.unaccounted_labels) == (3, 1)
    assert lost.sentences() == [
        "10 predictions = 4 matched + 3 without a label + 0 waiting + 0 duplicates: +3 UNACCOUNTED FOR",
        "9 labels = 4 matched + 3 unmatched + 1 waiting + 0 duplicates: +1 UNACCOUNTED FOR",
    ]
    assert LabelCounts().sentences() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a run summary"),
        ('{"format": "something"}', "not a run summary"),
        (json.dumps({"format": "driftline.run", "version": 2}), "version 2.*upgrade"),
        (json.dumps({"format": "driftline.run", "version": 1, "model": "m"}), "lacks alpha"),
        (json.dumps(json.loads(VERSION_1) | {"labels": 3}), "labels that are no counts"),
    ],
)
def test_what_is_no_run_summary_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        RunSummary.from_json(text)
