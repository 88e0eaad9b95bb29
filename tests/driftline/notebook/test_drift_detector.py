"""The detector for notebooks: every form of table, clear errors, decisions that keep their rate."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from driftline import DriftDetector, DriftResult
from driftline.baseline import BaselineError
from driftline.statistics.change_words import NOTABLE
from tests.transforms.timelines import encoded_baseline, reference_events


def numbers(seed, n, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, n)


def table(seed, n, shift=0.0, categories="aab"):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": numbers(seed, n, shift), "c": rng.choice(list(categories), n)})


def result(drifted):
    return DriftResult("f", "ks", 0.1, 0.5, 0.5, drifted, 0.0, 0.0, 0.0, 100, "independent")


# --- forms of tables


@pytest.mark.parametrize(
    "form",
    [
        lambda frame: frame,
        pa.Table.from_pandas,
        pa.RecordBatch.from_pandas,
        lambda frame: pa.concat_tables([pa.Table.from_pandas(part) for part in (frame[:100], frame[100:])]),
        lambda frame: frame.astype({"c": "category"}),
        lambda frame: frame.astype({"x": "Float64", "c": "string"}),
        lambda frame: frame.sample(frac=1, random_state=1),
        lambda frame: frame[["c", "x"]].assign(other=1),
    ],
    ids=["pandas", "arrow", "batch", "chunks", "categories", "extension", "shuffled", "other columns"],
)
def test_every_form_of_table_gives_the_same_results(form):
    reference, current = table(0, 2_000), table(1, 500, 0.4, "aaab")
    expected = DriftDetector(reference).detect_all(current)
    found = DriftDetector(reference).detect_all(form(current))
    assert [r.feature for r in found] == ["x", "c"]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.statistic == pytest.approx(theirs.statistic)
        assert (mine.method, mine.drifted, mine.n) == (theirs.method, theirs.drifted, theirs.n)
        assert mine.p_value == pytest.approx(theirs.p_value)


def test_arrays_have_columns_by_number_and_agree_with_frames():
    reference, current = numbers(0, 3_000).reshape(-1, 3), numbers(1, 900, 0.3).reshape(-1, 3)
    by_array = DriftDetector(reference).detect_all(current)
    by_frame = DriftDetector(pd.DataFrame(reference)).detect_all(pd.DataFrame(current))
    assert [r.feature for r in by_array] == ["x0", "x1", "x2"]
    assert [r.p_value for r in by_array] == [r.p_value for r in by_frame]


def test_one_dimension_is_one_feature():
    [found] = DriftDetector(numbers(0, 500)).detect_all(numbers(1, 500).tolist())
    assert (found.feature, found.n) == ("x0", 500)
    series = pd.Series(numbers(0, 500), name="price")
    assert DriftDetector(series).detect_all(series)[0].feature == "price"


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "int8", "uint8", "int64", "uint64", "bool", "object"]
)
def test_arrays_of_any_type(dtype):
    values = np.arange(500) % 2
    [same] = DriftDetector(values.astype(dtype)).detect_all(values.astype(dtype))
    assert (same.drifted, same.statistic) == (False, 0)
    [other] = DriftDetector(values.astype(dtype)).detect_all(np.ones(500).astype(dtype))
    assert other.drifted
    assert other.method == ("chi2" if dtype == "bool" else "ks")


def test_integers_beyond_2_to_53_are_the_nearest_floats():
    big = np.arange(500) + 2**60 + 1
    assert DriftDetector(big).detect_all(big)[0].n == 500


def test_text_times_and_truth_are_categories():
    frame = pd.DataFrame(
        {"t": ["u", "v"] * 250, "b": [True, False] * 250, "d": pd.date_range("2020", periods=500)}
    )
    assert {r.method for r in DriftDetector(frame).detect_all(frame)} == {"chi2"}


def test_nan_in_arrays_and_frames_is_missing_and_found():
    reference, current = numbers(0, 2_000), numbers(1, 500)
    current[:100] = np.nan
    for form in (lambda values: values, lambda values: pd.DataFrame({"x0": values})):
        [found] = DriftDetector(form(reference)).detect_all(form(current))
        assert found.missing_rate == pytest.approx(0.2)
        assert found.p_value < 1e-9


def test_more_features_than_a_block_holds():
    wide = numbers(0, 260 * 130).reshape(260, 130)
    found = DriftDetector(wide).detect_all(wide)
    assert [r.feature for r in found] == [f"x{i}" for i in range(130)]


def test_features_may_have_any_name():
    frame = pd.DataFrame({name: numbers(0, 300) for name in ("time", "feature.x", "*", "", "n", "a=b,c")})
    assert [r.feature for r in DriftDetector(frame).detect_all(frame)] == list(frame.columns)


def test_what_it_is_given_stays_as_it_was():
    frame = table(0, 500)
    before = frame.copy()
    DriftDetector(frame).detect_all(frame)
    pd.testing.assert_frame_equal(frame, before)


# --- what it says


def test_p_values_without_times_are_those_of_scipy():
    reference, current = numbers(0, 20_000), numbers(1, 1_000, 0.08)
    [found] = DriftDetector(reference).detect_all(current)
    exact = stats.ks_2samp(reference, current)
    assert found.statistic == pytest.approx(exact.statistic, abs=1.5 / 64)
    assert found.p_value == pytest.approx(min(1, 2 * exact.pvalue), rel=0.6)  # of two tests, KS and missing
    assert found.calibration == "independent"


def test_a_drift_is_significant_and_large():
    reference = numbers(0, 50_000)
    [found] = DriftDetector(reference).detect_all(numbers(1, 50_000, 0.05))
    assert found.p_adjusted < 0.001
    assert not found.drifted  # 0.05 sd is no 0.1 iqr
    assert DriftDetector(reference, wasserstein_iqr=0.02).detect_all(numbers(1, 50_000, 0.05))[0].drifted


def test_all_features_are_one_family():
    reference = numbers(0, 40_000).reshape(-1, 20)
    current = numbers(1, 8_000).reshape(-1, 20)
    found = DriftDetector(reference).detect_all(current)
    expected = stats.false_discovery_control([r.p_value for r in found])
    assert [r.p_adjusted for r in found] == pytest.approx(expected.tolist())


def test_few_rows_are_described_and_not_judged():
    [found] = DriftDetector(numbers(0, 500)).detect_all(numbers(1, 199, 5))
    assert not found.drifted
    assert np.isnan(found.p_adjusted)
    assert found.statistic > 0.9
    assert DriftDetector(numbers(0, 500), min_n=199).detect_all(numbers(1, 199, 5))[0].drifted


def test_a_feature_that_is_gone_or_never_was():
    reference = pd.DataFrame({"gone": numbers(0, 500), "never": [None] * 500, "constant": [7] * 500})
    current = reference.assign(gone=None, constant=8)
    found = {r.feature: r for r in DriftDetector(reference).detect_all(current.astype({"gone": float}))}
    assert found["gone"].drifted
    assert np.isnan(found["gone"].statistic)
    assert found["gone"].missing_rate == 1
    assert not found["never"].drifted
    assert found["constant"].drifted


def walk(seed, rows, per=50):
    """Rows in clusters that share a mean: rows are not independent."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, rows) + np.repeat(rng.normal(0, 1, rows // per), per)


