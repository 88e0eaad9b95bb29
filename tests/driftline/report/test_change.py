from __future__ import annotations

import numpy as np
import pytest

from driftline.report import change_columns as changes
from driftline.report import headline, render
from driftline.report.result_grid import of
from tests.driftline.report.test_page import HOSTILE, Page, chromium, problem
from tests.driftline.report.test_payload import packed

WORDS = "shift +1.4 sd, spread x1.3"


def rows_of(made):
    return [
        made.row(0, components=[20.71, -10.2, 1.44, -2.5], change=WORDS, drifted=True),
        made.row(1, components=[0.5, 0.25], change=None),
        made.row(2, components=[], change="missing 1 % to 25 %"),
        made.row(3, components=None, change=None),
        made.row(5, components=[1e9, 0.0, 0.0, 0.0], change=WORDS, drifted=True),
        made.row(0, "x"),
    ]


def test_components_and_words_land_in_their_cells(made):
    _, header, columns = packed(made.table(rows_of(made)[::-1]), made.run(), None)
    expected = {
        "shift": [20.7, 0.5, np.nan, np.nan, 1e9],
        "spread": [-10.2, 0.2, np.nan, np.nan, 0],
        "skew": [1.4, np.nan, np.nan, np.nan, 0],
        "tails": [-2.5, np.nan, np.nan, np.nan, 0],
    }
    assert list(expected) == list(changes.COMPONENTS)
    for name, values in expected.items():
        column = columns[f"component_{name}"].reshape(1, 2, 5)
        np.testing.assert_allclose(column[0, 0], values, rtol=3e-4, err_msg=name)
        assert np.isnan(column[0, 1]).all()
    texts = [header["changes"][code - 1] if code else None for code in columns["change"].tolist()]
    assert texts == [WORDS, None, "missing 1 % to 25 %", None, WORDS, *[None] * 5]


def test_order_of_rows_is_no_matter(made):
    run = made.run()
    assert render(made.table(rows_of(made)), run) == render(made.table(rows_of(made)[::-1]), run)


@pytest.mark.parametrize("rows", [0, 2])
def test_results_of_old_have_neither(made, rows):
    _, header, columns = packed(made.table([made.row(day) for day in range(rows)]), made.run(), None)
    assert "component_shift" not in columns
    assert header["changes"] == []
    assert not columns["change"].any()


def test_of_very_many_texts_those_of_the_worst_windows_are_kept(made, monkeypatch):
    monkeypatch.setattr(changes, "MAX_TEXTS", 2)
    rows = [
        made.row(day, change=f"shift +{day} sd", psi=psi, wasserstein_iqr=None, drifted=True)
        for day, psi in enumerate([0.3, 0.9, 0.4, 0.5])
    ]
    _, header, columns = packed(made.table(rows), made.run(), None)
    assert header["changes"] == ["shift +1 sd", "shift +3 sd"]
    assert columns["change"].tolist() == [0, 1, 0, 2]


def test_a_finding_says_what_sticks_out(made):
    table, run = made.table(rows_of(made)), made.run()
    (finding,) = headline(of(table, run), run).findings
    assert finding.words == WORDS
    html = render(table, run)
    assert f'<span class="words">{WORDS}</span>' in html
    plain = render(made.table([made.row(drifted=True)]), run)
    assert 'class="words"' not in plain.split("<script>")[0]


def test_words_of_a_finding_are_never_markup(made):
    page = Page(render(made.table([made.row(drifted=True, change=HOSTILE)]), made.run()))
    assert "img" not in page.tags


def test_in_a_browser_the_chosen_window_has_words_and_components(made, tmp_path):
    rows = rows_of(made)[:1]
    dom = chromium(render(made.table(rows), made.run()), tmp_path)
    page = dom[dom.index("<html") :].split("<script")[0]
    assert not problem(dom)
    assert f'<span>What changed</span><span class="value">{WORDS}</span>' in page
    shown = page[page.index('class="components"') :]
    for name, value in [
        ("shift", "+20.7"),
        ("spread", "\N{MINUS SIGN}10.2"),
        ("skew", "+1.4"),
        ("tails", "\N{MINUS SIGN}2.5"),
    ]:
        assert f"<span>{name}</span>" in shown
        assert f">{value}<" in shown
    assert shown.count('class="far"') == 2


def test_in_a_browser_fewer_components_are_fewer_bars(made, tmp_path):
    rows = [made.row(0, components=[0.5, 0.25], change=None)]
    page = chromium(render(made.table(rows), made.run()), tmp_path).split("<script")[0]
    assert "nothing sticks out" in page
    assert "<span>spread</span>" in page
    assert "<span>skew</span>" not in page
