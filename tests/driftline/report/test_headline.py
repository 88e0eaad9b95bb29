from __future__ import annotations

import numpy as np
import pytest

from driftline.report import LabelCounts, ReferenceDistribution, headline
from driftline.report.result_grid import of


def words(made, rows, **run):
    summary = made.run(**run)
    return headline(of(made.table(rows), summary), summary)


def notes(words):
    return " ".join(note.text for note in words.notes)


def test_lasting_drift_is_counted_dated_and_its_worst_named(made):
    rows = [made.row(day, name) for day in range(6) for name in ("air_time", "carrier", "distance")]
    sizes = [0.01, 0.01, 0.01, 0.5, 1.234, 0.5]
    rows += [made.row(day, "air_time", "origin=EWR", drifted=day > 2, psi=sizes[day]) for day in range(6)]
    said = words(made, rows)
    assert said.title == "1 of 3 features drifted from 4 Apr; worst: air_time in origin=EWR (PSI 1.2)"
    assert said.tone == "drift"
    assert "In the latest fully judged window (6 Apr) air_time is drifted." in notes(said)
    assert "3 of 24 judged results (12%) are drifted." in notes(said)
    finding = said.findings[0]
    assert (finding.feature, finding.segment, finding.window) == ("air_time", "origin=EWR", 4)
    assert finding.when == "4 Apr to 6 Apr, worst 5 Apr"


def test_a_single_window_is_not_sold_as_lasting(made):
    rows = [made.row(day, drifted=day == 2) for day in range(5)]
    said = words(made, rows)
    assert said.title == (
        "1 of 1 feature drifted in single windows only, the first on 3 Apr; "
        "worst: distance in all traffic (PSI 0.9)"
    )
    assert "never for longer than one window" in notes(said)
    assert "nothing is drifted" in notes(said)


def test_what_lasts_goes_before_what_is_larger_but_brief(made):
    rows = [made.row(day, "a", drifted=day == 1, psi=9.0 if day == 1 else 0.01) for day in range(5)]
    rows += [made.row(day, "b", drifted=day > 2, psi=0.5 if day > 2 else 0.01) for day in range(5)]
    said = words(made, rows)
    assert said.title == "1 of 2 features drifted from 4 Apr; worst: b in all traffic (PSI 0.5)"
    assert [finding.feature for finding in said.findings] == ["b", "a"]
    assert "a never for longer than one window" in notes(said)


def test_one_window_is_all_there_is(made):
    said = words(made, [made.row(0, "a", drifted=True), made.row(0, "b", drifted=True)])
    assert said.title.startswith("All 2 features drifted from 1 Apr")
    assert "never for longer" not in notes(said)


def test_a_shift_below_the_psi_threshold_is_given_in_iqr(made):
    rows = [made.row(day, drifted=True, psi=0.05, wasserstein_iqr=0.3) for day in range(3)]
    assert words(made, rows).title.endswith("(shifted by 0.3 IQR)")


def test_overlapping_windows_are_not_two_witnesses(made):
    day = 86_400_000_000
    rows = [made.row(d, drifted=d in {2, 3}) for d in range(6)]
    for row in rows:
        row["window_end"] = row["window_start"] + 7 * day
    assert "single windows only" in words(made, rows, window_size_us=7 * day).title


def test_an_outage_is_named_and_dated_apart_from_the_season_around_it(made):
    rows = [
        made.row(
            day,
            "temp",
            drifted=True,
            psi=8.0 if 3 <= day < 6 else 1.0,
            missing_rate=1.0 if 3 <= day < 6 else 0.0,
        )
        for day in range(10)
    ]
    finding = words(made, rows).findings[0]
    assert finding.what == "100% missing; PSI 8"
    assert finding.when == "4 Apr to 6 Apr, worst 4 Apr"


@pytest.mark.parametrize(
    ("normal", "said"),
    [
        (None, "the values changed, median 12; PSI 0.9"),
        (12.0, "the shape of the values changed, median 12; PSI 0.9"),
        (8.0, "median 12, normally 8; PSI 0.9"),
    ],
)
def test_moved_values_are_told_from_a_changed_shape(made, normal, said):
    rows = [made.row(day, drifted=True, quantiles={"p50": 12.0}) for day in range(3)]
    known = {("*", "distance"): ReferenceDistribution("numeric", np.ones(1), quantiles={"p50": normal})}
    run = made.run()
    found = headline(of(made.table(rows), run), run, known if normal else None).findings
    assert found[0].what == said


def test_new_categories_are_named(made):
    fresh = {
        "kind": "categorical",
        "new_category_rate": 0.38,
        "new_categories": ["ZZ", "YY"],
        "wasserstein_iqr": None,
    }
    rows = [made.row(day, "carrier", drifted=True, **fresh) for day in range(3)]
    assert words(made, rows).findings[0].what == "38% in new categories (ZZ and YY); PSI 0.9"