def test_times_keep_p_values_honest_where_rows_are_correlated():
    reference = pd.DataFrame({"t": np.arange(60_000), "x": walk(0, 60_000)})
    timed = DriftDetector(reference, time="t", wasserstein_iqr=0.001)
    plain = DriftDetector(reference[["x"]], wasserstein_iqr=0.001)
    alarms = np.array(
        [
            [detector.detect_all(pd.DataFrame({"x": walk(seed, 1_000)}))[0].drifted for seed in range(1, 41)]
            for detector in (timed, plain)
        ]
    ).mean(1)
    assert alarms[0] <= 0.15
    assert alarms[1] >= 0.5
    [found] = timed.detect_all(pd.DataFrame({"x": walk(99, 1_000) + 3}))
    assert found.drifted
    assert found.calibration in {"calibrated", "bound"}


@pytest.mark.parametrize(
    "times",
    [
        np.arange,
        lambda n: np.arange(n) - 10**6,
        lambda n: np.linspace(0, 1, n),
        lambda n: np.linspace(0, 1e18, n),
        lambda n: pd.date_range("2020", periods=n, freq="min"),
        lambda n: pa.array(np.arange(n) * 10**12 - 2 * 10**15).cast(pa.timestamp("us", "Europe/Zurich")),
        lambda n: np.random.default_rng(0).permutation(n),
        lambda n: pa.array(np.arange(n) // 20, pa.int32()).cast(pa.date32()),
    ],
    ids=["ints", "negative", "floats", "huge", "timestamps", "zone", "shuffled", "dates"],
)
def test_times_of_any_form_calibrate(times):
    frame = pa.table({"t": pa.array(times(6_000)), "x": numbers(0, 6_000)})
    [found] = DriftDetector(frame, time="t").detect_all(pa.table({"x": numbers(1, 300)}))
    assert found.calibration in {"calibrated", "bound"}
    assert found.feature == "x"
    assert found.p_value > 0.001


def test_one_moment_is_no_time():
    frame = pd.DataFrame({"t": [5] * 500, "x": numbers(0, 500)})
    with pytest.warns(UserWarning, match="all times of 't' are one"):
        detector = DriftDetector(frame, time="t")
    assert detector.detect_all(frame)[0].calibration == "independent"


def test_few_spans_with_rows_are_never_acted_on():
    frame = pd.DataFrame({"t": np.r_[np.zeros(3_000), 1], "x": numbers(0, 3_001)})
    with pytest.warns(UserWarning, match="in 2 of its 60 spans of time, fewer than 10"):
        detector = DriftDetector(frame, time="t")
    [found] = detector.detect_all(pd.DataFrame({"x": numbers(1, 500, 9)}))
    assert found.calibration in {"uncalibrated", "few_windows"}
    assert not found.drifted


# --- what changed


@pytest.fixture(scope="module")
def timed():
    return DriftDetector(table(0, 24_000).assign(at=range(24_000)), time="at")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x + 0.6, r"shift \+0\.[4-7]\d? sd\b.*"),
        (lambda x: x - 0.6, r"shift -0\.[4-7]\d? sd\b.*"),
        (lambda x: 2 * x, r".*spread x1\.[5-9]\b.*"),
        (lambda x: np.where(np.arange(len(x)) < 100, np.nan, x), "missing 0 % to 25 %"),
    ],
)
def test_what_changed_is_said_in_words(timed, change, words):
    current = table(1, 400)
    x, c = timed.detect_all(current.assign(x=change(current["x"].to_numpy())))
    assert re.fullmatch(words, x.change), x
    assert len(x.components) == 4
    assert (abs(x.components[0]) >= NOTABLE) is ("shift" in x.change)
    assert (abs(x.components[1]) >= NOTABLE) is ("spread" in x.change)
    assert (c.change, c.components) == (None, ())


