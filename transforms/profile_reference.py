"""How right the model was in the reference: one performance profile a segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence  # noqa: TC003  # Beam reads type hints at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.performance import PerformanceProfile
from driftline.segments import ALL
from transforms.merge_encoded import MergeEncoded

if TYPE_CHECKING:
    from driftline.performance import Loss


class ProfileBatch(beam.DoFn):
    """Profiles a batch of predictions or of outcomes, segment by segment.

    Parameters
    ----------
    loss
        How predictions are compared with labels.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def process(self, batch: pa.RecordBatch) -> Iterator[tuple[str, bytes]]:
        """Profile a batch; all traffic is one of the segments."""
        coded = batch.column("segment").dictionary_encode()
        codes = coded.indices.to_numpy()
        for code, segment in enumerate(coded.dictionary.to_pylist()):
            if segment != ALL:
                yield segment, self._profile(batch.take(pa.array(np.flatnonzero(codes == code))))
        yield ALL, self._profile(batch)

    def _profile(self, rows: pa.RecordBatch) -> bytes:
        scores = rows.column("score").to_numpy()
        if "label" not in rows.schema.names:
            return PerformanceProfile.of_predictions(self._loss, scores).to_bytes()
        delays = pc.subtract(rows.column("known"), rows.column("time")).to_numpy()
        labels = rows.column("label").to_numpy()
        return PerformanceProfile.of_outcomes(self._loss, scores, labels, delays).to_bytes()


@dataclass
class ProfileReference(beam.PTransform):
    """From (predictions, outcomes) to (segment, encoded `PerformanceProfile`).

    Parameters
    ----------
    loss
        How predictions are compared with labels.
    """

    loss: Loss

    def expand(self, batches: tuple[beam.PCollection, beam.PCollection]) -> beam.PCollection:
        """Profile batch by batch, then merge."""
        return (
            batches
            | "Both" >> beam.Flatten()
            | "Profile" >> beam.ParDo(ProfileBatch(self.loss)).with_output_types(tuple[str, bytes])
            | "Global" >> beam.WindowInto(beam.window.GlobalWindows())
            | "Merge" >> beam.CombinePerKey(MergeEncoded(_merged))
        )


def _merged(profiles: Sequence[bytes]) -> bytes:
    return PerformanceProfile.merge_all(profiles).to_bytes()
