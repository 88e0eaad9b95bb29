"""The baseline's distribution of one feature in one segment, as the report draws it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ReferenceDistribution:
    """What the windows of one (segment, feature) are compared with.

    Parameters
    ----------
    kind : str
        ``numeric`` or ``categorical``.
    counts : ndarray of int64
        Rows in each value bin, shape (B,), or in each category and then all others, shape (K + 1,).
    edges : ndarray of float64, optional
        Numeric: the inner bin edges, shape (B - 1,), increasing; bin i is ``[edges[i - 1], edges[i])``.
    categories : tuple of str
        Categorical: the categories counted apart, in the order of the counts.
    quantiles : mapping of str to float
        Numeric: ``p01`` to ``p99`` as in the result rows.
    missing_rate, nonfinite_rate, invalid_rate : float
        Shares of all rows.

    Raises
    ------
    ValueError
        If the counts do not fit the edges or categories.

    Examples
    --------
    >>> carrier = ReferenceDistribution("categorical", np.array([70, 20, 10]), categories=("AA", "UA"))
    >>> carrier.shares
    array([0.7, 0.2, 0.1])
    """

    kind: str
    counts: NDArray[np.int64]
    edges: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    categories: tuple[str, ...] = ()
    quantiles: Mapping[str, float] = field(default_factory=dict)
    missing_rate: float = 0.0
    nonfinite_rate: float = 0.0
    invalid_rate: float = 0.0

    def __post_init__(self) -> None:
        """Check that the counts have the bins they claim to have."""
        expected = 1 + (len(self.edges) if self.kind == "numeric" else len(self.categories))
        if len(self.counts) != expected:
            what = "edges" if self.kind == "numeric" else "categories"
            raise ValueError(
                f"a {self.kind} reference with {expected - 1} {what} has {expected} counts, "
                f"not {len(self.counts)}: pass the counts of all bins"
            )

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the present, finite rows in each bin, shape of the counts; zeros if there are none."""
        return np.asarray(self.counts / max(int(self.counts.sum()), 1), np.float64)