def test_where_nothing_changed_nothing_is_said(timed):
    x, _ = timed.detect_all(table(1, 400))
    assert x.change is None
    assert max(map(abs, x.components)) < NOTABLE


def test_words_are_those_of_the_reference_windows_and_need_times():
    x, _ = DriftDetector(table(0, 3000)).detect_all(table(1, 400, shift=1))
    assert (x.change, x.components) == (None, ())


def test_a_result_can_be_made_without_words():
    assert (result(True).change, result(True).components) == (None, ())


# --- a baseline of the job


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "b.avro"
    path.write_bytes(encoded_baseline(reference_events(windows=40, rows=200)))
    return path


def test_a_baseline_file_judges_a_segment(path):
    current = pd.DataFrame({"x": numbers(1, 200, 1), "c": ["a", "b"] * 100})
    for segment in ("*", "s=A"):
        found = DriftDetector.from_baseline(path, segment=segment, alpha=0.01).detect_all(current)
        assert [(r.feature, r.drifted) for r in found] == [("x", True), ("c", True)]
        assert {r.calibration for r in found} <= {"calibrated", "bound"}
    whole, part = (
        DriftDetector.from_baseline(str(path), segment=s).detect_all(current)[0] for s in ("*", "s=A")
    )
    assert whole.statistic != part.statistic


def test_a_segment_the_baseline_lacks_is_refused_with_those_it_has(path):
    with pytest.raises(ValueError, match=r"segment 's=Z' is not in the baseline; it has \*, s=A, s=B"):
        DriftDetector.from_baseline(path, segment="s=Z")


