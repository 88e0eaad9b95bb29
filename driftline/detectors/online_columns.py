"""Features as the columns of a linear model: standardised numbers, missing flags, hashed categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.profiles.hashing import hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LARGEST: Final = 1e100
"""Numbers beyond it count as this: the sum of their squares must stay in float64."""

FARTHEST: Final = 5.0
"""Standardised values are cut here, so that no single event can throw the model."""

OUTLYING: Final = 10.0
"""Standard deviations from the mean at which a value is cut before it enters the moments."""

MEMORY: Final = 100_000.0
"""Events the moments remember; older ones fade, so that a feature in a new unit comes to life again."""

_SIGN: Final = np.uint64(63)


class Inputs(NamedTuple):
    """Features that were read already.

    Parameters
    ----------
    numbers
        (n, k) float64, as `read_numbers` gives them.
    categories
        (n, c) int32, as `read_categories` gives them.
    """

    numbers: NDArray[np.float64]
    categories: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class RunningMoments:
    """Mean and spread of k numeric features as events come in.

    Parameters
    ----------
    count
        (k,) float64, weight of the events behind each feature, at most `MEMORY`.
    mean
        (k,) float64; 0 without values.
    m2
        (k,) float64, sum of the squared deviations from the mean.

    References
    ----------
    Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979);
    the cut at `OUTLYING` is Winsor's.

    Examples
    --------
    >>> moments = RunningMoments.empty(1).add(np.array([[1.0], [np.nan], [3.0]]))
    >>> moments.mean, moments.standardise(np.array([[3.0], [np.nan]]))
    (array([2.]), array([[1., 0.], [0., 1.]]))
    """

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]

    @classmethod
    def empty(cls, k: int) -> RunningMoments:
        """Make moments of nothing."""
        return cls(*np.zeros((3, k)))

    def add(self, values: NDArray[np.float64]) -> RunningMoments:
        """Take in the next events.

        Parameters
        ----------
        values
            (n, k) float64, n at least 1; NaN is missing, all else within `LARGEST`.

        Returns
        -------
        RunningMoments
            Of these and all events before.
        """
        present = ~np.isnan(values)
        known = self.count > 0
        # the first value where there is no mean yet: a constant then deviates by exactly 0
        first = values[present.argmax(axis=0), np.arange(values.shape[1])]
        pivot = np.where(known, self.mean, np.where(np.isnan(first), 0.0, first))
        limit = np.full(len(pivot), np.inf)
        np.multiply(OUTLYING, self._deviation(), out=limit, where=self.m2 > 0)
        deviations = np.where(present, np.clip(values - pivot, -limit, limit), 0.0)
        n = present.sum(axis=0)
        total = np.maximum(self.count + n, 1.0)
        shift = deviations.sum(axis=0) / np.maximum(n, 1)
        deviations = np.where(present, deviations - shift, 0.0)
        m2 = self.m2 + (deviations * deviations).sum(axis=0) + shift * shift * (self.count * n / total)
        mean = pivot + shift * np.where(known, n / total, 1.0)
        fading = np.minimum(1.0, MEMORY / total)
        return RunningMoments((self.count + n) * fading, mean, m2 * fading)

    def standardise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring numbers to mean 0 and standard deviation 1, a missing one to the mean with a flag.

        Parameters
        ----------
        values
            (n, k) float64, NaN is missing.

        Returns
        -------
        ndarray, shape (n, 2 k), float64
            The standardised values, within `FARTHEST` of 0, and 0 where the feature never varied; then a 1
            for every missing value, else 0.
        """
        k = values.shape[1]
        columns = np.empty((len(values), 2 * k))
        missing = np.isnan(values)
        deviation = self._deviation()
        scale = np.divide(1.0, deviation, out=np.zeros(k), where=deviation > 0)
        scaled = np.where(missing, 0.0, (values - self.mean) * scale)
        np.clip(scaled, -FARTHEST, FARTHEST, out=columns[:, :k])
        columns[:, k:] = missing
        return columns

    def _deviation(self) -> NDArray[np.float64]:
        deviation: NDArray[np.float64] = np.sqrt(self.m2 / np.maximum(self.count, 1.0))
        return deviation


