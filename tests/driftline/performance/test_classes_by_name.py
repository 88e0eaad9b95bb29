"""More than two classes, against scikit-learn."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from driftline.decoding.class_scores import scores_of_events
from driftline.losses import Loss
from driftline.outcomes.class_scores import scores_of
from driftline.outcomes.from_events import outcomes_of, predictions_of
from driftline.performance import PerformanceProfile
from driftline.performance.confusion_words import confusion_words
from driftline.performance.metrics import measure
from driftline.performance.performance_reference import PerformanceReference
from driftline.performance.performance_rows import performance_batch, performance_row
from driftline.performance.periods import profile_periods
from driftline.signals import loss_signal

DATA = Path(__file__).parent / "data"
NAMES = ("ham", "1", "süß", "d")
PLAIN = Loss("zero_one", classes=NAMES)
KNOWN = Loss("log", classes=NAMES, probabilities=True)


def drawn(seed, n, apart=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    odds = rng.normal(size=(n, 4))
    odds[np.arange(n), labels] += apart
    given_to = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    return np.column_stack([given_to.argmax(1), given_to]), labels.astype(float)


def profile_of(loss, scores, labels):
    scores = scores if loss.probabilities else scores[:, 0]
    made = PerformanceProfile.of_predictions(loss, scores)
    return made.add_outcomes(scores, labels, np.zeros(len(labels), np.int64))


def test_metrics_are_those_of_scikit_learn():
    scores, labels = drawn(1, 3000)
    profile = profile_of(KNOWN, scores, labels)
    found = measure(profile)
    p = scores[:, 1:]
    assert found.log_loss == found.mean_loss == pytest.approx(metrics.log_loss(labels, p))
    assert found.error_rate == pytest.approx(1 - metrics.accuracy_score(labels, scores[:, 0]))
    assert found.auc == pytest.approx(metrics.roc_auc_score(labels, p, multi_class="ovr"), abs=1e-3)
    for k, area in enumerate(profile.classes.areas()):
        assert area == pytest.approx(metrics.roc_auc_score(labels == k, p[:, k]), abs=1e-3)
    assert profile.classes.confusion.tolist() == metrics.confusion_matrix(labels, scores[:, 0]).tolist()
    for name in ("mean_absolute_error", "bias", "calibration_gap", "false_positive_rate"):
        assert math.isnan(getattr(found, name))


def test_without_probabilities_there_is_the_error_rate_alone():
    scores, labels = drawn(2, 500)
    found = measure(profile_of(PLAIN, scores, labels))
    assert found.error_rate == (scores[:, 0] != labels).mean() == pytest.approx(found.mean_loss)
    assert math.isnan(found.log_loss)
    assert math.isnan(found.auc)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.sampled_from([PLAIN, KNOWN]))
def test_any_split_in_any_order_gives_the_same(lengths, loss):
    scores, labels = drawn(3, sum(lengths))
    ends = np.cumsum(lengths)[:-1]
    parts = [
        profile_of(loss, *part) for part in zip(np.split(scores, ends), np.split(labels, ends), strict=True)
    ]
    whole = profile_of(loss, scores, labels)
    merged = PerformanceProfile.merge_all([part.to_bytes() for part in reversed(parts)])
    assert merged.classes.confusion.tolist() == whole.classes.confusion.tolist()
    assert merged.classes.scores.tolist() == whole.classes.scores.tolist()
    assert (merged.n, merged.errors, merged.n_predictions) == (whole.n, whole.errors, whole.n_predictions)
    assert merged.log_loss_sum == pytest.approx(whole.log_loss_sum)


@pytest.mark.parametrize(("name", "loss"), [("names", PLAIN), ("probabilities", KNOWN)])
def test_format_version_3_is_read(name, loss):
    scores, labels = drawn(4, 40)
    scores[:, 1:] = np.round(scores[:, 1:] * 64) / 64
    scores[:, 1] += 1 - scores[:, 1:].sum(1)
    data = (DATA / f"performance_{name}_v3.bin").read_bytes()
    found = PerformanceProfile.from_bytes(data)
    expected = profile_of(loss, scores, labels)
    assert found.loss == loss
    assert found.to_bytes() == data
    assert found.classes.confusion.tolist() == expected.classes.confusion.tolist()
    assert found.classes.scores.tolist() == expected.classes.scores.tolist()
    with pytest.raises(ValueError, match="damaged"):
        PerformanceProfile.from_bytes(data[:-1])
    with pytest.raises(ValueError, match="cannot merge"):
        found.merge(PerformanceProfile.empty(Loss("zero_one", classes=("a", "b", "c"))))


def events(scores, labels, *, predicted):
    columns = {"time": np.arange(len(labels)), "id_high": np.arange(len(labels), dtype=np.uint64)}
    columns["id_low"] = columns["id_high"]
    if predicted:
        columns["feature.prediction"] = pa.array([NAMES[int(k)] if k >= 0 else None for k in scores[:, 0]])
    columns |= {f"feature.probability.{name}": scores[:, 1 + k] for k, name in enumerate(NAMES)}
    return pa.RecordBatch.from_pydict({**columns, "label": labels})


@pytest.mark.parametrize("predicted", [True, False])
def test_events_to_outcomes_to_profiles_and_signals(predicted):
    scores, labels = drawn(5, 300)
    batch = outcomes_of(events(scores, labels, predicted=predicted), frozenset(), KNOWN)
    assert scores_of(batch, KNOWN).tolist() == scores.tolist()
    assert predictions_of(events(scores, labels, predicted=predicted), frozenset(), KNOWN).num_rows == 300
    [(segment, periods)] = profile_periods(batch, KNOWN, 1000)
    assert segment == "*"
    [profile] = periods.profiles.values()
    expected = profile_of(KNOWN, scores, labels)
    assert (
        PerformanceProfile.from_bytes(profile).classes.confusion.tolist()
        == expected.classes.confusion.tolist()
    )
    [(_, signal)] = loss_signal(batch, KNOWN)
    assert np.sort(signal.value) == pytest.approx(np.sort(KNOWN.of(scores, labels)))


def test_what_is_no_prediction_is_left_out():
    scores, labels = drawn(6, 5)
    scores[0, 0] = -1  # a class that is not named
    scores[1, 2] = np.nan
    scores[2, 1:] *= 0.9
    usable = KNOWN.usable_scores(scores_of_events(events(scores, labels, predicted=True), KNOWN))
    assert usable.tolist() == [False, False, False, True, True]
    assert KNOWN.usable_labels(np.array([0.0, 3.0, 4.0, 0.5, np.nan])).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "absolute", "classes": NAMES},
        {"name": "zero_one", "classes": ("a", "b")},
        {"name": "zero_one", "classes": ("a", "b", "a")},
        {"name": "log", "classes": NAMES},
        {"name": "zero_one", "probabilities": True},
    ],
)
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(ValueError, match="class"):
        Loss(**wrong)


def test_a_row_names_the_pairs_that_grew_most():
    normal = profile_of(KNOWN, *drawn(7, 4000))
    now_scores, now_labels = drawn(8, 1000)
    swapped = (now_labels == 2) & (np.arange(1000) % 2 == 0)
    now_scores[swapped] = [3, 0.0, 0.0, 0.1, 0.9]
    row = performance_row(
        profile_of(KNOWN, now_scores, now_labels),
        model="m",
        segment="*",
        window=(0, 10),
        reference=PerformanceReference.of(normal),
        min_n=10,
        emitted_at=0,
    )
    assert row["classes"] == list(NAMES)
    assert sum(row["confusion"]) == 1000
    assert sum(row["confusion_reference"]) == 4000
    assert row["auc"] == pytest.approx(np.mean(row["auc_by_class"]))
    assert performance_batch([row]).num_rows == 1
    shape = (4, 4)
    pairs = confusion_words(
        NAMES, *(np.reshape(row[name], shape) for name in ("confusion", "confusion_reference"))
    )
    assert len(pairs) == 1
    assert pairs[0].startswith("süß taken for d ")
