"""How many distinct categories a window has, and how unevenly its rows fall on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.schemas.fields import Field
from driftline.statistics.coincidence import independent_variance, log_coincidence
from driftline.statistics.null.expectation import NUMBERS, beyond, expected, fit_expectation
from driftline.statistics.null.lookup_grid import P_GRID
from driftline.statistics.null.null_table import FEWEST_WINDOWS, disjoint_windows, without_null
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.null.whitening_arrays import squared_length, stored_whitening
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

    Floats = NDArray[np.float64]

EXPECTED: Final = "cardinality_expected"
"""Column that sizes and words need besides."""

_CARDINALITY_SLOPES: Final = (0.0, 1.0)  # more rows have no fewer categories, and each row at most one more
_COINCIDENCE_SLOPES: Final = (-1.0, 0.0)  # rows of one cluster are alike, and meet others in larger windows
_INDEPENDENT: Final = np.log(-2 * np.log(P_GRID))  # of chi-square with two degrees of freedom


class Cardinality(Statistic):
    """Hotelling's ``T^2`` of the logarithms of cardinality and coincidence, each against what n rows have.

    Coincidence is the chance that two rows of the window have the same category, or the same hash bucket
    where there are many. Its inverse is the effective number of categories, as cardinality is their number:
    Hill numbers of order 2 and 0. The first is blind to rare categories and the second to how many rows they
    have.

    References
    ----------
    Hill, M. O. (1973). Diversity and evenness: a unifying notation and its consequences. Ecology 54, 427-432.
    Simpson, E. H. (1949). Measurement of diversity. Nature 163, 688 (the estimate without bias).
    """

    name = "cardinality"
    kind = "categorical"
    columns = (
        Field(
            EXPECTED,
            "float64",
            "nullable",
            "Distinct categories that normal windows of so many rows have; of more or fewer rows than any "
            "window of the reference the end of a range that is nearer.",
        ),
        Field(
            "concentration",
            "float64",
            "nullable",
            "Share of the most frequent category among present values, as far as it is counted: of one "
            "without a bin, by how much the share of its hash bucket grew.",
        ),
    )

    def values(self, pair: Any) -> dict[str, Floats]:
        """Give the concentration, and that of the reference, which is in no row."""
        return {
            "concentration": pair.concentration,
            "concentration_reference": pair.reference.concentration,
        }

    def standardised(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        """Give the cardinality that such a window should have."""
        n, defined = self.rows(pair)
        low, high = expected(np.maximum(n, 1.0), arrays["cardinality"], _CARDINALITY_SLOPES)
        defined &= arrays["cardinality"].any(1)
        at = np.clip(_log_cardinality(pair.current.cardinality, n), low, high)
        return {EXPECTED: np.where(defined, np.exp(at), np.nan)}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
        """Compute ``T^2``."""
        n = np.maximum(pair.current.present, 1.0)
        distinct = _log_cardinality(pair.current.cardinality, n)
        alike = log_coincidence(pair.coincidences, n)
        usual = expected(n, arrays["cardinality"], _CARDINALITY_SLOPES)
        deviations = np.stack(
            [
                beyond(distinct, *usual),
                beyond(alike, *expected(n, arrays["coincidence"], _COINCIDENCE_SLOPES)),
            ],
            axis=-1,
        )
        deviations *= _steady(n, arrays["typical_n"][:, 0], usual[0], arrays["least"])
        return squared_length(deviations - arrays["centre"], n, arrays)

    def rows(self, pair: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Count the rows with a category."""
        known = pair.current.cardinality is not None
        return pair.current.present, pair.some & (pair.current.present > 0) & known

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Fit what windows of n rows have, and calibrate how far normal ones are from it."""
        counts, n, seen = windows.with_values
        if (
            windows.cardinality is None
            or windows.coincidences is None
            or disjoint_windows(len(n), windows.overlap) <= FEWEST_WINDOWS
        ):
            nothing = np.zeros(NUMBERS, np.float32)
            arrays = {"cardinality": nothing, "coincidence": nothing, "least": np.ones(3, np.float32)}
            arrays |= stored_whitening(np.zeros(2))
            return FittedNull(without_null(n, windows.overlap), arrays)
        typical = 1 / float(np.mean(1 / n))
        distinct = _log_cardinality(windows.cardinality[seen], n)
        alike = log_coincidence(windows.coincidences[seen], n)
        independent = independent_variance(counts.sum(0)[:-1] / n.sum(), alike)
        least = np.append(np.exp(-distinct.mean()), independent)
        least_sd = _least_sd(np.array([typical]), -np.log(least[:1]), least[None])[0]
        curves, found = zip(
            fit_expectation(distinct, n, _CARDINALITY_SLOPES),
            fit_expectation(alike, n, _COINCIDENCE_SLOPES),
            strict=True,
        )
        usual, _ = expected(n, curves[0][None], _CARDINALITY_SLOPES)
        # on this scale the least variance is 1/n
        units = np.diag(1 / (least_sd * np.sqrt(typical)))
        deviations = np.stack(found, axis=1) * _steady(n, np.array([typical]), usual, least[None])
        table, whitening = fit_whitening(deviations @ units, n, windows.overlap)
        floored = np.maximum(table.quantiles, _INDEPENDENT.astype(np.float32))
        arrays = {name: curve.astype(np.float32) for name, curve in zip(_CURVES, curves, strict=True)}
        arrays["least"] = least.astype(np.float32)
        arrays |= stored_whitening(np.zeros(2), units, whitening, typical)
        return FittedNull(replace(table, quantiles=floored), arrays)


_CURVES: Final = ("cardinality", "coincidence")


def _log_cardinality(cardinality: Floats | None, n: Floats) -> Floats:
    if cardinality is None:
        return np.full(len(n), np.nan)
    return np.log(np.maximum(cardinality, 1.0))


def _least_sd(n: Floats, log_cardinality: Floats, least: NDArray[Any]) -> Floats:
    """Least standard deviations (N, 2) at n rows (N,): one category more or less is never news."""
    _, first, second = least.astype(np.float64).T
    return np.stack([np.exp(-log_cardinality), np.sqrt(first / n + second / n**2)], axis=-1)


def _steady(n: Floats, typical_n: NDArray[Any], log_cardinality: Floats, least: NDArray[Any]) -> Floats:
    """Shrink deviations (N, 2) where the least variance of small windows grows faster than ``1 / n``."""
    at_n = _least_sd(n, log_cardinality, least)
    at_typical = _least_sd(typical_n.astype(np.float64), -np.log(least[:, 0].astype(np.float64)), least)
    return np.minimum(1.0, at_typical / at_n * np.sqrt(typical_n / n)[:, None])


CARDINALITY: Final = Cardinality()
