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
        Result rows of one batch. What they say themselves stands first.
    baseline
        What they were judged by.
    """
    known: dict[str, tuple[ReferenceDistribution, Any]] = {}
    for part in baseline.layout.blocks:
        entry = baseline.entries[ALL, part.name]
        for (name, distribution), feature in zip(
            measure(part.kind).describe(part, entry.profile), part.features, strict=True
        ):
            known[name] = (distribution, feature)
    return [_change(row, *known[row["feature"]]) for row in rows.to_pylist()]


def _change(row: Mapping[str, Any], reference: ReferenceDistribution, feature: Any) -> str:
    if row["p_value"] is None or row["p_value"] >= UNUSUAL:
        return ""
    words = [] if row["change"] is None else [row["change"]]
    if not words:
        words += _rate("missing", reference.missing_rate, row["missing_rate"])
        words += _rate("invalid", reference.invalid_rate, row["invalid_rate"])
        words += _rate("new", 0.0, row["new_category_rate"] or 0.0, sign=False)
    if isinstance(feature, CategoricalFeature):
        words += _categories(row, reference.counts, feature.categories)
    elif row["change"] is None:
        words += _numbers(row, reference.quantiles or {})
    return ", ".join(words) or "the shape of the distribution"


def _rate(what: str, before: float, now: float, *, sign: bool = True) -> list[str]:
    if abs(now - before) < _POINTS:
        return []
    return [f"{what} {100 * before:.3g} % to {100 * now:.3g} %" if sign else f"{what} {100 * now:.3g} %"]


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


def _categories(row: Mapping[str, Any], counts: Any, names: tuple[str, ...]) -> list[str]:
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
    if row["cardinality"] is not None and row["change"] is None:
        some = (before > 0).sum()
        if row["cardinality"] < _FEWER * min(some, present):
            words.append(f"{row['cardinality']:,} categories of {some:,} or more")
    return words
