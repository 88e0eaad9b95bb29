"""Judging and settling step by step: what is emitted, what is remembered, what is forgotten."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.baseline import decode_baseline
from driftline.config import Tests
from driftline.judging.window_rows import WindowRows
from driftline.measures.slicing import profile_events
from driftline.profiles.coverage import Coverage
from driftline.tables import RESULT, standing_rows
from driftline.transforms.counters import TALLY
from driftline.transforms.decide import settle_window
from driftline.transforms.decide.settle_window import SettleWindow
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.transforms.spine.judge_profiles import JudgeProfiles
from driftline.transforms.spine.parts import COVERAGE, part_of
from driftline.verdicts.window_summary import WindowSummary
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

START, END = 0, 30 * MINUTE
UNIT = 15 * MINUTE // 4


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("judge") / "b.avro"
    path.write_bytes(encoded_baseline(reference_events(windows=20, rows=100)))
    return BaselineSource(str(path))


class Bag(list):
    """Stands in for Beam's bag state."""

    add = list.append

    def read(self):
        return list(self)


class Value:
    """Stands in for Beam's read-modify-write state."""

    value = None
    written = 0

    def read(self):
        return self.value

    def write(self, value):
        assert isinstance(value, bytes)
        self.value = value
        self.written += len(value)

    def clear(self):
        self.value = None


class Timer:
    at = None

    def set(self, at):
        self.at = at


class Window:
    """One window of the model, as Beam would drive it."""

    def __init__(self, source, *, streaming=True):
        self.step = SettleWindow(source, Tests(min_n=50), 40 * MINUTE, streaming=streaming)
        self.step.setup()
        self.step.start_bundle()
        self.key = key_of(source)
        self.bag, self.emitted, self.phase = Bag(), Value(), Value()
        self.summaries = []
        self.settle_at, self.again_at, self.close_at = Timer(), Timer(), Timer()

    def give(self, *elements):
        for element in elements:
            timers = (self.settle_at, self.again_at, self.close_at)
            assert not list(self.step.process(element, self.bag, self.phase, *timers) or [])

    def rows(self, outputs):
        summaries = [out for out in outputs if isinstance(out, TaggedOutput)]
        assert {out.tag for out in summaries} <= {SettleWindow.SUMMARIES}
        self.summaries += [WindowSummary.from_bytes(out.value) for out in summaries]
        batches = [out for out in outputs if not isinstance(out, TaggedOutput)]
        rows = [row for batch in batches for row in batch.to_pylist()]
        for batch in batches:
            assert isinstance(batch, pa.RecordBatch)
            assert batch.schema.equals(RESULT.arrow)
        return by_key(rows)

    def settle(self):
        return self.rows(list(self.step.settle(self.key, self.bag, self.emitted, self.phase)))

    def close(self):
        rows = self.rows(list(self.step.close(self.key, self.bag, self.emitted, self.phase)))
        assert (self.bag, self.emitted.read(), self.phase.read()) == ([], None, None)
        return rows


@pytest.fixture
def window(source):
    return Window(source)


def key_of(source):
    return ("m", START, END, source.newest.fingerprint)


def judged(source, minutes, segment="*", x=None):
    """Elements for a segment with events at these minutes, and the coverage of all of them."""
    step = JudgeProfiles(source, 50)
    step.setup()
    batch = events(minutes, ["A"] * len(minutes), x)
    layout = decode_baseline(encoded_path(source), "b").layout
    elements = [
        ((segment, part_of(part.part, source.newest.fingerprint), START, END), part.profile)
        for part in profile_events(batch, layout, None, END)
    ]
    return [out for element in elements for out in step.process(element)]


def encoded_path(source):
    with open(source.path, "rb") as file:  # noqa: PTH123
        return file.read()


def coverage(source, *minutes):
    step = JudgeProfiles(source, 50)
    step.setup()
    data = Coverage.of(np.array(minutes) * MINUTE, UNIT).to_bytes()
    part = part_of(COVERAGE, source.newest.fingerprint)
    return list(step.process((("*", part, START, END), data)))


def test_profiles_become_rows_of_their_window(source):
    found = judged(source, [1] * 60)
    assert {key for key, _ in found} == {key_of(source)}
    rows = [WindowRows.from_bytes(data) for _, data in found]
    assert [batch["feature"].to_pylist() for part in rows for batch in part.batches] == [["x"], ["c"]]


