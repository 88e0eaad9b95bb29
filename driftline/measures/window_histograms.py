"""The reference's own windows and their histograms: what the calibration of features learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.profiles.numeric import NumericProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from driftline.profiles.categorical import CategoricalProfile


@dataclass(frozen=True)
class ReferenceWindows:
    """The windows of a reference that a null is calibrated on.

    Parameters
    ----------
    starts
        Window starts, shape (W,), int64, microseconds, in time order, multiples of `stride`.
    size, stride
        Window length and distance between windows, microseconds.
    min_n
        Fewest rows a live window is ever judged on.
    """

    starts: NDArray[np.int64]
    size: int
    stride: int
    min_n: int


@dataclass(frozen=True, eq=False)
class WindowHistograms:
    """Counts of one (segment, block) in W reference windows, in time order.

    Parameters
    ----------
    starts
        Window starts, shape (W,), int64, microseconds.
    counts
        Bin counts, shape (W, F, width), int64.
    missing, nonfinite
        Rows, shape (W, F), int64.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]


def window_histograms(
    slices: Mapping[int, bytes],
    windows: ReferenceWindows,
    decode: Callable[[bytes], NumericProfile | CategoricalProfile],
) -> WindowHistograms:
    """Add the slices of one (segment, block) up to windows.

    Parameters
    ----------
    slices
        Encoded profiles by slice start, microseconds; not empty. A slice without rows may be absent.
    """
    starts, size = windows.starts, windows.size
    times = np.array(sorted(slices), dtype=np.int64)
    begin, end = np.searchsorted(times, starts), np.searchsorted(times, starts + size)
    first = decode(slices[int(times[0])])
    shape = first.counts.shape
    # a long reference has thousands of slices: only their counts are held, and summed up feature by feature
    per_slice = np.zeros((len(times), shape[0], shape[1] + 2), np.int64)
    for row, time in enumerate(times):
        profile = decode(slices[int(time)])
        per_slice[row, :, : shape[1]] = profile.counts
        per_slice[row, :, -2] = profile.missing
        if isinstance(profile, NumericProfile):
            per_slice[row, :, -1] = profile.nonfinite
    sums = np.empty((len(starts), *per_slice.shape[1:]), np.int64)
    for feature in range(shape[0]):
        cumulative = np.zeros((len(times) + 1, per_slice.shape[2]), np.int64)
        np.cumsum(per_slice[:, feature], axis=0, out=cumulative[1:])
        sums[:, feature] = cumulative[end] - cumulative[begin]
    return WindowHistograms(starts, sums[..., :-2], sums[..., -2], sums[..., -1])
