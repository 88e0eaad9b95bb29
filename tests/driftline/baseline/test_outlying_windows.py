"""How windows that are unlike the others are put together to spans, and said."""

from __future__ import annotations

import pytest

from driftline.baseline.outlying_windows import Change, OutlyingSpan, _runs, _span, outlying_remarks

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("starts", "size", "stride", "spans"),
    [
        ([0], 10, 10, [(0, 10)]),
        ([0, 10, 30], 10, 10, [(0, 20), (30, 40)]),
        # an incident of one stride is in all windows that hold it
        ([0, 5], 10, 5, [(5, 10)]),
        ([0, 5, 10], 10, 5, [(5, 15)]),
        ([0, 2, 4, 6, 8, 10, 12, 14], 16, 2, [(14, 16)]),
        # in some of them only: where these overlap
        ([0, 2, 4], 16, 2, [(4, 16)]),
        ([0], 16, 2, [(0, 16)]),
    ],
)
def test_a_span_is_what_overlapping_windows_have_in_common(starts, size, stride, spans):
    found = {start: [Change(0.1, "x", "shape")] for start in starts}
    runs = _runs(starts, size, stride)
    assert [(span.start, span.end) for span in (_span(run, found, size, stride) for run in runs)] == spans


def test_the_worst_of_every_feature_is_said_first():
    found = {
        0: [Change(1e-5, "x", "shift +1 sd"), Change(1e-7, "y", "spread x2")],
        1: [Change(1e-8, "x", "shift +2 sd")],
    }
    span = _span([0, 1], found, 1, 1)
    assert span.changes == ("x shift +2 sd", "y spread x2")
    assert span.p_value == 1e-8


def test_remarks_name_five_and_give_the_line_to_paste():
    spans = [
        OutlyingSpan(day * 24 * HOUR, day * 24 * HOUR + HOUR, 1e-9, ("a x", "b y", "c z")) for day in range(7)
    ]
    lines = outlying_remarks(spans)
    assert len(lines) == 6
    assert "from 1970-01-02 to 1970-01-02T01:00 is unlike the rest of it: a x; b y and 1 more." in lines[1]
    assert "`baseline: {exclude: [{from: 1970-01-02, to: 1970-01-02T01:00}]}`" in lines[1]
    assert lines[5] == "note: 2 more spans of the reference are unlike the rest"
    assert outlying_remarks(spans[:5])[4].startswith("note: the reference from")
    assert outlying_remarks([]) == []
