from __future__ import annotations

import pytest

from driftline.report import detection_list as detected
from driftline.report import performance_grid as performances
from driftline.report.answer import answer
from driftline.report.answer_notes import notes_of

DAY = 86_400_000_000


def said(made, rows, found=None, **run):
    cells = None if rows is None else performances.of(made.performance(rows))
    changes = None if found is None else detected.of(made.detections(found))
    summary = made.run(**run)
    return answer(cells, changes, summary), " ".join(note.text for note in notes_of(cells, changes, summary))


def days(made, segment="*", *, until=20, worse_from=None, worse=0.3, **changes):
    return [
        made.outcomes(
            day,
            segment,
            wrong=worse if worse_from is not None and day >= worse_from else 0.1,
            **changes,
        )
        for day in range(until)
    ]


def test_what_a_detector_found_is_named_dated_and_counted(made):
    rows = days(made) + days(made, "carrier=UA", worse_from=12)
    words, _ = said(made, rows, [made.detection(12, "carrier=UA")])
    assert words.text == (
        "Error rate 30.0% against 10.0% of the reference since 13 Apr in carrier=UA; "
        "found by adwin after 412 labels"
    )
    assert (words.tone, words.segment) == ("drift", "carrier=UA")


def test_the_detector_that_knew_first_found_it(made):
    rows = days(made, worse_from=12)
    late = made.detection(12, detector="ddm", detected_at=made.detection(17)["at"], width=2000, after=0.3)
    words, _ = said(made, rows, [late, made.detection(12, after=0.2)])
    assert words.text.endswith("in all traffic; found by adwin after 412 labels (then by ddm)")


def test_the_clearest_of_several_segments_is_named(made):
    rows = days(made, worse_from=12, worse=0.14) + days(made, "carrier=UA", worse_from=12, worse=0.8)
    words, _ = said(made, rows, [made.detection(13, after=0.14), made.detection(12, "carrier=UA", after=0.8)])
    assert words.segment == "carrier=UA"
    assert words.text.endswith("; also worse in all traffic")


def test_a_loss_that_fell_again_was_worse(made):
    rows = [made.outcomes(day, wrong=0.3 if 5 <= day < 8 else 0.1) for day in range(20)]
    words, _ = said(made, rows, [made.detection(5), made.detection(8, before=0.3, after=0.1)])
    assert words.tone == "drift"
    assert words.text == (
        "Error rate 30.0% against 10.0% of the reference from 6 Apr to 9 Apr in all traffic, 10.0% since "
        "then; found by all windows together"
    )


def test_a_change_lasts_over_falls_of_hours_and_begins_behind_normal_windows(made):
    found = [
        made.detection(2),  # false: the windows behind it are normal
        made.detection(8),
        made.detection(12, before=0.3, after=0.1),  # no window shows it
        made.detection(14, detector="ddm"),
    ]
    words, _ = said(made, days(made, worse_from=8), found)
    assert "30.0% against 10.0% of the reference since 9 Apr in all traffic; found by adwin" in words.text


def test_a_loss_that_fell_but_not_to_what_is_normal_is_worse(made):
    rows = [made.outcomes(day, wrong=0.6 if day < 8 else 0.4) for day in range(20)]
    words, _ = said(made, rows, [made.detection(8, before=0.6, after=0.4)])
    assert words.tone == "drift"
    assert words.text.startswith("Error rate 48.0% against 10.0% of the reference since 1 Apr")


def test_a_false_alarm_is_not_sold_as_worse(made):
    words, _ = said(made, days(made, worse_from=10, worse=0.102), [made.detection(10)])
    assert words.tone == "quiet"
    words, _ = said(made, days(made, worse_from=10, worse=0.12), [made.detection(10)])
    assert words.tone == "drift"


def test_what_the_reference_did_by_itself_is_not_worse(made):
    rows = days(made, worse_from=10, worse=0.12, varies=0.5)
    words, _ = said(made, rows, [made.detection(10)])
    assert words.tone == "quiet"
    words, _ = said(made, days(made, worse_from=10, worse=0.2, varies=0.5), [made.detection(10)])
    assert words.tone == "drift"


def test_without_a_detector_two_clear_windows_are_needed(made):
    words, _ = said(made, days(made, worse_from=18))
    assert words.text == (
        "Error rate 30.0% against 10.0% of the reference since 19 Apr in all traffic; no detector reported it"
    )
    words, _ = said(made, days(made, worse_from=19))
    assert words.tone == "quiet"


def test_the_level_of_the_run_is_the_level_of_worse(made):
    rows = days(made, worse_from=18)
    assert said(made, rows, alpha=1e-4)[0].tone == "drift"
    assert said(made, rows, alpha=1e-10)[0].tone == "quiet"


def test_overlapping_windows_are_not_two_witnesses(made):
    rows = days(made, worse_from=18)
    for row in rows:
        row["window_end"] = row["window_start"] + 7 * DAY
    words, _ = said(made, rows, window_size_us=7 * DAY)
    assert words.tone == "quiet"


def test_a_small_difference_is_not_worse_however_sure(made):
    words, _ = said(made, days(made, worse_from=2, worse=0.105, n=200_000))
    assert words.tone == "quiet"