def test_the_reference_value_stands_beside_the_windows(flights):
    table, run, references = flights
    finding = next(
        each for each in headline(of(table, run), run, references).findings if each.feature == "temp"
    )
    assert "normally" in finding.what


def test_nothing_drifted(made):
    said = words(made, [made.row(day, name) for day in range(4) for name in ("a", "b")])
    assert (said.title, said.tone, said.findings) == (
        "Nothing drifted: 2 features over 4 windows",
        "quiet",
        (),
    )


@pytest.mark.parametrize(
    ("status", "title"),
    [
        ("insufficient", "Cannot judge: no window has the 200 rows it needs"),
        ("no_data", "Cannot judge: no window holds any data"),
        ("no_baseline", "Cannot judge: the baseline knows none of these segments and features"),
        ("partial", "Cannot judge: no window has enough data"),
    ],
)
def test_what_cannot_be_judged_is_not_called_fine(made, status, title):
    said = words(made, [made.row(day, status=status) for day in range(3)])
    assert (said.title, said.tone) == (title, "unknown")
    assert "3 of 3 results could not be judged" in notes(said)
    assert said.notes[0].warning


def test_no_results(made):
    said = words(made, [])
    assert (said.title, said.tone) == ("No results: no window was touched by data", "unknown")


FEW = {"calibration": "few_windows", "drifted": None, "p_adjusted": None, "wasserstein_iqr": 3.0}


@pytest.mark.parametrize("windows", range(3, 10))
def test_with_few_reference_windows_silence_is_not_called_fine(made, windows):
    said = words(made, [made.row(day, **FEW) for day in range(3)], reference_windows=windows)
    assert (said.title, said.tone) == (
        f"Cannot judge: the baseline has {windows} reference windows; build it from 10 or more",
        "unknown",
    )
    assert "3 of 3 results could not be judged: 3 with fewer than 10 reference windows." in notes(said)


def test_a_segment_may_have_fewer_reference_windows_than_the_baseline(made):
    rare = [made.row(day, segment="origin=A", **FEW) for day in range(3)]
    assert words(made, rare).title == (
        "Cannot judge: the baseline has too few reference windows of every segment and feature; "
        "build it from 10 or more"
    )
    said = words(made, [*rare, made.row(0), made.row(0, "b", **FEW)])
    assert (said.title, said.tone) == ("Nothing drifted: 1 feature over 1 window", "quiet")
    assert "4 of 5 results could not be judged: 4 with fewer than 10 reference windows." in notes(said)


@pytest.mark.parametrize(
    ("windows", "said", "warning"),
    [
        (1, "1 reference window, too few", True),
        (2, "nothing can be called drifted", True),
        (7, "only 7 reference windows: sizes and p-values are an indication, and nothing can be", True),
        (20, "wrong by a factor of about two", False),
    ],
)
def test_a_thin_reference_is_explained(made, windows, said, warning):
    found = words(made, [made.row()], reference_windows=windows)
    assert any(said in note.text and note.warning is warning for note in found.notes)


def test_a_good_reference_needs_no_words(made):
    assert words(made, [made.row()], reference_windows=30).notes == ()


def test_dead_letters_say_how_many_and_why(made):
    said = words(made, [made.row()], decoded=1000, profiled=990, rejected={"undecodable": 2, "wrong_type": 8})
    assert "10 of 1,000 events (1%) were rejected: 8 wrong_type and 2 undecodable." in notes(said)
    assert said.notes[0].warning


def test_late_events_and_lost_events(made):
    assert "5 events came too late" in notes(
        words(made, [made.row()], decoded=1000, profiled=995, dropped_late=5)
    )
    lost = notes(words(made, [made.row()], decoded=1000, profiled=900))
    assert "do not add up: 1,000 decoded is not 0 rejected + 900 profiled + 0 dropped late" in lost


def test_lost_predictions_and_labels(made):
    labels = LabelCounts(predictions=9, matched=4, expired=3, labels=1004, unmatched_labels=1001)
    lost = words(made, [made.row()], labels=labels)
    assert "The counts of predictions do not add up: +2." in notes(lost)
    assert "The counts of labels do not add up: -1." in notes(lost)
    assert all(note.warning for note in lost.notes if "add up" in note.text)


def test_the_year_is_named_only_where_it_is_needed(made):
    def title(days):
        return words(made, [made.row(day, drifted=True) for day in days]).title

    assert "from 1 Apr;" in title(range(0, 300, 10))
    assert "from 1 Apr 2013;" in title(range(0, 800, 10))
