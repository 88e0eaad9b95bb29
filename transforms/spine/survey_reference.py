"""First pass over a reference: decide the bins, the categories and the monitored segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsSingleton
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from driftline.baseline import BaselineError
from driftline.decoding.time_advice import implausible_unit
from driftline.measures.survey import Survey, merge_surveys
from driftline.segments import ALL, labels, largest
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.spine.merge_encoded import MergeEncoded
from driftline.transforms.spine.time_range import Range, TimeRange
from driftline.transforms.spine.why_rejected import NONE, Rejected, WhyRejected, complaints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftline.config.event_time import EventTime
    from driftline.feature_spec import FeatureSpec

#: encoded layout and monitored segment labels
Plan = tuple[bytes, list[str]]


class SurveyBatches(GatherBundle):
    """Survey the features of event batches: many at once, as surveys cost more to merge than to make."""

    def __init__(self, features: Sequence[FeatureSpec], asked: Mapping[str, Any] | None = None) -> None:
        self._features = tuple(features)
        self._asked = dict(asked or {})

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Survey events."""
        survey = Survey.of(pa.Table.from_batches([batch]), self._features, self._asked)
        yield WindowedValue(survey.to_bytes(), MIN_TIMESTAMP, (GlobalWindow(),))


class CountSegments(beam.DoFn):
    """Count rows by segment label."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)

    def process(self, events: pa.RecordBatch) -> Iterator[tuple[str, int]]:
        """Count a batch."""
        for entry in pc.value_counts(labels(events, self._columns)).to_pylist():
            yield entry["values"], entry["counts"]


class _Largest(beam.CombineFn):
    """Keep the largest segments, ties by name."""

    def __init__(self, most: int) -> None:
        self._most = most

    def create_accumulator(self) -> dict[str, int]:
        return {}

    def add_input(self, mutable_accumulator: dict[str, int], element: tuple[str, int]) -> dict[str, int]:
        mutable_accumulator[element[0]] = element[1]
        if len(mutable_accumulator) > 4 * self._most + 1000:
            return self._kept(mutable_accumulator)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[dict[str, int]]) -> dict[str, int]:
        return self._kept({label: n for accumulator in accumulators for label, n in accumulator.items()})

    def extract_output(self, accumulator: dict[str, int]) -> list[str]:
        return largest(accumulator, self._most)

    def _kept(self, counts: dict[str, int]) -> dict[str, int]:
        return {label: counts[label] for label in largest(counts, self._most)}

    def get_accumulator_coder(self) -> beam.coders.Coder:
        return beam.coders.MapCoder(beam.coders.StrUtf8Coder(), beam.coders.VarIntCoder())


@dataclass
class SurveyReference(beam.PTransform):
    """Learn from a reference what profiles of it will look like.

    Parameters
    ----------
    max_segments
        How many segments keep profiles of their own.
    asked
        Settings of measures that come with no feature, by name.
    dead_letters
        What of the reference could not be used, to say why if nothing could.
    times
        How the configuration has event times read, to doubt a unit by what it makes of them.

    Returns
    -------
    PCollection
        One `Plan`.

    Raises
    ------
    BaselineError
        While running, if the reference has no usable row, or its times are of another unit.
    """

    features: Sequence[FeatureSpec]
    segments: Sequence[str]
    max_segments: int
    asked: Mapping[str, Any] = field(default_factory=dict)
    dead_letters: beam.PCollection | None = None
    times: EventTime | None = None

    def expand(self, events: beam.PCollection) -> beam.PCollection:
        """Survey features and count segments."""
        rejected: Any = NONE
        if self.dead_letters is not None:
            rejected = AsSingleton(self.dead_letters | "WhyRejected" >> beam.CombineGlobally(WhyRejected()))
        spanned = events | "TimeRange" >> beam.CombineGlobally(TimeRange())
        survey = (
            events
            | "Survey" >> beam.ParDo(SurveyBatches(self.features, self.asked)).with_output_types(bytes)
            | "MergeSurveys" >> beam.CombineGlobally(MergeEncoded(merge_surveys))
        )
        monitored = (
            events
            | "CountSegments" >> beam.ParDo(CountSegments(self.segments)).with_output_types(tuple[str, int])
            | "SumCounts" >> beam.CombinePerKey(sum)
            | "Largest" >> beam.CombineGlobally(_Largest(self.max_segments))
        )
        return survey | "Plan" >> beam.Map(
            _plan,
            tuple(self.features),
            dict(self.asked),
            AsSingleton(monitored),
            rejected,
            AsSingleton(spanned),
            self.times,
        )


def _plan(  # noqa: PLR0917  # Beam gives side inputs by place
    survey: bytes,
    features: Sequence[FeatureSpec],
    asked: Mapping[str, Any],
    monitored: list[str],
    rejected: Rejected,
    spanned: Range,
    times: EventTime | None,
) -> Plan:
    if not survey:
        raise BaselineError(f"the reference has no usable row: {_why(rejected)}")
    if times is not None and times.unit is not None:
        _check_unit(spanned, times.unit, times.column)
    return Survey.from_bytes(survey).layout(features, asked).to_bytes(), [
        label for label in monitored if label != ALL
    ]


def _why(rejected: Rejected) -> str:
    if rejected:
        listed = "; ".join(complaints(rejected)).rstrip(".")
        return f"{listed}. Or give other files with --input"
    return "there is none, or all lie in baseline.exclude; give other files with --input"


def _check_unit(spanned: Range, unit: str, column: str) -> None:
    count, odd, first, last = spanned
    doubt = implausible_unit(np.array([first, last]), unit, "event_time", column)
    if 2 * odd > count and doubt is not None:
        raise BaselineError(doubt)
