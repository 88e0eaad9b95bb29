"""Learn from the losses of the reference how far runs of them stray, as entries of a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow as pa  # noqa: TC002

from driftline.signals import AlarmLimits, SignalPeriods, loss_signal
from driftline.signals.alarm_limits_measure import limits_record
from driftline.transforms.spine.merge_encoded import MergeEncoded

if TYPE_CHECKING:
    from driftline.losses import Loss


class LossesInOrder(beam.DoFn):
    """Takes the losses of a batch of outcomes by when they were known, segment by segment."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def process(self, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Gather the losses of a batch; all traffic is one of the segments."""
        for (segment, _), values in loss_signal(batch, self._loss):
            yield segment, SignalPeriods.of(values.known, values.value).to_bytes()


class FitAlarmLimits(beam.DoFn):
    """Learns the limits of a segment; gives nothing where its losses are too few."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def process(self, element: tuple[str, bytes]) -> Iterator[dict[str, Any]]:
        """Fit and encode."""
        segment, losses = element
        is_rate = self._loss.name == "zero_one"
        limits = AlarmLimits.fit(SignalPeriods.from_bytes(losses), is_rate=is_rate)
        if limits is not None:
            yield limits_record(segment, limits)


@dataclass
class LearnAlarmLimits(beam.PTransform):
    """From record batches of `OUTCOMES` to entries of a baseline."""

    loss: Loss

    def expand(self, outcomes: beam.PCollection) -> beam.PCollection:
        """Gather segment by segment, then fit."""
        return (
            outcomes
            | "Losses" >> beam.ParDo(LossesInOrder(self.loss)).with_output_types(tuple[str, bytes])
            | "Global" >> beam.WindowInto(beam.window.GlobalWindows())
            | "Merge" >> beam.CombinePerKey(MergeEncoded(_merged))
            | "Fit" >> beam.ParDo(FitAlarmLimits(self.loss)).with_output_types(dict[str, Any])
        )


def _merged(items: Sequence[bytes]) -> bytes:
    return SignalPeriods.merge_all(items).to_bytes()
