"""Predictions, outcomes and labels, batch by batch, as `driftline.outcomes` wants them."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003  # Beam reads type hints at run time
from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow as pa  # noqa: TC002  # Beam reads type hints at run time

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.outcomes.from_events import labels_of, outcomes_of, predictions_of, usable_scores
from driftline.transforms.counters import count
from driftline.transforms.outcomes.join_labels import EXPIRED, MATCHED, PREDICTIONS_COUNT

if TYPE_CHECKING:
    from driftline.outcomes.travelling_features import FeatureLayout
    from driftline.performance import Loss
    from driftline.transforms.spine.baseline_source import BaselineSource


class PredictionBatches(beam.DoFn):
    """Takes the predictions out of events.

    Parameters
    ----------
    baseline
        Gives the monitored segments; None where a `Plan` comes as side input.
    layout
        Features that travel along; none by default.
    """

    def __init__(
        self, loss: Loss, baseline: BaselineSource | None = None, layout: FeatureLayout | None = None
    ) -> None:
        self._loss = loss
        self._baseline = baseline
        self._layout = layout

    def setup(self) -> None:
        """Read the baseline."""
        if self._baseline is not None:
            self._baseline.get()

    def start_bundle(self) -> None:
        """Look for a new baseline."""
        if self._baseline is not None:
            self._baseline.refresh()

    def process(
        self, events: pa.RecordBatch, plan: tuple[bytes, list[str]] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Take them out of a batch."""
        predictions = predictions_of(events, self._monitored(plan), self._loss, self._layout)
        if predictions.num_rows:
            yield predictions

    def _monitored(self, plan: tuple[bytes, list[str]] | None) -> frozenset[str]:
        if plan is not None:
            return frozenset(plan[1])
        assert self._baseline is not None
        return self._baseline.get().monitored


class OutcomeBatches(PredictionBatches):
    """Takes the outcomes out of events that carry their label, and counts them as a join would."""

    def process(
        self, events: pa.RecordBatch, plan: tuple[bytes, list[str]] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Take them out of a batch."""
        monitored = self._monitored(plan)
        outcomes = outcomes_of(events, monitored, self._loss, self._layout)
        number = int(usable_scores(events, self._loss).sum())
        count(PREDICTIONS_COUNT, number)
        count(MATCHED, outcomes.num_rows)
        count(EXPIRED, number - outcomes.num_rows)
        if outcomes.num_rows:
            yield outcomes


class LabelBatches(beam.DoFn):
    """Takes labels out of records of them."""

    def process(self, records: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Take them out of a batch."""
        yield labels_of(records)
