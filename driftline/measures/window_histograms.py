"""The reference's own windows and their histograms: what the calibration of features learns from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.measures.window_values import WindowValues
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.numeric import NumericProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from driftline.statistics.season import Season, SeasonOfWindows

_WIDEST: Final = 1e100
"""Values further apart are as far apart as can be told: sums of their squares stay finite."""


@dataclass(frozen=True)
class ReferenceWindows:
    """The windows of a reference that a null is calibrated on.

    Parameters
    ----------
    starts
        Window starts, shape (W,), int64, microseconds, in time order, multiples of `stride`.
    size, stride
        Window length and distance between windows, microseconds.
    min_n
        Fewest rows a live window is ever judged on.
    season
        The cycles that they are compared by; None if by none.
    """

    starts: NDArray[np.int64]
    size: int
    stride: int
    min_n: int
    season: Season | None = None


@dataclass(frozen=True, eq=False)
class WindowHistograms:
    """Counts of one (segment, block) in W reference windows, in time order.

    Parameters
    ----------
    starts
        Window starts, shape (W,), int64, microseconds.
    counts
        Bin counts, shape (W, F, width), int64.
    missing, nonfinite
        Rows, shape (W, F), int64.
    mean, variance
        Of the finite values, shape (W, F), float64; 0 without any. None of categories, and of windows that an
        earlier release kept.
    cardinality, coincidences
        Distinct values, and ordered pairs of rows that are alike (`coincidence.coincidences`), shape (W, F),
        float64. None of numbers, and of windows that an earlier release kept.
    season
        When the windows were, if they are compared by that. It is not kept in the sidecar.
    invalid
        Rows whose value is none of the feature's kind, shape (W, F), int64. None of windows that an earlier
        release kept.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    missing: NDArray[np.int64]
    nonfinite: NDArray[np.int64]
    mean: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None
    cardinality: NDArray[np.float64] | None = None
    coincidences: NDArray[np.float64] | None = None
    season: SeasonOfWindows | None = None
    invalid: NDArray[np.int64] | None = None

    @property
    def absent(self) -> NDArray[np.int64]:
        """Rows without a value that can be used, shape (W, F)."""
        known = self.missing + self.nonfinite
        return known if self.invalid is None else known + self.invalid

    def only(self, kept: NDArray[np.bool_]) -> WindowHistograms:
        """Keep some of the windows."""
        season = None if self.season is None else self.season.only(kept)
        arrays: dict[str, Any] = {
            each.name: None if (values := getattr(self, each.name)) is None else values[kept]
            for each in fields(self)
            if each.name != "season"
        }
        return replace(self, season=season, **arrays)

    def compared_by(self, season: Season | None, size: int) -> WindowHistograms:
        """Compare windows of a size, in microseconds, with what is usual at their times."""
        return self if season is None else replace(self, season=season.of(self.starts, size))


def window_histograms(
    slices: Mapping[int, bytes],
    windows: ReferenceWindows,
    decode: Callable[[bytes], NumericProfile | CategoricalProfile],
) -> WindowHistograms:
    """Add the slices of one (segment, block) up to windows.

    Parameters
    ----------
    slices
        Encoded profiles by slice start, microseconds; not empty. A slice without rows may be absent.
    """
    starts, size = windows.starts, windows.size
    times = np.array(sorted(slices), dtype=np.int64)
    begin, end = np.searchsorted(times, starts), np.searchsorted(times, starts + size)
    first = decode(slices[int(times[0])])
    shape = first.counts.shape
    # a long reference has thousands of slices: only their counts are held, and summed up feature by feature
    per_slice = np.zeros((len(times), shape[0], shape[1] + 3), np.int64)
    numeric = isinstance(first, NumericProfile)
    moments = np.zeros((len(times), shape[0], 2)) if numeric else None
    values = None if numeric else WindowValues(begin, end, shape[0])
    for row, time in enumerate(times):
        profile = decode(slices[int(time)])
        per_slice[row, :, : shape[1]] = profile.counts
        per_slice[row, :, -3], per_slice[row, :, -1] = profile.missing, profile.invalid
        if isinstance(profile, NumericProfile) and moments is not None:
            per_slice[row, :, -2] = profile.nonfinite
            moments[row] = np.stack([profile.mean, profile.variance], axis=-1)
        elif isinstance(profile, CategoricalProfile) and values is not None:
            values.add(row, profile)
    sums = np.empty((len(starts), *per_slice.shape[1:]), np.int64)
    for feature in range(shape[0]):
        cumulative = np.zeros((len(times) + 1, per_slice.shape[2]), np.int64)
        np.cumsum(per_slice[:, feature], axis=0, out=cumulative[1:])
        sums[:, feature] = cumulative[end] - cumulative[begin]
    mean, variance = (
        (None, None) if moments is None else _pooled(per_slice[..., :-3].sum(-1), moments, begin, end)
    )
    found = WindowHistograms(
        starts,
        sums[..., :-3],
        sums[..., -3],
        sums[..., -2],
        mean=mean,
        variance=variance,
        cardinality=None if values is None else values.cardinality,
        coincidences=None if values is None else values.coincidences,
        invalid=sums[..., -1],
    )
    return found.compared_by(windows.season, size)


def _pooled(
    n: NDArray[np.int64], moments: NDArray[np.float64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool means and variances (T, F, 2) of slices of n (T, F) values into windows, (W, F) each.

    Each window is summed by itself: differences of running sums would carry one far value into all others.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centre = np.clip((n / np.maximum(n.sum(0), 1) * moments[..., 0]).sum(0), -_WIDEST, _WIDEST)
        distance = np.clip(moments[..., 0] - centre, -_WIDEST, _WIDEST)
        square = np.minimum(np.nan_to_num(moments[..., 1], posinf=np.inf), _WIDEST**2) + distance**2
    terms = np.stack([n, n * distance, n * square])
    terms = np.concatenate([terms, np.zeros_like(terms[:, :1])], axis=1)
    places = np.stack([begin, end], axis=1).ravel()
    count, first, second = np.add.reduceat(terms, places, axis=1)[:, ::2] * (begin < end)[:, None]
    count = np.maximum(count, 1)
    shift = first / count
    return centre + shift, np.maximum(second / count - shift**2, 0.0)
