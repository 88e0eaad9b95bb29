"""Second pass over a reference: profile it by slice, calibrate every (segment, part), write the baseline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton
from apache_beam.transforms.window import FixedWindows
from apache_beam.utils.timestamp import Duration

from driftline.baseline import encode_baseline
from driftline.baseline.fit_entry import fit_entry
from driftline.baseline.reference_windows import disjoint, reference_windows
from driftline.baseline.windows_file import encode_windows, windows_record
from driftline.measures.measure_registry import measure, measure_of, merge_encoded
from driftline.measures.window_histograms import ReferenceWindows
from driftline.profiles.layout import Layout
from driftline.statistics.season import season_for
from driftline.transforms.counters import count
from driftline.transforms.outcomes.fit_performance import FitPerformance
from driftline.transforms.spine.merge_encoded import MergeEncoded
from driftline.transforms.spine.merge_windows import with_all_traffic
from driftline.transforms.spine.parts import COVERAGE, split_part
from driftline.transforms.write_file import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftline.config import Config
    from driftline.config.models import Tests, Windows
    from driftline.transforms.spine.parts import Key
    from driftline.transforms.spine.survey_reference import Plan
    from driftline.windows.calendar import Calendar


class FitEntry(beam.DoFn):
    """Calibrate one (segment, part) from its slices.

    Parameters
    ----------
    size, stride
        Window length and distance between reference windows, microseconds.
    season
        What windows are compared by, as configured.
    excluded
        Spans from which nothing is learned, microseconds.
    """

    WINDOWS = "windows"

    def __init__(
        self,
        size: int,
        stride: int,
        tests: Tests,
        season: str = "none",
        excluded: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self._size = size
        self._stride = stride
        self._min_n, self._min_coverage = tests.min_n, tests.min_coverage
        self._season = season
        self._excluded = excluded

    def process(
        self, element: tuple[Key, dict[str, Iterable[Any]]], plan: Plan, coverage: bytes
    ) -> Iterator[dict[str, Any] | beam.pvalue.TaggedOutput]:
        """Fit and encode one entry; its window histograms go to a tagged output."""
        (segment, key), joined = element
        name, _ = split_part(key)
        [profile] = joined["profile"]
        size, stride = self._size, self._stride
        starts, _ = reference_windows(coverage, size, stride, self._min_coverage, self._excluded)
        season, _ = season_for(self._season, size=size, starts=starts)
        windows = ReferenceWindows(starts, size, stride, self._min_n, season)
        part = Layout.from_bytes(plan[0]).part(name)
        entry, histograms = fit_entry(segment, part, profile, dict(joined["slices"]), windows)
        count("calibrated", len(measure(part.kind).features(part)))
        yield entry
        if histograms is not None:
            yield beam.pvalue.TaggedOutput(self.WINDOWS, windows_record(segment, name, histograms))


@dataclass
class FitBaseline(beam.PTransform):
    """From slice profiles of a reference to the files of a baseline.

    Parameters
    ----------
    plan
        PCollection of the one `Plan`.
    stride
        Distance between reference windows, and length of their slices, microseconds.
    path
        Where the baseline goes; the window histograms go beside it, as ``<path>.windows``.
    performance
        What `ProfileReference` gives, with periods of `stride`; None without labels.
    limits
        Entries that `LearnAlarmLimits` gives; None without labels.
    """

    plan: beam.PCollection
    config: Config
    stride: int
    path: str
    performance: dict[str, beam.PCollection] | None = None
    limits: beam.PCollection | None = None

    def expand(self, partials: beam.PCollection) -> beam.PCollection:
        """Merge to slices, calibrate, write."""
        config = self.config
        slices = (
            partials
            | "Slice" >> beam.WindowInto(FixedWindows(Duration(micros=self.stride)))
            | "MergeSlices" >> beam.CombinePerKey(MergeEncoded(merge_encoded))
            | "AllTraffic" >> beam.FlatMap(with_all_traffic).with_output_types(tuple[tuple[str, str], bytes])
            | "MergeAllTraffic" >> beam.CombinePerKey(MergeEncoded(merge_encoded))
            | "Timed"
            >> beam.ParDo(_with_slice_start).with_output_types(tuple[tuple[str, str], tuple[int, bytes]])
            | "Global" >> beam.WindowInto(beam.window.GlobalWindows())
        )
        coverage = (
            slices
            | "Coverage" >> beam.FlatMap(_coverage).with_output_types(bytes)
            | "MergeCoverage" >> beam.CombineGlobally(MergeEncoded(merge_encoded))
        )
        profiles = slices | "Profiles" >> beam.Filter(_is_profile).with_output_types(
            tuple[tuple[str, str], tuple[int, bytes]]
        )
        whole = (
            profiles
            | "WithoutTime" >> beam.Map(_without_time).with_output_types(tuple[tuple[str, str], bytes])
            | "MergeReference" >> beam.CombinePerKey(MergeEncoded(merge_encoded))
        )
        # what gathers in one place is only what the calibration needs of each slice
        left = profiles | "Counts" >> beam.Map(_for_calibration).with_output_types(
            tuple[tuple[str, str], tuple[int, bytes]]
        )
        fitted = (
            {"profile": whole, "slices": left}
            | "Gather" >> beam.CoGroupByKey()
            | "Fit"
            >> beam.ParDo(
                FitEntry(
                    config.windows.size,
                    self.stride,
                    config.tests,
                    config.baseline.season,
                    config.excluded,
                ),
                AsSingleton(self.plan),
                AsSingleton(coverage),
            ).with_outputs(FitEntry.WINDOWS, main="entries")
        )
        _ = (
            fitted[FitEntry.WINDOWS]
            | "GatherWindows" >> beam.combiners.ToList()
            | "WriteWindows" >> beam.Map(_write_windows, self.path + ".windows")
        )
        entries = fitted.entries
        if self.performance is not None:
            tests = config.tests
            records = self.performance | "FitPerformance" >> FitPerformance(
                coverage,
                config.windows.size,
                self.stride,
                tests.min_n,
                tests.min_coverage,
                config.excluded,
            )
            limits = () if self.limits is None else (self.limits,)
            entries = (entries, records, *limits) | "Entries" >> beam.Flatten()
        return (
            entries
            | "GatherEntries" >> beam.combiners.ToList()
            | "Write"
            >> beam.Map(
                _write,
                AsSingleton(self.plan),
                AsSingleton(coverage),
                path=self.path,
                model=config.model,
                segments=tuple(config.segments),
                windows=config.windows,
                tests=config.tests,
                stride=self.stride,
                calendar=config.calendar,
                excluded=config.excluded,
            )
        )


def _without_time(element: tuple[Key, tuple[int, bytes]]) -> tuple[Key, bytes]:
    key, (_, data) = element
    return key, data


def _for_calibration(element: tuple[Key, tuple[int, bytes]]) -> tuple[Key, tuple[int, bytes]]:
    key, (start, data) = element
    return key, (start, measure_of(data).for_calibration(data))


def _is_profile(element: tuple[Key, tuple[int, bytes]]) -> bool:
    return split_part(element[0][1])[0] != COVERAGE


def _coverage(element: tuple[Key, tuple[int, bytes]]) -> Iterator[bytes]:
    if not _is_profile(element):
        yield element[1][1]


def _with_slice_start(
    element: tuple[Key, bytes], window: Any = beam.DoFn.WindowParam
) -> Iterator[tuple[Key, tuple[int, bytes]]]:
    key, data = element
    yield key, (window.start.micros, data)


def _write(
    entries: list[dict[str, Any]],
    plan: Plan,
    coverage: bytes,
    *,
    path: str,
    model: str,
    segments: tuple[str, ...],
    windows: Windows,
    tests: Tests,
    stride: int,
    calendar: Calendar,
    excluded: tuple[tuple[int, int], ...],
) -> str:
    # not the whole configuration, which has secrets
    starts, rhythm = reference_windows(coverage, windows.size, stride, tests.min_coverage, excluded)
    data = encode_baseline(
        entries,
        Layout.from_bytes(plan[0]),
        model=model,
        size=windows.size,
        every=windows.every,
        segment_columns=segments,
        windows=disjoint(starts, windows.size, stride),
        created_at=time.time_ns() // 1000,
        min_n=tests.min_n,
        rhythm=rhythm,
        calendar=calendar,
    )
    write_atomically(path, data)
    return path


def _write_windows(records: list[dict[str, Any]], path: str) -> None:
    write_atomically(path, encode_windows(records))
