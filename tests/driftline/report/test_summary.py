from __future__ import annotations

import json

import pytest

from driftline.report import RunSummary

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


def test_round_trip(made):
    run = made.run(rejected={"wrong_type": 3, "undecodable": 1})
    assert RunSummary.from_json(run.to_json()) == run
    assert RunSummary.from_json(run.to_json().encode()) == run


def test_missing_events_are_counted(made):
    assert made.run(decoded=10, profiled=5, dropped_late=1, rejected={"wrong_type": 1}).unaccounted == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a run summary"),
        ('{"format": "something"}', "not a run summary"),
        (json.dumps({"format": "driftline.run", "version": 2}), "version 2.*upgrade"),
        (json.dumps({"format": "driftline.run", "version": 1, "model": "m"}), "lacks alpha"),
    ],
)
def test_what_is_no_run_summary_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        RunSummary.from_json(text)