def test_a_damaged_baseline_is_refused_by_name(tmp_path, path):
    damaged = tmp_path / "damaged.avro"
    damaged.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BaselineError, match=r"damaged\.avro is cut short"):
        DriftDetector.from_baseline(damaged)


def test_no_file_is_said_by_name(tmp_path):
    with pytest.raises(BaselineError, match=r"no baseline at .*absent\.avro"):
        DriftDetector.from_baseline(tmp_path / "absent.avro")


# --- what is refused


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (np.zeros((0, 2)), "the reference has no rows"),
        (pd.DataFrame({"x": []}), "the reference has no rows"),
        (np.zeros((2, 2, 2)), r"an array of shape \(2, 2, 2\) is no table: give \(rows, features\)"),
        (5, r"an array of shape \(\) is no table"),
        (None, "a NoneType is no table"),
        ({"x": [1.0]}, "a dict is no table"),
        ("baseline.avro", "a str is no table.*from_baseline"),
        (pa.table([[1], [2]], names=["a", "a"]), "several columns are named a"),
        (pa.table({"a": [[1]]}), "column 'a' holds nothing that can be read as categorical"),
        (pa.table({"a": [{"b": 1}]}), "column 'a' holds nothing"),
        (pa.table({"a": [b"\xff"]}), "column 'a' holds nothing"),
    ],
)
def test_what_is_no_reference_is_refused(reference, message):
    with pytest.raises(ValueError, match=message):
        DriftDetector(reference)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["a"] * 300, "a time column of type .*string cannot be read: give timestamps"),
        ([None] * 100 + [1] * 200, "the time column has 100 nulls"),
        ([float("inf")] * 300, "the time column holds infinite values"),
    ],
)
def test_times_that_are_none_are_refused(times, message):
    with pytest.raises(ValueError, match=message):
        DriftDetector(pa.table({"t": times, "x": numbers(0, 300)}), time="t")


def test_a_time_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match="time='at' is not a column of the reference; its columns are x, c"):
        DriftDetector(table(0, 300), time="at")


def test_a_time_alone_is_no_reference():
    with pytest.raises(ValueError, match="no feature"):
        DriftDetector(pd.DataFrame({"t": range(300)}), time="t")


@pytest.mark.parametrize(
    ("current", "message"),
    [
        (pd.DataFrame({"z": [1.0]}), "the current data lacks x, c; its columns are z"),
        (np.zeros((5, 2)), "the current data lacks x, c; its columns are x0, x1"),
        (table(0, 0), "the current data has no rows"),
    ],
)
def test_current_data_that_does_not_fit_is_refused(current, message):
    with pytest.raises(ValueError, match=message):
        DriftDetector(table(0, 300)).detect_all(current)


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.Table.from_pandas], ids=["pandas", "arrow"])
def test_numbers_may_come_as_text_and_what_is_none_is_invalid(kind):
    detector, current = DriftDetector(table(0, 3_000)), table(1, 600)
    as_text = current.assign(x=[f"{x:.17g}" for x in current["x"]])
    wrong = current.assign(x=[f"{x:.17g}" if i % 3 else "n/a" for i, x in enumerate(current["x"])])
    plain, text, third = (detector.detect_all(kind(each)) for each in (current, as_text, wrong))
    assert repr(text) == repr(plain)
    assert (third[0].invalid_rate, third[0].missing_rate, third[0].drifted) == (pytest.approx(1 / 3), 0, True)
    assert third[1].statistic == plain[1].statistic


def test_a_pandas_column_of_several_types_is_read():
    detector, current = DriftDetector(table(0, 3_000)), table(1, 600)
    mixed = current.assign(x=[x if i % 2 else "?" for i, x in enumerate(current["x"])])
    assert detector.detect_all(mixed)[0].invalid_rate == 0.5


@pytest.mark.parametrize("options", [{"alpha": 5}, {"alpha": 0}, {"min_n": 0}, {"psi": -1}], ids=str)
def test_thresholds_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        DriftDetector(numbers(0, 300), **options)


# --- alerts


