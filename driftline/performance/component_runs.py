"""How the outcomes of a reference's windows follow each other: what trends of performance are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from driftline.statistics.null import disjoint_windows
from driftline.statistics.null.runs import KNOTS, bounded, fit_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from driftline.framing import Arrays

    Floats = NDArray[np.float64]

FOLLOWED: Final = (
    "loss", "false_positives", "false_negatives", "calibration_gap", "bias", "auc", "log_loss",
)  # fmt: skip
"""Components that are followed, each for itself; the order is part of format version 3 of `LossNull`, the
last two of version 4."""

_NUMBERS: Final = 1 + len(KNOTS) + 2  # windows, variances, shape


@dataclass(frozen=True, eq=False)
class ComponentRuns:
    """What `reference_runs` reads, as a `BlockNull` of one feature has it.

    Parameters
    ----------
    numbers
        (C, `_NUMBERS`) float32, of the first C of `FOLLOWED`: windows, counted as if they did not overlap, 0
        of a component that is not known; what `fit_runs` gives.
    """

    numbers: NDArray[np.float32]

    @classmethod
    def fit(cls, deviations: Mapping[str, Floats], overlap: float) -> ComponentRuns:
        """Measure how the windows of a reference follow each other.

        Parameters
        ----------
        deviations
            By component (W,) float64, in time order, in standard deviations of normal windows; nan where a
            window cannot tell.
        overlap
            Window length over window period.
        """
        numbers = np.zeros((len(FOLLOWED), _NUMBERS), np.float32)
        for place, name in enumerate(FOLLOWED):
            known = deviations.get(name, np.zeros(0))
            known = known[~np.isnan(known)]
            if len(known):
                runs = fit_runs(known[:, None], two_sided(known), overlap)
                # deviations of the gap are of a covariance that shrinkage made rounder than it is
                wider = max(float(np.mean(followed_vectors(known) ** 2)), 1.0)
                windows = [disjoint_windows(len(known), overlap)]
                numbers[place] = np.concatenate([windows, wider * runs["run_variances"], runs["run_shape"]])
        return cls(numbers)

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the components."""
        return FOLLOWED[: len(self.numbers)]

    @property
    def windows(self) -> Floats:
        """Windows of each, (1, C)."""
        return self.numbers[None, :, 0].astype(np.float64)

    @property
    def arrays(self) -> dict[str, dict[str, NDArray[np.float32]]]:
        """What `fit_runs` gave for each, (1, numbers)."""
        return {
            name: {"run_variances": row[None, 1:-2], "run_shape": row[None, -2:]}
            for name, row in zip(self.statistics, self.numbers, strict=True)
        }

    def to_bytes(self) -> bytes:
        """Write the numbers; how many components there are stands in the head of the null."""
        return self.numbers.astype("<f4").tobytes()

    @classmethod
    def take(cls, arrays: Arrays, components: int) -> ComponentRuns | None:
        """Read what `to_bytes` wrote; None of a null of an earlier release."""
        if components > len(FOLLOWED):
            raise arrays.damaged()
        numbers = arrays.take("<f4", components * _NUMBERS).astype(np.float32)
        return cls(numbers.reshape(components, _NUMBERS)) if components else None


def two_sided(deviations: Floats) -> Floats:
    """Give the two-sided p-values of normal variables.

    Examples
    --------
    >>> two_sided(np.array([0.0, -1.959964])).round(4).tolist()
    [1.0, 0.05]
    """
    found: Floats = 2 * special.ndtr(-np.abs(deviations))
    return found


def deviations_of(p: Floats, change: Floats) -> Floats:
    """Give the standard deviations that two-sided p-values are of a normal variable, with a sign.

    Examples
    --------
    >>> deviations_of(np.array([1.0, 0.05]), np.array([0.1, -3.0])).round(4).tolist()
    [0.0, -1.96]
    """
    found: Floats = np.copysign(-special.ndtri(p / 2), change)
    return found


def followed_vectors(deviations: Floats) -> Floats:
    """Give what trends add up: no window counts as more unusual than `RAREST`.

    Parameters
    ----------
    deviations
        (W,) float64, of one component; nan where a window cannot tell.

    Returns
    -------
    ndarray of float64
        (W, 1), in steps whose sums are exact.
    """
    known = np.nan_to_num(deviations)
    within = bounded(known[:, None], two_sided(known), 1.0)
    return np.where(np.isnan(deviations)[:, None], np.nan, within)
