"""The online learner against a loop written by hand; what it sees of a change; what it keeps."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

from driftline.detectors.adwin import ADWIN
from driftline.learning.labelled_events import LARGEST_LOSS, class_numbers
from driftline.learning.model_columns import MEMORY, RunningMoments
from driftline.learning.online_learner import FIRST_STEP, SETTLING, WHOLE_STEPS, OnlineLearningDetector
from driftline.losses import log_loss
from driftline.outcomes.feature_inputs import LARGEST, read_categories, read_numbers
from driftline.profiles.hashing import hash_text

pytestmark = pytest.mark.filterwarnings("ignore:ADWIN got")  # streams of every scale

CARRIERS = ["AA", "DL", "UA", "", "Übér", None]


def flights(n, seed=1, classes=2):
    """Rows with a number that is missing at times, a constant, a wide one, and two categories; a label."""
    rng = np.random.default_rng(seed)
    delay, wide = rng.normal(3, 2, n), rng.normal(1e6, 1, n)
    carrier = rng.integers(0, len(CARRIERS), n)
    score = delay - 3 + (carrier == 1) * 2 + (wide - 1e6)
    label = np.digitize(score + rng.logistic(size=n), np.linspace(-1, 2, classes - 1))
    delay[rng.random(n) < 0.1] = np.nan
    table = pa.table(
        {
            "carrier": [CARRIERS[i] for i in carrier],
            "delay": pa.array(delay, from_pandas=True),
            "one": np.full(n, 0.1),
            "wide": wide,
            "day": rng.choice(["mon", "tue"], n),
        }
    )
    return table, label


def detector(**options):
    options = {"warm_up": 0, "hashed_columns": 16} | options
    return OnlineLearningDetector(["delay", "one", "wide"], ["carrier", "day"], **options)


def reference_losses(table, labels, classes, width, batch, learning_rate=0.01):
    """Rows one by one with dictionaries, scikit-learn's own scaler and probabilities."""
    scaler = StandardScaler()
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", shuffle=False, alpha=1e-4, random_state=7
    )
    losses = []
    for start in range(0, len(labels) - len(labels) % batch, batch):
        rows = table.slice(start, batch).to_pylist()
        numbers = np.array([[row[name] for name in ("delay", "one", "wide")] for row in rows], float)
        scaled = scaler.partial_fit(numbers).transform(numbers)
        columns = []
        for row, values in zip(rows, scaled, strict=True):
            hashed = [0.0] * width
            for name in ("carrier", "day"):
                text = name if row[name] is None else f"{name}={row[name]}"
                code = int(hash_text(pa.array([text]))[0])
                hashed[code % width] += -1.0 if code >= 2**63 else 1.0
            missing = [float(np.isnan(value)) for value in values]
            columns.append([*np.clip(np.nan_to_num(values, nan=0.0), -5, 5), *missing, *hashed])
        truth = labels[start : start + batch]
        if start == 0:
            probabilities = np.full((batch, classes), 1 / classes)
        else:
            probabilities = model.predict_proba(np.array(columns))
        losses.extend(-np.log(probabilities[np.arange(batch), truth]))
        model.eta0 = learning_rate * min(8, max(1, 2000 / max(start, 1)))
        model.partial_fit(np.array(columns), truth, classes=np.arange(classes))
    return np.array(losses)


@pytest.mark.parametrize(("classes", "batch"), [(2, 100), (2, 23), (3, 100)])
def test_losses_are_those_of_a_loop_written_by_hand(classes, batch):
    table, labels = flights(2_150, classes=classes)
    frozen = np.random.default_rng(3).exponential(size=len(labels))
    gaps, positions = detector(classes=range(classes), batch=batch).update_many(table, labels, frozen)
    expected = frozen[: len(gaps)] - reference_losses(table, labels, classes, 16, batch)
    np.testing.assert_allclose(gaps, expected, rtol=0, atol=1e-8)
    assert positions.tolist() == list(range(2_150 - 2_150 % batch))


def test_the_schedule_is_the_one_the_loop_has():
    assert (FIRST_STEP, SETTLING, WHOLE_STEPS) == (8, 2_000, 32)


