"""What changed between two batches, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.measures.measure_registry import measure
from driftline.profiles.binned_features import CategoricalFeature
from driftline.segments import ALL
from driftline.statistics.change_words import UNUSUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from driftline.baseline import Baseline
    from driftline.measures.reference_distribution import ReferenceDistribution

_SHIFT: Final = 0.05  # of the interquartile range
_SPREAD: Final = 0.1
_POINTS: Final = 0.01
_FEWER: Final = 0.5


def changes_of(rows: pa.Table, baseline: Baseline) -> list[str]:
    """Say of each result row what changed; empty where nothing unusual did.

    Parameters
    ----------
    rows
        Result rows of one batch.
    baseline
        What they were judged by.
    """
    known: dict[str, tuple[ReferenceDistribution, Any, float]] = {}
    for part in baseline.layout.blocks:
        entry = baseline.entries[ALL, part.name]
        distinct = getattr(entry.profile, "cardinality", np.zeros(len(part.features)))
        for (name, distribution), feature, distinct_of in zip(
            measure(part.kind).describe(part, entry.profile), part.features, distinct, strict=True
        ):
            known[name] = (distribution, feature, float(distinct_of))
    return [_change(row, *known[row["feature"]]) for row in rows.to_pylist()]


def _change(row: Mapping[str, Any], reference: ReferenceDistribution, feature: Any, distinct: float) -> str:
    if row["p_value"] is None or row["p_value"] >= UNUSUAL:
        return ""
    words = _rate("missing", reference.missing_rate, row["missing_rate"])
    words += _rate("invalid", reference.invalid_rate, row["invalid_rate"])
    if (row["new_category_rate"] or 0.0) >= _POINTS:
        words.append(f"new {100 * row['new_category_rate']:.3g} %")
    if isinstance(feature, CategoricalFeature):
        words += _categories(row, reference.counts, feature.categories, distinct)
    else:
        words += _numbers(row, reference.quantiles or {})
    return ", ".join(words) or "the shape of the distribution"


def _rate(what: str, before: float, now: float) -> list[str]:
    return [f"{what} {100 * before:.3g} % to {100 * now:.3g} %"] if abs(now - before) >= _POINTS else []


def _numbers(row: Mapping[str, Any], before: Mapping[str, float]) -> list[str]:
    """Compare quantiles: the median, how far the quartiles are apart, else one that moved most."""
    now = row["quantiles"]
    if now is None or not before or np.isnan(before["p50"]):
        return []
    width, words = before["p75"] - before["p25"], []
    if abs(now["p50"] - before["p50"]) > _SHIFT * width:
        words.append(f"median {before['p50']:.4g} to {now['p50']:.4g}")
    wide = now["p75"] - now["p25"]
    if width > 0 and abs(np.log(max(wide, 1e-300) / width)) > _SPREAD:
        words.append(f"quartiles' distance x{wide / width:.2g}")
    if not words:
        name = max(before, key=lambda each: abs(now[each] - before[each]))
        if now[name] != before[name]:
            words.append(f"{name} {before[name]:.4g} to {now[name]:.4g}")
    return words


def _categories(row: Mapping[str, Any], counts: Any, names: tuple[str, ...], distinct: float) -> list[str]:
    """Name the category whose share changed most, and a much smaller number of them."""
    now, before = (np.asarray(each, np.float64)[: len(names)] for each in (row["bin_counts"], counts))
    present = row["n"] * (1 - row["missing_rate"] - row["invalid_rate"])
    known = float(np.sum(counts))
    if not len(names) or present <= 0 or known <= 0:
        return []
    share, usual = now / present, before / known
    most = int(np.abs(share - usual).argmax())
    words = []
    if abs(share[most] - usual[most]) >= _POINTS:
        shown = names[most] if len(names[most]) <= 20 else names[most][:19] + "…"
        words.append(f"{shown!r} {100 * usual[most]:.3g} % to {100 * share[most]:.3g} %")
    if row["cardinality"] is not None and row["cardinality"] < _FEWER * min(distinct, present):
        words.append(f"categories {distinct:,.0f} to {row['cardinality']:,}")
    return words
