"""Retraining pays where the newest change of the gap is a rise, whatever its level."""

from __future__ import annotations

import math

import pytest

from driftline.verdicts.retraining import GapChange, retraining_pays

NAN = math.nan


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], None),
        ([("*", 0.0, 0.1)], 0),
        ([("*", -0.1, 0.1)], 0),
        ([("*", 0.1, 0.1)], None),
        ([("*", 0.3, 0.1)], None),
        ([("*", -0.2, -0.1)], 0),
        ([("*", NAN, 0.1)], None),
        ([("*", 0.1, NAN)], None),
        ([("*", 0.3, 0.0), ("*", 0.0, 0.3)], None),
        ([("*", 0.1, 0.3), ("*", 0.0, 0.1)], 0),
        ([("*", 0.3, 0.0), ("s=A", 0.0, 0.3), ("*", 0.0, 0.3)], 1),
    ],
)
def test_the_newest_change_of_a_segment_decides(changes, expected):
    assert retraining_pays([GapChange(*each) for each in changes]) == expected
