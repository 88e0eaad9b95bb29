from __future__ import annotations

import re

import numpy as np
import pytest

from driftline.report import Headline, render
from driftline.report import trend_alarms as alarms
from driftline.report import trend_payload as packing
from driftline.report import trend_section as section
from driftline.report.answer import Answer
from driftline.report.first_lines import first_lines
from driftline.report.result_grid import of
from driftline.report.trend_answer import TrendAnswer, trend_answer, trend_note
from driftline.tables import standing_rows
from driftline.tables.trends import OF_PERFORMANCE, TABLE
from tests.driftline.report.test_page import HOSTILE, Page, chromium, lead, problem
from tests.driftline.report.test_payload import unpack

DAY = 86_400_000_000
DATES = {"daily": True, "year": False}


def slow(made, *, until=30, crossed=19, over=26, feature="distance", segment="*"):
    """A trend from day 4 on that crosses its limit on one day and is over on another."""
    return [
        made.trend(
            day,
            feature,
            segment,
            run=max(day - 3, 1),
            raised=crossed if crossed <= day < over else None,
            p_value=10.0 ** -min(day / 5, 4),
        )
        for day in range(until)
    ]


def quiet_results(made, days=30):
    return made.table([made.row(day) for day in range(days)])


# --- alarms


def expected_alarms(rows):
    newest = {}
    for row in rows:
        pair = row["segment"], row["feature"]
        newest[pair] = max(newest.get(pair, 0), row["window_start"])
    groups = {}
    for row in sorted(rows, key=lambda row: row["window_start"]):
        if row["alarm"]:
            groups.setdefault((row["segment"], row["feature"], row["alarm_since"]), []).append(row)
    return {
        key: (
            group[0]["since"],
            group[-1]["window_end"],
            group[-1]["window_start"] == newest[key[:2]],
            min(row["p_value"] for row in group),
            group[0]["windows"] if group[0]["window_end"] == key[2] else None,
        )
        for key, group in groups.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_an_alarm_are_put_together(made, seed):
    random = np.random.default_rng(seed)
    rows = []
    for segment in ("*", "s=a", "s=b"):
        for feature in ("x", "y"):
            raised = None
            for day in range(40):
                raised = day if raised is None and random.random() < 0.1 else raised
                raised = None if random.random() < 0.2 else raised
                if random.random() < 0.9:
                    p = float(random.random())
                    rows.append(made.trend(day, feature, segment, run=5, raised=raised, p_value=p))
    random.shuffle(rows)
    found = alarms.of(made.trends(rows))
    got = {
        (each.segment, each.feature, each.crossed): (
            each.since, each.until, each.on, each.p_value, each.windows,
        )
        for each in found.found
    }  # fmt: skip
    assert got == expected_alarms(rows)
    assert len(found.found) == len(got)
    assert (found.on, found.over) == (sum(e.on for e in found.found), sum(not e.on for e in found.found))
    order = [(not each.on, -each.crossed, each.p_value) for each in found.found]
    assert order == sorted(order)
    assert (found.features, found.segments) == (2, 3)


def test_order_of_rows_is_no_matter(made):
    rows = [row for s in ("*", "s=a", "s=b") for row in slow(made, segment=s)]
    assert alarms.of(made.trends(rows)) == alarms.of(made.trends(rows[::-1]))
    results, run = quiet_results(made), made.run()
    assert render(results, run, trends=made.trends(rows)) == render(
        results, run, trends=made.trends(rows[::-1])
    )


def test_a_replay_makes_no_second_alarm(made):
    rows = slow(made)
    again = [row | {"emitted_at": row["emitted_at"] + 5, "change": "shift -0.7 sd"} for row in rows]
    again = [row | {"change": row["change"] if row["alarm"] else None} for row in again]
    (one,) = alarms.of(standing_rows(made.trends([*rows, *again]), TABLE)).found
    assert one.change == "shift -0.7 sd"


def test_an_alarm_is_said_in_words(made):
    (one,) = alarms.of(made.trends(slow(made))).found
    assert one.claim(**DATES) == ("since 5 Apr: shift -0.6 sd; crossed the limit on 20 Apr, after 16 windows")
    assert one.sequel(**DATES) == "on until 26 Apr"
    rows = slow(made, until=26)
    rows[-1] |= {"change": "spread x0.8"}
    (one,) = alarms.of(made.trends(rows)).found
    assert one.sequel(**DATES) == "still on, now spread x0.8"
    assert one.claim(daily=False, year=True).endswith(
        "crossed the limit on 21 Apr 2013 00:00, after 16 windows"
    )


def test_of_an_alarm_whose_first_rows_are_gone_the_length_is_not_said(made):
    (one,) = alarms.of(made.trends(slow(made)[22:])).found
    assert one.windows is None
    assert one.claim(**DATES) == "since 5 Apr: shift -0.6 sd; crossed the limit on 20 Apr"


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        ("smooth", "the values changed"),
        ("chi2", "the mix of categories changed"),
        ("missing", "the missing rate changed"),
    ],
)
def test_where_nothing_sticks_out_it_is_said_what_is_unusual(made, statistic, words):
    (one,) = alarms.of(made.trends([made.trend(3, raised=3, change=None, statistic=statistic)])).found
    assert one.change == one.latest == words


