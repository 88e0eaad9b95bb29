"""The nulls of a block of features as arrays, by name of the statistic, looked up in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.framing import refuses_damage
from driftline.statistics.null import lookup_grid, null_bytes
from driftline.statistics.null.null_table import ACTED_ON, FEWEST_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FittedNull

CALIBRATED: Final = "calibrated"
FEW_WINDOWS: Final = "few_windows"
UNCALIBRATED: Final = "uncalibrated"

_NUMBERS: Final = ("typical_n", "n_min", "n_max", "windows", "df")


@dataclass(frozen=True, eq=False)
class BlockNull:
    """Null distributions of F features of one kind, for S statistics each.

    Attributes
    ----------
    quantiles : ndarray of float32, shape (F, S, sizes, p-values)
        Log quantiles of the squared statistics.
    typical_n, n_min, n_max : ndarray of float64, shape (F, S)
        Rows of the reference's windows: harmonic mean, smallest, largest.
    windows, df : ndarray of float64, shape (F, S)
        Windows as if they did not overlap, and degrees of freedom after autocorrelation.
    arrays : mapping of str to mapping of str to ndarray, shape (F, ...)
        By statistic, what it needs besides (`FittedNull.arrays`), one feature below the other; integers are
        padded with -1, numbers with inf. Of a feature that has none of that name all is padding.
    """

    statistics: tuple[str, ...]
    quantiles: NDArray[np.float32]
    typical_n: NDArray[np.float64]
    n_min: NDArray[np.float64]
    n_max: NDArray[np.float64]
    windows: NDArray[np.float64]
    df: NDArray[np.float64]
    arrays: Mapping[str, Mapping[str, NDArray[Any]]]

    @classmethod
    def stack(cls, nulls: Sequence[Mapping[str, FittedNull]]) -> BlockNull:
        """Put the nulls of features side by side.

        Parameters
        ----------
        nulls : sequence of mapping of str to FittedNull
            By statistic, one mapping for each feature of a block, in its order; all of one kind.

        Raises
        ------
        ValueError
            If there are no nulls or they are of different kinds.
        """
        names = {tuple(each) for each in nulls}
        if len(names) != 1:
            kinds = sorted("/".join(each) for each in names)
            raise ValueError(f"a block has features of one kind, got nulls of {kinds or 'none'}")
        (statistics,) = names

        def column(of: str) -> NDArray[np.float64]:
            return np.array([[getattr(null[name].table, of) for name in statistics] for null in nulls], float)

        return cls(
            statistics,
            np.stack([np.stack([null[name].table.quantiles for name in statistics]) for null in nulls]),
            **{each: column(each) for each in _NUMBERS},
            arrays={
                name: {
                    key: _below([null[name].arrays.get(key) for null in nulls])
                    for key in dict.fromkeys(key for null in nulls for key in null[name].arrays)
                }
                for name in statistics
            },
        )

    def __len__(self) -> int:
        """Count the features."""
        return len(self.quantiles)

    def statuses(self) -> list[str]:
        """State of every feature's calibration.

        Returns
        -------
        list of str
            ``calibrated``; ``few_windows``: fewer than 10 windows without overlap, p-values are reported but
            must not be acted on; ``uncalibrated``: at most 2, every p-value is 1. A feature without values is
            judged by its missing rate.
        """
        best = self.windows.max(1)
        return [
            UNCALIBRATED if w <= FEWEST_WINDOWS else FEW_WINDOWS if w < ACTED_ON else CALIBRATED for w in best
        ]

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Which statistics have windows enough to act on their p-values, shape (F, S)."""
        return self.windows >= ACTED_ON

    def p_values(self, squared: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
        """Look up p-values of one window.

        Parameters
        ----------
        squared : ndarray of float64, shape (F, S)
            Squared statistics, in the order of `statistics`.
        n : ndarray of float64, shape (F, S)
            Rows they are made of.

        Returns
        -------
        ndarray of float64, shape (F, S)
            p-values; 1 where uncalibrated, nan where n is 0.
        """
        shape = squared.shape
        tables = self.quantiles.reshape(-1, *self.quantiles.shape[2:])
        p = lookup_grid.p_values(tables, self.typical_n.ravel(), squared.ravel(), n.ravel()).reshape(shape)
        return np.where((self.windows <= FEWEST_WINDOWS) & (n > 0), 1.0, p)

    def extrapolated(self, n: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell where a window has fewer or more rows than any of the reference: p bounds it, shape (F, S)."""
        return (n < self.n_min) | (n > self.n_max)

    def repeated(self, row: int, times: int) -> BlockNull:
        """Take one feature for so many, which are many windows of it."""

        def same(of: NDArray[Any]) -> NDArray[Any]:
            return np.broadcast_to(of[row], (times, *of.shape[1:]))

        arrays = {
            name: {key: same(each) for key, each in named.items()} for name, named in self.arrays.items()
        }
        columns: dict[str, Any] = {name: same(getattr(self, name)) for name in ("quantiles", *_NUMBERS)}
        return replace(self, arrays=arrays, **columns)

    def only(self, names: Collection[str]) -> BlockNull:
        """Leave out the statistics of other names, such as those of a package that is not installed here."""
        kept = [place for place, name in enumerate(self.statistics) if name in names]
        if len(kept) == len(self.statistics):
            return self
        return replace(
            self,
            statistics=tuple(self.statistics[place] for place in kept),
            arrays={name: arrays for name, arrays in self.arrays.items() if name in names},
            **{name: getattr(self, name)[:, kept] for name in ("quantiles", *_NUMBERS)},
        )

    def to_bytes(self) -> bytes:
        """Serialise: 6.3 kB a numeric feature, 4.5 kB a categorical one.

        Returns
        -------
        bytes
            Format version 2, little-endian.
        """
        numbers = np.stack([getattr(self, name) for name in _NUMBERS])
        return null_bytes.encode(self.statistics, self.quantiles, numbers, self.arrays)

    @classmethod
    @refuses_damage("block of nulls", "rebuild the baseline")
    def from_bytes(cls, data: bytes) -> BlockNull:
        """Read what `to_bytes` wrote, in this or an earlier version.

        Raises
        ------
        UnreadableBytesError
            If the bytes are not a block of nulls, are cut short, or come from a newer version.
        """
        statistics, quantiles, numbers, arrays = null_bytes.decode(data)
        return cls(statistics, quantiles, **dict(zip(_NUMBERS, numbers, strict=True)), arrays=arrays)


def _below(rows: Sequence[NDArray[Any] | None]) -> NDArray[Any]:
    """Put rows of different lengths below each other."""
    known = [row for row in rows if row is not None]
    kind = known[0].dtype
    padded = np.full((len(rows), max(map(len, known))), np.inf if kind.kind == "f" else -1, kind)
    for place, row in enumerate(rows):
        if row is not None:
            padded[place, : len(row)] = row
    return padded
