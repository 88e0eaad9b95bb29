"""Groups of rows, such as users or days, as the independent units of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.statistics.clustered import clustered_p_value
from driftline.statistics.multiple import cauchy_combination
from driftline.statistics.null import ACTED_ON
from driftline.statistics.null.null_table import FEWEST_WINDOWS
from driftline.statistics.null.pooling import by_chance, design_effect
from driftline.tables import Calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from driftline.profiles.layout import Block

    Floats = NDArray[np.float64]

PARTS: Final = 400
"""Most parts that the groups of a reference are dealt into."""
_SEED: Final = 20_260_101


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
        parts = min(PARTS, number)
        rank = np.empty(number, np.int64)
        rank[pc.sort_indices(names).to_numpy()] = np.arange(number)
        dealt = np.random.default_rng(_SEED).permutation(number) % parts
        effective = float(sizes.sum() ** 2 / max((sizes**2).sum(), 1.0))
        return cls(dealt[rank][index], parts, number, effective)


def calibration_of(groups: Groups) -> Calibration:
    """Say what p-values rest on that were learned from the groups of a reference."""
    if groups.number <= FEWEST_WINDOWS:
        return Calibration.UNCALIBRATED
    return Calibration.FEW_WINDOWS if groups.number < ACTED_ON else Calibration.CALIBRATED


def group_p_values(part: Block, parts: Sequence[Any], whole: Any, groups: tuple[Groups, Groups]) -> Floats:
    """Test every feature of a block by the groups of a reference.

    Parameters
    ----------
    parts
        Profiles of the parts of the reference.
    whole
        Profile of the current batch.
    groups
        Of reference and current batch.

    Returns
    -------
    ndarray of float64, shape (F,)
        p-values of the values, of missing, invalid and non-finite ones and, where categories are many, of
        hash buckets, by the Cauchy combination test.
    """
    effective = (groups[0].effective, groups[1].effective)
    numeric = part.kind == "numeric"
    tests = [_bins] + ([] if numeric or not whole.buckets.shape[1] else [_buckets])

    def tested(of: Callable[[Any], NDArray[np.int64]], row: int) -> float:
        known, now = np.stack([of(each)[row] for each in parts]), of(whole)[row]
        if of is _bins and not numeric:
            known, now = _chosen_apart(known, now, part.features[row].bins)
        return clustered_p_value(known, now, groups=effective, ordered=numeric and of is _bins)

    found = np.array([[tested(of, row) for row in range(len(part.features))] for of in (*tests, _usable)])
    # nothing missing anywhere says nothing, and would only make the other tests count less
    absent = np.sum([_usable(each)[:, 1:].sum(1) for each in (*parts, whole)], axis=0)
    found[-1, absent == 0] = np.nan
    return cauchy_combination(list(found))


def _chosen_apart(
    parts: NDArray[np.int64], current: NDArray[np.int64], bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count categories that the reference's rows may have given a bin by chance with those without one."""
    parts, current = parts[:, :bins], current[:bins]
    some = parts[parts.sum(1) > 0]
    if not len(some):
        return parts, current
    chance = by_chance(some.sum(0).astype(np.float64), design_effect(some.astype(np.float64)))
    if not chance.any():
        return parts, current
    return (
        np.column_stack([parts[:, ~chance], parts[:, chance].sum(1)]),
        np.append(current[~chance], current[chance].sum()),
    )


def _bins(profile: Any) -> NDArray[np.int64]:
    return np.asarray(profile.counts)


def _buckets(profile: Any) -> NDArray[np.int64]:
    return np.asarray(profile.buckets)


def _usable(profile: Any) -> NDArray[np.int64]:
    """Count rows with a value, without one, and with one of no use, (F, 3)."""
    odd = profile.invalid + getattr(profile, "nonfinite", 0)
    return np.stack([profile.counts.sum(1), profile.missing, odd], axis=1)