def test_beyond_the_most_alarms_are_counted(made, monkeypatch):
    monkeypatch.setattr(alarms, "MAX_ALARMS", 3)
    rows = [made.trend(day, raised=day) for day in range(0, 20, 2)]
    found = alarms.of(made.trends(rows))
    assert [each.crossed for each in found.found] == [rows[i]["window_end"] for i in (9, 8, 7)]
    assert (found.on, found.over) == (1, 9)


def of_model(made, **changes):
    rows = slow(made, feature=OF_PERFORMANCE, **changes)
    return [row | {"statistic": "loss", "change": row["change"] and "errors 8 % to 11 %"} for row in rows]


def test_the_performance_is_followed_beside_the_features(made):
    """It has alarms and a place in the answer; the chart of features has none for it."""
    rows = [*of_model(made, over=40), *slow(made, crossed=12)]
    found = alarms.of(made.trends(rows))
    assert [(each.feature, each.change) for each in found.found] == [
        (OF_PERFORMANCE, "errors 8 % to 11 %"),
        ("distance", "shift -0.6 sd"),
    ]
    words, _ = said(made, rows)
    assert words.text.startswith("(performance) in all traffic since 5 Apr: errors 8 % to 11 %; crossed")
    html = listed(made, rows)
    assert html.count("<a ") == 1  # no feature, so there is no chart to lead to
    assert ">(performance)</td>" in html
    cells, header, columns = packed(made, rows)
    assert list(cells.features) == ["distance"]
    assert header["said"].keys() == {"0"}
    assert columns["p_value"].shape == (30,)
    assert render(quiet_results(made), made.run(), trends=made.trends(rows)).count("errors 8 % to 11 %") >= 2


def test_the_performance_alone_makes_no_chart(made):
    _, header, columns = packed(made, of_model(made))
    assert header["said"] == {}
    assert columns["p_value"].size == 0
    Page(render(quiet_results(made), made.run(), trends=made.trends(of_model(made))))


# --- the answer


def said(made, rows):
    found = alarms.of(made.trends(rows))
    return trend_answer(found, **DATES), trend_note(found)


def test_the_newest_alarm_that_is_on_is_named_and_the_others_counted(made):
    rows = slow(made) + slow(made, until=30, crossed=24, over=40, segment="s=a")
    rows += slow(made, until=30, crossed=22, over=40, segment="s=b")
    words, note = said(made, rows)
    assert words == TrendAnswer(
        "distance in s=a since 5 Apr: shift -0.6 sd; crossed the limit on 25 Apr, after 21 windows; "
        "still on (1 more on, 1 over)",
        on=True,
    )
    assert note is None


def test_one_alarm_has_no_others(made):
    words, _ = said(made, slow(made, until=25))
    assert words.text.endswith("after 16 windows; still on")


def test_an_alarm_that_is_over_is_said_to_be(made):
    words, note = said(made, slow(made))
    assert not words.on
    assert words.text.startswith("No trend is on; the newest of 1 alarm: distance in all traffic since 5 Apr")
    assert note is None


def test_no_trend_is_said_where_trends_were_followed_only(made):
    words, note = said(made, [made.trend(day, f) for day in range(3) for f in ("x", "y")])
    assert words is None
    assert note.text == "No trend crossed its limit: 2 features in 1 segment, followed over 3 windows."
    words, note = said(made, [])
    assert words is None
    assert note.text == "No window was followed for trends."


def test_without_the_table_nothing_is_said_of_trends(made):
    html = render(quiet_results(made), made.run())
    body = html.split("<script>")[0]
    assert "trend" not in body.split("</style>")[1].lower()


INPUTS = {tone: Headline(tone, tone, ()) for tone in ("drift", "quiet", "unknown")}
MODEL = {tone: Answer("Error rate 3%", ("found by adwin",), tone) for tone in INPUTS}


