"""How the values of one feature are counted: bins of numbers, categories and what is known of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from driftline.profiles.value_filter import ValueFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKETS = 64
"""Hash buckets in which all rows are counted besides where not every category has a bin."""


@dataclass(frozen=True, eq=False)
class NumericFeature:
    """A numeric feature and the edges of its bins.

    Bin 0 is ``(-inf, edges[0])``, bin i ``[edges[i - 1], edges[i])``, the last ``[edges[-1], inf)``.

    Parameters
    ----------
    name
        Feature name.
    edges
        Finite, strictly increasing, shape (B - 1,), float64; empty for a single bin.

    Raises
    ------
    ValueError
        If the edges are not finite and strictly increasing.

    Examples
    --------
    >>> NumericFeature("distance", np.array([0.0, 100.0])).bins
    3
    """

    name: str
    edges: NDArray[np.float64]

    kind = "numeric"

    def __post_init__(self) -> None:
        """Check the edges and freeze a copy of them."""
        edges = np.array(self.edges, dtype=np.float64) + 0.0  # no -0.0: equal layouts, equal bytes
        if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise ValueError(
                f"feature {self.name!r}: bin edges must be one row of finite, strictly increasing numbers, "
                f"got {edges!r}; build them with driftline.profiles.bins.numeric_edges"
            )
        edges.flags.writeable = False
        object.__setattr__(self, "edges", edges)

    @property
    def bins(self) -> int:
        """Number of bins, B."""
        return len(self.edges) + 1


@dataclass(frozen=True, eq=False)
class CategoricalFeature:
    """A categorical feature and the categories that have a bin of their own.

    Bin i is ``categories[i]``, the last bin is everything else ("other").

    Parameters
    ----------
    name
        Feature name.
    categories
        Distinct category values, in bin order.
    known
        Sorted 64-bit hashes of every category of the reference, shape (H,), uint64; a filter of them where
        they are many; None if there were too many to keep.
    buckets
        In how many hash buckets rows are counted besides, a power of two; 0 where every category has a bin,
        and in baselines of earlier releases.

    Raises
    ------
    ValueError
        If a category comes twice or the hashes are not sorted.

    Examples
    --------
    >>> CategoricalFeature("carrier", ("UA", "DL"), None).bins
    3
    """

    name: str
    categories: tuple[str, ...]
    known: NDArray[np.uint64] | ValueFilter | None = None
    buckets: int = 0

    kind = "categorical"

    def __post_init__(self) -> None:
        """Check, and freeze a copy of the hashes."""
        object.__setattr__(self, "categories", tuple(self.categories))
        if len(set(self.categories)) != len(self.categories):
            twice = sorted({c for c in self.categories if self.categories.count(c) > 1})
            raise ValueError(f"feature {self.name!r}: categories given twice: {twice[:5]}; list each once")
        if self.known is None or isinstance(self.known, ValueFilter):
            return
        known = np.array(self.known, dtype=np.uint64)
        if known.ndim != 1 or (known[1:] <= known[:-1]).any():
            raise ValueError(
                f"feature {self.name!r}: known hashes must be one sorted row without repeats; "
                "use numpy.unique"
            )
        known.flags.writeable = False
        object.__setattr__(self, "known", known)

    @property
    def bins(self) -> int:
        """Number of bins, "other" included."""
        return len(self.categories) + 1

    @property
    def vocabulary(self) -> int | None:
        """Categories of the reference, estimated where there is a filter of them; None if not known."""
        if isinstance(self.known, ValueFilter):
            return max(self.known.count, len(self.categories))
        return None if self.known is None else len(self.known)

    def lacked(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell of which values (n,) the reference had none, by their hashes; of none if that is not known."""
        if self.known is None:
            return np.zeros(len(hashes), bool)
        if isinstance(self.known, ValueFilter):
            return ~self.known.has(hashes)
        if len(self.known) == 0:
            return np.ones(len(hashes), bool)
        at = np.minimum(np.searchsorted(self.known, hashes), len(self.known) - 1)
        absent: NDArray[np.bool_] = self.known[at] != hashes
        return absent


Feature: TypeAlias = NumericFeature | CategoricalFeature