def logistic(rng, n, k, turn=None, base=0.0):
    """Rows, labels and the loss of a model that was right until some weights changed sign."""
    x = rng.normal(size=(n, k))
    weights = rng.normal(size=k) * 1.5 / np.sqrt(k)
    logit = x @ weights + base
    truth = logit.copy()
    if turn is not None:
        weights[: k // 4] *= -1
        truth[turn:] = x[turn:] @ weights + base
    label = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)
    return x, label, np.logaddexp(0, np.where(label, -logit, logit))


@pytest.mark.parametrize("base", [0.0, -3.0])
def test_the_gap_stays_near_0_until_the_concept_changes_and_then_grows(base):
    turn, k = 20_000, 20
    for seed in range(3):
        x, labels, frozen = logistic(np.random.default_rng(seed), 30_000, k, turn, base)
        gaps, at = OnlineLearningDetector([f"x{i}" for i in range(k)]).update_many(x, labels, frozen)
        assert -0.02 < gaps[at < turn].mean() <= 0
        excess = frozen[turn:].mean() - frozen[:turn].mean()
        assert gaps[at >= turn + 5_000].mean() > 0.6 * excess > 0.01
        found = at[ADWIN().update_many(gaps)]
        assert len(found)
        assert turn < found[0] < turn + 4_000


def test_harder_traffic_is_no_reason_to_retrain():
    """The features say less from some point on: the frozen loss grows, and no model could do better."""
    rng = np.random.default_rng(1)
    n, turn = 40_000, 20_000
    x = rng.normal(size=(n, 3)) * np.where(np.arange(n) < turn, 1, 0.3)[:, None]
    logit = x @ [2.0, -1.5, 1.0]
    label = rng.random(n) < 1 / (1 + np.exp(-logit))
    frozen = np.logaddexp(0, np.where(label, -logit, logit))
    gaps, _ = OnlineLearningDetector(["a", "b", "c"]).update_many(x, label, frozen)
    assert len(ADWIN().update_many(frozen)) > 0
    assert len(ADWIN().update_many(gaps)) == 0


def cuts_of(n):
    return st.lists(st.integers(0, n), max_size=8).map(lambda cuts: [0, *sorted(cuts), n])


TABLE, LABELS = flights(730)
FROZEN = np.random.default_rng(5).exponential(size=len(LABELS))


@settings(max_examples=40, deadline=None)
@given(cuts_of(len(LABELS)), st.booleans(), st.sampled_from([0, 150, 1000]))
def test_any_split_with_or_without_a_stop_gives_the_same_bits(cuts, stop, warm_up):
    whole = detector(warm_up=warm_up)
    values, positions = whole.update_many(TABLE, LABELS, FROZEN)
    assert positions.tolist() == list(range(warm_up, 700))
    split, found = detector(warm_up=warm_up), []
    for begin, end in pairwise(cuts):
        if stop:
            split = OnlineLearningDetector.from_bytes(split.to_bytes())
        part = TABLE.slice(begin, end - begin)
        found.append(split.update_many(part, LABELS[begin:end], FROZEN[begin:end]))
    assert np.concatenate([gaps.values for gaps in found]).tobytes() == values.tobytes()
    assert np.concatenate([gaps.positions for gaps in found]).tolist() == positions.tolist()
    assert split.to_bytes() == whole.to_bytes()
    assert split.n == len(LABELS)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_goes_on_from_bytes_for_long(classes):
    table, labels = flights(6_000, classes=classes)
    frozen = np.ones(6_000)
    whole, split, found = detector(classes=range(classes)), detector(classes=range(classes)), []
    expected = whole.update_many(table, labels, frozen).values
    for begin in range(0, 6_000, 450):
        rows = slice(begin, begin + 450)
        found.append(split.update_many(table[rows], labels[rows], frozen[rows]).values)
        split = OnlineLearningDetector.from_bytes(split.to_bytes())
    assert np.concatenate(found).tobytes() == expected.tobytes()


def test_the_same_rows_as_an_array_and_as_arrow():
    x, labels, frozen = logistic(np.random.default_rng(1), 1_000, 2)
    batch = pa.record_batch({"b": x[:, 1], "unused": ["?"] * 1_000, "a": x[:, 0]})
    one, two = (OnlineLearningDetector(["a", "b"], warm_up=0) for _ in range(2))
    first = one.update_many(np.asfortranarray(x), labels, frozen).values
    assert first.tobytes() == two.update_many(batch, pa.array(labels), frozen.tolist()).values.tobytes()