@pytest.mark.parametrize(
    ("inputs", "model", "on", "badges"),
    [
        ("drift", None, True, ["Drift", "Trend"]),
        ("quiet", None, True, ["Trend", "No drift"]),
        ("quiet", None, False, ["No drift", "Trend over"]),
        ("unknown", None, True, ["Trend", "Not judged"]),
        ("drift", "drift", True, ["Model worse", "Drift", "Trend"]),
        ("quiet", "drift", True, ["Model worse", "Trend", "No drift"]),
        ("quiet", "unknown", True, ["Trend", "Model not judged", "No drift"]),
        ("quiet", "unknown", False, ["Model not judged", "No drift", "Trend over"]),
        ("drift", "quiet", True, ["Drift", "Trend", "Model: no sign"]),
    ],
)
def test_a_trend_that_is_on_stands_before_all_that_is_no_drift(inputs, model, on, badges):
    lines = first_lines(INPUTS[inputs], MODEL.get(model), TrendAnswer("a trend", on))
    assert [line.badge for line in lines] == badges
    assert [bool(line.detail) for line in lines] == [
        badges[0].startswith("Model"),
        *[False] * (len(lines) - 1),
    ]


# --- the list


def listed(made, rows, results=None):
    cells = of(quiet_results(made) if results is None else results, made.run())
    return section.trend_section(alarms.of(made.trends(rows)), cells, **DATES)


def test_an_alarm_is_a_row_that_leads_to_its_window(made):
    html = listed(made, slow(made) + slow(made, segment="s=gone"))
    Page(html)
    assert 'href="#segment=%2A&amp;feature=distance&amp;window=19"' in html
    assert html.count("<tr>") == 1 + 2
    assert html.count("<a ") == 1
    cells = re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", html)
    first = next(cells[i : i + 9] for i in (0, 9) if cells[i + 1] == "all traffic")
    assert first == [
        "distance", "all traffic", "shift -0.6 sd", "5 Apr", "20 Apr", "16", "once in 10,000 windows",
        "26 Apr", "",
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [[], [0, 1, 2]])
def test_without_an_alarm_there_is_no_list(made, rows):
    assert listed(made, [made.trend(day) for day in rows]) == ""


def test_of_very_many_alarms_some_are_listed_and_the_others_counted(made):
    rows = [
        made.trend(day, segment=f"s={s}", raised=day) for s in range(150) for day in range(0, 30, 2)
    ]  # every one of them is an alarm of its own
    html = listed(made, rows)
    assert html.count("<tr>") == 1 + section.MOST_ALARMS
    assert f"And {150 * 15 - section.MOST_ALARMS:,} more alarms: see trends.parquet." in html


def test_names_in_the_list_are_never_markup(made):
    rows = [made.trend(3, HOSTILE, f"s={HOSTILE}", raised=3, change=HOSTILE)]
    results = made.table([made.row(day, HOSTILE, f"s={HOSTILE}") for day in range(5)])
    for html in (listed(made, rows, results), render(results, made.run(), trends=made.trends(rows))):
        page = Page(html)
        assert "img" not in page.tags
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert page.tags.count("a") == 1


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "in every window"),
        (0.5, "once in 2 windows"),
        (1e-15, "once in 10¹⁵ windows"),
        (0.0, "once in 10³⁰⁸ windows"),
    ],
)
def test_how_rare_a_trend_is(p, text):
    assert section.once_in(p) == text


# --- the chart's numbers


def packed(made, rows, results=None):
    table = made.trends(rows)
    cells = of(quiet_results(made) if results is None else results, made.run())
    found = alarms.of(table)
    return cells, *unpack(packing.trend_payload(table, found, cells, **DATES))


