"""Fit the null calibration of one (segment, block) from the slices of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.baseline.artefact import BaselineEntry, bin_gaps
from driftline.baseline.reference_windows import WindowHistograms, window_histograms
from driftline.profiles.categorical import CategoricalProfile
from driftline.statistics import BlockNull, fit_categorical, fit_numeric

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from driftline.baseline.artefact import Profile
    from driftline.profiles.layout import Block


def fit_entry(
    block: Block,
    profile: Profile,
    slices: Mapping[int, bytes],
    starts: NDArray[np.int64],
    *,
    size: int,
    stride: int,
    min_n: int,
) -> tuple[BaselineEntry, WindowHistograms]:
    """Calibrate the null of one segment's profile on the counts of its slices.

    Parameters
    ----------
    block
        The feature block.
    profile
        Profile of the segment in the whole reference.
    slices
        Encoded profiles of the segment by slice start, microseconds; only their counts are used. Not empty.
    starts
        Starts of the reference windows to calibrate on, shape (W,), in time order, multiples of `stride`.
    size, stride
        Window length and distance between windows, microseconds.
    min_n
        Fewest rows a live window is ever judged on.

    Returns
    -------
    BaselineEntry
        The entry; its null is None where no window can be used.
    WindowHistograms
        What it was calibrated on.
    """
    histograms = window_histograms(slices, starts, size)
    null = fit_null(block, profile, histograms, overlap=size / stride, min_n=min_n) if len(starts) else None
    return BaselineEntry(profile, null), histograms


def fit_null(
    block: Block, profile: Profile, windows: WindowHistograms, *, overlap: float, min_n: int
) -> BlockNull:
    """Calibrate every feature of a block.

    Parameters
    ----------
    block
        Block of F features.
    profile
        Profile of the whole reference.
    windows
        Histograms of the reference's windows.
    overlap
        Window length over the distance between windows; 1 if they do not overlap.
    min_n
        Fewest rows a live window is ever judged on.

    Returns
    -------
    BlockNull
    """
    if isinstance(profile, CategoricalProfile):
        return BlockNull.stack(
            [
                fit_categorical(
                    windows.counts[:, row, : feature.bins],
                    windows.missing[:, row],
                    overlap=overlap,
                    smallest=min_n,
                )
                for row, feature in enumerate(block.categorical)
            ]
        )
    gaps = bin_gaps(block, profile)
    return BlockNull.stack(
        [
            fit_numeric(
                windows.counts[:, row, : feature.bins],
                windows.missing[:, row],
                windows.nonfinite[:, row],
                gap=gaps[row, : feature.bins - 1],
                overlap=overlap,
                smallest=min_n,
            )
            for row, feature in enumerate(block.numeric)
        ]
    )