def test_positions_are_the_callers_own_across_calls():
    x, labels, frozen = logistic(np.random.default_rng(1), 150, 2)
    learner = OnlineLearningDetector(["a", "b"], warm_up=10)
    times = np.arange(150) * -7
    assert learner.update_many(x[:90], labels[:90], frozen[:90], times[:90]).positions.tolist() == []
    learner = OnlineLearningDetector.from_bytes(learner.to_bytes())
    gaps = learner.update_many(x[90:], labels[90:], frozen[90:], times[90:])
    assert gaps.positions.tolist() == times[10:100].tolist()


def test_a_batch_that_lacks_a_class():
    x, labels, frozen = logistic(np.random.default_rng(1), 1_000, 2)
    labels[200:500] = 1.0
    learner = OnlineLearningDetector(["a", "b"], classes=[0, 1, 2], warm_up=0)
    assert np.isfinite(learner.update_many(x, labels, frozen).values).all()


def test_nothing_but_one_class_is_learnt_as_such():
    x = np.random.default_rng(1).normal(size=(5_000, 2))
    gaps, _ = OnlineLearningDetector(["a", "b"]).update_many(x, np.ones(5_000), np.full(5_000, 0.5))
    assert gaps[-100:].mean() > 0.45


@pytest.mark.parametrize("classes", [("late", "on time"), ("on time", "late", "cancelled")])
def test_classes_that_are_texts(classes):
    table, labels = flights(500)
    texts = [classes[i] for i in labels]
    numbered = detector(classes=range(len(classes))).update_many(table, labels, np.ones(500)).values
    for given_as in (np.array(texts), np.array(texts, object), pa.array(texts).dictionary_encode()):
        learner = detector(classes=classes)
        assert learner.update_many(table, given_as, np.ones(500)).values.tobytes() == numbered.tobytes()
    assert OnlineLearningDetector.from_bytes(learner.to_bytes()).classes == classes


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        ((0, 1), np.array([0.0, 2.0, 1.0]), r"label 2\.0 of row 1 is none of the classes 0, 1: name all"),
        ((0, 1), pa.array([1.0, 0.0, None]), "label None of row 2 is none"),
        ((0, 1), [0, 1, float("nan")], "label nan of row 2 is none"),
        ((0, 1), [0, 1, 0.5], r"label 0\.5 of row 2"),
        ((0, 1), ["0", "late", "1"], r"labels cannot be read as classes 0, 1 \(could not convert .*'late'"),
        ((-1.5, 3), [-1.5, 3, 1], r"label 1 of row 2 is none of the classes -1\.5, 3"),
        (("a", "b"), pa.array(["a", "c", "b"]), "label c of row 1 is none of the classes a, b"),
        (("a", "b"), ["a", None, "b"], "label None of row 1"),
        (("a", "b"), ["a", "b", object()], "labels cannot be read as classes a, b"),
        ((0, 1), [0, 1], "2 labels for 3 rows of features: give one for each"),
    ],
)
def test_labels_that_are_no_class_are_named_and_nothing_is_learnt(classes, labels, message):
    learner = OnlineLearningDetector(["x"], classes=classes, batch=2)
    learner.update_many(np.ones((3, 1)), [classes[0], classes[1], classes[0]], np.ones(3))
    before = learner.to_bytes()
    with pytest.raises(ValueError, match=message):
        learner.update_many(np.ones((3, 1)), labels, np.ones(3))
    assert learner.to_bytes() == before


@given(st.lists(st.sampled_from([-1.5, 0, 1, 7, 2**53]), min_size=1), st.permutations([-1.5, 0, 1, 7, 2**53]))
def test_class_numbers_of_any_order(labels, classes):
    assert [classes[i] for i in class_numbers(np.array(labels, float), classes)] == labels
    assert class_numbers(np.array([-0.0]), classes).tolist() == [classes.index(0)]


