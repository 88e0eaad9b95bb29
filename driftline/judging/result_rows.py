"""Result rows of one (segment, feature block) in one window, before all tests are adjusted together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.decoding.event_times import MAX_TIME, MIN_TIME
from driftline.profiles.numeric import NumericProfile
from driftline.segments import values_of
from driftline.statistics import (
    BlockNull,
    CategoricalComparison,
    CategoricalCounts,
    CategoricalReference,
    NumericComparison,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
)
from driftline.tables import QUANTILES, RESULT, Calibration, Status, row_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.baseline import Baseline
    from driftline.baseline.artefact import Profile
    from driftline.profiles.layout import Block

    Floats = NDArray[np.float64]

_MOST_NEW = 5
_QUANTILE_TYPE = pa.struct([(name, pa.float64()) for name in QUANTILES])
_TIMESTAMP = pa.timestamp("us", tz="UTC")


def judge(
    profile: Profile, segment: str, block: Block, window: tuple[int, int], *, baseline: Baseline, min_n: int
) -> pa.RecordBatch:
    """Compare one window's profile with the baseline.

    Parameters
    ----------
    profile
        Profile of the window, F features.
    segment
        Segment label.
    block
        The feature block of the profile.
    window
        Start and end, microseconds.
    baseline
        The baseline.
    min_n
        Fewest rows a window is judged on.

    Returns
    -------
    pyarrow.RecordBatch
        F rows of the result schema. What is decided per model and window (`coverage`, `p_adjusted`,
        `drifted`, `pane`, `pane_index`, `emitted_at`) is null.
    """
    columns = _identity(baseline, segment, [feature.name for feature in block.features], block.kind, window)
    known = (segment, block.name) in baseline.entries
    judged = Status.OK if profile.rows >= min_n else Status.INSUFFICIENT
    status = judged if known else Status.NO_BASELINE
    columns |= {
        "n": profile.rows,
        "status": status.value,
        "missing_rate": profile.missing / max(profile.rows, 1),
        **_described(profile, block),
    }
    if known:
        entry = baseline.entries[segment, block.name]
        reference = baseline.reference(segment, block)
        columns["n_reference"] = entry.profile.rows
        columns |= _compared(profile, reference, entry.null)
    return _batch(columns, len(block.features))


def no_data(
    baseline: Baseline, window: tuple[int, int], present: set[tuple[str, str]]
) -> list[pa.RecordBatch]:
    """Make the rows of the baseline's segments that have no events in a window.

    Parameters
    ----------
    baseline
        The baseline.
    window
        Start and end, microseconds.
    present
        (segment, first feature of a block) that have rows already.

    Returns
    -------
    list of pyarrow.RecordBatch
        Rows with status ``no_data`` and n = 0.
    """
    batches = []
    for segment, name in baseline.entries:
        block = baseline.layout.block(name)
        if (segment, block.features[0].name) in present:
            continue
        columns = _identity(
            baseline, segment, [feature.name for feature in block.features], block.kind, window
        )
        reference = baseline.entries[segment, name].profile.rows
        columns |= {"n": 0, "n_reference": reference, "status": Status.NO_DATA.value}
        batches.append(_batch(columns, len(block.features)))
    return batches


def _identity(
    baseline: Baseline, segment: str, names: list[str], kind: str, window: tuple[int, int]
) -> dict[str, Any]:
    start, end = window
    values = pa.array([values_of(segment)], RESULT.arrow.field("segment_values").type)
    return {
        "row_id": [row_id(baseline.model, segment, name, start, end) for name in names],
        "model": baseline.model,
        "segment": segment,
        "segment_values": values.take(pa.array(np.zeros(len(names), np.int64))),
        "feature": names,
        "kind": kind,
        # what every sink can write: a window may reach out of these years where an event cannot
        "window_start": pa.scalar(max(start, MIN_TIME), pa.int64()).cast(_TIMESTAMP),
        "window_end": pa.scalar(min(end, MAX_TIME), pa.int64()).cast(_TIMESTAMP),
        "baseline_version": baseline.version,
    }


def _described(profile: Profile, block: Block) -> dict[str, Any]:
    """Describe the window by itself: moments and quantiles, or cardinality and new categories."""
    widths: Sequence[int]
    if isinstance(profile, NumericProfile):
        quantiles = profile.quantiles(np.array(list(QUANTILES.values())))
        widths = [feature.bins for feature in block.features]
        present = ~np.isnan(profile.minimum)
        return {
            "nonfinite_rate": profile.nonfinite / max(profile.rows, 1),
            "mean": np.where(present, profile.mean, np.nan),
            "variance": profile.variance,
            "skewness": profile.skewness,
            "min": profile.minimum,
            "max": profile.maximum,
            "quantiles": pa.StructArray.from_arrays(
                [_floats(quantiles[:, i]) for i in range(len(QUANTILES))],
                fields=list(_QUANTILE_TYPE),
                mask=pa.array(~present),
            ),
            "bin_counts": _ragged(profile.counts, widths),
        }
    widths = [feature.bins for feature in block.features]
    values = profile.rows - profile.missing
    known = np.array([feature.known is not None for feature in block.categorical])
    with np.errstate(invalid="ignore", divide="ignore"):
        new_rate = np.where(known & (values > 0), profile.unknown / values, np.nan)
    return {
        "cardinality": pa.array(np.rint(profile.cardinality).astype(np.int64)),
        "new_category_rate": new_rate,
        "bin_counts": _ragged(profile.counts, widths),
        "new_categories": pa.array(
            [
                profile.new_categories(block, row, _MOST_NEW) if known[row] else None
                for row in range(len(block.features))
            ],
            pa.list_(pa.string()),
        ),
    }


def _compared(
    profile: Profile, reference: NumericReference | CategoricalReference, null: BlockNull | None
) -> dict[str, Any]:
    if isinstance(profile, NumericProfile):
        assert isinstance(reference, NumericReference)
        tests: Any = compare_numeric(
            NumericCounts(profile.counts, profile.missing, profile.nonfinite), reference, null
        )
        names = [
            "ks",
            "ks_p",
            "psi",
            "psi_p",
            "wasserstein",
            "wasserstein_iqr",
            "missing_p",
            "p_value",
            "p_iid",
        ]
    else:
        assert isinstance(reference, CategoricalReference)
        tests = compare_categorical(CategoricalCounts(profile.counts, profile.missing), reference, null)
        names = ["psi", "psi_p", "chi2", "chi2_p", "missing_p", "p_value", "p_iid"]
    return {name: getattr(tests, name) for name in names} | {"calibration": _calibration(tests, null)}


def _calibration(tests: NumericComparison | CategoricalComparison, null: BlockNull | None) -> list[str]:
    statuses = null.statuses() if null is not None else [Calibration.UNCALIBRATED.value] * len(tests.trusted)
    known = np.where(tests.extrapolated, Calibration.BOUND.value, Calibration.CALIBRATED.value)
    return [
        str(good)
        if trusted
        else (status if status != Calibration.CALIBRATED.value else Calibration.FEW_WINDOWS.value)
        for status, trusted, good in zip(statuses, tests.trusted, known, strict=True)
    ]


def _ragged(counts: NDArray[np.int64], widths: Sequence[int]) -> pa.ListArray:
    inside = np.arange(counts.shape[1]) < np.asarray(widths)[:, None]
    offsets = np.concatenate([[0], np.cumsum(widths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(counts[inside]))


def _floats(values: Floats) -> pa.Array:
    """Arrow array in which what is no finite number is null."""
    values = np.asarray(values, np.float64)
    return pa.array(values, mask=~np.isfinite(values))


def _batch(columns: dict[str, Any], rows: int) -> pa.RecordBatch:
    arrays = []
    for field in RESULT.arrow:
        value = columns.get(field.name)
        if value is None:
            arrays.append(pa.nulls(rows, field.type))
        elif isinstance(value, np.ndarray):
            arrays.append(_floats(value).cast(field.type))
        elif isinstance(value, pa.Array):
            arrays.append(value.cast(field.type))
        elif isinstance(value, list):
            arrays.append(pa.array(value, field.type))
        else:
            arrays.append(
                pa.repeat(value if isinstance(value, pa.Scalar) else pa.scalar(value, field.type), rows)
            )
    return pa.RecordBatch.from_arrays(arrays, schema=RESULT.arrow)