def read_numbers(features: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Read numeric features.

    Parameters
    ----------
    features
        `pyarrow.RecordBatch` or ``Table`` of n rows, or a numpy array (n, k) with the features in order.
    names
        The k features: columns of an Arrow batch.

    Returns
    -------
    ndarray, shape (n, k), float64
        In C order; null, NaN and infinite values are NaN, all else is within `LARGEST`.

    Raises
    ------
    ValueError
        If a column lacks or holds no numbers, or the array has another shape.
    """
    if not isinstance(features, (pa.RecordBatch, pa.Table)):
        features = np.asarray(features)
        if features.ndim != 2 or features.shape[1] != len(names):
            raise ValueError(
                f"features of shape {features.shape}: give (rows, {len(names)}), one column each for "
                f"{', '.join(names)}"
            )
        values = np.array(features, np.float64, order="C")
    else:
        values = np.empty((features.num_rows, len(names)))
        for i, name in enumerate(names):
            values[:, i] = _column(features, name, pa.float64()).to_numpy(zero_copy_only=False)
    values[~np.isfinite(values)] = np.nan
    return np.clip(values, -LARGEST, LARGEST, out=values)


def read_categories(features: Any, names: Sequence[str], width: int) -> NDArray[np.int32]:
    """Read categorical features by hashing each value, with the name of its feature, to a column and a sign.

    Parameters
    ----------
    features
        `pyarrow.RecordBatch` or ``Table`` of n rows.
    names
        The c features.
    width
        How many columns there are to hash to.

    Returns
    -------
    ndarray, shape (n, c), int32
        ``column + 1``, negative where the sign is. Null is a value of its own.

    Raises
    ------
    ValueError
        If a column lacks or cannot be read as text, or there are no columns because it is a numpy array.

    References
    ----------
    Weinberger, Dasgupta, Langford, Smola and Attenberg, Feature Hashing for Large Scale Multitask Learning
    (2009): with signs, collisions cancel out on average.

    Examples
    --------
    >>> read_categories(pa.table({"carrier": ["UA", None, "UA", "DL"]}), ["carrier"], 16).ravel()
    array([ 6, -2,  6, -7], dtype=int32)
    """
    if not isinstance(features, (pa.RecordBatch, pa.Table)):
        if names:
            raise ValueError(
                f"categorical features ({', '.join(names)}) are not read from a {type(features).__name__}: "
                "give an Arrow RecordBatch"
            )
        return np.empty((len(features), 0), np.int32)
    codes = np.empty((features.num_rows, len(names)), np.int32)
    for i, name in enumerate(names):
        encoded = _column(features, name, pa.large_string()).dictionary_encode()
        # no value can give the text of a null: it has no "="
        own, between = pa.array([name], pa.large_string()), pa.scalar("=", pa.large_string())
        texts = pc.binary_join_element_wise(own[0], encoded.dictionary, between)
        hashes = hash_text(pa.concat_arrays([texts, own]))
        columns = (hashes % np.uint64(width)).astype(np.int32) + 1
        signed = np.where(hashes >> _SIGN, -columns, columns)
        codes[:, i] = signed[pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy()]
    return codes


def spread_categories(codes: NDArray[np.int32], width: int) -> NDArray[np.float64]:
    """Write hashed categories as columns.

    Parameters
    ----------
    codes
        (n, c) int32, from `read_categories`.
    width
        How many columns there are.

    Returns
    -------
    ndarray, shape (n, width), float64
        The sum of the signs that fell into each column.

    Examples
    --------
    >>> spread_categories(np.array([[2, -3], [3, -3]], np.int32), 3)
    array([[ 0.,  1., -1.], [ 0.,  0.,  0.]])
    """
    columns = np.zeros((len(codes), width))
    np.add.at(columns, (np.arange(len(codes))[:, None], np.abs(codes) - 1), np.sign(codes))
    return columns


def _column(features: Any, name: str, wanted: pa.DataType) -> Any:
    if name not in features.schema.names:
        raise ValueError(
            f"no column {name!r} among {', '.join(features.schema.names)}: give every feature of the detector"
        )
    column = flat(features.column(name))
    try:
        return column.cast(wanted, safe=wanted != pa.float64())  # an integer beyond 2^53 is rounded
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"column {name!r} of type {column.type} cannot be read as {wanted}: {error}; convert it, or "
            "leave the feature out"
        ) from error
