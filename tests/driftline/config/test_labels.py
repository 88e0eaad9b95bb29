"""Labels and detectors: what is accepted, and how each mistake is said."""

# One mistake a line reads better than six.
# ruff: noqa: E501

import inspect

import pytest

from driftline.config import ConfigError, parse_config
from driftline.config.detector_parameters import checked_parameters, parameters_of
from driftline.config.detectors import JOB_DETECTORS, Signal

BASE = """
model: m
event_time: at
request_id: id
prediction: score
features: {distance: numeric, carrier: categorical}
source: {files: {pattern: data/*.parquet}}
baseline: {path: baseline.avro}
"""

TWICE = "{brokers: ['b:1'], topic: l, format: json, deduplicate: true}"
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
    source = "{kafka: {brokers: ['b:9092'], topic: t, format: json, event_time: record}}"
    labels = parse_config(BASE + f"labels: {{column: late, source: {source}}}").labels
    assert labels.time is None


def test_a_wait_that_is_refused_is_shown_with_a_remedy():
    with pytest.raises(ConfigError, match=r"(?s)labels\.wait.*6h.*add labels\.source, or remove the key"):
        parse_config(BASE + "labels: {column: late, wait: 6h}")


@pytest.mark.parametrize(("written", "read"), [("[0, 1]", ("0", "1")), ("[false, true]", ("false", "true"))])
def test_classes_are_written_as_labels_are_read(written, read):
    assert parse_config(BASE + f"labels: {{column: late, classes: {written}}}").labels.classes == read


@pytest.mark.parametrize(
    ("more", "key", "message"),
    [
        ("labels: {column: late, wait: 0s}", "labels.wait", "must be longer than 0"),
        ("labels: {column: late, wait: -5m}", "labels.wait", "is not a duration"),
        ("labels: {column: late, wait: 1.5h}", "labels.wait", "is not a duration"),
        ("labels: {column: late, wait: 3600}", "labels.wait", "has no unit"),
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
        ("labels: {column: late, wait: 6h}", "labels.wait", NO_SOURCE),
        (
            "labels: {column: late, source: {files: {pattern: a.avro}}}",
            "labels",
            "does not say when a label became known",
        ),
        ("labels: {column: late, classes: [a]}", "labels.classes", "must be two different classes"),
        ("labels: {column: late, classes: [a, a]}", "labels.classes", "must be two different classes"),
        ("labels: {column: late, classes: [a, b, a]}", "labels.classes", "names a class twice"),
        (
            "labels: {column: late, classes: [a, b, c], loss: log}",
            "labels.loss",
            "needs the probability of each class",
        ),
        (
            "labels: {column: late, classes: [a, b, c], threshold: 0.3}",
            "labels.threshold",
            "has no meaning for more than two classes",
        ),
        (
            "labels: {column: late, probabilities: {a: p_a, b: p_b}}",
            "labels.probabilities",
            "must name three classes or more",
        ),
        (
            "labels: {column: late, classes: [a, b, c], probabilities: {a: p, b: q, d: r}}",
            "labels.probabilities",
            "and classes differ in c, d",
        ),
        (
            "labels: {column: late, loss: squared, classes: [a, b]}",
            "labels.classes",
            "has no meaning for a loss of numbers",
        ),
        (
            "labels: {column: late, loss: squared, threshold: 0.4}",
            "labels.threshold",
            "has no meaning for a loss of numbers",
        ),
        (
            f"labels: {{column: late, time: t, source: {{kafka: {TWICE}}}}}",
            "labels.source.kafka.deduplicate",
            "has no effect on labels: each prediction takes one of its request id anyway",
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
            "detectors: [{signal: feature.distance, detector: adwin, calibrated: true}]",
            "detectors[0].calibrated",
            "has no reference to be calibrated on",
        ),
        (
            "labels: {column: late}\ndetectors: [{signal: learning_gap, detector: adwin, calibrated: true}]",
            "detectors[0].calibrated",
            "has no reference to be calibrated on",
        ),
        (
            "detectors:" + 2 * "\n- {signal: feature.distance, detector: adwin}",
            "detectors[1].detector",
            "watches this signal already",
        ),
    ],
)
def test_mistakes(more, key, message):
    found = problem(more)
    assert (found.where, found.message) == (key, message)
    assert found.remedy


