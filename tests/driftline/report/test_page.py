from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from driftline.report import LabelCounts, ReferenceDistribution, render

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="document.title=1">'


class Page(HTMLParser):
    """Collects what a page holds and complains about tags that do not match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_loads_nothing(flights):
    html = render(*flights)
    page = Page(html)
    assert not re.search(r"(?i)https?://(?!www\.w3\.org/2000/svg)", html)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "srcset", "action", "style"}]
    assert "@import" not in html
    assert "url(" not in html
    assert any("default-src 'none'" in (value or "") for _, value in page.attributes)


def test_a_month_of_flights_stays_small(made):
    table, run, references = made.flights(days=30)
    assert len(render(table, run, references)) < 250_000


@pytest.mark.parametrize("rows", ["none", "one", "no_data"])
def test_little_or_no_data(made, rows):
    table = {
        "none": lambda: made.table([]),
        "one": lambda: made.table([made.row()]),
        "no_data": lambda: made.table([made.row(day, status="no_data") for day in range(3)]),
    }[rows]()
    html = render(table, made.run(), None)
    Page(html)
    assert ('id="charts" hidden' in html) is (rows == "none")


def test_a_mean_that_a_chart_cannot_hold_is_no_warning(made):
    rows = [made.row(day, mean=mean) for day, mean in enumerate([0.0, 1e300, -1e300])]
    Page(render(made.table(rows), made.run(), None))


def test_counts_and_thresholds_are_in_the_footer(made):
    run = made.run(
        decoded=1000, profiled=990, dropped_late=1, rejected={"wrong_type": 9}, alpha=0.005, min_n=350,
        labels=LabelCounts(predictions=980, matched=700, expired=280, labels=701, unmatched_labels=1),
    )  # fmt: skip
    text = " ".join(Page(render(made.table([made.row()]), run, None)).text)
    assert "1,000 decoded = 9 rejected (9 wrong_type) + 990 profiled + 1 dropped late." in text
    assert "980 predictions = 700 matched + 280 without a label + 0 waiting + 0 duplicates." in text
    assert "701 labels = 700 matched + 1 unmatched + 0 waiting + 0 duplicates." in text
    assert "below 0.005" in text
    assert "350 rows" in text
    assert "baseline.avro, version 3f2a" in text


def hostile_report(made):
    segment = f"origin={HOSTILE}"
    rows = [
        made.row(day, HOSTILE, segment, drifted=True, kind="categorical", new_category_rate=0.4,
                 new_categories=[HOSTILE], bin_counts=[600, 300], wasserstein_iqr=None)
        for day in range(3)
    ]  # fmt: skip
    reference = ReferenceDistribution("categorical", np.array([8, 2]), categories=(HOSTILE,))
    run = made.run(
        model=HOSTILE, rejected={HOSTILE: 1}, decoded=1001, runner=HOSTILE, baseline_path=HOSTILE,
        baseline_version=HOSTILE,
    )  # fmt: skip
    return render(made.table(rows), run, {(segment, HOSTILE): reference})


def test_names_from_data_are_never_markup(made):
    plain = Page(render(made.table([made.row(drifted=True)]), made.run(), None))
    hostile = Page(hostile_report(made))
    assert hostile.tags.count("script") == plain.tags.count("script")
    assert "img" not in hostile.tags
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]


def chromium(html, tmp_path):
    """What the page has become after its script ran, as HTML."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium")
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,900",
        "--virtual-time-budget=5000", "--dump-dom",
    ]  # fmt: skip
    done = subprocess.run([program, *flags, file.as_uri()], capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


def test_in_a_browser_the_charts_are_drawn(flights, tmp_path):
    dom = chromium(render(*flights), tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert page.tags.count("svg") == 7
    assert page.tags.count("tr") == 37
    assert '<p class="problem" id="problem" role="alert" hidden="">' in dom


def test_on_a_telephone_the_page_does_not_scroll_sideways(made, flights, flip, tmp_path):
    words = "skew to the right, spread x0.87, shift -0.42 sd"
    names = flights[0]["feature"].unique().to_pylist()
    trends = made.trends(
        [
            made.trend(day, f, s, raised=day, change=words)
            for f in names
            for s in ("*", "origin=EWR")
            for day in range(9)
        ]
    )
    html = render(*flights, performance=flip[0], detections=flip[1], trends=trends)
    frame = f'<iframe width="390" height="900" style="border:0" srcdoc="{escape(html)}"></iframe>'
    measure = """<script>setTimeout(() => {
      const inside = document.querySelector("iframe").contentDocument;
      const { scrollWidth, clientWidth } = inside.documentElement;
      document.title = `${scrollWidth - clientWidth} ${inside.querySelectorAll("svg").length}`;
    }, 3000);</script>"""
    dom = chromium(f"<!DOCTYPE html><title></title>{frame}{measure}", tmp_path)
    assert re.search(r"<title>(.*?)</title>", dom)[1] == "0 22"


def test_in_a_browser_hostile_names_are_text(made, tmp_path):
    dom = chromium(hostile_report(made), tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert "img" not in page.tags
    assert "title=1" in "".join(page.text)
    assert page.tags.count("tr") == 2


def problem(dom):
    return '<p class="problem" id="problem" role="alert" hidden="">' not in dom


def test_without_performance_and_detections_nothing_is_said_of_the_model(flights):
    html = render(*flights)
    assert "performance-data" not in html.split("<script>")[0]
    assert 'class="answer"' not in html
    assert 'id="performance"' not in html
    assert "Estimated</h3>" not in html


def lead(html):
    """What stands at the top, tag by tag, up to the notes."""
    return re.findall(r">([^<>\n]+)<", html[html.index('class="lead"') : html.index('<ul class="notes">')])


def test_a_worse_model_is_the_title_and_the_inputs_stand_under_it(flights, flip):
    performance, detections = flip
    html = render(*flights, performance=performance, detections=detections)
    page = Page(html)
    said = lead(html)
    assert said[:2] == [
        "Model worse",
        "The model got worse: error rate 60.1% against 10.0% of the reference since 26 Apr in carrier=UA",
    ]
    assert said[2].startswith("Found by adwin after 412 labels (then by ddm); labels are known for windows")
    assert said[3] == "Drift"
    assert len(said) == 5
    assert not [value for name, value in page.attributes if name == "style"]


def test_no_drift_never_stands_above_a_worse_model(made, flip):
    performance, detections = flip
    quiet = made.table([made.row(day) for day in range(40)])
    said = lead(render(quiet, made.run(), performance=performance, detections=detections))
    assert said[0] == "Model worse"
    assert said[3:] == ["No drift", "Nothing drifted: 1 feature over 40 windows"]


def few_windows(made):
    few = {"calibration": "few_windows", "drifted": None, "p_adjusted": None, "wasserstein_iqr": 3.0}
    return made.table([made.row(day, **few) for day in range(3)]), made.run(reference_windows=6)


def test_a_baseline_of_few_windows_is_never_no_drift(made):
    assert lead(render(*few_windows(made))) == [
        "Not judged",
        "Cannot judge: the baseline has 6 reference windows; build it from 10 or more",
    ]


def test_in_a_browser_what_cannot_be_told_is_not_judged(made, tmp_path):
    dom = chromium(render(*few_windows(made)), tmp_path)
    page = dom[dom.index("<html") :].split("<script")[0]
    assert not problem(dom)
    assert "<dt>Decision</dt><dd>not judged: too few reference windows</dd>" in page
    assert "<td>\N{EN DASH}</td>" in page[page.index('id="table"') :]
    assert "not drifted" not in page


@pytest.mark.parametrize(("severity", "level"), [(1.99, 3), (2, 4), (4.99, 4), (5, 5)])
def test_strong_and_extreme_findings_have_their_colours(made, severity, level):
    rows = made.table([made.row(drifted=True, psi=0.25 * severity, wasserstein_iqr=None)])
    html = render(rows, made.run())
    assert f'data-level="{level}"' in html
    assert "<em>strongly</em> from 2 and <em>extremely</em> from 5 on" in html


def test_in_a_browser_the_error_is_drawn_with_its_detections(flights, flip, tmp_path):
    performance, detections = flip
    dom = chromium(render(*flights, performance=performance, detections=detections), tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert not problem(dom)
    assert page.tags.count("svg") == 7 + 9 + 5
    assert dom.count('<line class="change"') == 2 + 1
    assert dom.count('class="series estimate"') == 2 + 1
    assert 'aria-label="Error rate over time, 2 detections marked"' in dom
    assert "estimate, without labels (calibrated)" in dom
    assert page.tags.count("tr") == 37 + 7
    assert "6 of 6 detections shown" in dom
    assert 'class="waiting"' in dom
    assert "240 of 400" in dom


def test_in_a_browser_some_tables_may_be_empty_or_absent(made, tmp_path):
    cases = [
        ([], [], 0, "No detector reported a change."),
        ([], None, 0, "This run has no table of detections."),
        (None, ["feature.x"], 0, "1 of 1 detections shown"),
        (["zero_one"], None, 9, "This run has no table of detections."),
        (["squared"], ["loss"], 6, "1 of 1 detections shown"),
    ]
    frames = ""
    for losses, signals, _, _ in cases:
        rows = None if losses is None else made.performance([made.outcomes(loss=loss) for loss in losses])
        found = signals
        if signals is not None:
            found = made.detections([made.detection(signal=signal) for signal in signals])
        html = render(made.table([made.row()]), made.run(), None, performance=rows, detections=found)
        frames += f'<iframe width="1200" height="900" srcdoc="{escape(html)}"></iframe>'
    look = """<script>setTimeout(() => {
      document.title = [...document.querySelectorAll("iframe")].map((frame) => {
        const inside = frame.contentDocument;
        const charts = inside.querySelectorAll("#performance-lines svg").length;
        const fine = inside.getElementById("problem").hidden;
        return `${fine} ${charts} ${inside.getElementById("detections-count").textContent}`;
      }).join("|");
    }, 3000);</script>"""
    dom = chromium(f"<!DOCTYPE html><title></title>{frames}{look}", tmp_path)
    expected = [f"true {charts} {said}" for _, _, charts, said in cases]
    assert re.search(r"<title>(.*?)</title>", dom)[1].split("|") == expected


def test_in_a_browser_nulls_are_gaps(made, tmp_path):
    required = {
        "row_id", "model", "segment", "segment_values", "window_start", "window_end", "emitted_at",
        "n_predictions", "n", "loss", "status",
    }  # fmt: skip
    row = {name: value if name in required else None for name, value in made.outcomes().items()}
    found = made.detections([made.detection(before=None, after=None, width=None)])
    html = render(
        made.table([made.row()]), made.run(), None, performance=made.performance([row]), detections=found
    )
    dom = chromium(html, tmp_path)
    assert not problem(dom)
    assert "NaN" not in dom.split("<script")[0]


def test_in_a_browser_a_segment_can_be_chosen(flights, flip, tmp_path):
    performance, detections = flip
    html = render(*flights, performance=performance, detections=detections)
    frame = f'<iframe width="1200" height="900" srcdoc="{escape(html)}"></iframe>'
    choose = """<script>setTimeout(() => {
      const inside = document.querySelector("iframe").contentDocument;
      const select = inside.getElementById("performance-segment");
      select.value = "1";
      select.dispatchEvent(new Event("change"));
      const signal = inside.getElementById("detections-signal");
      signal.value = "inputs";
      signal.dispatchEvent(new Event("change"));
      const chart = inside.querySelector("#performance-lines svg").getAttribute("aria-label");
      document.title = `${chart}; ${inside.getElementById("detections-count").textContent}`;
    }, 3000);</script>"""
    dom = chromium(f"<!DOCTYPE html><title></title>{frame}{choose}", tmp_path)
    assert re.search(r"<title>(.*?)</title>", dom)[1] == (
        "Error rate over time, 0 detections marked; 2 of 2 detections shown"
    )


def test_in_a_browser_hostile_segments_and_signals_are_text(made, tmp_path):
    segment = f"origin={HOSTILE}".replace(",", "%2C")
    row = made.outcomes() | {"segment": segment}
    found = made.detection(segment=segment, signal=f"feature.{HOSTILE}", detector=HOSTILE)
    html = render(
        made.table([made.row()]), made.run(), None,
        performance=made.performance([row]), detections=made.detections([found]),
    )  # fmt: skip
    dom = chromium(html, tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert not problem(dom)
    assert "img" not in page.tags
    assert "title=1" in "".join(page.text)
