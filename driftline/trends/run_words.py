"""What a run of windows differs by, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.measures.counts_of_rows import bin_counts, column
from driftline.statistics.change_words import NOTABLE, change_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from driftline.measures.reference_distribution import ReferenceDistribution

    Floats = NDArray[np.float64]

_MOMENTS: Final = 4
_MISSING: Final = "missing values"
_OTHER: Final = "other categories"
_ABSENT: Final = ("missing_rate", "nonfinite_rate", "invalid_rate")


def sizes_of(statistic: str, rows: Any, width: int) -> Floats:
    """Take from result rows what the words need, (R, M); nothing of a statistic that has no words.

    Parameters
    ----------
    width : int
        Most bins of a feature of the part, so that all its rows are as wide.
    """
    take, _ = _WORDS.get(statistic, _NOTHING)
    return take(rows, width)


def run_words(statistic: str, sizes: Floats, larger: float, reference: ReferenceDistribution) -> str | None:
    """Name what sticks out of a run.

    Parameters
    ----------
    statistic : str
        What found the run.
    sizes : ndarray of float64, shape (run, M)
        From `sizes_of`.
    larger : float
        Variance of a run's mean over that of independent windows.
    reference : ReferenceDistribution
        Of the feature.
    """
    _, say = _WORDS.get(statistic, _NOTHING)
    return say(sizes, larger, reference)


def _moments(rows: Any, width: int) -> Floats:  # noqa: ARG001
    lists = rows.column("components").to_pylist()
    components = np.array([([*(each or ()), *[0.0] * _MOMENTS])[:_MOMENTS] for each in lists], np.float64)
    shift, spread = np.nan_to_num(column(rows, "shift")), np.nan_to_num(column(rows, "spread"), nan=1.0)
    return np.column_stack([components.reshape(-1, _MOMENTS), shift, np.log(np.maximum(spread, 1e-9))])


def _moment_words(sizes: Floats, larger: float, reference: ReferenceDistribution) -> str | None:  # noqa: ARG001
    *components, shift, spread = sizes.mean(0)
    standard = np.array(components) * np.sqrt(len(sizes) / larger)
    notable = min(NOTABLE, float(np.abs(standard).max()))  # something of the run is unusual
    return change_words(standard.tolist(), shift, float(np.exp(spread)), None, notable)


def _absent(rows: Any, width: int) -> Floats:  # noqa: ARG001
    return _share_absent(rows)[:, None]


def _share_absent(rows: Any) -> Floats:
    """Share of rows without a value that can be used, (R,)."""
    rates = [name for name in _ABSENT if name in rows.schema.names]
    found: Floats = np.sum([np.nan_to_num(column(rows, rate)) for rate in rates], axis=0)
    return found


def _absent_words(sizes: Floats, larger: float, reference: ReferenceDistribution) -> str:  # noqa: ARG001
    before = reference.missing_rate + reference.nonfinite_rate + reference.invalid_rate
    return _from_to("missing", before, float(sizes.mean()))


def _shares(rows: Any, width: int) -> Floats:
    counts = bin_counts(rows, width)
    n = np.maximum(rows.column("n").to_numpy(), 1)[:, None]
    return np.concatenate([_share_absent(rows)[:, None], counts / n], axis=1)


def _share_words(sizes: Floats, larger: float, reference: ReferenceDistribution) -> str:  # noqa: ARG001
    names = [_MISSING, *(f"`{name}`" for name in reference.categories), _OTHER]
    present = reference.counts / max(reference.counts.sum(), 1)
    absent = reference.missing_rate + reference.invalid_rate
    before = np.append(absent, (1 - absent) * present)
    after = sizes.mean(0)[: len(before)]
    most = int(np.abs(after - before).argmax())
    return _from_to(names[most], before[most], after[most])


def _from_to(what: str, before: float, after: float) -> str:
    return f"{what} {100 * before:.3g} % to {100 * after:.3g} %"


def _no_sizes(rows: Any, width: int) -> Floats:  # noqa: ARG001
    return np.zeros((rows.num_rows, 0))


def _no_words(sizes: Floats, larger: float, reference: ReferenceDistribution) -> None:  # noqa: ARG001
    return None


_NOTHING: Final = (_no_sizes, _no_words)
_WORDS: Final[
    dict[
        str, tuple[Callable[[Any, int], Floats], Callable[[Floats, float, ReferenceDistribution], str | None]]
    ]
] = {
    "smooth": (_moments, _moment_words),
    "missing": (_absent, _absent_words),
    "chi2": (_shares, _share_words),
}