@pytest.mark.parametrize("bad", [float("nan"), -0.1])
def test_frozen_losses_that_are_no_log_losses(bad):
    with pytest.raises(ValueError, match=rf"loss of row 1 is {bad}: a log-loss is 0 or more"):
        OnlineLearningDetector(["x"]).update_many(np.ones((2, 1)), [0, 1], [0.0, bad])
    with pytest.raises(ValueError, match="1 frozen_losses for 2 rows"):
        OnlineLearningDetector(["x"]).update_many(np.ones((2, 1)), [0, 1], [0.0])
    with pytest.raises(ValueError, match="3 positions for 2 rows"):
        OnlineLearningDetector(["x"]).update_many(np.ones((2, 1)), [0, 1], [0.0, 1.0], [1, 2, 3])


def test_a_score_of_0_or_1_that_was_wrong_counts_as_in_the_performance_table():
    assert log_loss(np.array([0.0]), np.array([1.0]))[0] == LARGEST_LOSS
    learner = OnlineLearningDetector(["x"], batch=2, warm_up=0)
    gaps, _ = learner.update_many(np.zeros((2, 1)), [0, 1], [np.inf, 0.0])
    np.testing.assert_allclose(gaps, [LARGEST_LOSS - np.log(2), -np.log(2)])


def test_null_nan_and_infinite_values_are_the_same_and_never_poison():
    x, labels, frozen = logistic(np.random.default_rng(2), 2_000, 2)
    holes = np.random.default_rng(3).random(2_000) < 0.2
    holes[:100] = True  # no value at all in the first batch
    answers = []
    for bad in (np.nan, np.inf, -np.inf):
        x[holes, 0] = bad
        answers.append(OnlineLearningDetector(["a", "b"], warm_up=0).update_many(x, labels, frozen).values)
    batch = pa.record_batch({"a": pa.array(x[:, 0], mask=holes), "b": x[:, 1]})
    answers.append(OnlineLearningDetector(["a", "b"], warm_up=0).update_many(batch, labels, frozen).values)
    assert np.isfinite(answers[0]).all()
    assert len({answer.tobytes() for answer in answers}) == 1


def test_what_is_missing_can_say_something():
    rng = np.random.default_rng(2)
    missing = rng.random(10_000) < 0.5
    x = np.where(missing, np.nan, rng.normal(size=10_000))[:, None]
    gaps, _ = OnlineLearningDetector(["x"]).update_many(x, missing, np.full(10_000, np.log(2)))
    assert gaps[-1000:].mean() > 0.6


def test_a_category_that_changes_its_meaning_is_followed():
    rng = np.random.default_rng(4)
    table, _ = flights(20_000)
    late = (np.array(table["carrier"].to_pylist()) == "DL") ^ (np.arange(20_000) >= 10_000)
    label = rng.random(20_000) < np.where(late, 0.9, 0.2)
    p = np.where(np.array(table["carrier"].to_pylist()) == "DL", 0.9, 0.2)
    frozen = -np.log(np.where(label, p, 1 - p))
    gaps, at = detector(hashed_columns=256).update_many(table, label, frozen)
    assert gaps[(at > 5_000) & (at < 10_000)].mean() == pytest.approx(0, abs=0.02)
    assert gaps[at > 15_000].mean() > 0.5


@pytest.mark.parametrize("bad", [1e300, -1e300, 1e30, 1e12])
def test_one_absurd_value_does_not_end_the_feature(bad):
    x, labels, frozen = logistic(np.random.default_rng(2), 20_000, 2)
    clean = OnlineLearningDetector(["a", "b"]).update_many(x, labels, frozen).values
    x[5_000] = bad
    gaps = OnlineLearningDetector(["a", "b"]).update_many(x, labels, frozen).values
    assert abs((gaps - clean)[10_000:].mean()) < 0.002


