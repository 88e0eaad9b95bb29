"""The windows of a reference in time order, without what was counted in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.statistics.null.dependence import Dependence, dependence
from driftline.statistics.null.null_table import NullTable, disjoint_windows
from driftline.statistics.null.scale import Scale, factors_of, fit_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST_LEVERAGE = 0.9


@dataclass(frozen=True, eq=False)
class WindowSeries:
    """How many rows the windows have, and how much they depend on each other.

    Parameters
    ----------
    n : ndarray of float64, shape (W,)
        Rows of the windows, none 0.
    overlap : float
        Window length over window period.
    depends : Dependence
        Of the deviations that are calibrated.
    leverage : ndarray of float64, shape (W,), optional
        Part that each window has in what it is compared with. That of its rows in all rows if not given.
    """

    n: NDArray[np.float64]
    overlap: float
    depends: Dependence
    leverage: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        n: NDArray[np.float64],
        overlap: float,
        deviations: NDArray[np.float64],
        leverage: NDArray[np.float64] | None = None,
    ) -> WindowSeries:
        """Estimate the dependence from deviations (W, B)."""
        return cls(n, overlap, dependence(deviations, overlap), leverage)

    @property
    def df(self) -> float:
        """Degrees of freedom after autocorrelation."""
        spent = 1.0 if self.leverage is None else float(self.leverage.sum())
        return max((len(self.n) - spent) / self.depends.square, 1.0)

    @property
    def left_out(self) -> NDArray[np.float64]:
        """Factor from each window's residual to a new window's deviation from the same reference."""
        leverage = self.n / self.n.sum() if self.leverage is None else self.leverage
        share = self.depends.mean * np.minimum(leverage, _LARGEST_LEVERAGE)
        factor: NDArray[np.float64] = np.sqrt((1 + share) / np.maximum(1 - share, 0.1))
        return factor

    def only(self, kept: NDArray[np.bool_], leverage: NDArray[np.float64] | None = None) -> WindowSeries:
        """Keep some of the windows and what is known of their dependence."""
        return WindowSeries(self.n[kept], self.overlap, self.depends, leverage)

    def scale(self, squares: NDArray[np.float64], iid: float, shape_df: float) -> Scale:
        """Fit the scale of one squared statistic."""
        return fit_scale(
            squares,
            self.n,
            multinomial=iid,
            shape_df=shape_df,
            dependence=self.depends.square,
            df=self.df,
            factors=self._factors,
        )

    @cached_property
    def _factors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return factors_of(self.n)

    def table(self, quantiles: NDArray[np.float64], typical_n: float) -> NullTable:
        """Label a table of log quantiles."""
        return NullTable(
            quantiles.astype(np.float32),
            typical_n,
            float(self.n.min()),
            float(self.n.max()),
            disjoint_windows(len(self.n), self.overlap),
            self.df,
        )
