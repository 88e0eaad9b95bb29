from __future__ import annotations

import numpy as np
import pytest

from driftline.report import detection_list as detected
from driftline.report import performance_grid as performances
from driftline.report.answer_notes import notes_of
from driftline.report.performance_payload import performance_payload
from tests.driftline.report.test_payload import unpack

DAY = 86_400_000_000


def test_every_row_lands_in_its_cell(made, flip):
    table, _ = flip
    cells = performances.of(table.slice(0).take(list(range(table.num_rows))[::-1]))
    assert cells.segments == ("*", "carrier=B6", "carrier=UA")
    assert cells.status.shape == (3, 40)
    assert cells.loss == "zero_one"
    for row in table.to_pylist():
        s = cells.segments.index(row["segment"])
        w = int(np.searchsorted(cells.starts, row["window_start"].timestamp() * 1e6))
        assert performances.STATUSES[cells.status[s, w]] == row["status"]
        for name in performances.MEASURES:
            expected = np.nan if row[name] is None else row[name]
            assert np.array_equal(cells.columns[name][s, w], expected, equal_nan=True), name
    assert (cells.estimates == performances.CALIBRATED).all()
    np.testing.assert_allclose(cells.normal["error_rate_reference"], 0.1)


def test_the_row_with_most_labels_stands(made):
    few, many = made.outcomes(labelled=0.2, emitted=9), made.outcomes(labelled=0.8, wrong=0.3)
    for rows in ([few, many], [many, few]):
        cells = performances.of(made.performance(rows))
        assert cells.columns["n"].tolist() == [[800]]
        assert cells.columns["error_rate"].tolist() == [[0.3]]


def test_absent_rows_are_absent(made):
    cells = performances.of(made.performance([made.outcomes(0, "s=a"), made.outcomes(1, "s=b")]))
    assert cells.status.tolist() == [[0, performances.ABSENT], [performances.ABSENT, 0]]
    assert cells.labelled.tolist() == [[True, False], [False, True]]


def test_the_newest_known_reference_is_shown(made):
    rows = [made.outcomes(0, normal=0.1), made.outcomes(1, normal=0.2), made.outcomes(2, normal=None)]
    assert performances.of(made.performance(rows)).normal["error_rate_reference"].tolist() == [0.2]


def test_of_a_thousand_segments_those_that_matter_are_shown(made, monkeypatch):
    monkeypatch.setattr(performances, "MAX_CELLS", 100)
    one = made.outcomes()
    starts = [one["window_start"] + day * DAY for day in range(4)]
    rows = [
        one | {"row_id": f"{segment} {start}", "segment": segment, "window_start": start, "n_predictions": n}
        for start in starts
        for segment, n in [("*", 10), ("s=7", 500), *((f"s={i}", 10) for i in range(1000) if i != 7)]
    ]
    cells = performances.of(made.performance(rows), {"s=999"})
    assert len(cells.segments) == 25
    assert cells.segments[0] == "*"
    assert {"s=7", "s=999"} <= set(cells.segments)
    assert (cells.segments_left_out, cells.windows_left_out) == (976, 0)
    notes = " ".join(note.text for note in notes_of(cells, None, made.run()))
    assert "show 25 of 1,001 segments (all traffic, those with a detection" in notes


def test_before_segments_get_few_windows_are_left_out(made, monkeypatch):
    monkeypatch.setattr(performances, "MAX_CELLS", 6)
    rows = [made.outcomes(day, segment) for day in range(4) for segment in ("*", "s=a", "s=b")]
    cells = performances.of(made.performance(rows))
    assert len(cells.segments) == 3
    assert cells.windows_left_out == 2
    assert cells.starts[0] == rows[2 * 3]["window_start"]
    assert "the newest 2 windows" in notes_of(cells, None, made.run())[-1].text


def test_a_thousand_segments_stay_small(made):
    random = np.random.default_rng(2)
    one = made.outcomes()
    measured = (
        "error_rate",
        "error_rate_low",
        "error_rate_high",
        "auc",
        "calibration_error",
        "estimated_auc",
    )
    rows = [
        one
        | {"row_id": f"{i} {day}", "segment": f"s={i}", "window_start": one["window_start"] + day * DAY}
        | dict(zip(measured, random.random(len(measured)).tolist(), strict=True))
        for i in range(1000)
        for day in range(5)
    ]
    cells = performances.of(made.performance(rows))
    assert len(cells.segments) == 1000
    assert len(performance_payload(cells, None, None)) < 150_000


