"""The baseline: what profiles hold, those of the whole reference and their nulls, in one versioned value."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from driftline.baseline.baseline_error import BaselineError
from driftline.measures.measure_registry import measure
from driftline.segments import ALL, OTHER
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from driftline.measures.measure import Entry
    from driftline.profiles.coverage import Coverage
    from driftline.profiles.layout import Layout, Part
    from driftline.profiles.rhythm import Rhythm


@dataclass(frozen=True, eq=False)
class Baseline:
    """The artefact built from a reference.

    Parameters
    ----------
    size, every
        Window length and period, microseconds.
    entries
        By (segment label, name of the part).
    windows
        Reference windows the null was calibrated on.
    created_at
        When it was built, microseconds since the epoch.
    version
        Digest of the content: it names these bytes.
    min_n
        Fewest rows of a window it was calibrated for; 0 if it does not say.
    rhythm
        When the reference has rows; None if it does not say, as those of earlier releases.
    calendar
        What its windows follow: all times of a baseline are on this line.
    """

    model: str
    size: int
    every: int
    segment_columns: tuple[str, ...]
    layout: Layout = field(repr=False)
    entries: dict[tuple[str, str], Entry] = field(repr=False)
    windows: int
    created_at: int
    version: str
    min_n: int = 0
    rhythm: Rhythm | None = field(default=None, repr=False)
    calendar: Calendar = IN_UTC
    _references: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Segment labels, all traffic first, ``(other)`` last."""
        profiled = {part.name for part in self.layout.parts}
        labels = {segment for segment, part in self.entries if part in profiled}
        return tuple(sorted(labels, key=lambda label: (label != ALL, label == OTHER, label)))

    @cached_property
    def monitored(self) -> frozenset[str]:
        """Labels that keep their own profiles; every other one is counted in ``(other)``."""
        return frozenset(self.segments) - {ALL, OTHER}

    def coverage(self, coverage: Coverage, start: int, end: int) -> float:
        """Say how much of a window is covered.

        Parameters
        ----------
        coverage
            The units of time that hold rows of the model.
        start, end
            Of the window, microseconds.

        Returns
        -------
        float
            Share of its units that hold rows, of those that usually do as far as the baseline knows.
        """
        if self.rhythm is None or self.rhythm.unit != coverage.unit:
            return coverage.count(start, end) / ((end - start) // coverage.unit)
        return self.rhythm.coverage(coverage, start, end)

    def reference(self, segment: str, part: Part) -> Any:
        """Give what windows of a (segment, part) are compared with.

        Returns
        -------
        object
            What the part's measure makes of the entry (`Measure.reference`); made once and kept.
        """
        key = (segment, part.name)
        if key not in self._references:
            if key not in self.entries:
                raise BaselineError(
                    f"the baseline has no segment {segment!r} with part {part.name!r}: "
                    "build it again with `driftline baseline`"
                )
            self._references[key] = measure(part.kind).reference(part, self.entries[key])
        return self._references[key]

    def of_part(self, name: str) -> dict[str, Entry]:
        """Give the entries of one part by segment label; none if the baseline lacks it."""
        return {segment: entry for (segment, part), entry in self.entries.items() if part == name}