@pytest.mark.parametrize(
    ("drifted", "of", "share", "alert"),
    [
        (0, 10, 0.3, False),
        (2, 10, 0.3, False),
        (3, 10, 0.3, True),
        (7, 25, 0.28, True),  # 0.28 * 25 is a little more than 7 in floating point
        (6, 25, 0.28, False),
        (1, 3, 1 / 3, True),
        (3, 3, 1, True),
        (2, 3, 1, False),
        (1, 1_000, 0.001, True),
        (0, 0, 0.3, False),
    ],
)
def test_alerts_begin_at_the_share(drifted, of, share, alert):
    detector = DriftDetector(numbers(0, 300))
    results = [result(i < drifted) for i in range(of)]
    assert detector.should_alert(results, share=share) is alert


@pytest.mark.parametrize("share", [0, -0.1, 1.1, 30, float("nan")])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="more than 0 and at most 1"):
        DriftDetector(numbers(0, 300)).should_alert([result(True)], share=share)


def test_times_finer_than_a_microsecond_are_cut_off():
    rng = np.random.default_rng(0)
    at = pd.to_datetime(np.linspace(1.7e9, 1.70001e9, 3_000), unit="s")
    reference = pd.DataFrame({"at": at, "x": rng.normal(size=3_000)})
    [result] = DriftDetector(reference, time="at", min_n=10).detect_all(reference.head(50))
    assert result.calibration in {"calibrated", "bound"}


# --- types, lost columns, far times


@pytest.mark.parametrize("kind", ["timedelta", "interval", "sparse", "mixed", "text numbers"])
def test_every_type_of_pandas_is_compared(kind):
    def column(seed, shift):
        values = numbers(seed, 1_500, shift)
        return {
            "timedelta": lambda: pd.to_timedelta(np.abs(values), unit="h"),
            "interval": lambda: pd.cut(values, [-99, 4, 5, 6, 99]),
            "sparse": lambda: pd.arrays.SparseArray(values),
            "mixed": lambda: pd.Series(values).astype(object).where(values < 9, "n/a"),
            "text numbers": lambda: values.astype(str).astype(object),
        }[kind]()

    detector = DriftDetector(pd.DataFrame({"a": column(0, 5)}))
    assert not detector.detect_all(pd.DataFrame({"a": column(1, 5)}))[0].drifted
    assert detector.detect_all(pd.DataFrame({"a": column(2, 3.5)}))[0].drifted


def test_values_of_no_kind_are_invalid_and_a_complex_column_is_refused_by_name():
    mixed = pd.DataFrame({"a": [1, 2, 3, "n/a"] * 200})
    [found] = DriftDetector(mixed).detect_all(mixed)
    assert (found.method, found.invalid_rate) == ("ks", 0.25)
    with pytest.raises(ValueError, match="column 'a' holds nothing that can be read"):
        DriftDetector(pd.DataFrame({"a": numbers(0, 300) + 1j}))


@pytest.mark.parametrize("spelt", [int, str])
def test_truth_of_another_type_is_no_drift(spelt):
    truth = pd.DataFrame({"b": numbers(0, 1_000) > 0})
    assert not DriftDetector(truth).detect_all(truth.astype({"b": spelt}))[0].drifted


def test_a_column_that_is_gone_is_missing_with_a_warning():
    with pytest.warns(UserWarning, match="lacks c"):
        x, c = DriftDetector(table(0, 1_000)).detect_all(table(1, 500)[["x"]])
    assert (x.drifted, c.drifted, c.missing_rate, c.rate_change) == (False, True, 1.0, 1.0)


def test_one_absurd_time_does_not_silence_the_tests():
    frame = pd.DataFrame({"t": np.r_[np.arange(6_000), -(10**12)], "x": numbers(0, 6_001)})
    with pytest.warns(UserWarning, match="1 of 6,001 times of 't' are far"):
        detector = DriftDetector(frame, time="t", min_n=50)
    [found] = detector.detect_all(pd.DataFrame({"x": numbers(1, 100, 2)}))
    assert found.calibration == "calibrated"
    assert found.drifted


@pytest.mark.parametrize("word", ["N/A", "s17"])
def test_many_categories_that_become_one_are_seen_without_time(word):
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"sku": rng.choice([f"s{each}" for each in range(5_000)], 6_000)})
    detector = DriftDetector(many)
    assert not detector.detect_all(many.sample(1_000, random_state=1))[0].drifted
    assert detector.detect_all(pd.DataFrame({"sku": [word] * 1_000}))[0].drifted