def test_a_window_is_said_as_a_whole_when_it_is_settled_and_at_each_correction(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 0, 15))
    rows = window.settle()
    (first,) = window.summaries
    assert (first.model, first.window_start, first.window_end) == ("m", START, END)
    assert (first.pane, first.pane_index) == ("on_time", 0)
    assert first.tests == sum(row["p_adjusted"] is not None for row in rows.values())
    assert {each.segment: each.n for each in first.segments}["*"] == 60
    assert {(each.segment, each.feature) for each in first.findings} == {
        key for key, row in rows.items() if row["drifted"]
    }
    window.give(*judged(source, [1] * 90))
    rows = window.settle()
    assert len(window.summaries) == 2
    second = window.summaries[1]
    assert (second.pane, second.pane_index) == ("late", 1)
    assert {each.segment: each.n for each in second.segments}["*"] == 90
    assert len(second.segments) == len(first.segments)  # all of the window, not only what changed
    window.give(*judged(source, [1] * 90))
    assert not window.settle()
    assert len(window.summaries) == 2  # nothing changed


def test_of_a_window_in_which_the_baseline_was_replaced_two_summaries_are_told_apart(source, tmp_path):
    (tmp_path / "b.avro").write_bytes(encoded_baseline(reference_events(seed=1, windows=20, rows=100)))
    said = []
    for each, minutes in ((source, [1] * 60), (BaselineSource(str(tmp_path / "b.avro")), [20] * 70)):
        window = Window(each)
        window.give(*judged(each, minutes), *coverage(each, *minutes[:1]))
        window.settle()
        (summary,) = window.summaries
        assert summary.layout == each.newest.fingerprint
        assert summary.baseline_version == decode_baseline(encoded_path(each), "b").version
        said.append(summary)
    assert len({(each.model, each.window_start, each.window_end, each.pane_index) for each in said}) == 1
    assert len({each.layout for each in said}) == 2


def test_timers_are_set_for_the_end_of_the_window_and_of_its_corrections(source, window):
    window.give(*judged(source, [1] * 60))
    assert window.settle_at.at == Timestamp(micros=END + 1_000)
    assert window.close_at.at == Timestamp(micros=END + 40 * MINUTE)
    assert window.again_at.at is None


def test_late_arrivals_of_a_stream_gather_for_seconds_and_of_a_bounded_run_for_none(source, monkeypatch):
    monkeypatch.setattr(settle_window.time, "time", lambda: 1_000.0)
    for streaming in (True, False):
        window = Window(source, streaming=streaming)
        window.give(*judged(source, [1] * 60))
        window.settle()
        window.settle_at.at = None
        window.give(*judged(source, [1] * 61))
        assert window.again_at.at == (Timestamp(1_003) if streaming else None)
        assert window.settle_at.at == (None if streaming else Timestamp(micros=END + 1_000))
        window.again_at.at = window.settle_at.at = None
        window.give(*judged(source, [1] * 62))  # no later than it is due already
        assert (window.again_at.at, window.settle_at.at) == (None, None)


def test_a_timer_that_comes_after_closing_says_and_leaves_nothing(source, window):
    window.give(*judged(source, [1] * 60))
    window.close()
    assert window.settle() == {}
    assert (window.bag, window.emitted.read(), window.phase.read()) == ([], None, None)


def test_nothing_is_said_before_the_window_settles_and_everything_then(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5, 9, 14, 20))
    rows = window.settle()
    assert len(rows) == 6
    assert rows["*", "x"]["n"] == 60
    assert rows["*", "x"]["coverage"] == 5 / 8
    assert rows["s=A", "x"]["status"] == "no_data"


def test_without_coverage_nothing_is_acted_on(source, window):
    window.give(*judged(source, [1] * 60, x=[9.0] * 60))
    row = window.settle()["*", "x"]
    assert (row["coverage"], row["status"], row["drifted"]) == (0, "partial", None)


def test_coverage_alone_says_nothing_and_is_remembered(source, window):
    window.give(*coverage(source, 1, 5, 9, 14, 20))
    assert window.settle() == {}
    window.give(*judged(source, [1] * 60))
    assert window.settle()["*", "x"]["coverage"] == 5 / 8