def test_a_feature_in_another_unit_comes_to_life_again():
    moments = RunningMoments.empty(1)
    values = np.random.default_rng(1).normal(size=(100, 1))
    for _ in range(1_500):
        moments = moments.add(values)
    assert moments.count == MEMORY
    for _ in range(6_000):
        moments = moments.add(values / 10)
    assert 0.8 < moments.standardise(values / 10)[:, 0].std() < 1.2


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(-1e12, 1e12), st.floats(1e-3, 1e6))
def test_moments_are_those_of_all_values(seed, batches, centre, spread):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, (100 * batches, 3)) * spread + centre
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 2] = centre
    moments = RunningMoments.empty(3)
    for part in np.split(values, batches):
        moments = moments.add(part)
    pivot = values[:, :2] - centre  # exact enough only near 0
    np.testing.assert_allclose(
        moments.mean[:2] - centre, np.nanmean(pivot, 0), atol=1e-9 * spread + abs(centre) * 1e-15
    )
    assert moments.mean[2] == centre
    assert moments.m2[2] == 0
    tolerance = 1e-9 + 1e-12 * abs(centre) / spread
    np.testing.assert_allclose(np.sqrt(moments.m2 / moments.count)[:2], np.nanstd(pivot, 0), rtol=tolerance)
    assert moments.count.tolist() == (~np.isnan(values)).sum(0).tolist()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3], pa.int8()),
        pa.array([1.0, None, 3.0], pa.float32()),
        pa.array([1, None, 3], pa.decimal128(5, 2)),
        pa.array([1, None, 3], pa.uint64()).dictionary_encode(),
        pa.chunked_array([pa.array([1.0]), pa.array([None, 3.0])]),
    ],
    ids=lambda column: str(column.type),
)
def test_types_of_numbers(column):
    np.testing.assert_array_equal(read_numbers(pa.table({"x": column}), ["x"]), [[1], [np.nan], [3]])


def test_numbers_at_the_edge_of_float64():
    values = read_numbers(pa.table({"x": pa.array([2**64 - 1, 2**53 + 1], pa.uint64())}), ["x"])
    assert values.ravel().tolist() == [2.0**64, 2.0**53]
    assert read_numbers(np.array([[-1e308]]), ["x"]).item() == -LARGEST


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
def test_types_of_texts(kind):
    table = pa.table({"carrier": pa.array(["UA", None, "UA", "DL"], pa.string()).cast(kind)})
    assert read_categories(table, ["carrier"], 16).ravel().tolist() == [6, -2, 6, -7]
    assert read_categories(table.slice(3), ["carrier"], 16).ravel().tolist() == [-7]
    assert read_categories(table.slice(4), ["carrier"], 16).shape == (0, 1)


@given(st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=30), st.integers(1, 2**20))
def test_categories_are_known_by_the_text_of_name_and_value(values, width):
    codes = read_categories(pa.table({"f": pa.array(values, pa.string())}), ["f"], width).ravel()
    hashes = hash_text(pa.array(["f" if value is None else f"f={value}" for value in values])).tolist()
    assert [abs(code) - 1 for code in codes.tolist()] == [each % width for each in hashes]
    assert [code < 0 for code in codes.tolist()] == [each >= 2**63 for each in hashes]


def test_a_megabyte_of_text_leaves_no_trace_in_the_state():
    table = pa.table({"delay": [1.0], "one": [1.0], "wide": [1.0], "carrier": ["x" * 2**20], "day": ["mon"]})
    learner = detector()
    learner.update_many(table, [1], [0.0])
    assert len(learner.to_bytes()) <= learner.largest_state < 20_000


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\): give \(rows, 2\), one column each for a, b"),
        (np.ones(2), r"shape \(2,\)"),
        (pa.table({"a": [1.0]}), "no column 'b' among a: give every feature"),
        (pa.table({"a": [1.0], "b": ["x"]}), "column 'b' of type string cannot be read as double"),
    ],
)
def test_features_that_do_not_fit(features, message):
    with pytest.raises(ValueError, match=message):
        OnlineLearningDetector(["a", "b"]).update_many(features, np.ones(2), np.ones(2))


