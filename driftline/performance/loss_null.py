"""How far the outcomes of normal windows stray from the reference's: the null of a performance row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.performance.class_changes import class_changes
from driftline.performance.class_components import ClassComponents
from driftline.performance.class_null import ClassNull
from driftline.performance.component_runs import ComponentRuns, deviations_of
from driftline.performance.labelled import labels_are_in, usual_share
from driftline.statistics.null import ACTED_ON, NullTable, calibrate_difference, disjoint_windows, lookup_grid
from driftline.statistics.rates import arcsine_difference
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.loss_periods import LossPeriods
    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]

_HEAD: Final = Head(b"dLN", 3, "null of a mean loss", "B3x5d", "build the baseline again")
# components that are followed (0 before format version 3), typical_n, n_min, n_max, windows, df
_FARTHEST: Final = 1e100  # its square stays finite
_ROUNDING: Final = 1e-12  # less variance than this part of the squared mean is none
_SHAPE: Final = (len(lookup_grid.SIZE_GRID), len(lookup_grid.P_GRID))


@dataclass(frozen=True, eq=False)
class LossNull:
    """Null distribution of a segment's mean loss in a window, from the reference's own windows.

    Parameters
    ----------
    table
        Of the squared distance between window and reference, see `distances`.
    classes
        Of error kinds and calibration; None of numbers, where a class is absent, and in a baseline of an
        earlier release.
    bias
        Of the squared distance of the mean signed error, see `bias_distances`; None of classes, and in a
        baseline of an earlier release.
    runs
        How windows follow each other; None in a baseline of an earlier release.
    """

    table: NullTable
    classes: ClassNull | None = None
    bias: NullTable | None = None
    runs: ComponentRuns | None = None

    @classmethod
    def fit(
        cls,
        reference: PerformanceProfile,
        periods: LossPeriods,
        starts: NDArray[np.int64],
        *,
        size: int,
        min_n: int,
    ) -> LossNull | None:
        """Calibrate on the windows of a reference.

        The squared distances of the windows give the scale for each n (what shrinks with n, what does not,
        never less than independent outcomes) and how heavy the tail is, as for the statistics of features.
        For windows of equal n it is Student's t of a new window against the mean and standard deviation of
        the others. Overlap, autocorrelation and windows that vary more than normal ones lower its degrees of
        freedom.

        Parameters
        ----------
        starts
            (W,) int64, starts of its windows, microseconds, multiples of the periods' length.
        size
            Window length, microseconds.
        min_n
            Fewest outcomes a window is judged on. Reference windows with fewer are left out: they are not of
            the kind that is judged, and their means are not near normal. So are those whose labels had not
            all come when the reference was taken.

        Returns
        -------
        LossNull or None
            None where it cannot tell: fewer than 10 windows have as many outcomes (counted as if they did not
            overlap), or losses of numbers, or log-losses, are all the same.
        """
        outcomes, mean, predictions = periods.windows(starts, size)
        some = outcomes >= max(min_n, 1)
        usual = usual_share(outcomes[some], predictions[some])
        some &= labels_are_in(outcomes, predictions, usual)
        n, mean = outcomes[some].astype(np.float64), mean[some]
        overlap = size / periods.every
        if disjoint_windows(len(n), overlap) < ACTED_ON:
            return None
        if reference.loss.name != "zero_one" and not reference.losses.m2 > 0:
            return None
        far = distances(reference, n, mean)
        table = calibrate_difference(far, n, overlap=overlap)
        along = {"loss": deviations_of(_p_values(table, far, n), far)}
        classes = bias = None
        sums = periods.window_sums(starts, size)
        if sums is not None and not reference.loss.binary:
            found = bias_distances(reference, n, sums[some, 0])
            if found is not None:
                bias = calibrate_difference(found, n, overlap=overlap)
                along["bias"] = deviations_of(_p_values(bias, found, n), found)
        components = None if sums is None else ClassComponents.of(reference)
        if sums is not None and components is not None:
            classes = ClassNull.fit(components, sums[some], overlap=overlap)
            if classes is not None:
                changes = class_changes(components, classes, sums[some])
                along |= {name: standardised for name, (_, standardised) in changes.items()}
        return cls(table, classes, bias, ComponentRuns.fit(along, overlap))

    def p_value(self, distance: float, n: int) -> float:
        """Look up how often a normal window is at least so far from the reference.

        Parameters
        ----------
        distance
            One of `distances`.
        n
            Outcomes of the window, 1 or more. With fewer or more than any window of the reference had, p is
            a bound.

        Returns
        -------
        float
            Two-sided, from 1e-9 to 1.
        """
        return _p_value(self.table, distance, n)

    def bias_p(self, distance: float, n: int) -> float:
        """Look up how often the bias of a normal window is at least so far; nan where that is not known."""
        return math.nan if self.bias is None else _p_value(self.bias, distance, n)

    def to_bytes(self) -> bytes:
        """Write it, format version 3: tag, version, numbers, log quantiles, runs, then classes or bias."""
        table = self.table
        numbers = (table.typical_n, table.n_min, table.n_max, table.windows, table.df)
        followed = 0 if self.runs is None else len(self.runs.numbers)
        runs = b"" if self.runs is None else self.runs.to_bytes()
        more = b"" if self.classes is None else self.classes.to_bytes()
        if self.bias is not None:
            more = LossNull(self.bias).to_bytes()
        return _HEAD.pack(followed, *numbers) + table.quantiles.astype("<f4").tobytes() + runs + more

    @classmethod
    @refuses_damage("null of the losses", "build the baseline again")
    def from_bytes(cls, data: bytes) -> LossNull:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        (followed, *numbers), arrays = _HEAD.unpack(data)
        quantiles = arrays.take("<f4", math.prod(_SHAPE)).astype(np.float32).reshape(_SHAPE)
        runs = ComponentRuns.take(arrays, followed)
        table, more = NullTable(quantiles, *numbers), data[arrays.at :]
        if more[:3] == data[:3]:
            return cls(table, bias=cls.from_bytes(more).table, runs=runs)
        return cls(table, ClassNull.from_bytes(more) if more else None, runs=runs)


def _p_value(table: NullTable, distance: float, n: int) -> float:
    return float(_p_values(table, np.array([distance]), np.array([float(n)]))[0])


def _p_values(table: NullTable, far: Floats, n: Floats) -> Floats:
    """Look up windows, (W,)."""
    squared = np.minimum(np.abs(far), _FARTHEST) ** 2
    tables = np.broadcast_to(table.quantiles, (len(n), *_SHAPE))
    return lookup_grid.p_values(tables, np.full(len(n), table.typical_n), squared, n)


def bias_distances(reference: PerformanceProfile, n: Floats, signed_sum: Floats) -> Floats | None:
    """Measure how far mean signed errors are from the reference's, as `distances` does mean losses.

    Parameters
    ----------
    reference
        Profile of the whole reference, of numbers, with outcomes.
    n, signed_sum
        (W,) float64, outcomes of windows and the sums of their signed errors.

    Returns
    -------
    ndarray of float64 or None
        (W,), in standard deviations of one error, the same whatever the order of merges; None where the
        reference does not know its signed errors, or they are all the same.
    """
    bias = reference.signed_sum / reference.n
    variance = reference.squared_sum / reference.n - bias**2
    if not variance > _ROUNDING * bias**2:
        return None
    with np.errstate(over="ignore"):
        return in_steps((signed_sum / n - bias) / math.sqrt(variance))


def distances(reference: PerformanceProfile, n: Floats, mean: Floats) -> Floats:
    """Measure how far mean losses are from the reference's, so that independent outcomes give variance 1/n.

    Parameters
    ----------
    reference
        Profile of the whole reference, with outcomes.
    n, mean
        (W,) float64, outcomes and mean loss of windows.

    Returns
    -------
    ndarray of float64
        (W,): of zero-one loss the arcsine difference of the error rates, of others the difference of the
        means in standard deviations of one loss. The same whatever the order of merges.
    """
    if reference.loss.name == "zero_one":
        return arcsine_difference(np.rint(n * mean), n, reference.errors / reference.n)
    spread = math.sqrt(reference.losses.m2 / (reference.n - 1))
    with np.errstate(over="ignore"):
        return in_steps((mean - reference.losses.mean) / spread)
