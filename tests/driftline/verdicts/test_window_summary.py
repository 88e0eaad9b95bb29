from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.framing import frame
from driftline.tables import RESULT
from driftline.verdicts.window_summary import TAG, Finding, SegmentSummary, WindowSummary

VERSION_1 = Path(__file__).parent / "data" / "window_summary_v1.bin"
THRESHOLDS = SimpleNamespace(alpha=0.01, psi=0.25, wasserstein_iqr=0.1)
WINDOW = (1_800_000_000, 3_600_000_000)


def row(segment="*", feature="x", n=100, **changes):
    values = dict.fromkeys(RESULT.names) | {
        "row_id": f"{segment} {feature}", "model": "m", "segment": segment, "segment_values": [],
        "feature": feature, "kind": "numeric", "window_start": WINDOW[0], "window_end": WINDOW[1],
        "pane": "on_time", "pane_index": 0, "emitted_at": WINDOW[1], "n": n, "coverage": 0.75, "status": "ok",
        "p_adjusted": 0.5, "drifted": False, "baseline_version": "3f2a",
    }  # fmt: skip
    return values | changes


def untold(segment="*", feature="x", n=100, **changes):
    return row(segment, feature, n, **({"p_adjusted": None, "drifted": None} | changes))


def of(*rows, pane_index=0, layout="9c1e"):
    table = pa.Table.from_pylist(list(rows), schema=RESULT.arrow)
    return WindowSummary.of(table, THRESHOLDS, pane_index=pane_index, layout=layout)


def test_what_is_known_of_a_window():
    found = of(
        row("s=B", "y", 30, drifted=True, p_adjusted=1e-5, psi=0.3),
        row("s=B", "x", 40, drifted=True, p_adjusted=1e-4, psi=0.1, wasserstein_iqr=0.9),
        row("*", "x", 100),
        row("*", "y", 90),
        untold("(other)", "x", 60, status="insufficient"),
        pane_index=3,
    )
    assert found == WindowSummary(
        model="m",
        window_start=WINDOW[0],
        window_end=WINDOW[1],
        pane="on_time",
        pane_index=3,
        layout="9c1e",
        baseline_version="3f2a",
        coverage=0.75,
        tests=4,
        segments=(
            SegmentSummary("*", 100, 1.0, ("x", "y")),
            SegmentSummary("(other)", 60, 0.6, ()),
            SegmentSummary("s=B", 40, 0.4, ("x", "y")),
        ),
        findings=(
            Finding("s=B", "x", 0.1, 0.9, 1e-4, pytest.approx(3.0)),
            Finding("s=B", "y", 0.3, None, 1e-5, pytest.approx(1.2)),
        ),
    )


def test_any_order_of_rows_gives_the_same():
    rows = [row("*", name, n, drifted=name > "a", psi=0.5) for name, n in (("a", 5), ("b", 9), ("c", 7))] + [
        row("s=A", "a", 4, drifted=True, psi=0.5)
    ]
    assert of(*rows).to_bytes() == of(*rows[::-1]).to_bytes()
    assert [(each.segment, each.feature) for each in of(*rows).findings] == [
        ("*", "b"), ("*", "c"), ("s=A", "a"),
    ]  # fmt: skip


def test_what_cannot_be_told_is_neither_fine_nor_found():
    found = of(untold(feature="x", status="partial"), untold(feature="y", calibration="few_windows"), row())
    assert (found.tests, found.segments[0].judged, found.findings) == (1, ("x",), ())


def test_without_rows_of_all_traffic_no_share_is_known():
    assert of(row("s=A", n=5)).segments == (SegmentSummary("s=A", 5, None, ("x",)),)
    absent = of(untold("*", n=0, status="no_data"), row("s=A", n=5))
    assert [each.share for each in absent.segments] == [None, None]


def test_a_share_is_never_more_than_all():
    assert [each.share for each in of(row(n=4), row("s=A", n=5)).segments] == [1.0, 1.0]


def test_the_version_is_that_of_most_rows():
    versions = ["a", "b", "b", None, None, None]
    assert (
        of(*(row(feature=str(i), baseline_version=v) for i, v in enumerate(versions))).baseline_version == "b"
    )
    assert of(row(baseline_version=None)).baseline_version is None


def test_a_window_without_rows_is_refused():
    with pytest.raises(ValueError, match="without result rows"):
        of()


NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
FLOATS = st.floats(allow_nan=False, width=64)


@st.composite
def summaries(draw):
    features = sorted(draw(st.sets(NAMES, max_size=10)))
    labels = draw(st.lists(NAMES.filter(lambda label: label != "*"), unique=True, max_size=6))
    labels = ["*"] * draw(st.booleans()) + sorted(labels)
    rows = [
        (untold if untellable else row)(
            label,
            feature,
            draw(st.integers(0, 2**62)),
            **({} if untellable else draw(sizes())),
        )
        for label in labels
        for feature in features
        for untellable in [draw(st.booleans())]
    ]
    if not rows:
        rows = [row()]
    changes = {
        "coverage": draw(st.floats(0, 1)),
        "pane": draw(st.sampled_from(["on_time", "late"])),
        "model": draw(NAMES),
        "baseline_version": draw(NAMES | st.none()),
        "window_start": draw(st.integers(-(2**60), 2**60)),
    }
    changes["window_end"] = changes["window_start"] + draw(st.integers(1, 10**15))
    return of(*(each | changes for each in rows), pane_index=draw(st.integers(0, 2**40)), layout=draw(NAMES))


def sizes():
    return st.fixed_dictionaries(
        {
            "drifted": st.booleans(),
            "psi": st.floats(0, 1e300) | st.none(),
            "wasserstein_iqr": st.floats(0, 1e300) | st.none(),
            "p_adjusted": st.floats(0, 1),
        }
    )


@given(summaries())
def test_bytes_keep_everything(summary):
    again = WindowSummary.from_bytes(summary.to_bytes())
    assert again == summary
    assert again.to_bytes() == summary.to_bytes()


def version_1():
    return of(
        *(row(feature=feature, n=400, **changes) for feature, changes in SIZES.items()),
        *(row("origin=JFK", feature, 120, **changes) for feature, changes in SIZES.items()),
        untold("(other)", "x", 20, status="insufficient"),
        pane_index=2,
    )


SIZES = {
    "x": {"drifted": True, "p_adjusted": 1e-6, "psi": 0.4, "wasserstein_iqr": 0.3},
    "c": {"drifted": True, "p_adjusted": 1e-3, "psi": 0.5},
    "ö": {},
    **{f"f{i}": {} for i in range(9)},
}


def test_version_1_is_read_and_still_written():
    assert WindowSummary.from_bytes(VERSION_1.read_bytes()) == version_1()
    assert version_1().to_bytes() == VERSION_1.read_bytes()


def test_other_bytes_are_refused():
    data = version_1().to_bytes()
    with pytest.raises(ValueError, match="not a window summary"):
        WindowSummary.from_bytes(b"dCV" + data[3:])
    with pytest.raises(ValueError, match="window summary of format version 2"):
        WindowSummary.from_bytes(frame(TAG, 2, {}, b""))
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(ValueError, match="window summary cut short or too long"):
            WindowSummary.from_bytes(wrong)


def test_a_thousand_segments_stay_small():
    rows = [row(f"s={i}", f"f{f}", 9) for i in range(1_000) for f in range(20)]
    assert len(of(*rows).to_bytes()) < 20_000
