"""Calibrate one (segment, part) on the slices of the reference, and make its entry of the baseline file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.measures.measure_registry import measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.measures.window_histograms import ReferenceWindows, WindowHistograms
    from driftline.profiles.layout import Part


def fit_entry(
    segment: str, part: Part, profile: bytes, slices: Mapping[int, bytes], windows: ReferenceWindows
) -> tuple[dict[str, Any], WindowHistograms | None]:
    """Calibrate the null of one segment.

    Parameters
    ----------
    profile
        Encoded profile of the segment in the whole reference.
    slices
        What `Measure.for_calibration` left of its slices, by slice start, microseconds. Not empty.

    Returns
    -------
    dict
        The entry, for `encode_baseline`; its null is None where no window can be used.
    WindowHistograms or None
        What it was calibrated on.
    """
    null, histograms = measure(part.kind).fit(part, profile, slices, windows)
    return {"segment": segment, "part": part.name, "profile": profile, "null": null}, histograms
