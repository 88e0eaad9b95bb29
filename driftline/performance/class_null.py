"""How the components of normal windows vary together: the null of error kinds and calibration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.performance.class_components import COMPONENTS
from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID, at_size, p_values
from driftline.statistics.null.null_table import disjoint_windows
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.null.whitening_arrays import stored_whitening

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.class_components import ClassComponents

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_HEAD: Final = Head(b"dCN", 1, "null of error kinds and calibration", "4x", "build the baseline again")
LENGTHS: Final = {
    "centre": COMPONENTS,
    "directions": COMPONENTS**2,
    "log_variances": len(SIZE_GRID) * COMPONENTS,
    "typical_n": 1,
}
"""Numbers in the arrays of a `ClassNull`; the order is part of format version 1."""
_FEWEST: Final = 5  # outcomes of a class in the median window, to say anything of its errors
_WINDOWS_PER_COMPONENT: Final = 5
_ROUNDING: Final = 1e-4  # arrays are of float32


@dataclass(frozen=True, eq=False)
class ClassNull:
    """Centre and covariance of the components of normal windows, and how far from it they stray.

    Parameters
    ----------
    quantiles
        (`P_GRID`,) float32, log quantiles of ``T^2``.
    arrays
        As `stored_whitening` gives them.

    References
    ----------
    Hotelling, H. (1931). The generalization of Student's ratio. Annals of Mathematical Statistics 2, 360-378.
    """

    quantiles: NDArray[np.float32]
    arrays: dict[str, NDArray[np.float32]]

    @classmethod
    def fit(cls, reference: ClassComponents, sums: Counts, *, overlap: float) -> ClassNull | None:
        """Calibrate on the windows of a reference.

        Parameters
        ----------
        sums
            (W, `CLASS_SUMS`) int64, of the windows in time order, none without outcomes.
        overlap
            Window length over window period.

        Returns
        -------
        ClassNull or None
            None where nothing is left to compare: windows have too few outcomes of either class.
        """
        seen = np.median(sums[:, :2], axis=0) >= _FEWEST
        if not seen.any():
            return None
        n, found = sums[:, :2].sum(1).astype(np.float64), reference.of_windows(sums)
        centre = n @ found / n.sum()
        most = max(int(disjoint_windows(len(n), overlap)) // _WINDOWS_PER_COMPONENT, 1)
        combinations = reference.independent(seen)[:most]
        table, whitening = fit_whitening((found - centre) @ combinations.T, n, overlap)
        arrays = stored_whitening(centre, combinations, whitening, table.typical_n)
        return cls(table.quantiles[0], arrays)

    @property
    def used(self) -> int:
        """Number of independent components, K."""
        return int(self._directions.any(0).sum())

    def whitened(self, components: Floats, n: Floats) -> Floats:
        """Turn components into numbers of variance 1 that normal windows have independently.

        Parameters
        ----------
        components
            (W, `COMPONENTS`), see `ClassComponents.of_windows`.
        n
            (W,) float64, outcomes of the windows.

        Returns
        -------
        ndarray of float64
            (W, K). The squares of a row add up to its ``T^2``.
        """
        along = (components - self.arrays["centre"]) @ self._directions
        found: Floats = along * np.sqrt(self._precision(n))
        return found[:, : self.used]

    def p_value(self, components: Floats, n: Floats) -> Floats:
        """Look up how often a normal window's ``T^2`` is at least as large, (W,), from 1e-9 to 1."""
        squared = (self.whitened(components, n) ** 2).sum(-1)
        typical = np.repeat(self.arrays["typical_n"].astype(np.float64), len(n))
        tables = np.broadcast_to(self.quantiles, (len(n), len(SIZE_GRID), len(P_GRID)))
        return p_values(tables, typical, squared, n)

    def changes(self, components: Floats, added: Floats, n: Floats) -> tuple[Floats, Floats]:
        """Measure a sum of components.

        Parameters
        ----------
        added
            (W, `COMPONENTS`), what each component adds to the sum.

        Returns
        -------
        change, standardised
            (W,) each: the sum of the deviations from normal windows, and the same in standard deviations of
            normal windows. nan where it rests on what was never seen.
        """
        spread = self.spread(added, n)
        change = np.where(np.isnan(spread), np.nan, (added * (components - self.arrays["centre"])).sum(-1))
        return change, change / spread

    def spread(self, added: Floats, n: Floats) -> Floats:
        """Give the standard deviation of a sum of components in normal windows, (W,).

        Parameters
        ----------
        added
            (W, `COMPONENTS`), what each component adds to the sum.

        Returns
        -------
        ndarray of float64
            nan where it rests on what was never seen.
        """
        # components are sums of what varies on its own: the pseudo-inverse leads there
        along = added @ self._inverse.T
        spread = np.sqrt((along**2 / self._precision(n)).sum(-1))
        with np.errstate(invalid="ignore"):
            unseen = np.abs(added - along @ self._directions.T).max(-1)
            known = (unseen <= _ROUNDING * np.abs(added).max(-1)) & (spread > 0)
        return np.where(known, spread, np.nan)

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, log quantiles, arrays; 480 bytes."""
        arrays = (self.quantiles, *(self.arrays[name] for name in LENGTHS))
        return _HEAD.pack() + b"".join(array.astype("<f4").tobytes() for array in arrays)

    @classmethod
    @refuses_damage("null of the classes", "build the baseline again")
    def from_bytes(cls, data: bytes) -> ClassNull:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        _, arrays = _HEAD.unpack(data)
        quantiles = arrays.take("<f4", len(P_GRID)).astype(np.float32)
        found = {name: arrays.take("<f4", length).astype(np.float32) for name, length in LENGTHS.items()}
        arrays.done()
        return cls(quantiles, found)

    @cached_property
    def _directions(self) -> Floats:
        return self.arrays["directions"].reshape(COMPONENTS, COMPONENTS).astype(np.float64)

    @cached_property
    def _inverse(self) -> Floats:
        return np.linalg.pinv(self._directions).astype(np.float64)

    def _precision(self, n: Floats) -> Floats:
        """One over the variance (W, `COMPONENTS`) along every direction in windows of n outcomes (W,)."""
        known = self.arrays["log_variances"].reshape(len(SIZE_GRID), COMPONENTS)
        known = np.broadcast_to(known, (len(n), *known.shape))
        log_variance = at_size(known, np.repeat(self.arrays["typical_n"].astype(np.float64), len(n)), n)
        return np.exp(-log_variance)