def test_every_row_lands_in_its_cell(made):
    results = made.table(
        [made.row(day, f, s) for day in range(30) for f in ("distance", "x") for s in ("*", "s=a")]
    )
    rows = slow(made) + slow(made, segment="s=a", feature="x", crossed=10) + slow(made, segment="s=gone")
    cells, header, columns = packed(made, rows[::-1], results)
    shape = (2, 2, 30)
    p = columns["p_value"].reshape(shape)
    assert np.isnan(p[0, 1]).all()
    assert np.isnan(p[1, 0]).all()
    for s, f, crossed in [(0, 0, 19), (1, 1, 10)]:
        own = [
            row for row in rows if (row["segment"], row["feature"]) == (cells.segments[s], cells.features[f])
        ]
        np.testing.assert_allclose(p[s, f], [-np.log10(row["p_value"]) for row in own], rtol=3e-4)
        states = [0] * crossed + [packing.CROSSED] + [packing.ON] * (25 - crossed) + [0] * 4
        assert columns["alarm"].reshape(shape)[s, f].tolist() == states
        assert columns["windows"].reshape(shape)[s, f].tolist() == [row["windows"] for row in own]
        sinces = [header["sinces"][code] * 1000 for code in columns["since"].reshape(shape)[s, f]]
        assert sinces == [row["since"] for row in own]
    np.testing.assert_allclose(columns["limit"].reshape(2, 2), [[3, np.nan], [np.nan, 3]])
    assert header["said"].keys() == {"0", "3"}
    assert header["said"]["0"] == (
        "Since 5 Apr: shift -0.6 sd; crossed the limit on 20 Apr, after 16 windows; on until 26 Apr."
    )


def test_of_several_alarms_the_newest_is_put_in_words(made):
    rows = [made.trend(day, raised=day, change=f"shift +{day} sd") for day in (2, 4, 6)]
    _, header, _ = packed(made, rows)
    assert header["said"]["0"].startswith("Since 7 Apr: shift +6 sd; crossed the limit on 7 Apr")


def test_the_newest_limit_is_drawn(made):
    rows = [made.trend(0, limit=0.01), made.trend(1, limit=0.1)]
    assert packed(made, rows)[2]["limit"].tolist() == [1.0]


def test_only_the_newest_windows_are_drawn_if_not_all_fit(made, monkeypatch):
    monkeypatch.setattr(packing, "MAX_CELLS", 7)
    _, header, columns = packed(made, slow(made))
    assert len(header["starts"]) == columns["p_value"].size == 7
    assert columns["alarm"].tolist() == [packing.ON] * 3 + [0] * 4


def test_windows_beyond_the_results_are_not_drawn(made):
    _, header, _ = packed(made, slow(made), quiet_results(made, 12))
    assert len(header["starts"]) == 12


@pytest.mark.parametrize("results", [0, 3])
def test_an_empty_table_has_an_empty_chart(made, results):
    _, header, columns = packed(made, [], quiet_results(made, results))
    assert header["starts"] == []
    assert header["said"] == {}
    assert columns["limit"].size == min(results, 1)


def test_a_thousand_alarms_stay_small(made):
    segments = [f"s={i}" for i in range(40)]
    results = made.table([made.row(day, segment=s) for s in segments for day in range(60)])
    rows = [made.trend(day, segment=s, raised=day) for s in segments for day in range(0, 60, 2)]
    without = len(render(results, made.run()))
    assert len(render(results, made.run(), trends=made.trends(rows))) < without + 60_000


# --- in a browser


def test_in_a_browser_the_trend_is_drawn_with_its_alarm(made, tmp_path):
    html = render(quiet_results(made), made.run(), trends=made.trends(slow(made)))
    assert lead(html)[0] == "No drift"
    assert lead(html)[2] == "Trend over"
    dom = chromium(html, tmp_path)
    page = dom[dom.index("<html") :].split("<script")[0]
    assert not problem(dom)
    assert Page(dom[dom.index("<html") :]).tags.count("svg") == 6 + 1
    assert 'aria-label="How rarely a trend comes by chance, over time, 1 alarm marked"' in page
    assert page.count('class="alarmed"') == 1
    assert ">20 Apr</text>" in page
    assert "limit 1,000" in page
    assert (
        "Since 5 Apr: shift -0.6 sd; crossed the limit on 20 Apr, after 16 windows; on until 26 Apr." in page
    )


def test_in_a_browser_a_trend_that_was_never_followed_says_so(made, tmp_path):
    for rows in ([], slow(made, segment="s=gone")):
        dom = chromium(render(quiet_results(made), made.run(), trends=made.trends(rows)), tmp_path)
        assert not problem(dom)
        assert "Trends were not followed here." in dom.split("<script")[0]


def test_in_a_browser_hostile_changes_are_text(made, tmp_path):
    rows = [made.trend(3, HOSTILE, f"s={HOSTILE}", raised=3, change=HOSTILE)]
    results = made.table([made.row(day, HOSTILE, f"s={HOSTILE}", change=HOSTILE) for day in range(5)])
    dom = chromium(render(results, made.run(), trends=made.trends(rows)), tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert not problem(dom)
    assert "img" not in page.tags
    assert page.tags.count("tr") == 2 + 2
