"""Fit the nulls of a baseline anew, from the windows that were kept beside it."""

from __future__ import annotations

from dataclasses import dataclass

from driftline.baseline.baseline_error import BaselineError
from driftline.baseline.file import decode_baseline, decode_windows, encode_baseline, read_records
from driftline.baseline.reference_windows import calibration_stride
from driftline.measures.measure_registry import measure


@dataclass(frozen=True)
class Refit:
    """What a refit has made.

    Parameters
    ----------
    data : bytes
        The baseline file.
    fitted, kept : int
        Entries whose nulls are new, and those that had no windows or whose measure keeps none.
    """

    data: bytes
    fitted: int
    kept: int


def refit(baseline: bytes, windows: bytes, name: str, *, min_n: int) -> Refit:
    """Fit every null anew, with the statistics of this release; profiles and bins stay.

    Parameters
    ----------
    baseline, windows : bytes
        The baseline file, of this format or an earlier one, and its sidecar.
    name : str
        What to call them in an error.
    min_n : int
        Fewest rows a live window is ever judged on.

    Raises
    ------
    BaselineError
        If one of them cannot be read, or the windows are not those of the baseline.
    """
    known = decode_baseline(baseline, name)
    histograms = decode_windows(windows, f"{name}.windows")
    records = read_records(baseline)
    strange = {place for place in histograms if place not in known.entries}
    if strange:
        segment, of = min(strange)
        raise BaselineError(
            f"{name}.windows has windows of {of} of segment {segment}, which {name} lacks: give the file "
            "that was written with it, or build the baseline again"
        )
    overlap = known.size / calibration_stride(known.size, known.every)
    fitted = 0
    for record in records:
        found = histograms.get((record["segment"], record["part"]))
        if found is None or not len(found.starts):
            continue
        part = known.layout.part(record["part"])
        null = measure(part.kind).refit(part, record["profile"], found, overlap=overlap, min_n=min_n)
        if null is not None:
            record["null"] = null
            fitted += 1
    data = encode_baseline(
        records,
        known.layout,
        model=known.model,
        size=known.size,
        every=known.every,
        segment_columns=known.segment_columns,
        windows=known.windows,
        created_at=known.created_at,
        min_n=min_n,
    )
    return Refit(data, fitted, len(records) - fitted)
