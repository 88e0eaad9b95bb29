"""What the page's script draws of the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from driftline.report.change_columns import change_column, component_columns
from driftline.report.packing import logarithm, pack, rounded
from driftline.report.result_grid import QUANTILES, STATUSES, Grid
from driftline.statistics.change_words import NOTABLE
from driftline.verdicts.severity import EXTREME, STRONG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.report.headline import Headline
    from driftline.run_summary import RunSummary

DISTRIBUTION_VALUES = 640_000
"""Bin counts that a report embeds; beyond it each series keeps its worst windows and evenly spaced ones."""
COUNT_RESOLUTION = 20_000
"""Windows of more rows than this have their bin counts scaled down to it: 0.005 % of the rows is not seen."""


def payload(
    grid: Grid,
    run: RunSummary,
    words: Headline,
    references: Mapping[tuple[str, str], ReferenceDistribution] | None,
) -> str:
    """Pack everything the page's script draws.

    Parameters
    ----------
    words : Headline
        Its findings are linked to cells.

    Returns
    -------
    str
        Base64.
    """
    sections: dict[str, NDArray[Any]] = {
        "status": grid.status,
        "judged": grid.judged.astype(np.uint8),
        "drifted": grid.drifted.astype(np.uint8),
        "severity": rounded(grid.severity),
    }
    sections |= {name: rounded(grid.columns[name]) for name in _EXACT_ENOUGH}
    sections |= {name: logarithm(grid.columns[name]) for name in ("p_value", "p_adjusted", "p_iid")}
    sections["n"] = grid.columns["n"].astype(np.float32)
    origins = _origins(grid)
    for name in (*QUANTILES, "mean"):
        apart = grid.columns[name] - origins[None, :, None]
        sections[name] = np.clip(apart, -3e38, 3e38).astype(np.float32)
    sections |= component_columns(grid)
    sections["change"], changes = change_column(grid)
    shown, axes = _references(grid, references or {})
    cells, widths, scales, counts, names = _distributions(grid, shown)
    sections |= {"cells": cells, "widths": widths, "scales": scales, "counts": counts}

    header: dict[str, Any] = {
        "model": run.model,
        "segments": grid.segments,
        "features": grid.features,
        "kinds": grid.kinds,
        "starts": (grid.starts // 1000).tolist(),
        "ends": (grid.ends // 1000).tolist(),
        "statuses": [*STATUSES, "absent"],
        "thresholds": {
            "alpha": run.alpha,
            "psi": run.psi,
            "wasserstein_iqr": run.wasserstein_iqr,
            "min_n": run.min_n,
            "min_coverage": run.min_coverage,
            "strong": STRONG,
            "extreme": EXTREME,
        },
        "origins": origins.tolist(),
        "references": shown,
        "axes": axes,
        "newCategories": names,
        "changes": changes,
        "notable": NOTABLE,
        "start": _where_to_start(grid, words),
    }
    return pack(header, sections)


_EXACT_ENOUGH = (
    "coverage", "missing_rate", "nonfinite_rate", "invalid_rate", "cardinality", "new_category_rate",
    "ks", "psi", "wasserstein_iqr", "rate_change", "rate_ratio", "chi2",
)  # fmt: skip


def _origins(grid: Grid) -> NDArray[np.float64]:
    """Give a typical value of each feature, (F,): single precision holds what differs from it."""
    medians = np.where(np.isfinite(grid.columns["p50"]), grid.columns["p50"], np.nan)
    origins = np.zeros(len(grid.features))
    for f in range(len(origins)):
        known = medians[:, f][np.isfinite(medians[:, f])]
        origins[f] = np.median(known) if len(known) else 0.0
    return origins


def _references(
    grid: Grid, references: Mapping[tuple[str, str], ReferenceDistribution]
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """List the references of the grid; edges and categories that segments share are written once."""
    shown: list[dict[str, Any]] = []
    axes: list[list[Any]] = []
    known: dict[bytes, int] = {}
    for s, segment in enumerate(grid.segments):
        for f, feature in enumerate(grid.features):
            reference = references.get((segment, feature))
            if reference is None:
                continue
            numeric = reference.kind == "numeric"
            axis = np.asarray(reference.edges, np.float64).tolist() if numeric else list(reference.categories)
            key = orjson.dumps([numeric, axis])
            if key not in known:
                known[key] = len(axes)
                axes.append(axis)
            shown.append(
                {
                    "s": s,
                    "f": f,
                    "axis": known[key],
                    "counts": np.asarray(reference.counts).tolist(),
                    "quantiles": dict(reference.quantiles),
                    "missing": reference.missing_rate,
                    "nonfinite": reference.nonfinite_rate,
                    "invalid": reference.invalid_rate,
                }
            )
    return shown, axes


def _distributions(
    grid: Grid, shown: list[dict[str, Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, list[str]]]:
    """Choose the windows whose bin counts are kept and pack them one after the other."""
    lists = grid.table["bin_counts"].combine_chunks()
    offsets, values = _lists(lists)
    bins_per_window = sum(len(reference["counts"]) for reference in shown)
    each = max(DISTRIBUTION_VALUES // max(bins_per_window, 1), 4)
    cells, widths, scales, counts = [], [], [], []
    for reference in shown:
        s, f, width = reference["s"], reference["f"], len(reference["counts"])
        rows = grid.row[s, f]
        fits = np.flatnonzero((rows >= 0) & (np.diff(offsets)[np.maximum(rows, 0)] == width))
        kept = _worst_and_even(fits, grid.severity[s, f], each)
        if not len(kept):
            continue
        windows = values[offsets[rows[kept]][:, None] + np.arange(width)]
        total = np.maximum(windows.sum(axis=1), 1)
        scale = np.maximum(total / COUNT_RESOLUTION, 1.0)
        cells.append(np.ravel_multi_index((np.full(len(kept), s), np.full(len(kept), f), kept), grid.shape))
        widths.append(np.full(len(kept), width))
        scales.append(scale)
        counts.append(np.rint(windows / scale[:, None]).reshape(-1))

    def joined(parts: list[Any], dtype: str) -> NDArray[Any]:
        return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype)

    chosen = joined(cells, "<u4")
    return chosen, joined(widths, "<u2"), joined(scales, "<f4"), joined(counts, "<u2"), _new(grid, chosen)


def _lists(lists: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets (N + 1,) and values of a list column of numbers; a null list is empty."""
    return _starts(lists), np.asarray(lists.flatten().to_numpy(zero_copy_only=False))


