"""Labels: what they are joined with, and what becomes of those that match nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow as pa

from driftline.performance.performance_measure import PART
from driftline.segments import ALL
from driftline.transforms.outcomes.join_labels import JoinLabels
from driftline.transforms.outcomes.outcome_batches import LabelBatches, OutcomeBatches, PredictionBatches
from driftline.transforms.sources.dead_letter_rows import UnmatchedDeadLetters

if TYPE_CHECKING:
    from driftline.baseline import Baseline
    from driftline.config import Config
    from driftline.config.labels import Labels
    from driftline.outcomes.travelling_features import FeatureLayout
    from driftline.transforms.sources.source import Reader
    from driftline.transforms.spine.baseline_source import BaselineSource


@dataclass(frozen=True)
class Joined:
    """Predictions, those with a label, and the dead letters of labels.

    Parameters
    ----------
    predictions, outcomes
        Record batches of `PREDICTIONS` and `OUTCOMES`.
    dead_letters
        PCollections of what could not be used or matched.
    """

    predictions: beam.PCollection
    outcomes: beam.PCollection
    dead_letters: tuple[beam.PCollection, ...]


def outcome_remarks(config: Config, baseline: Baseline) -> list[str]:
    """Say what a baseline does not know of outcomes, where labels are configured."""
    if config.labels is None:
        return []
    entries = {segment: entry for segment, entry in baseline.of_part(PART.name).items() if entry.profile.n}
    known, lacking = list(entries), [segment for segment, entry in entries.items() if entry.null is None]
    remark = ""
    if not known:
        remark = (
            "no prediction of the baseline has a label, so nothing says how often the model is wrong as a "
            "rule; give `driftline baseline` labels of the same time, with --labels"
        )
    elif ALL in lacking:
        remark = (
            f"note: fewer than 10 reference windows have {config.tests.min_n} outcomes, or all have the same "
            "loss: p_value in the table performance stays null; build the baseline from a longer past"
        )
    elif lacking:
        named = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        remark = (
            f"note: p_value in the table performance stays null in {len(lacking)} of {len(known)} segments "
            f"({named}): fewer than 10 of their reference windows have {config.tests.min_n} outcomes; lower "
            "tests.min_n, or take longer windows or a longer past"
        )
    return [remark] if remark else []


@dataclass
class Outcomes(beam.PTransform):
    """From normalised events to predictions and outcomes.

    Parameters
    ----------
    reader
        Gives the labels, where they do not come with the events.
    allowed_lateness
        Microseconds; None for bounded input.
    baseline
        Gives the monitored segments.
    plan
        Side input that gives them where there is no baseline yet.
    layout
        Features that travel along with predictions; none by default.
    """

    model: str
    labels: Labels
    reader: Reader | None
    allowed_lateness: int | None
    baseline: BaselineSource | None = None
    plan: Any = None
    layout: FeatureLayout | None = None

    def expand(self, events: beam.PCollection) -> Joined:
        """Take the predictions out of the events, and join them with their labels."""
        loss = self.labels.measure
        plan = () if self.plan is None else (self.plan,)
        predictions = events | "Predictions" >> beam.ParDo(
            PredictionBatches(loss, self.baseline, self.layout), *plan
        ).with_output_types(pa.RecordBatch)
        if self.reader is None:
            outcomes = events | "Outcomes" >> beam.ParDo(
                OutcomeBatches(loss, self.baseline, self.layout), *plan
            ).with_output_types(pa.RecordBatch)
            return Joined(predictions, outcomes, ())
        read = events.pipeline | "ReadLabels" >> self.reader
        labels = read.events | "Labels" >> beam.ParDo(LabelBatches()).with_output_types(pa.RecordBatch)
        joined = {"predictions": predictions, "labels": labels} | "JoinLabels" >> JoinLabels(
            self.labels.wait, self.allowed_lateness
        )
        unmatched = joined["unmatched"] | "Unmatched" >> beam.ParDo(
            UnmatchedDeadLetters(self.model)
        ).with_output_types(pa.RecordBatch)
        return Joined(predictions, joined["outcomes"], (read.dead_letters, unmatched))
