"""Change of the share of rows whose value is none of the feature's kind, as a statistic of either kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.schemas.fields import Field
from driftline.statistics.null.fit import fit_rate
from driftline.statistics.null.season_arrays import expected
from driftline.statistics.rates import arcsine_difference
from driftline.statistics.statistic import FittedNull, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.statistics.statistic import FeatureWindows

INVALID: Final = "invalid"

_COLUMNS: Final = (
    Field(
        "invalid_rate",
        "float64",
        "nullable",
        "Share of rows whose value is of another type than the feature's kind: text among numbers, a list. "
        "Text that is a number is one.",
    ),
)


@dataclass(frozen=True)
class InvalidRate(Statistic):
    """The arcsine difference of the rates.

    Rows without a usable value are tested together as `missing`; this is about those alone that hold
    something else, so that it is seen when nulls become ``"N/A"``.

    Parameters
    ----------
    kind : str
        ``numeric`` or ``categorical``.
    columns : tuple of Field
        Of the result row; declared once for both kinds.
    """

    kind: str
    columns: tuple[Field, ...] = ()
    name: str = INVALID

    def values(self, pair: Any) -> dict[str, NDArray[np.float64]]:  # noqa: ARG002  (rates are of profiles)
        """Give nothing: a row says its rates whether or not there is a reference."""
        return {}

    def squared(self, pair: Any, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Square the difference from what is usual at the time."""
        current, base = pair.current, pair.reference.counts
        rate = base.invalid / np.maximum(base.rows, 1.0)
        difference = arcsine_difference(current.invalid, current.rows, rate)
        squared: NDArray[np.float64] = (difference - expected(arrays, pair.when, 1)[:, 0]) ** 2
        return squared

    def rows(self, pair: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Count all rows."""
        return pair.current.rows, pair.some

    def fit(self, windows: FeatureWindows) -> FittedNull:
        """Calibrate the difference."""
        n = windows.counts.sum(1) + windows.absent
        return FittedNull(*fit_rate(windows.invalid_rows, n, windows.overlap, windows.season, windows.kept))


OF_NUMBERS: Final = InvalidRate("numeric", _COLUMNS)
OF_CATEGORIES: Final = InvalidRate("categorical")
