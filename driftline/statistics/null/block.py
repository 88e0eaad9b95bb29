"""The nulls of a block of features as arrays, looked up in one call, and their bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.statistics.null import lookup_grid
from driftline.statistics.null.calibrate import ACTED_ON, FEWEST_WINDOWS, NullTable
from driftline.statistics.null.fit import CategoricalNull, NumericNull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CALIBRATED: Final = "calibrated"
FEW_WINDOWS: Final = "few_windows"
UNCALIBRATED: Final = "uncalibrated"

NUMERIC: Final = ("ks", "psi", "wasserstein", "missing")
CATEGORICAL: Final = ("chi2", "missing")

_MAGIC = b"DLNU"
_VERSION = 1
_HEADER = struct.Struct("<4sBBHHHBB")
_NUMBERS = 5  # typical_n, n_min, n_max, windows, df


@dataclass(frozen=True, eq=False)
class BlockNull:
    """Null distributions of F features of one kind, for S statistics each.

    Attributes
    ----------
    statistics : tuple of str
        `NUMERIC` or `CATEGORICAL`.
    quantiles : ndarray of float32, shape (F, S, sizes, p-values)
        Log quantiles of the squared statistics.
    typical_n, n_min, n_max : ndarray of float64, shape (F, S)
        Rows of the reference's windows: harmonic mean, smallest, largest.
    windows, df : ndarray of float64, shape (F, S)
        Windows as if they did not overlap, and degrees of freedom after autocorrelation.
    groups : ndarray of int16, shape (F, K)
        Numeric: last fine bin of each decile. Categorical: group of missing, each category and other; -1
        pads.
    group_scale : ndarray of float32, shape (F, G)
        Denominators of the quadratic form; inf pads.
    """

    statistics: tuple[str, ...]
    quantiles: NDArray[np.float32]
    typical_n: NDArray[np.float64]
    n_min: NDArray[np.float64]
    n_max: NDArray[np.float64]
    windows: NDArray[np.float64]
    df: NDArray[np.float64]
    groups: NDArray[np.int16]
    group_scale: NDArray[np.float32]

    @classmethod
    def stack(cls, nulls: Sequence[NumericNull] | Sequence[CategoricalNull]) -> BlockNull:
        """Put the nulls of features side by side.

        Parameters
        ----------
        nulls : sequence of NumericNull or of CategoricalNull
            One for each feature of a block, in its order; all of one kind.

        Returns
        -------
        BlockNull
            Arrays over the features.

        Raises
        ------
        ValueError
            If there are no nulls or they are of both kinds.
        """
        if not nulls or len({type(null) for null in nulls}) > 1:
            raise ValueError(
                f"a block has features of one kind, got {sorted({type(n).__name__ for n in nulls})}"
            )
        tables: list[list[NullTable]] = []
        groups: list[NDArray[np.int16]] = []
        scales: list[NDArray[np.float32]] = []
        for null in nulls:
            if isinstance(null, NumericNull):
                tables.append([null.ks, null.psi, null.wasserstein, null.missing])
                groups.append(null.decile_ends)
                scales.append(null.psi_scale)
            else:
                tables.append([null.chi2, null.missing])
                groups.append(null.group)
                scales.append(null.group_scale)
        padded_groups = np.full((len(nulls), max(map(len, groups))), -1, dtype=np.int16)
        padded_scale = np.full((len(nulls), max(map(len, scales))), np.inf, dtype=np.float32)
        for i, (group, scale) in enumerate(zip(groups, scales, strict=True)):
            padded_groups[i, : len(group)] = group
            padded_scale[i, : len(scale)] = scale

        def column(name: str) -> NDArray[np.float64]:
            return np.array([[getattr(table, name) for table in row] for row in tables], dtype=np.float64)

        return cls(
            NUMERIC if isinstance(nulls[0], NumericNull) else CATEGORICAL,
            np.stack([np.stack([table.quantiles for table in row]) for row in tables]),
            column("typical_n"),
            column("n_min"),
            column("n_max"),
            column("windows"),
            column("df"),
            padded_groups,
            padded_scale,
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

    def to_bytes(self) -> bytes:
        """Serialise: 3.1 kB a numeric feature, 1.6 kB a categorical one.

        Returns
        -------
        bytes
            Format version 1, little-endian.
        """
        features, _, sizes, probabilities = self.quantiles.shape
        header = _HEADER.pack(
            _MAGIC,
            _VERSION,
            int(self.statistics == CATEGORICAL),
            features,
            self.groups.shape[1],
            self.group_scale.shape[1],
            sizes,
            probabilities,
        )
        numbers = np.stack([self.typical_n, self.n_min, self.n_max, self.windows, self.df])
        return b"".join(
            [
                header,
                self.quantiles.astype("<f4").tobytes(),
                numbers.astype("<f8").tobytes(),
                self.groups.astype("<i2").tobytes(),
                self.group_scale.astype("<f4").tobytes(),
            ]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> BlockNull:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data : bytes
            A serialised block.

        Returns
        -------
        BlockNull
            Equal to the one written.

        Raises
        ------
        ValueError
            If the bytes are not a block of nulls, are cut short, or come from a newer version.
        """
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise ValueError(
                "not a null calibration: the bytes do not start with its mark. Rebuild the baseline."
            )
        _, version, categorical, features, k, g, sizes, probabilities = _HEADER.unpack_from(data)
        if version != _VERSION:
            raise ValueError(
                f"null calibration has format version {version}, this driftline reads {_VERSION}. "
                "Upgrade driftline or rebuild the baseline."
            )
        statistics = CATEGORICAL if categorical else NUMERIC
        parts = (
            ("<f4", (features, len(statistics), sizes, probabilities)),
            ("<f8", (_NUMBERS, features, len(statistics))),
            ("<i2", (features, k)),
            ("<f4", (features, g)),
        )
        expected = _HEADER.size + sum(int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in parts)
        known = (len(lookup_grid.SIZE_GRID), len(lookup_grid.P_GRID))
        if (sizes, probabilities) != known or len(data) != expected:
            raise ValueError(
                f"null calibration is damaged: {len(data)} bytes where its header asks for {expected}. "
                "Rebuild the baseline."
            )
        arrays = []
        offset = _HEADER.size
        for kind, shape in parts:
            count = int(np.prod(shape))
            array = np.frombuffer(data, kind, count, offset).reshape(shape)
            arrays.append(array.astype(np.dtype(kind).newbyteorder("=")))
            offset += array.nbytes
        quantiles, numbers, groups, scale = arrays
        typical_n, n_min, n_max, windows, df = numbers
        return cls(statistics, quantiles, typical_n, n_min, n_max, windows, df, groups, scale)
