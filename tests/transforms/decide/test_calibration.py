"""Where detectors get their limits: from whatever baseline is there, and in the steps of a job."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that

from driftline.baseline.artefact import Baseline
from driftline.config.budgets import AlarmBudget
from driftline.losses import Loss
from driftline.measures.measure import Entry
from driftline.outcomes.batch_schemas import OUTCOMES
from driftline.profiles.layout import Layout
from driftline.signals import AlarmLimits, SignalPeriods, SignalValues, encode_block
from driftline.signals.alarm_limits_measure import ALARM_LIMITS, PART
from driftline.transforms.coders import RecordBatchCoder
from driftline.transforms.decide.calibration import Calibration
from driftline.transforms.decide.detect_changes import DetectChanges
from driftline.transforms.outcomes.learn_alarm_limits import LearnAlarmLimits

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

SECOND = 1_000_000
BUDGET = AlarmBudget(1.0, "week")


def limits(seed=0, n=6000):
    errors = (np.random.default_rng(seed).random(n) < 0.2).astype(float)
    return AlarmLimits.fit(SignalPeriods.of(np.arange(n) * 60 * SECOND, errors), is_rate=True)


def baseline(version, **of_segment):
    entries = {(segment, PART.name): Entry(found) for segment, found in of_segment.items()}
    return Baseline("m", 1, 1, (), Layout(()), entries, 0, 0, version)


class Source:
    """Gives one baseline after the other: the next when it is refreshed."""

    def __init__(self, *baselines):
        self.baselines = list(baselines)

    def get(self):
        return self.baselines[0]

    def refresh(self):
        if len(self.baselines) > 1:
            del self.baselines[0]


def test_each_detector_of_the_signal_has_the_limits_of_the_segment():
    found = limits()
    source = Source(baseline("1", **{"*": found, "a=1": limits(1)}))
    calibration = Calibration(source, {"loss": ["adwin", "ddm"]}, BUDGET)
    of_all = calibration.limits("*", "loss")
    assert list(of_all) == ["adwin", "ddm"]
    assert of_all["adwin"] is of_all["ddm"]
    assert of_all["ddm"].rise.tolist() == found.limits(BUDGET.in_time(1.0) / 2).rise.tolist()
    assert calibration.limits("a=1", "loss")["ddm"].level == limits(1).level
    assert calibration.limits("a=2", "loss") == {"adwin": None, "ddm": None}
    assert calibration.limits("*", "feature.x") == {}


def test_a_new_baseline_is_taken_and_one_without_limits_leaves_detectors_as_they_are():
    source = Source(baseline("1", **{"*": limits()}), baseline("2", **{"*": limits(5)}), baseline("3"))
    calibration = Calibration(source, {"loss": ["adwin"]}, BUDGET)
    levels = []
    for _ in range(2):
        levels.append(calibration.limits("*", "loss")["adwin"].level)
        calibration.refresh()
    assert levels == [limits().level, limits(5).level]
    assert calibration.limits("*", "loss") == {}


def test_detections_of_a_job_are_those_beyond_the_limits():
    random = np.random.default_rng(2)
    errors = (random.random(4000) < np.repeat([0.2, 0.25, 0.9, 0.9], 1000)).astype(float)
    block = encode_block(SignalValues.of(np.arange(4000) * SECOND, errors))
    keys = ("*", "few=1")
    source = Source(baseline("1", **{"*": limits()}))
    calibration = Calibration(source, {"loss": ["adwin"]}, BUDGET)
    watches = {"loss": [("adwin", {}), ("ddm", {})]}

    def check(batches):
        rows = [row for data in batches for row in RecordBatchCoder().decode(data).to_pylist()]
        told = {(row["segment"], row["detector"], row["calibrated"]) for row in rows}
        assert told == {("*", "adwin", True), ("*", "ddm", False), ("few=1", "ddm", False)}
        [row] = [row for row in rows if row["calibrated"]]
        assert 2000 <= row["detected_at"].timestamp() < 2100
        assert row["before"] == limits().level

    with beam.Pipeline() as pipeline:
        rows = (
            pipeline
            | beam.Create([((key, "loss"), block) for key in keys])
            | DetectChanges("m", watches, None, calibration=calibration)
            | beam.Map(RecordBatchCoder().encode)
        )
        assert_that(rows, check)


def outcomes(segment, known, label):
    n = len(known)
    columns = {
        "id_high": pa.array(np.arange(n), pa.uint64()),
        "id_low": pa.array(np.arange(n), pa.uint64()),
        "time": known,
        "segment": [segment] * n,
        "score": np.full(n, 0.2),
        "label": label.astype(float),
        "known": known,
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in OUTCOMES]
    return pa.RecordBatch.from_arrays(arrays, schema=OUTCOMES)


def test_limits_of_segments_with_enough_labels_are_learnt():
    random = np.random.default_rng(3)
    known = np.arange(7000) * 60 * SECOND
    label = random.random(7000) < 0.2
    parts = [(6000, "a=1"), (1000, "a=2")]
    rows = np.split(random.permutation(7000), [6000])
    batches = []
    for (_, segment), own in zip(parts, rows, strict=True):
        batches += [outcomes(segment, known[piece], label[piece]) for piece in np.array_split(own, 7)]
    expected = {
        segment: AlarmLimits.fit(SignalPeriods.of(known[own], label[own].astype(float)), is_rate=True)
        for segment, own in {"*": np.arange(7000), "a=1": rows[0]}.items()
    }

    def check(records):
        assert {record["segment"] for record in records} == set(expected)
        for record in records:
            assert (record["part"], record["null"]) == (PART.name, None)
            found, wanted = ALARM_LIMITS.decode(record["profile"]), expected[record["segment"]]
            assert (found.values, found.block) == (wanted.values, wanted.block)
            for name in ("level", "together", "lengths", "number", "start", "excess"):
                np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-9)

    with beam.Pipeline() as pipeline:
        assert_that(pipeline | beam.Create(batches) | LearnAlarmLimits(Loss("zero_one")), check)
