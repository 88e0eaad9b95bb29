"""What happened to each drifted feature, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.report.wording import listing, number, percent, period
from driftline.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.report.episodes import Episode
    from driftline.report.result_grid import Grid
    from driftline.run_summary import RunSummary


@dataclass(frozen=True)
class Finding:
    """The worst stretch of one drifted feature.

    Parameters
    ----------
    window : int
        The worst window, as a position in the grid.
    when : str
        The stretch, in words.
    what : str
        What changed, in words.
    words : str
        The components that stick out in the worst window; empty if none does.
    also : str
        Where else the feature drifted, in words; empty if nowhere.
    """

    feature: str
    segment: str
    window: int
    severity: float
    when: str
    what: str
    words: str
    also: str


def findings_of(
    grid: Grid,
    run: RunSummary,
    found: list[Episode],
    references: Mapping[tuple[str, str], ReferenceDistribution],
    *,
    daily: bool,
    year: bool,
) -> tuple[Finding, ...]:
    """Describe the worst stretch of each drifted feature.

    Parameters
    ----------
    found : list of Episode
        In the order of `episodes`.
    daily, year : bool
        As for `moment`.

    Returns
    -------
    tuple of Finding
        In the order of the episodes.
    """
    worst: dict[int, Episode] = {}
    for each in found:
        worst.setdefault(each.feature, each)
    findings = []
    for each in worst.values():
        names = grid.segments[each.segment], grid.features[each.feature]
        what, stretch = _change(grid, each, references.get(names))
        findings.append(
            Finding(
                feature=names[1],
                segment=names[0],
                window=each.worst,
                severity=each.severity,
                when=_stretch(grid, stretch, each.worst, daily=daily, year=year),
                what=f"{what}; {size_of(grid, run, each)}",
                words=_words(grid, each),
                also=_also(grid, each),
            )
        )
    return tuple(findings)


def _words(grid: Grid, each: Episode) -> str:
    row = int(grid.row[each.segment, each.feature, each.worst])
    return grid.table["change"][row].as_py() or ""


def _stretch(grid: Grid, stretch: tuple[int, int], worst: int, *, daily: bool, year: bool) -> str:
    first, last = stretch
    dates = period(int(grid.starts[first]), int(grid.ends[last]), daily=daily, year=year)
    if first == last:
        return dates
    return f"{dates}, worst {period(int(grid.starts[worst]), int(grid.ends[worst]), daily=daily, year=year)}"


def _also(grid: Grid, each: Episode) -> str:
    others = np.flatnonzero(grid.drifted[:, each.feature].any(axis=1))
    names = [place_of(grid.segments[s]) for s in others.tolist() if s != each.segment]
    return f"also in {listing(names, most=3)}" if names else ""


def _change(
    grid: Grid, each: Episode, reference: ReferenceDistribution | None
) -> tuple[str, tuple[int, int]]:
    """Name the most telling change and when it held: invalid, missing, new or moved values."""
    at = each.segment, each.feature, each.worst
    wrong, wrongly = grid.columns["invalid_rate"][at[:2]], reference.invalid_rate if reference else 0.0
    if wrong[each.worst] - wrongly > 0.05:
        before = f", normally {percent(wrongly)}" if reference else ""
        kind = grid.kinds[each.feature]
        return f"{percent(float(wrong[each.worst]))} not {kind}{before}", _around(
            wrong - wrongly > 0.05, each
        )
    usual = reference.missing_rate if reference else None
    missing, fresh = (
        grid.columns[name][each.segment, each.feature] for name in ("missing_rate", "new_category_rate")
    )
    if missing[each.worst] - (usual or 0) > 0.05:
        before = f", normally {percent(usual)}" if usual is not None else ""
        return f"{percent(float(missing[each.worst]))} missing{before}", _around(
            missing - (usual or 0) > 0.05, each
        )
    if fresh[each.worst] > 0.05:
        names = grid.table["new_categories"][int(grid.row[at])].as_py() or []
        examples = f" ({listing([_short(name) for name in names], most=3)})" if names else ""
        return f"{percent(float(fresh[each.worst]))} in new categories{examples}", _around(fresh > 0.05, each)
    whole = each.first, each.last
    if grid.kinds[each.feature] != "numeric":
        return "the mix of categories changed", whole
    return _moved(float(grid.columns["p50"][at]), reference), whole


def _moved(median: float, reference: ReferenceDistribution | None) -> str:
    normal = reference.quantiles.get("p50") if reference else None
    if not np.isfinite(median):
        return "the values changed"
    if normal is None:
        return f"the values changed, median {number(median)}"
    if number(normal) == number(median):
        return f"the shape of the values changed, median {number(median)}"
    return f"median {number(median)}, normally {number(normal)}"


def _around(holds: NDArray[np.bool_], each: Episode) -> tuple[int, int]:
    """Narrow an episode to the windows around its worst in which the change it is named after holds."""
    first = last = each.worst
    while first > each.first and holds[first - 1]:
        first -= 1
    while last < each.last and holds[last + 1]:
        last += 1
    return first, last


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def size_of(grid: Grid, run: RunSummary, each: Episode) -> str:
    """Write the measure that makes the worst window large; PSI where several do."""
    at = each.segment, each.feature, each.worst
    psi, shift, points, times = (
        float(grid.columns[name][at]) for name in ("psi", "wasserstein_iqr", "rate_change", "rate_ratio")
    )
    by_values = psi > run.psi or shift > run.wasserstein_iqr
    if not by_values and points > run.rate_change:
        return f"a share changed by {number(float(f'{100 * points:.2g}'))} points"
    if not by_values and times > run.rate_ratio:
        return f"a share changed by a factor of {number(float(f'{times:.2g}'))}"
    if np.isfinite(psi) and (psi > run.psi or not np.isfinite(shift)):
        return f"PSI {number(float(f'{psi:.2g}'))}"
    return f"shifted by {number(float(f'{shift:.2g}'))} IQR"


def place_of(segment: str) -> str:
    """Write a segment as a place."""
    return "all traffic" if segment == ALL else segment