WRONG = {
    "no such parameter": ("ddm", "{wait: 3}", ".wait", "is not a parameter of ddm", "ddm takes warm_start (whole number), "),
    "a misspelt one": ("adwin", "{delt: 0.1}", ".delt", "is not a parameter of adwin", "did you mean `delta`? adwin takes delta (number), "),
    "an array, which is for Python only": (
        "kswin", "{window: [1, 2]}", ".window", "is not a parameter of kswin",
        "kswin takes alpha (number), window_size (whole number), stat_size (whole number), seed (whole number)",
    ),
    "half a value": ("adwin", "{clock: 1.5}", ".clock", "must be a whole number, 0 or more", "write for example `clock: 32`; adwin takes"),
    "half a size": ("kswin", "{stat_size: 10.5}", ".stat_size", "must be a whole number, 0 or more", "`stat_size: 30`"),
    "fewer than none": ("adwin", "{grace_period: -1}", ".grace_period", "must be a whole number, 0 or more", "`grace_period: 10`"),
    "a truth value": ("adwin", "{clock: yes}", ".clock", "must be a whole number, 0 or more", "`clock: 32`"),
    "nothing": ("adwin", "{delta: }", ".delta", "must be a number", "`delta: 0.002`"),
    "not a number": ("adwin", "{delta: .nan}", ".delta", "must be a number", "`delta: 0.002`"),
    "infinite": ("page_hinkley", "{threshold: .inf}", ".threshold", "must be a number", "`threshold: 75.0`"),
    "no truth value": ("hddm_a", "{two_sided_test: 3}", ".two_sided_test", "must be true or false", "`two_sided_test: false`"),
    "no word": ("page_hinkley", "{mode: 3}", ".mode", "must be a word", "`mode: both`"),
    "another word": ("page_hinkley", "{mode: left}", ".mode", "is refused by page_hinkley", "give one of up, down, both; "),
    "out of range": ("adwin", "{clock: 8, delta: 7}", ".delta", "is refused by adwin", "give a number between 0 and 1, such as 0.002; "),
    "two out of range": ("adwin", "{delta: 7, clock: 0}", ".delta", "is refused by adwin", "give a number between 0 and 1, such as 0.002; "),
    "so low that its inverse is infinite": ("hddm_a", "{drift_confidence: 1e-320}", ".drift_confidence", "is refused by hddm_a", "give numbers from 1e-300 to 1, less than 1; "),
    "too low": ("ddm", "{drift_threshold: 0.5}", ".drift_threshold", "is refused by ddm", "drift_threshold at least 1"),
    "not with the other's default": ("kswin", "{stat_size: 60}", ".stat_size", "is refused by kswin", "at most half of window_size"),
    "not with the other": ("kswin", "{stat_size: 60, window_size: 200, alpha: 7}", ".alpha", "is refused by kswin", "give a level from 0 to 1"),
    "more than a job can keep": ("kswin", "{window_size: 1000001}", ".window_size", "is too large", "give at most 1000000: every segment keeps so many"),
    "not a mapping": ("adwin", "3", "", "is not a mapping of keys", "`parameters: {delta: 0.0005}`"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_parameters_are_named_with_what_may_be_given(case):
    detector, parameters, key, message, remedy = WRONG[case]
    watch = f"{{signal: loss, detector: {detector}, parameters: {parameters}}}"
    found = problem(f"labels: {{column: y}}\ndetectors: [{watch}]")
    assert (found.where, found.message) == (f"detectors[0].parameters{key}", message)
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("detector", "parameters", "read"),
    [
        ("adwin", "{delta: 1e-3, clock: 64.0}", {"delta": 0.001, "clock": 64}),
        ("page_hinkley", "{mode: up, delta: 1}", {"mode": "up", "delta": 1.0}),
        ("hddm_a", "{two_sided_test: true}", {"two_sided_test": True}),
        ("kswin", "{window_size: 200, stat_size: 60, seed: 20261122}", {"window_size": 200, "stat_size": 60, "seed": 20261122}),
        ("ddm", "{warm_start: 0}", {"warm_start": 0}),
    ],
)  # fmt: skip
def test_parameters_have_the_types_that_detectors_take(detector, parameters, read):
    written = f"{{signal: loss, detector: {detector}, parameters: {parameters}}}"
    [watch] = parse_config(BASE + f"labels: {{column: y}}\ndetectors: [{written}]").detectors
    assert watch.parameters == read
    assert [type(value) for value in watch.parameters.values()] == [type(value) for value in read.values()]
    JOB_DETECTORS[detector](**watch.parameters)


@pytest.mark.parametrize("detector", sorted(JOB_DETECTORS))
def test_every_parameter_but_arrays_can_be_given(detector):
    defaults = parameters_of(detector)
    assert checked_parameters(detector, defaults) == defaults
    assert set(inspect.signature(JOB_DETECTORS[detector]).parameters) - set(defaults) <= {"window"}


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
    JOB_DETECTORS[watch.detector](**watch.parameters)


@pytest.mark.parametrize("text", ["loss", "learning_gap", "feature.a.b", "psi.distance"])
def test_signals_are_written_as_they_are_read(text):
    assert str(Signal.parse(text)) == text