def test_categories_are_not_read_from_an_array():
    with pytest.raises(
        ValueError, match=r"categorical features \(c\) are not read from a ndarray: give an Arrow"
    ):
        OnlineLearningDetector(["a"], ["c"]).update_many(np.ones((2, 1)), np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"numeric": []}, "no feature: name at least one"),
        ({"numeric": ["a", "b", "a"]}, "features named twice: a"),
        ({"numeric": ["a"], "categorical": ["a"]}, "features named twice: a"),
        ({"classes": [1]}, "give two or more"),
        ({"classes": [0, 1, 1.0]}, "each once"),
        ({"classes": [0, float("nan")]}, "none of them NaN"),
        ({"classes": ["a", 1]}, "mix text and numbers"),
        ({"batch": 0}, "batch is 0: give 1 or more"),
        ({"hashed_columns": 2**21}, "hashed_columns is 2097152: give 1 or more, at most 1048576"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": 2}, "learning_rate is 2"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"alpha": -1}, "alpha is -1"),
        ({"warm_up": -1}, "warm_up is -1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        OnlineLearningDetector(**{"numeric": ["a"]} | arguments)


@pytest.mark.parametrize(
    ("numbers", "categories", "classes", "largest"),
    [(1, 0, 2, 3_100), (60, 0, 2, 53_000), (50, 10, 2, 51_000), (60, 0, 5, 57_000), (0, 3, 2, 5_500)],
)
def test_state_is_bounded(numbers, categories, classes, largest):
    numeric, categorical = (
        [f"{kind}{i}" for i in range(n)] for kind, n in (("x", numbers), ("c", categories))
    )
    learner = OnlineLearningDetector(numeric, categorical, classes=range(classes))
    rng = np.random.default_rng(1)
    n = 10 * 100 + 99  # the last batch lacks but one event
    table = pa.table(
        {name: rng.normal(size=n) for name in numeric}
        | {name: rng.choice(["a", "b"], n) for name in categorical}
    )
    learner.update_many(table, rng.integers(0, classes, n), np.ones(n))
    size, bound = len(learner.to_bytes()), learner.largest_state
    assert bound - 60 < size <= bound < largest


VERSION_1 = bytes.fromhex(
    "644f4c01990000007b22616c706861223a302e3030312c226261746368223a322c2263617465676f726963616c223a5b2263"
    "225d2c22636c6173736573223a5b226e6f222c22796573225d2c226861736865645f636f6c756d6e73223a322c226c656172"
    "6e696e675f72617465223a302e30352c226e756d65726963223a5b2278225d2c227365656e223a352c2274223a352e302c22"
    "7761726d5f7570223a337dd4d6b48445e7df3f9525dc170521ccbf9525dc170521ccbf1246765dd872c6bf2059eff6bcbba6"
    "bf0000000000000840abaaaaaaaaaaf23f5555555555550940000000000000f0bf0100000000000000000000000000004032"
    "00000000000000"
)


def test_bytes_of_version_1_are_read():
    learner = OnlineLearningDetector.from_bytes(VERSION_1)
    assert (learner.numeric, learner.categorical, learner.classes) == (("x",), ("c",), ("no", "yes"))
    assert (learner.batch, learner.hashed_columns, learner.warm_up, learner.n) == (2, 2, 3, 5)
    assert (learner.learning_rate, learner.alpha) == (0.05, 0.001)
    assert learner.to_bytes() == VERSION_1
    gaps, positions = learner.update_many(pa.table({"x": [0.5], "c": ["b"]}), ["yes"], [0.25], [77])
    assert positions.tolist() == [50, 77]
    np.testing.assert_allclose(gaps, [1.67392591, -0.60851013], atol=1e-8)


@pytest.mark.parametrize("length", [0, 3, 4, 7, 100, -1])
def test_bytes_cut_short_are_refused(length):
    with pytest.raises(ValueError, match=r"not a state|cut short|damaged"):
        OnlineLearningDetector.from_bytes(VERSION_1[:length])


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="version 9"):
        OnlineLearningDetector.from_bytes(VERSION_1[:3] + b"\x09" + VERSION_1[4:])
    with pytest.raises(ValueError, match="not a state of an online learning detector"):
        OnlineLearningDetector.from_bytes(ADWIN().to_bytes())
    with pytest.raises(ValueError, match=r"damaged \(TypeError: .*'alpho'.*start from an older savepoint"):
        OnlineLearningDetector.from_bytes(VERSION_1.replace(b'"alpha"', b'"alpho"'))


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ImportError, match=r"pip install 'driftline\[online\]'"):
        OnlineLearningDetector(["x"])


def test_scikit_learn_is_imported_late():
    code = "import sys, driftline.learning.online_learner; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