def test_without_enough_windows_of_the_reference_nothing_is_called_worse(made):
    rows = days(made, worse_from=15, windows=9)
    words, notes = said(made, rows)
    assert words.tone == "unknown"
    assert words.text == (
        "Error rate 15.0% against 10.0% of the reference in all traffic; "
        "too few windows of the reference to say whether that is normal"
    )
    assert "Fewer than 10 windows of the reference have labels enough" in notes
    words, notes = said(made, rows, [made.detection(15)])
    assert words.tone == "drift"
    assert "Fewer than 10 windows" not in said(made, days(made))[1]


def test_labels_that_have_not_come_limit_every_answer(made):
    rows = [made.outcomes(day, labelled=0.0 if day > 16 else 0.9) for day in range(20)]
    words, notes = said(made, rows, [])
    assert words.text == (
        "No sign that the model got worse: error rate 10.0% against 10.0% of the reference in all traffic "
        "over 17 labelled windows; labels are known for windows up to 17 Apr only"
    )
    assert "76% of predictions in all traffic have their label" in notes
    assert "the newest 3 windows, from 18 Apr on, have none yet" in notes
    assert "from scores calibrated by the outcomes of the reference" in notes
    assert "In windows without labels the estimate is 90.0%" in notes


def test_without_any_label_there_is_only_the_estimate(made):
    rows = [made.outcomes(day, labelled=0.0) for day in range(3)]
    words, notes = said(made, rows, [])
    assert words.tone == "unknown"
    assert words.text == (
        "Cannot say whether the model is still right: no label is known yet; "
        "accuracy is estimated at 90.0% in all traffic"
    )
    assert "0% of predictions" in notes


def test_raw_estimates_are_called_raw(made):
    words, notes = said(made, days(made, until=3, normal=None), [])
    assert words.text == "Error rate 10.0% in all traffic; no outcomes of the reference to compare with"
    assert words.tone == "unknown"
    assert "from raw scores taken as probabilities" in notes


def test_few_labels_are_not_judged(made):
    words, notes = said(made, days(made, until=3, labelled=0.05), [])
    assert words.text.endswith("no window has the 200 labels it needs, the fullest has 50")
    assert "may not be like the others" in notes


@pytest.mark.parametrize("loss", ["log", "absolute", "squared"])
def test_other_losses_have_their_own_words(made, loss):
    names = {"log": "log-loss", "absolute": "absolute error", "squared": "squared error"}
    words, _ = said(made, days(made, worse_from=10, loss=loss), [made.detection(10)])
    assert words.tone == "drift"
    assert words.text.startswith(f"Mean {names[loss]} ")


def test_detections_alone_compare_with_before(made):
    words, _ = said(made, None, [made.detection(5)])
    assert words.text == (
        "Mean loss 0.3 against 0.1 before since 6 Apr 2013 00:00 in all traffic; "
        "found by adwin after 412 labels"
    )


def test_detections_on_inputs_say_nothing_of_the_error(made):
    words, notes = said(made, None, [made.detection(5, signal="feature.distance")])
    assert words is None
    assert "1 detection on features or statistics" in notes


def test_a_growing_learning_gap_advises_retraining(made):
    _, notes = said(made, days(made), [made.detection(5, signal="learning_gap")])
    assert "The learning gap in all traffic grew on 6 Apr (adwin)" in notes
    fell = made.detection(9, signal="learning_gap", before=0.3, after=0.1)
    _, notes = said(made, days(made), [made.detection(5, signal="learning_gap"), fell])
    assert "learning gap" not in notes


def test_detections_without_numbers_accuse_nobody(made):
    found = [made.detection(5, before=None, after=None, width=None)]
    words, _ = said(made, days(made), found)
    assert words.tone == "quiet"
    words, _ = said(made, days(made, worse_from=10), [made.detection(10, width=None)])
    assert words.text.endswith("found by adwin")


@pytest.mark.parametrize("found", [None, []])
def test_empty_tables(made, found):
    words, notes = said(made, [], found)
    assert words.text == "Cannot say whether the model is still right: there is no performance row"
    assert notes == ""


def test_rows_of_nothing_but_nulls(made):
    required = {
        "row_id", "model", "segment", "segment_values", "window_start", "window_end", "emitted_at",
        "n_predictions", "n", "loss", "status",
    }  # fmt: skip
    rows = [{name: value if name in required else None for name, value in row.items()} for row in days(made)]
    words, _ = said(made, rows, [made.detection(3, before=None, after=None)])
    assert words.tone == "unknown"
    assert words.text.startswith("Error rate unknown in all traffic")


def test_a_model_that_ranks_worse_is_worse_though_it_errs_as_before(made):
    rows = [row | {"status": "ok"} for row in days(made, until=30)]
    for day, row in enumerate(rows):
        fell = -3.0 if day >= 10 else 0.2
        row["auc"], row["auc_reference"], row["auc_spread"] = 0.91 + 0.05 * fell, 0.91, 0.05
        row["components"] = (row["components"] or {}) | {"auc": fell}
    words, _ = said(made, rows)
    assert words.tone == "drift"
    assert words.text.startswith("AUC 0.76 against 0.91 of the reference since 11 Apr in all traffic")
    assert words.title.startswith("The model got worse: AUC 0.76")


def test_no_sign_says_what_would_not_have_been_seen(made):
    words, _ = said(made, days(made, until=30))
    assert words.tone == "quiet"
    assert "in these windows no change of the error rate of less than " in words.text
    assert words.text.endswith(" points could have been seen")
