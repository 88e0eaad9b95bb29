"""Judge merged profiles against the baseline, then settle each window of the model as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindows

from driftline.transforms.decide.settle_window import SettleWindow
from driftline.transforms.spine.judge_profiles import JudgeProfiles

if TYPE_CHECKING:
    from driftline.config import Tests
    from driftline.transforms.spine.baseline_source import BaselineSource


@dataclass
class JudgeWindows(beam.PTransform):
    """From the profiles of windows to rows.

    Gives three PCollections: ``results`` of record batches; ``summaries`` of encoded `WindowSummary`, one for
    each time that a window is settled; ``rows`` of (table, encoded record batch), of measures with tables of
    their own.

    Parameters
    ----------
    keep_for
        How long after its end a window can still be corrected, microseconds.
    """

    baseline: BaselineSource
    tests: Tests
    keep_for: int
    streaming: bool = False

    def expand(self, profiles: beam.PCollection) -> dict[str, beam.PCollection]:
        """Judge by key, settle by window."""
        judge = beam.ParDo(JudgeProfiles(self.baseline, self.tests.min_n)).with_output_types(
            tuple[tuple[str, int, int, str], bytes]
        )
        judged = profiles | "Judge" >> judge.with_outputs(JudgeProfiles.ROWS, main="judged")
        settle = SettleWindow(self.baseline, self.tests, self.keep_for, streaming=self.streaming)
        settled = (
            judged.judged
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Settle"
            >> beam.ParDo(settle)
            .with_output_types(pa.RecordBatch)
            .with_outputs(SettleWindow.SUMMARIES, main="results")
        )
        return {
            "results": settled.results,
            "summaries": settled[SettleWindow.SUMMARIES],
            "rows": judged[JudgeProfiles.ROWS],
        }
