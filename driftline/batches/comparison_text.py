"""A comparison as a table to read, and what it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from driftline.statistics.null import ACTED_ON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from driftline.batches.groups import Groups

_HEAD: Final = ("feature", "kind", "drifted", "p", "adjusted", "psi", "distance", "share", "what changed")
_FEW: Final = 20
_FEW_IN_CURRENT: Final = 5
_STATUS: Final = {"insufficient": "too few rows"}


def table_lines(rows: pa.Table, changes: Sequence[str]) -> list[str]:
    """Lay result rows out as a table, what drifted first, then by p-value.

    Parameters
    ----------
    rows
        Result rows of one batch.
    changes
        What changed in each.

    Returns
    -------
    list of str
        A line a feature under a head.
    """
    known = list(zip(rows.to_pylist(), changes, strict=True))
    known.sort(key=lambda each: (not each[0]["drifted"], _or(each[0]["p_value"], 2.0), each[0]["feature"]))
    cells = [_HEAD, *(_cells(row, change) for row, change in known)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(_HEAD) - 1)]
    return [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]
        ).rstrip()
        for line in cells
    ]


def _cells(row: Mapping[str, Any], change: str) -> tuple[str, ...]:
    if row["drifted"] is None:
        drifted = _STATUS.get(row["status"], "not told")
    else:
        drifted = "yes" if row["drifted"] else "no"
    distance = row["wasserstein_iqr"]
    share = row["rate_change"]
    return (
        row["feature"] if len(row["feature"]) <= 40 else row["feature"][:39] + "…",
        row["kind"],
        drifted,
        _p(row["p_value"]),
        _p(row["p_adjusted"]),
        "" if row["psi"] is None else f"{row['psi']:.3f}",
        "" if distance is None else f"{distance:.3g} IQR",
        "" if share is None else f"{100 * share:.3g} pts",
        change,
    )


def _p(value: float | None) -> str:
    return "" if value is None else "<1e-9" if value < 1e-9 else f"{value:.2g}"


def _or(value: float | None, instead: float) -> float:
    return instead if value is None else value


def group_remarks(group: str | None, groups: tuple[Groups, Groups] | None, shared: int) -> list[str]:
    """Say what p-values rest on.

    Parameters
    ----------
    group
        Column of groups.
    groups
        Of reference and current batch.
    shared
        Groups in both.
    """
    if group is None or groups is None:
        return [
            (
                "p-values take rows as independent: where the rows of a user, a day or a device are alike "
                "they are too small; name that column: --group COLUMN"
            )
        ]
    before, now = groups
    found = [
        (
            f"p-values take the groups of {group!r} as independent, and rows within one as not: "
            f"{before.number:,} groups in the reference, worth {before.effective:,.0f} of one size; "
            f"{now.number:,} in the current batch, worth {now.effective:,.0f}"
        )
    ]
    if before.number < ACTED_ON:
        found.append(
            f"warning: {before.number:,} groups in the reference, fewer than {ACTED_ON:.0f}: p-values are "
            "not calibrated and nothing is called drifted; give a reference of more groups, or a finer column"
        )
    elif before.effective < _FEW:
        found.append(
            f"note: the reference is worth {before.effective:,.0f} groups, fewer than {_FEW}: p-values are "
            "less certain"
        )
    if now.effective < _FEW_IN_CURRENT:
        found.append(
            f"note: the current batch is worth {now.effective:.3g} groups: one odd group is enough to look "
            "like drift"
        )
    if shared:
        found.append(f"note: {shared:,} groups are in both batches: p-values are rather too large")
    return found
