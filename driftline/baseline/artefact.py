"""The baseline: bins, whole-reference profiles and null calibration, in one versioned value."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from driftline.baseline.baseline_error import BaselineError
from driftline.performance.performance_reference import PerformanceReference
from driftline.profiles.bins import bin_centers
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.numeric import NumericProfile
from driftline.segments import ALL, OTHER
from driftline.statistics import (
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
)
from driftline.statistics.ks import atom_bins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.performance.loss_null import LossNull
    from driftline.performance.profile import PerformanceProfile
    from driftline.profiles.layout import Block, Layout
    from driftline.statistics import BlockNull

Profile = NumericProfile | CategoricalProfile

# Sums of these stay finite to the fourth power; values that far apart are as far apart as can be told.
_WIDEST = 1e70


@dataclass(frozen=True, eq=False)
class BaselineEntry:
    """What the baseline knows of one (segment, feature block).

    Parameters
    ----------
    profile
        Profile of the whole reference.
    null
        Calibrated null distributions, None where no window could be used.
    """

    profile: Profile
    null: BlockNull | None


@dataclass(frozen=True, eq=False)
class Baseline:
    """The artefact built from a reference.

    Parameters
    ----------
    model
        Name of the model.
    size, every
        Window length and period, microseconds.
    segment_columns
        The columns whose combinations are segments.
    layout
        Bins and categories of every feature.
    entries
        By (segment label, block name).
    windows
        Reference windows the null was calibrated on.
    created_at
        When it was built, microseconds since the epoch.
    version
        Digest of the content: it names these bytes.
    min_n
        Fewest rows of a window it was calibrated for; 0 if it does not say.
    performance
        By segment label, how right the model was; empty without labels.
    loss_nulls
        By segment label, how far the mean loss of its windows strays, where they are enough to tell.
    """

    model: str
    size: int
    every: int
    segment_columns: tuple[str, ...]
    layout: Layout = field(repr=False)
    entries: dict[tuple[str, str], BaselineEntry] = field(repr=False)
    windows: int
    created_at: int
    version: str
    min_n: int = 0
    performance: dict[str, PerformanceProfile] = field(default_factory=dict, repr=False)
    loss_nulls: dict[str, LossNull] = field(default_factory=dict, repr=False)
    _references: dict[tuple[str, str], NumericReference | CategoricalReference] = field(
        default_factory=dict, repr=False
    )
    _performance: dict[str, PerformanceReference] = field(default_factory=dict, repr=False)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Segment labels, all traffic first, ``(other)`` last."""
        labels = {segment for segment, _ in self.entries}
        return tuple(sorted(labels, key=lambda label: (label != ALL, label == OTHER, label)))

    @cached_property
    def monitored(self) -> frozenset[str]:
        """Labels that keep their own profiles; every other one is counted in ``(other)``."""
        return frozenset(self.segments) - {ALL, OTHER}

    def reference(self, segment: str, block: Block) -> NumericReference | CategoricalReference:
        """Give the reference counts of a (segment, block) as the tests want them.

        Parameters
        ----------
        segment
            A segment label of this baseline.
        block
            A block of its layout.

        Returns
        -------
        NumericReference or CategoricalReference
            Made once and kept.

        Raises
        ------
        BaselineError
            If the baseline has no such entry.
        """
        key = (segment, block.name)
        if key not in self._references:
            if key not in self.entries:
                raise BaselineError(
                    f"the baseline has no segment {segment!r} with block {block.name!r}: "
                    "build it again with `driftline baseline`"
                )
            self._references[key] = reference_of(block, self.entries[key].profile)
        return self._references[key]

    def performance_of(self, segment: str) -> PerformanceReference | None:
        """Give what the performance on a segment is compared with.

        Parameters
        ----------
        segment
            A segment label.

        Returns
        -------
        PerformanceReference or None
            Made once and kept; None if the reference had no labels there.
        """
        if segment not in self._performance and segment in self.performance:
            self._performance[segment] = PerformanceReference.of(
                self.performance[segment], self.loss_nulls.get(segment)
            )
        return self._performance.get(segment)


def bin_gaps(block: Block, profile: NumericProfile) -> NDArray[np.float64]:
    """Distance between the centres of neighbouring bins, 0 behind a feature's last bin.

    Parameters
    ----------
    block
        A numeric block of F features.
    profile
        Profile of the reference: its extremes close the open end bins.

    Returns
    -------
    ndarray, shape (F, width - 1), float64
        In the unit of the feature.
    """
    gaps = np.zeros((len(block.features), block.width - 1))
    for row, feature in enumerate(block.numeric):
        centers = bin_centers(feature.edges, profile.minimum[row], profile.maximum[row])
        gaps[row, : len(centers) - 1] = np.diff(centers)
    return np.minimum(np.nan_to_num(gaps, nan=0.0, posinf=_WIDEST), _WIDEST)


def reference_of(block: Block, profile: Profile) -> NumericReference | CategoricalReference:
    """Turn a whole-reference profile into what the tests compare against.

    Parameters
    ----------
    block
        The block the profile belongs to.
    profile
        Profile of the whole reference.

    Returns
    -------
    NumericReference or CategoricalReference
    """
    if isinstance(profile, CategoricalProfile):
        return CategoricalReference(CategoricalCounts(profile.counts, profile.missing))
    quartiles = profile.quantiles(np.array([0.25, 0.75]))
    atoms = np.zeros(profile.counts.shape, bool)
    for row, feature in enumerate(block.numeric):
        if len(feature.edges):  # without values in the reference there is one bin and no atom
            atoms[row, : feature.bins] = atom_bins(feature.edges)
    return NumericReference(
        NumericCounts(profile.counts, profile.missing, profile.nonfinite),
        gap=bin_gaps(block, profile),
        iqr=quartiles[:, 1] - quartiles[:, 0],
        sd=np.sqrt(profile.variance),
        atoms=atoms,
    )
