"""Read a topic with driftline's `ReadKafka` and count rows: the counterpart of peers/read_from_kafka.py.

Usage: read_kafka_pipeline.py CONFIG.yaml FOLDER -- BEAM OPTIONS

Ends when the job is submitted.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from benchmarks.counted_rows import CountRows
from driftline.config import load_config
from driftline.pipelines.configured_sources import event_reader


def main(path: str, folder: str, _: str, *options: str) -> None:
    """Build the pipeline and submit it."""
    pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
    read = pipeline | "Read" >> event_reader(load_config(path), bounded=False)
    _ = read.events | "Count" >> beam.ParDo(CountRows(folder, batches=True))
    pipeline.run()


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    main(*sys.argv[1:])
