"""Result rows of a block of features in one window, before all tests are adjusted together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.schemas.time_range import MAX_TIME, MIN_TIME
from driftline.segments import values_of
from driftline.statistics.change_words import UNUSUAL, category_words, change_words
from driftline.tables import RESULT, Calibration, Status, row_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.measures.measure import Entry, JudgedWindow
    from driftline.profiles.layout import Block
    from driftline.statistics import BlockNull, Comparison

    Floats = NDArray[np.float64]

_TIMESTAMP = pa.timestamp("us", tz="UTC")


def judged_rows(
    window: JudgedWindow,
    block: Block,
    described: dict[str, Any],
    entry: Entry | None,
    tests: Comparison | None,
) -> pa.RecordBatch:
    """Make the rows of a block of F features.

    Parameters
    ----------
    described
        Columns that describe the window by itself, ``n`` and ``missing_rate`` among them.
    entry
        What the baseline knows of the segment; None if nothing.
    """
    judged = Status.OK if described["n"] >= window.min_n else Status.INSUFFICIENT
    columns = _identity(window, block) | described
    columns["status"] = (judged if entry is not None else Status.NO_BASELINE).value
    if entry is not None and tests is not None:
        columns |= {"n_reference": entry.profile.rows, "p_value": tests.p_value, "p_iid": tests.p_iid}
        columns |= tests.columns
        if "components" in tests.columns:
            columns["change"] = _changes(described, entry, tests)
        elif "cardinality_expected" in tests.columns:
            columns["change"] = _category_changes(described, entry, tests)
        columns["calibration"] = _calibration(tests, entry.null)
    return _batch(columns, len(block.features))


def rows_without_data(window: JudgedWindow, block: Block, entry: Entry) -> pa.RecordBatch:
    """Make the rows of a block in a window in which its segment has no events.

    Returns
    -------
    pyarrow.RecordBatch
        Rows with status ``no_data`` and n = 0.
    """
    columns = _identity(window, block)
    columns |= {"n": 0, "n_reference": entry.profile.rows, "status": Status.NO_DATA.value}
    return _batch(columns, len(block.features))


def _identity(window: JudgedWindow, block: Block) -> dict[str, Any]:
    names = list(block.names)
    values = pa.array([values_of(window.segment)], RESULT.arrow.field("segment_values").type)
    return {
        "row_id": [row_id(window.model, window.segment, name, window.start, window.end) for name in names],
        "model": window.model,
        "segment": window.segment,
        "segment_values": values.take(pa.array(np.zeros(len(names), np.int64))),
        "feature": names,
        "kind": block.kind,
        # what every sink can write: a window may reach out of these years where an event cannot
        "window_start": pa.scalar(max(window.start, MIN_TIME), pa.int64()).cast(_TIMESTAMP),
        "window_end": pa.scalar(min(window.end, MAX_TIME), pa.int64()).cast(_TIMESTAMP),
        "baseline_version": window.baseline_version,
    }


def _calibration(tests: Comparison, null: BlockNull | None) -> list[str]:
    statuses = null.statuses() if null is not None else [Calibration.UNCALIBRATED.value] * len(tests.trusted)
    known = np.where(tests.extrapolated, Calibration.BOUND.value, Calibration.CALIBRATED.value)
    return [
        str(good)
        if trusted
        else (status if status != Calibration.CALIBRATED.value else Calibration.FEW_WINDOWS.value)
        for status, trusted, good in zip(statuses, tests.trusted, known, strict=True)
    ]


def _changes(described: dict[str, Any], entry: Entry, tests: Comparison) -> list[str | None]:
    """Say of each feature what changed."""
    standard = np.nan_to_num(tests.components)
    rates, invalid = _missing_rates(described, entry, tests), _invalid_rates(described, entry, tests)
    outside = np.where(tests.range_p < UNUSUAL, tests.beyond_range, np.nan).tolist()
    words = zip(standard.tolist(), tests.shift, tests.spread, rates, invalid, outside, strict=True)
    return [
        change_words(*each, invalid=wrong, outside=None if np.isnan(share) else share)
        for *each, wrong, share in words
    ]


def _category_changes(described: dict[str, Any], entry: Entry, tests: Comparison) -> list[str | None]:
    """Say of each categorical feature what changed."""
    usual, found = tests.cardinality_expected, described["cardinality"].to_numpy()
    odd = tests.cardinality_p < UNUSUAL
    cardinalities = [
        (was, now) if unusual else None for was, now, unusual in zip(usual, found, odd, strict=True)
    ]
    concentrations = zip(tests.concentration_reference, tests.concentration, strict=True)
    new = [
        rate if p < UNUSUAL else None
        for rate, p in zip(described["new_category_rate"], tests.new_p, strict=True)
    ]
    rates, invalid = _missing_rates(described, entry, tests), _invalid_rates(described, entry, tests)
    return list(map(category_words, cardinalities, concentrations, new, rates, invalid))


def _missing_rates(
    described: dict[str, Any], entry: Entry, tests: Comparison
) -> list[tuple[float, float] | None]:
    """Missing rates of reference and window, where their change is unusual; of numbers, of finite ones.

    The test takes invalid values for missing: where those explain more of the change they are named instead.
    """
    absent = entry.profile.missing + getattr(entry.profile, "nonfinite", 0)
    base = absent / max(entry.profile.rows, 1)
    now_absent = described["missing_rate"] + described.get("nonfinite_rate", 0.0)
    invalid = described["invalid_rate"] - entry.profile.invalid / max(entry.profile.rows, 1)
    unusual = (tests.missing_p < UNUSUAL) & (np.abs(now_absent - base) >= np.abs(invalid))
    return [(was, now) if odd else None for was, now, odd in zip(base, now_absent, unusual, strict=True)]


def _invalid_rates(
    described: dict[str, Any], entry: Entry, tests: Comparison
) -> list[tuple[float, float] | None]:
    """Shares of invalid values in reference and window, where their change is unusual.

    A baseline of an earlier release has no null of them: there any that appear are.
    """
    base, now = entry.profile.invalid / max(entry.profile.rows, 1), described["invalid_rate"]
    p = tests.columns.get("invalid_p", np.full(len(now), np.nan))
    unusual = np.where(np.isnan(p), (now > base) & (tests.missing_p < UNUSUAL), p < UNUSUAL)
    return [(was, is_now) if odd else None for was, is_now, odd in zip(base, now, unusual, strict=True)]


def ragged(counts: NDArray[np.int64], widths: Sequence[int]) -> pa.ListArray:
    """Make lists of the first numbers of each row, as many as `widths` says."""
    inside = np.arange(counts.shape[1]) < np.asarray(widths)[:, None]
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(counts[inside]))


def floats(values: Floats) -> pa.Array:
    """Arrow array in which what is no finite number is null."""
    values = np.asarray(values, np.float64)
    return pa.array(values, mask=~np.isfinite(values))


def _lists(values: Floats) -> pa.ListArray:
    """Make lists of the finite numbers of each row."""
    finite = np.isfinite(values)
    offsets = np.concatenate([[0], finite.sum(1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[finite]))


def _batch(columns: dict[str, Any], rows: int) -> pa.RecordBatch:
    arrays = []
    for field in RESULT.arrow:
        value = columns.get(field.name)
        if value is None:
            arrays.append(pa.nulls(rows, field.type))
        elif isinstance(value, np.ndarray) and value.ndim > 1:
            arrays.append(_lists(value).cast(field.type))
        elif isinstance(value, np.ndarray):
            arrays.append(floats(value).cast(field.type))
        elif isinstance(value, pa.Array):
            arrays.append(value.cast(field.type))
        elif isinstance(value, list):
            arrays.append(pa.array(value, field.type))
        else:
            arrays.append(
                pa.repeat(value if isinstance(value, pa.Scalar) else pa.scalar(value, field.type), rows)
            )
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT.arrow)