def _starts(lists: Any) -> NDArray[np.int64]:
    lengths = np.asarray(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _worst_and_even(
    windows: NDArray[np.int64], severity: NDArray[np.float64], most: int
) -> NDArray[np.int64]:
    """Keep at most `most` of the windows: half by severity, the others evenly spaced, the last among them."""
    if len(windows) <= most:
        return windows
    worst = windows[np.argsort(-np.nan_to_num(severity[windows], nan=-1.0), kind="stable")[: most // 2]]
    even = windows[np.linspace(0, len(windows) - 1, most - most // 2).astype(int)]
    return np.unique(np.concatenate([worst, even]))


def _new(grid: Grid, cells: NDArray[Any]) -> dict[str, list[str]]:
    """Names of new categories by cell, for the cells that have any."""
    rows = grid.row.reshape(-1)[cells]
    lists = grid.table["new_categories"].combine_chunks()
    some = np.flatnonzero(np.diff(_starts(lists))[rows] > 0)
    names = lists.take(rows[some]).to_pylist()
    return {str(int(cells[place])): name for place, name in zip(some.tolist(), names, strict=True)}


def _where_to_start(grid: Grid, words: Headline) -> dict[str, int] | None:
    """Give the cell the page opens at: the worst one, or the newest of the first feature."""
    if not grid.row.size:
        return None
    if words.findings:
        worst = words.findings[0]
        return {
            "s": grid.segments.index(worst.segment),
            "f": grid.features.index(worst.feature),
            "w": worst.window,
        }
    return {"s": 0, "f": 0, "w": len(grid.starts) - 1}
