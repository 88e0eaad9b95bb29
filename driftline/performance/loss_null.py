"""How far the outcomes of normal windows stray from the reference's: the null of a performance row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.framing import Head, refuses_damage
from driftline.performance.class_changes import class_changes
from driftline.performance.class_components import ClassComponents
from driftline.performance.class_null import ClassNull
from driftline.performance.component_runs import ComponentRuns
from driftline.performance.labelled import labels_are_in, usual_share
from driftline.performance.metric_distances import METRICS, metric_distances
from driftline.performance.null_deviations import null_deviations, null_p, null_spread
from driftline.statistics.null import ACTED_ON, NullTable, calibrate_difference, disjoint_windows, lookup_grid
from driftline.statistics.rates import arcsine_difference
from driftline.statistics.steps import in_steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.framing import Arrays
    from driftline.performance.loss_periods import LossPeriods
    from driftline.performance.profile import PerformanceProfile

    Floats = NDArray[np.float64]

_HEAD: Final = Head(b"dLN", 4, "null of a mean loss", "2B2x5d", "build the baseline again")
# components that are followed (0 before format version 3), which metrics follow (0 before format version 4),
# typical_n, n_min, n_max, windows, df
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
    metrics
        Of the squared distances of AUC, log-loss and calibration, by name, see `metric_distances`; those that
        are not known are absent.
    """

    table: NullTable
    classes: ClassNull | None = None
    bias: NullTable | None = None
    runs: ComponentRuns | None = None
    metrics: dict[str, NullTable] = field(default_factory=dict)

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
        along = {"loss": null_deviations(table, far, n)}
        classes = bias = None
        sums = periods.window_sums(starts, size)
        if sums is not None and reference.loss.numeric:
            found = bias_distances(reference, n, sums[some, 0])
            if found is not None:
                bias = calibrate_difference(found, n, overlap=overlap)
                along["bias"] = null_deviations(bias, found, n)
        components = None if sums is None else ClassComponents.of(reference)
        if sums is not None and components is not None:
            classes = ClassNull.fit(components, sums[some], overlap=overlap)
            if classes is not None:
                changes = class_changes(components, classes, sums[some])
                along |= {name: standardised for name, (_, standardised) in changes.items()}
        metrics = {}
        if sums is not None and components is not None:
            cells = periods.window_cells(starts, size)
            compared = metric_distances(reference, sums[some], None if cells is None else cells[some])
            for name, each in compared.items():
                known = np.isfinite(each.far)
                if name == reference.loss.metric or disjoint_windows(int(known.sum()), overlap) < ACTED_ON:
                    continue
                metrics[name] = calibrate_difference(each.far[known], each.size[known], overlap=overlap)
                along[name] = null_deviations(metrics[name], each.far, each.size)
        return cls(table, classes, bias, ComponentRuns.fit(along, overlap), metrics)

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

    def deviations(self, distance: float, n: int) -> float:
        """Give a distance in standard deviations of normal windows, with its sign."""
        return float(null_deviations(self.table, np.array([distance]), np.array([float(n)]))[0])

    def spread(self, n: int) -> float:
        """Give the standard deviation of the distance among normal windows of n outcomes."""
        return float(null_spread(self.table, np.array([float(n)]))[0])

    def bias_p(self, distance: float, n: int) -> float:
        """Look up how often the bias of a normal window is at least so far; nan where that is not known."""
        return math.nan if self.bias is None else _p_value(self.bias, distance, n)

    def to_bytes(self) -> bytes:
        """Write it, format version 4: numbers, log quantiles, runs, metrics, then classes or bias."""
        numbers = _numbers(self.table)
        followed = 0 if self.runs is None else len(self.runs.numbers)
        runs = b"" if self.runs is None else self.runs.to_bytes()
        more = b"" if self.classes is None else self.classes.to_bytes()
        if self.bias is not None:
            more = LossNull(self.bias).to_bytes()
        written = sum(1 << place for place, name in enumerate(METRICS) if name in self.metrics)
        for name in METRICS:
            if name in self.metrics:
                table = self.metrics[name]
                runs += np.array(_numbers(table), "<f8").tobytes() + table.quantiles.astype("<f4").tobytes()
        head = _HEAD.pack(followed, written, *numbers)
        return head + self.table.quantiles.astype("<f4").tobytes() + runs + more

    @classmethod
    @refuses_damage("null of the losses", "build the baseline again")
    def from_bytes(cls, data: bytes) -> LossNull:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        (followed, written, *numbers), arrays = _HEAD.unpack(data)
        table = NullTable(_quantiles(arrays), *numbers)
        runs = ComponentRuns.take(arrays, followed)
        if written >> len(METRICS):
            raise arrays.damaged()
        metrics = {}
        for place, name in enumerate(METRICS):
            if written >> place & 1:
                numbers = arrays.take("<f8", len(numbers)).tolist()
                metrics[name] = NullTable(_quantiles(arrays), *numbers)
        more = data[arrays.at :]
        if more[:3] == data[:3]:
            return cls(table, bias=cls.from_bytes(more).table, runs=runs, metrics=metrics)
        return cls(table, ClassNull.from_bytes(more) if more else None, runs=runs, metrics=metrics)


def _numbers(table: NullTable) -> tuple[float, ...]:
    return table.typical_n, table.n_min, table.n_max, table.windows, table.df


def _quantiles(arrays: Arrays) -> NDArray[np.float32]:
    return arrays.take("<f4", math.prod(_SHAPE)).astype(np.float32).reshape(_SHAPE)


def _p_value(table: NullTable, distance: float, n: int) -> float:
    return float(null_p(table, np.array([distance]), np.array([float(n)]))[0])


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
    with np.errstate(over="ignore"):
        return in_steps((mean - reference.losses.mean) / spread_of_one(reference))


def spread_of_one(reference: PerformanceProfile) -> float:
    """Give the standard deviation of one loss in a reference of at least two outcomes."""
    if reference.loss.name == "zero_one":
        rate = reference.errors / reference.n
        return math.sqrt(rate * (1 - rate))
    return math.sqrt(reference.losses.m2 / max(reference.n - 1, 1))