def test_a_window_that_settles_again_says_only_what_changed(source, window):
    before = TALLY.snapshot()
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5, 9, 14, 20))
    assert len(window.settle()) == 6
    assert window.settle() == {}
    window.give(*judged(source, [1] * 61))
    again = window.settle()
    assert set(again) == {("*", "x"), ("*", "c")}
    assert {(row["n"], row["pane"], row["pane_index"]) for row in again.values()} == {(61, "late", 1)}
    after = TALLY.snapshot()
    assert after["windows"] - before.get("windows", 0) == 1
    assert after["results"] - before.get("results", 0) == 8


def test_closing_forgets_the_window_and_says_what_was_pending(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5, 9, 14))
    assert len(window.settle()) == 6
    window.give(*judged(source, [1] * 62))
    assert window.close()["*", "x"]["n"] == 62
    assert window.bag == []
    assert window.close() == {}


def test_closing_a_settled_window_says_nothing_again(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5, 9, 14))
    window.settle()
    assert window.close() == {}
    assert window.bag == []


def test_closing_before_settling_loses_nothing(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5, 9, 14))
    rows = window.close()
    assert len(rows) == 6
    assert {row["pane"] for row in rows.values()} == {"on_time"}


def test_what_is_remembered_does_not_grow_with_the_panes(source, window):
    window.give(*judged(source, [1] * 60), *coverage(source, 1, 5))
    window.settle()
    size, small = sum(map(len, window.bag)), len(window.emitted.read())
    for n in range(61, 100):
        window.give(*judged(source, [1] * n), *coverage(source, 1, 5))
        window.settle()
        assert sum(map(len, window.bag)) < 12 * size
        assert len(window.emitted.read()) < 1.2 * small
    assert window.close() == {}


def test_a_late_pane_is_written_and_the_rest_is_not_written_again(source, window):
    """Of many segments one is corrected; the bag is added to, not rewritten."""
    for number in range(30):
        window.give(*judged(source, [1] * 60, segment=f"s={number}"))
    window.settle()
    before = list(window.bag)
    window.give(*judged(source, [1] * 61, segment="s=3"))
    assert {row["n"] for row in window.settle().values()} == {61}
    assert window.bag[: len(before)] == before
    assert len(window.bag) == len(before) + 2
    for n in range(62, 120):  # until as much is superseded as stands
        window.give(*judged(source, [1] * n, segment="s=3"))
    window.settle()
    kept = WindowRows.merge([WindowRows.from_bytes(data) for data in window.bag])
    assert sum(batch.num_rows for batch in kept.batches) == 60
    assert window.close() == {}


SEGMENTS = ("*", "s=A", "s=B", "(other)")


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_however_panes_are_split_in_time_what_stands_is_one_settling_of_all(source, data):
    panes = [(segment, n) for segment in SEGMENTS for n in (55, 60, 70)]
    chosen = data.draw(st.lists(st.sampled_from(panes), min_size=1, max_size=10, unique=True))
    elements = [element for segment, n in chosen for element in panes_of(source)[segment, n]]
    elements += coverage(source, 1, 5) + coverage(source, 9, 14, 20)
    once = Window(source)
    once.give(*elements)
    expected = once.close()

    window, said = Window(source), []
    for element in data.draw(st.permutations(elements)):
        window.give(element)
        if data.draw(st.booleans()):
            said += window.settle().values()
    said += window.close().values()
    stands = by_key(standing_rows(pa.Table.from_pylist(said, RESULT.arrow)).to_pylist())
    assert stands.keys() == expected.keys()
    own = {"pane", "pane_index", "emitted_at"}
    for key, row in expected.items():
        assert {n: v for n, v in stands[key].items() if n not in own} == {
            n: v for n, v in row.items() if n not in own
        }


@cache
def panes_of(source):
    return {
        (segment, n): judged(source, [1] * n, segment, x=np.linspace(-1, 3, n))
        for segment in SEGMENTS
        for n in (55, 60, 70)
    }


def by_key(rows):
    return {(row["segment"], row["feature"]): row for row in rows}


def test_an_unknown_segment_is_no_baseline(source, window):
    window.give(*judged(source, [1] * 60, segment="(other)"), *coverage(source, 1, 5, 9, 14))
    rows = window.settle()
    assert rows["(other)", "x"]["status"] == "no_baseline"
    assert len(rows) == 8
