"""Groups of rows, such as users or days, as the independent units of a batch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.statistics.null import BlockNull
from driftline.statistics.null.lookup_grid import SIZE_GRID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PARTS: Final = 60
"""Most parts that the groups of a reference are dealt into."""
FEWEST: Final = 20
"""With fewer groups each is a part of its own; with fewer than 10 nothing is called drifted."""
_SEED: Final = 20_260_101
_COUNTED: Final = ("new", "range")  # statistics that are numbers of rows, and grow with the rows
_OWN_SCALE: Final = ("cardinality",)  # what n rows have is part of the statistic


@dataclass(frozen=True)
class Groups:
    """The groups of one batch.

    Parameters
    ----------
    part : ndarray of int64, shape (rows,)
        Which part each row is dealt to; a group is in one part.
    parts
        How many there are.
    number
        Groups.
    effective
        As many groups of equal size would say as much.
    """

    part: NDArray[np.int64]
    parts: int
    number: int
    effective: float

    @classmethod
    def of(cls, column: Any) -> Groups:
        """Deal the groups of a column out at random, the same way in every order of the rows.

        Parameters
        ----------
        column : pyarrow.Array or pyarrow.ChunkedArray
            Group of each row, as text; rows without one are one group.

        Notes
        -----
        Parts have the same number of groups, give or take one. The effective number is that of Kish: sizes
        n_i say as much about a mean as ``(sum n_i)^2 / sum n_i^2`` groups of one size.

        References
        ----------
        Kish, L. (1965). Survey Sampling, section 11.7.

        Examples
        --------
        >>> import pyarrow as pa
        >>> groups = Groups.of(pa.array(["a", "a", "b", "b", None]))
        >>> groups.number, groups.parts, round(groups.effective, 1)
        (3, 3, 2.8)
        """
        coded = pc.dictionary_encode(flat(column), null_encoding="encode")
        names, index = coded.dictionary, coded.indices.to_numpy(zero_copy_only=False)
        number = len(names)
        sizes = np.bincount(index, minlength=number).astype(np.float64)
        parts = number if number < 2 * FEWEST else min(PARTS, number // 2)
        rank = np.empty(number, np.int64)
        rank[pc.sort_indices(names).to_numpy()] = np.arange(number)
        dealt = np.random.default_rng(_SEED).permutation(number) % max(parts, 1)
        effective = float(sizes.sum() ** 2 / max((sizes**2).sum(), 1.0))
        return cls(dealt[rank][index], parts, number, effective)


@dataclass(frozen=True, eq=False)
class GroupNull(BlockNull):
    """Nulls of parts of a reference, for a batch of another number of groups.

    Groups are independent, so the mean square of a deviation from a reference is proportional to one over
    the groups of the batch plus one over those of the reference. Statistics are brought to the size of a
    part by that, and need no guess of how windows of other sizes behave.

    Parameters
    ----------
    share
        Rows that the batch's groups are worth, over its rows.
    reference
        Rows of the reference.
    """

    share: float = 1.0
    reference: float = 1.0

    @classmethod
    def of_parts(cls, null: BlockNull, share: float, reference: float) -> GroupNull:
        """Take the nulls that were fitted to parts."""
        known = {each.name: getattr(null, each.name) for each in fields(BlockNull)}
        return cls(**known, share=share, reference=reference)

    def p_values(self, squared: Floats, n: Floats) -> Floats:
        """Look up p-values of a batch, (F, S), of n rows (F, S)."""
        most = self.typical_n * SIZE_GRID[-1]
        worth = np.maximum(n * self.share, 1.0)
        factor = (1 / self.typical_n + 1 / self.reference) / (1 / worth + 1 / self.reference)
        rows = np.where(n > 0, self.typical_n, n)
        for place, name in enumerate(self.statistics):
            if name in _COUNTED or name in _OWN_SCALE:
                within = np.minimum(n[:, place], most[:, place])
                factor[:, place] = within / np.maximum(n[:, place], 1.0) if name in _COUNTED else 1.0
                rows[:, place] = within
        return super().p_values(squared * factor, rows)

    def extrapolated(self, n: Floats) -> NDArray[np.bool_]:
        """Nothing is: of independent groups it is known how statistics shrink."""
        return np.zeros(n.shape, bool)


def worth_of(current: Groups, reference: Groups) -> float:
    """Say how many rows of the reference a batch is worth, over its own rows; 1 at most.

    Parameters
    ----------
    current, reference
        Where groups differ, a group counts as much as one of the reference; where rows do, a row does. Of
        the two it is the fewer.
    """
    rows = len(current.part)
    return min(1.0, current.effective * len(reference.part) / reference.effective / max(rows, 1))