def test_numbers_survive_the_payload(flip):
    table, found = flip
    cells, changes = performances.of(table), detected.of(found)
    header, columns = unpack(performance_payload(cells, changes, "carrier=UA"))
    assert header["start"] == 2
    assert header["segments"] == list(cells.segments)
    for name in ("error_rate", "error_rate_low", "estimated_accuracy", "label_delay_p95_s"):
        np.testing.assert_allclose(columns[name].reshape(3, 40), cells.columns[name], rtol=3e-4)
    assert columns["status"].tolist() == cells.status.reshape(-1).tolist()
    assert [each["detector"] for each in header["detections"][:3]] == ["ddm", "adwin", "adwin"]
    assert "mean_loss" not in columns
    assert "mean_absolute_error" not in columns


def test_the_loss_comes_first_then_the_newest(made, monkeypatch):
    rows = [
        made.detection(1, signal="feature.x"),
        made.detection(2, signal="learning_gap"),
        made.detection(3, signal="feature.x"),
        made.detection(1),
        made.detection(2),
    ]
    changes = detected.of(made.detections([*rows, *rows]))
    order = [(each.signal, (each.known - rows[3]["detected_at"]) // DAY) for each in changes.found]
    assert order == [("loss", 1), ("loss", 0), ("learning_gap", 1), ("feature.x", 2), ("feature.x", 0)]
    monkeypatch.setattr(detected, "MAX_DETECTIONS", 3)
    changes = detected.of(made.detections(rows))
    assert (len(changes.found), changes.left_out) == (3, 2)
    assert "leaves out 2 detections" in notes_of(None, changes, made.run())[-1].text


def unlike(made, day, segment="*", p=1e-5, words="false positives 8 % to 15 %"):
    return made.outcomes(day, segment) | {"components_p": p / 3, "performance_p": p, "change": words}


def test_it_says_where_the_errors_are_of_another_kind_since_when(made):
    calm = [made.outcomes(day, segment) for day in range(4) for segment in ("*", "s=a")]
    rows = [*calm, unlike(made, 4, "s=a"), unlike(made, 5, "s=a", words="calibration gap +0.06")]
    cells = performances.of(made.performance(rows))
    assert cells.changes == {(1, 4): "false positives 8 % to 15 %", (1, 5): "calibration gap +0.06"}
    note = notes_of(cells, None, made.run())[0]
    assert note.warning
    assert note.text == (
        "Unlike normal windows (of the newest, reference to now) in s=a since 5 Apr: calibration gap +0.06."
    )
    header, columns = unpack(performance_payload(cells, None, None))
    assert header["changes"] == {"10": "false positives 8 % to 15 %", "11": "calibration gap +0.06"}
    np.testing.assert_allclose(10 ** -columns["performance_p"][10:], 1e-5, rtol=1e-2)


def test_one_window_that_is_unlike_is_no_news(made):
    for rows in (
        [unlike(made, 0), made.outcomes(1)],
        [made.outcomes(0), unlike(made, 1)],
        [unlike(made, 0, p=0.02), unlike(made, 1, p=0.02)],
    ):
        notes = notes_of(performances.of(made.performance(rows)), None, made.run())
        assert not any("Unlike" in note.text for note in notes)


def test_of_many_segments_that_changed_three_are_told(made):
    rows = [unlike(made, day, f"s={i}") for day in range(2) for i in range(5)]
    text = notes_of(performances.of(made.performance(rows)), None, made.run())[0].text
    assert text.count("since") == 3
    assert text.endswith("; and in 2 segments more.")


@pytest.mark.parametrize("rows", [0, 1])
def test_tiny_tables(made, rows):
    cells = performances.of(made.performance([made.outcomes()] * rows))
    assert cells.status.shape == (rows, rows)
    changes = detected.of(made.detections([made.detection()] * rows))
    assert len(changes.found) == rows
    header, _ = unpack(performance_payload(cells, changes, "gone"))
    assert len(header["detections"]) == rows
