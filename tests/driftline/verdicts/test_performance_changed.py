"""Since when the performance is unlike that of normal windows."""

import numpy as np
import pytest

from driftline.verdicts.performance_changed import performance_changed

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "since"),
    [
        ([0.5, 1e-4, 1e-4], 1),
        ([1e-4, 1e-4, 0.5], None),  # normal again
        ([0.5, 0.5, 1e-4], None),  # one window
        ([1e-4, NAN, 1e-4], 0),  # labels of one had not come
        ([1e-4, 4e-3, 1e-4], None),  # not below .01 over three segments
        ([NAN, NAN, NAN], None),
    ],
)
def test_two_windows_that_do_not_overlap_and_all_since(p, since):
    starts = 10 * np.arange(3)
    found = performance_changed(starts, starts + 10, np.ones(3, bool), np.array(p), alpha=0.01, segments=3)
    assert (None if found is None else found.start // 10) == since


def test_windows_that_overlap_are_one_witness():
    starts, p = 10 * np.arange(3), np.full(3, 1e-9)
    overlapping = {"alpha": 0.01, "segments": 1}
    assert performance_changed(starts, starts + 30, np.ones(3, bool), p, **overlapping) is None
    few = np.array([True, False, False])  # too few labels
    assert performance_changed(starts, starts + 10, few, p, **overlapping) is None
