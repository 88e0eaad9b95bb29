from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from driftline.report import ReferenceDistribution, render

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


def test_counts_and_thresholds_are_in_the_footer(made):
    run = made.run(
        decoded=1000, profiled=990, dropped_late=1, rejected={"wrong_type": 9}, alpha=0.005, min_n=350
    )
    text = " ".join(Page(render(made.table([made.row()]), run, None)).text)
    assert "1,000 decoded = 9 rejected (9 wrong_type) + 990 profiled + 1 dropped late." in text
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


def test_on_a_telephone_the_page_does_not_scroll_sideways(flights, tmp_path):
    frame = f'<iframe width="390" height="900" style="border:0" srcdoc="{escape(render(*flights))}"></iframe>'
    measure = """<script>setTimeout(() => {
      const inside = document.querySelector("iframe").contentDocument;
      const { scrollWidth, clientWidth } = inside.documentElement;
      document.title = `${scrollWidth - clientWidth} ${inside.querySelectorAll("svg").length}`;
    }, 3000);</script>"""
    dom = chromium(f"<!DOCTYPE html><title></title>{frame}{measure}", tmp_path)
    assert re.search(r"<title>(.*?)</title>", dom)[1] == "0 7"


def test_in_a_browser_hostile_names_are_text(made, tmp_path):
    dom = chromium(hostile_report(made), tmp_path)
    page = Page(dom[dom.index("<html") :])
    assert "img" not in page.tags
    assert "title=1" in "".join(page.text)
    assert page.tags.count("tr") == 2
