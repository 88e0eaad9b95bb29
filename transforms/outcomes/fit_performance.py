"""Calibrate the mean loss of every segment on the reference's windows, as entries of a baseline."""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton

from driftline.baseline.reference_windows import reference_windows
from driftline.performance import LossNull, LossPeriods, PerformanceProfile
from driftline.performance.performance_measure import performance_record


class FitLossNull(beam.DoFn):
    """Calibrate one segment, and make its entry.

    Parameters
    ----------
    size, stride
        Window length and distance between reference windows, microseconds.
    excluded
        Spans from which nothing is learned.
    """

    def __init__(
        self,
        size: int,
        stride: int,
        min_n: int,
        min_coverage: float,
        excluded: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self._size = size
        self._stride = stride
        self._min_n = min_n
        self._min_coverage = min_coverage
        self._excluded = excluded

    def process(
        self, element: tuple[str, dict[str, Iterable[bytes]]], coverage: bytes
    ) -> Iterable[dict[str, Any]]:
        """Fit and encode."""
        segment, joined = element
        [profile] = joined["profile"]
        null = None
        for losses in joined["losses"]:
            starts, _ = reference_windows(
                coverage, self._size, self._stride, self._min_coverage, self._excluded
            )
            null = LossNull.fit(
                PerformanceProfile.from_bytes(profile),
                LossPeriods.from_bytes(losses),
                starts,
                size=self._size,
                min_n=self._min_n,
            )
        yield performance_record(segment, profile, null)


@dataclass
class FitPerformance(beam.PTransform):
    """From what `ProfileReference` gives to the entries of a baseline.

    Parameters
    ----------
    coverage
        PCollection of the one encoded `Coverage` of the reference.
    size, stride
        Window length and distance between reference windows, microseconds.
    excluded
        Spans from which nothing is learned.
    """

    coverage: beam.PCollection
    size: int
    stride: int
    min_n: int
    min_coverage: float
    excluded: tuple[tuple[int, int], ...] = ()

    def expand(self, performance: dict[str, beam.PCollection]) -> beam.PCollection:
        """Calibrate segment by segment."""
        fit = FitLossNull(self.size, self.stride, self.min_n, self.min_coverage, self.excluded)
        return (
            performance
            | "Gather" >> beam.CoGroupByKey()
            | "Fit" >> beam.ParDo(fit, AsSingleton(self.coverage)).with_output_types(dict[str, Any])
        )
