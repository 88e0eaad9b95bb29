"""How right the model was in the reference: a performance profile a segment, and its losses by period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.outcomes.class_scores import scores_of
from driftline.performance import LossPeriods, PerformanceProfile
from driftline.performance.class_cells import cells_of_rows
from driftline.performance.outcome_sums import sums_of_outcomes
from driftline.segments import ALL
from driftline.transforms.spine.merge_encoded import MergeEncoded

if TYPE_CHECKING:
    from driftline.performance import Loss


class ProfileBatch(beam.DoFn):
    """Profiles a batch of predictions or of outcomes, segment by segment."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def process(self, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Profile a batch; all traffic is one of the segments."""
        for segment, rows in _by_segment(batch):
            yield segment, self._profile(rows)

    def _profile(self, rows: pa.RecordBatch) -> bytes:
        scores = scores_of(rows, self._loss)
        if "label" not in rows.schema.names:
            return PerformanceProfile.of_predictions(self._loss, scores).to_bytes()
        delays = pc.subtract(rows.column("known"), rows.column("time")).to_numpy()
        labels = rows.column("label").to_numpy()
        return PerformanceProfile.of_outcomes(self._loss, scores, labels, delays).to_bytes()


class LossesByPeriod(beam.DoFn):
    """Takes the mean losses of a batch of outcomes, or counts predictions, segment by segment.

    Parameters
    ----------
    every
        Length of a period, microseconds.
    """

    def __init__(self, loss: Loss, every: int) -> None:
        self._loss = loss
        self._every = every

    def process(self, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Take the mean losses of a batch; all traffic is one of the segments."""
        for segment, rows in _by_segment(batch):
            times = rows.column("time").to_numpy()
            if "label" not in rows.schema.names:
                yield segment, LossPeriods.of_predictions(times, self._every).to_bytes()
                continue
            scores, labels = scores_of(rows, self._loss), rows.column("label").to_numpy()
            losses, sums = self._loss.of(scores, labels), sums_of_outcomes(self._loss, scores, labels)
            cells = cells_of_rows(self._loss, scores, labels)
            yield segment, LossPeriods.of(times, losses, self._every, sums, cells).to_bytes()


@dataclass
class ProfileReference(beam.PTransform):
    """From (predictions, outcomes) to what a baseline says of them.

    Gives two PCollections, with one element a segment: ``profile`` of (segment, encoded
    `PerformanceProfile`), and ``losses`` of (segment, encoded `LossPeriods`).

    Parameters
    ----------
    every
        Length of a period, microseconds: what the windows of the reference are added up from.
    """

    loss: Loss
    every: int

    def expand(self, batches: tuple[beam.PCollection, beam.PCollection]) -> dict[str, beam.PCollection]:
        """Profile batch by batch, then merge."""
        part = tuple[str, bytes]
        both = batches | "Both" >> beam.Flatten()
        profiles = (
            both
            | "Profile" >> beam.ParDo(ProfileBatch(self.loss)).with_output_types(part)
            | "Global" >> beam.WindowInto(beam.window.GlobalWindows())
            | "Merge" >> beam.CombinePerKey(MergeEncoded(_merged_profiles))
        )
        losses = (
            both
            | "Losses" >> beam.ParDo(LossesByPeriod(self.loss, self.every)).with_output_types(part)
            | "GlobalLosses" >> beam.WindowInto(beam.window.GlobalWindows())
            | "MergeLosses" >> beam.CombinePerKey(MergeEncoded(_merged_losses))
        )
        return {"profile": profiles, "losses": losses}


def _by_segment(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    coded = batch.column("segment").dictionary_encode()
    codes = coded.indices.to_numpy()
    for code, segment in enumerate(coded.dictionary.to_pylist()):
        if segment != ALL:
            yield segment, batch.take(pa.array(np.flatnonzero(codes == code)))
    yield ALL, batch


def _merged_profiles(profiles: Sequence[bytes]) -> bytes:
    return PerformanceProfile.merge_all(profiles).to_bytes()


def _merged_losses(losses: Sequence[bytes]) -> bytes:
    return LossPeriods.merge_all(losses).to_bytes()
