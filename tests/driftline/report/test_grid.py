from __future__ import annotations

import numpy as np
import pytest

from driftline.report import result_grid as grids
from driftline.report.episodes import episodes


def test_every_row_lands_in_its_cell(flights):
    table, run, _ = flights
    cells = grids.of(table, run)
    assert cells.segments == ("*", "origin=EWR", "origin=JFK", "origin=LGA")
    assert cells.features[-1] == "prediction"
    assert (cells.row >= 0).all()
    rows = table.to_pylist()
    for s, f, w in [(0, 0, 0), (3, 5, 39), (1, 8, 17)]:
        row = rows[cells.row[s, f, w]]
        assert (row["segment"], row["feature"]) == (cells.segments[s], cells.features[f])
        assert row["window_start"].timestamp() * 1e6 == cells.starts[w]
        assert np.array_equal(
            cells.columns["psi"][s, f, w], np.nan if row["psi"] is None else row["psi"], equal_nan=True
        )
    assert cells.drifted.sum() == sum(bool(row["drifted"]) for row in rows)


def test_only_standing_rows_count(made):
    first, late = made.row(n=500), made.row(n=600, drifted=True, pane="late", pane_index=1)
    for rows in ([first, late], [late, first]):
        cells = grids.of(made.table(rows), made.run())
        assert cells.columns["n"].tolist() == [[[600.0]]]
        assert cells.drifted.all()


def test_absent_rows_are_absent(made):
    cells = grids.of(made.table([made.row(0, "a"), made.row(1, "b")]), made.run())
    assert cells.status.tolist() == [[[0, grids.ABSENT], [grids.ABSENT, 0]]]
    assert np.isnan(cells.severity[0, 0, 1])


def test_judged_is_what_has_a_decision(made):
    rows = [made.row(0, drifted=True), made.row(1), made.row(2, drifted=None), made.row(3, status="partial")]
    cells = grids.of(made.table(rows), made.run())
    assert cells.judged.tolist() == [[[True, True, False, False]]]
    assert np.isnan(cells.severity[~cells.judged]).all()


def test_what_cannot_be_told_neither_breaks_nor_extends_a_stretch(made):
    marks = [True, None, True, None, False, True, None]
    rows = [made.row(day, drifted=mark) for day, mark in enumerate(marks)]
    found = episodes(grids.of(made.table(rows), made.run()))
    assert [(each.first, each.last, each.lasting) for each in found] == [(0, 2, True), (5, 5, False)]


def test_severity_agrees_with_the_decision(flights):
    table, run, _ = flights
    cells = grids.of(table, run)
    judged = cells.judged
    assert (cells.severity[cells.drifted] >= 1).all()
    assert (cells.severity[judged & ~cells.drifted] < 1).all()
    assert np.isnan(cells.severity[~judged]).all()


def test_drift_seen_by_missing_values_alone_has_a_severity(made):
    row = made.row(drifted=True, psi=None, wasserstein_iqr=None)
    assert grids.of(made.table([row]), made.run()).severity.tolist() == [[[1.0]]]


def test_what_does_not_fit_is_left_out_by_least_drift(made, monkeypatch):
    monkeypatch.setattr(grids, "MAX_CELLS", 6)
    rows = [
        made.row(day, segment=segment, drifted=segment == "origin=C")
        for day in range(3)
        for segment in ("*", "origin=A", "origin=B", "origin=C")
    ]
    cells = grids.of(made.table(rows), made.run())
    assert cells.segments == ("*", "origin=C")
    assert (cells.segments_left_out, cells.windows_left_out) == (2, 0)
    monkeypatch.setattr(grids, "MAX_CELLS", 2)
    cells = grids.of(made.table(rows), made.run())
    assert (cells.segments, len(cells.starts), cells.windows_left_out) == (("*",), 2, 1)
    assert cells.starts[0] == made.row(1)["window_start"]


def test_an_episode_holds_its_stretch_and_names_its_worst_window(made):
    days = {1: 0.5, 2: 2.0, 4: 0.5, 6: 9.0}
    rows = [
        made.row(day, drifted=None if day == 3 else day in days, psi=days.get(day, 0.01)) for day in range(7)
    ]
    found = episodes(grids.of(made.table(rows), made.run()))
    said = [(each.first, each.last, each.worst, each.severity, each.lasting) for each in found]
    assert said == [(1, 4, 2, 8.0, True), (6, 6, 6, 36.0, False)]


@pytest.mark.parametrize("rows", [0, 1])
def test_tiny_tables(made, rows):
    cells = grids.of(made.table([made.row()] * rows), made.run())
    assert cells.shape == (rows, rows, rows)
