"""Windows settled as a whole: absent segments, adjusted p-values, decisions, and what is said again."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from driftline.baseline import decode_baseline
from driftline.config import Tests
from driftline.judging import Emitted, settle_window
from driftline.tables import RESULT, row_id
from driftline.verdicts.window_summary import WindowSummary
from tests.transforms.timelines import encoded_baseline, reference_events

WINDOW = (0, 1_800_000_000)
TESTS = Tests(alpha=0.01, psi=0.25, wasserstein_iqr=0.1, min_n=50, min_coverage=0.5)
KEYS = [(segment, feature) for segment in ("*", "s=A", "s=B") for feature in ("x", "c")]


@cache
def small_baseline():
    return decode_baseline(encoded_baseline(reference_events(windows=6, rows=60)), "b")


@pytest.fixture
def baseline():
    return small_baseline()


def row(segment="*", feature="x", **changes):
    """A judged row: significant and large unless changed."""
    values = dict.fromkeys(RESULT.arrow.names) | {
        "row_id": row_id("m", segment, feature, *WINDOW),
        "model": "m",
        "segment": segment,
        "segment_values": [],
        "feature": feature,
        "kind": "numeric" if feature == "x" else "categorical",
        "window_start": WINDOW[0],
        "window_end": WINDOW[1],
        "n": 100,
        "status": "ok",
        "p_value": 1e-6,
        "psi": 1.0,
        "calibration": "calibrated",
    }
    return values | changes


def batch(*rows):
    arrays = [pa.array([row[field.name] for row in rows], field.type) for field in RESULT.arrow]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT.arrow)


def settled(baseline, *batches, coverage=1.0, after=None, tests=TESTS, emitted_at=7):
    """Settle these rows, together with those of an earlier time."""
    known = after.judged.to_batches() if after is not None else []
    emitted = Emitted.from_bytes(after.emitted.to_bytes()) if after is not None else None
    return settle_window(
        [*known, *batches], WINDOW, coverage, baseline, tests, emitted=emitted, emitted_at=emitted_at
    )


def by_key(table):
    found = {(row["segment"], row["feature"]): row for row in table.to_pylist()}
    assert len(found) == table.num_rows
    return found


def test_every_key_of_the_baseline_has_one_row(baseline):
    found = by_key(settled(baseline, batch(row(), row(feature="c"))).changed)
    assert set(found) == set(KEYS)
    assert {key for key, row in found.items() if row["status"] == "no_data"} == set(KEYS[2:])
    for row_ in found.values():
        assert (row_["coverage"], row_["pane"], row_["pane_index"]) == (1.0, "on_time", 0)
        assert row_["emitted_at"].microsecond == 7


def test_a_key_that_the_baseline_lacks_stays(baseline):
    found = by_key(settled(baseline, batch(row("(other)", status="no_baseline", p_value=None))).changed)
    assert found["(other)", "x"]["drifted"] is None
    assert len(found) == 7


P = st.floats(0, 1) | st.none()
STATUS = st.sampled_from(["ok", "insufficient", "no_baseline"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(P, STATUS), min_size=1, max_size=40))
def test_adjusted_p_values_are_those_of_scipy_over_all_tests_of_the_window(tests):
    rows = [row(f"s={i}", p_value=p, status=status) for i, (p, status) in enumerate(tests)]
    batches = [batch(*part) for part in (rows[::2], rows[1::2]) if part]
    found = by_key(settled(small_baseline(), *batches).changed)
    family = [(i, p) for i, (p, status) in enumerate(tests) if status == "ok" and p is not None]
    expected = false_discovery_control([p for _, p in family]) if family else []
    adjusted = {i: a for (i, _), a in zip(family, expected, strict=True)}
    for i, _ in enumerate(tests):
        assert found[f"s={i}", "x"]["p_adjusted"] == (
            pytest.approx(adjusted[i], rel=1e-12) if i in adjusted else None
        )


@pytest.mark.parametrize(
    ("changes", "drifted"),
    [
        ({}, True),
        ({"psi": 0.2}, False),
        ({"psi": 0.25}, False),
        ({"psi": 0.2500001}, True),
        ({"psi": None}, False),
        ({"psi": 0.0, "wasserstein_iqr": 0.1}, False),
        ({"psi": 0.0, "wasserstein_iqr": 0.11}, True),
        ({"psi": None, "wasserstein_iqr": 0.11}, True),
        ({"p_value": 0.011}, False),
        ({"p_value": 0.0099}, True),
        ({"p_value": 0.01}, False),
        ({"calibration": "bound"}, True),
        ({"calibration": "independent"}, True),
        ({"calibration": "few_windows"}, None),
        ({"calibration": "uncalibrated"}, None),
        ({"calibration": None}, None),
        ({"p_value": None}, None),
        ({"status": "insufficient"}, None),
        ({"status": "no_baseline"}, None),
    ],
    ids=str,
)
def test_drifted_is_significant_and_large_and_null_where_it_cannot_be_told(baseline, changes, drifted):
    found = by_key(settled(baseline, batch(row(**changes))).changed)["*", "x"]
    assert found["drifted"] is drifted
    assert (found["p_adjusted"] is None) == (drifted is None)


def test_one_test_of_many_needs_more(baseline):
    rows = [row("s=A", p_value=0.005), *(row(f"s={i}", p_value=0.9) for i in range(9))]
    assert by_key(settled(baseline, batch(*rows)).changed)["s=A", "x"]["drifted"] is False
    assert by_key(settled(baseline, batch(rows[0])).changed)["s=A", "x"]["drifted"] is True


def test_what_is_never_acted_on_is_no_member_of_the_family(baseline):
    rows = [
        row("s=A", p_value=0.005),
        *(row(f"s={i}", p_value=1.0, calibration="few_windows") for i in range(9)),
    ]
    assert by_key(settled(baseline, batch(*rows)).changed)["s=A", "x"]["p_adjusted"] == 0.005


@pytest.mark.parametrize(("coverage", "status"), [(0.49, "partial"), (0.5, "ok"), (1.0, "ok")])
def test_a_window_with_too_little_coverage_is_partial(baseline, coverage, status):
    found = by_key(
        settled(baseline, batch(row(), row("s=A", status="insufficient")), coverage=coverage).changed
    )
    assert found["*", "x"]["status"] == status
    assert (found["*", "x"]["drifted"] is None) == (status == "partial")
    assert found["s=A", "x"]["status"] == "insufficient"
    assert found["s=B", "x"]["status"] == "no_data"
    assert found["*", "x"]["coverage"] == coverage


def test_of_several_rows_of_one_key_the_one_with_most_rows_stands(baseline):
    for order in ([60, 100, 80], [100, 80, 60], [60, 80, 100]):
        rows = [batch(row(n=n, psi=float(n))) for n in order]
        found = by_key(settled(baseline, *rows).changed)["*", "x"]
        assert (found["n"], found["psi"]) == (100, 100.0)


def test_late_rows_say_only_what_changed_with_the_next_pane(baseline):
    first = settled(baseline, batch(row(n=100, p_value=0.5), row("s=A", n=60, p_value=0.9)))
    more = batch(row(n=105, p_value=0.5))
    again = settled(baseline, more, after=first, emitted_at=9)
    said = [
        (r["segment"], r["feature"], r["n"], r["pane"], r["pane_index"]) for r in again.changed.to_pylist()
    ]
    assert said == [("*", "x", 105, "late", 1)]
    assert again.changed.to_pylist()[0]["row_id"] == row_id("m", "*", "x", *WINDOW)
    assert by_key(again.rows)["s=A", "x"]["pane_index"] == 0
    third = settled(baseline, batch(row(n=106, p_value=0.5)), after=again)
    assert [r["pane_index"] for r in third.changed.to_pylist()] == [2]


def test_a_late_row_that_changes_the_adjustment_of_others_says_them_again(baseline):
    first = settled(baseline, batch(row(p_value=0.009), row("s=A", p_value=0.02)))
    assert by_key(first.rows)["*", "x"]["drifted"] is False
    again = settled(baseline, batch(row("s=A", n=101, p_value=0.0001)), after=first)
    found = by_key(again.changed)
    assert set(found) == {("*", "x"), ("s=A", "x")}
    assert found["*", "x"]["drifted"] is True
    assert found["*", "x"]["n"] == 100


def test_a_replayed_pane_says_nothing(baseline):
    first = settled(baseline, batch(row(), row("s=A")))
    again = settled(baseline, batch(row(), row("s=A")), after=first)
    assert again.changed.num_rows == 0
    assert by_key(again.rows).keys() == by_key(first.rows).keys()


def test_an_older_pane_that_comes_later_changes_nothing(baseline):
    first = settled(baseline, batch(row(n=100)))
    again = settled(baseline, batch(row(n=90, psi=9.0)), after=first)
    assert again.changed.num_rows == 0
    assert by_key(again.rows)["*", "x"]["n"] == 100


def test_no_data_gives_way_to_data_that_comes_late(baseline):
    first = settled(baseline, batch(row()))
    again = settled(baseline, batch(row("s=B", n=60, p_value=0.5)), after=first)
    found = by_key(again.changed)
    assert found["s=B", "x"]["status"] == "ok"
    assert found["s=B", "x"]["pane_index"] == 1
    assert ("s=B", "c") not in found
    assert len(by_key(again.rows)) == len(KEYS)


def test_coverage_that_grows_makes_a_partial_window_whole(baseline):
    first = settled(baseline, batch(row()), coverage=0.25)
    again = settled(baseline, coverage=0.75, after=first)
    found = by_key(again.changed)["*", "x"]
    assert (found["status"], found["drifted"], found["coverage"]) == ("ok", True, 0.75)


@settings(deadline=None, max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_panes_settles_to_the_same(random, parts):
    rng = np.random.default_rng(random.randrange(2**32))
    rows = [
        row(segment, feature, n=n, p_value=float(rng.random()), psi=float(n))
        for segment, feature in KEYS[:4]
        for n in (50, 60, 70)
    ]
    once = settled(small_baseline(), batch(*rows))
    random.shuffle(rows)
    known, cut = None, max(1, len(rows) // parts)
    for start in range(0, len(rows), cut):
        known = settled(small_baseline(), batch(*rows[start : start + cut]), after=known)
    final = by_key(known.rows)
    for key, expected in by_key(once.rows).items():
        for name in ("n", "psi", "p_value", "p_adjusted", "drifted", "status"):
            assert final[key][name] == expected[name], (key, name)


def test_what_was_emitted_of_absent_segments_is_remembered_while_their_baseline_is_lost(baseline):
    first = settled(baseline, batch(row()))
    lost = settled(None, batch(row(n=101)), after=first)
    assert by_key(lost.changed).keys() == {("*", "x")}
    assert by_key(lost.rows).keys() == {("*", "x")}
    again = settled(baseline, batch(row(n=102)), after=lost)
    assert by_key(again.changed).keys() == {("*", "x")}
    assert by_key(again.rows)["s=B", "c"]["pane_index"] == 0
    assert by_key(again.rows)["*", "x"]["pane_index"] == 2


def test_without_its_baseline_a_window_settles_with_the_rows_it_has():
    found = by_key(settled(None, batch(row(), row("s=A", p_value=None))).changed)
    assert found["*", "x"]["drifted"] is True
    assert len(found) == 2


def test_judged_rows_that_stand_are_kept_as_they_were_judged(baseline):
    first = settled(baseline, batch(row(n=60), row("s=A")), batch(row(n=70)), coverage=0.1)
    assert [(r["segment"], r["n"], r["status"], r["pane_index"]) for r in first.judged.to_pylist()] == [
        ("s=A", 100, "ok", None),
        ("*", 70, "ok", None),
    ]


def test_a_window_is_summed_up_where_something_changed(baseline):
    first = settled(baseline, batch(row()))
    assert first.summary == WindowSummary.of(first.rows, TESTS, pane_index=0, layout="")
    again = settled(baseline, batch(row(n=101)), after=first)
    assert again.summary == WindowSummary.of(again.rows, TESTS, pane_index=1, layout="")
    assert settled(baseline, batch(row(n=101)), after=again).summary is None
