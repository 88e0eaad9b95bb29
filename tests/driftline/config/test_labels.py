"""Labels and detectors: what is accepted, and how each mistake is said."""

import pytest

from driftline.config import ConfigError, parse_config
from driftline.config.detectors import JOB_DETECTORS, Signal, whole_numbers

BASE = """
model: m
event_time: at
request_id: id
prediction: score
features: {distance: numeric, carrier: categorical}
source: {files: {pattern: data/*.parquet}}
baseline: {path: baseline.avro}
"""

NO_SOURCE = "belongs to a source of labels, and there is none"


def problem(more, base=BASE):
    with pytest.raises(ConfigError) as caught:
        parse_config(base + more)
    [found] = caught.value.problems
    return found


def test_labels_of_the_events():
    labels = parse_config(BASE + "labels: {column: late}").labels
    assert (labels.column, labels.source, labels.wait, labels.loss) == (
        "late",
        None,
        86_400_000_000,
        "zero_one",
    )
    assert labels.binary


def test_labels_of_their_own_source():
    labels = parse_config(
        BASE
        + """
labels:
  column: late
  source: {files: {pattern: labels/*.avro}}
  time: {column: landed, unit: s}
  wait: 6h
  loss: squared
"""
    ).labels
    assert labels.source.files.pattern == "labels/*.avro"
    assert (labels.time.column, labels.time.unit, labels.binary) == ("landed", "s", False)


def test_record_times_need_no_column():
    source = "{kafka: {brokers: [b], topic: t, format: json, event_time: record}}"
    labels = parse_config(BASE + f"labels: {{column: late, source: {source}}}").labels
    assert labels.time is None


@pytest.mark.parametrize(("written", "read"), [("[0, 1]", ("0", "1")), ("[false, true]", ("false", "true"))])
def test_classes_are_written_as_labels_are_read(written, read):
    assert parse_config(BASE + f"labels: {{column: late, classes: {written}}}").labels.classes == read


@pytest.mark.parametrize(
    ("more", "key", "message"),
    [
        ("labels: {column: late, wait: 0s}", "labels.wait", "must be longer than 0"),
        (
            "labels: {column: late, time: x}",
            "labels.time",
            NO_SOURCE,
        ),
        (
            "labels: {column: late, request_id: x}",
            "labels.request_id",
            NO_SOURCE,
        ),
        (
            "labels: {column: late, source: {files: {pattern: a.avro}}}",
            "labels",
            "does not say when a label became known",
        ),
        ("labels: {column: late, classes: [a]}", "labels.classes", "must be two different classes"),
        ("labels: {column: late, classes: [a, a]}", "labels.classes", "must be two different classes"),
        (
            "labels: {column: late, loss: squared, classes: [a, b]}",
            "labels.classes",
            "has no meaning for a loss of numbers",
        ),
        ("detectors: [{signal: loss, detector: adwin}]", "detectors[0].signal", "needs labels"),
        ("detectors: [{signal: los, detector: adwin}]", "detectors[0].signal", "is not a signal"),
        ("detectors: [{signal: psi, detector: adwin}]", "detectors[0].signal", "names no feature"),
        (
            "detectors: [{signal: psi.distanc, detector: adwin}]",
            "detectors[0].signal",
            "names distanc, which is no feature",
        ),
        (
            "detectors: [{signal: feature.carrier, detector: adwin}]",
            "detectors[0].signal",
            "is categorical, and detectors take numbers",
        ),
        (
            "labels: {column: late, loss: squared}\ndetectors: [{signal: learning_gap, detector: adwin}]",
            "detectors[0].signal",
            "needs two classes",
        ),
        (
            "labels: {column: late, loss: log}\ndetectors: [{signal: loss, detector: ddm}]",
            "detectors[0].detector",
            "takes errors only, 0 or 1",
        ),
        (
            "detectors:" + 2 * "\n- {signal: feature.distance, detector: adwin}",
            "detectors[1].detector",
            "watches this signal already",
        ),
        (
            "detectors: [{signal: feature.distance, detector: adwin, parameters: {delt: 0.1}}]",
            "detectors[0].parameters.delt",
            "is not a parameter of adwin",
        ),
    ],
)
def test_mistakes(more, key, message):
    found = problem(more)
    assert (found.where, found.message) == (key, message)
    assert found.remedy


def test_a_detector_says_what_it_refuses():
    found = problem("detectors: [{signal: feature.distance, detector: adwin, parameters: {delta: 7}}]")
    assert found.message.startswith("is refused by adwin: delta 7")


@pytest.mark.parametrize(
    ("gone", "message"), [("prediction: score\n", "prediction"), ("request_id: id\n", "tells which")]
)
def test_labels_need_predictions_and_ids(gone, message):
    more = "labels: {column: late, source: {files: {pattern: a.avro}}, time: landed}"
    assert message in problem(more, BASE.replace(gone, "")).message


@pytest.mark.parametrize("detector", sorted(JOB_DETECTORS))
def test_every_detector_can_watch_the_loss(detector):
    [watch] = parse_config(
        BASE + f"labels: {{column: late}}\ndetectors: [{{signal: loss, detector: {detector}}}]"
    ).detectors
    JOB_DETECTORS[watch.detector](**whole_numbers(watch.parameters))


@pytest.mark.parametrize("text", ["loss", "learning_gap", "feature.a.b", "psi.distance"])
def test_signals_are_written_as_they_are_read(text):
    assert str(Signal.parse(text)) == text
