"""Read a topic with `apache_beam.io.kafka.ReadFromKafka` and count rows, decoded in batches or as they come.

Usage (in the peer's own venv): read_from_kafka.py CONFIG.yaml FOLDER SERVICE decoded|raw -- BEAM OPTIONS

SERVICE is the address of the expansion service. Brokers, topic and schema are those of a driftline
configuration, and the decoder is driftline's own. Records are put into batches within the runner's bundles: a
batch that outlived its bundle would need state, which costs more. Ends when the job is submitted.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from benchmarks.counted_rows import CountRows
from driftline.config import load_config
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MessageFormat

BATCH = 8_192  # as many as driftline's source decodes at a time


class DecodeBatches(beam.DoFn):
    """Puts the messages of a bundle together and decodes them."""

    def __init__(self, schema: EventSchema, message_format: MessageFormat) -> None:
        """Keep what a decoder is made of."""
        self._schema, self._format = schema, message_format

    def setup(self):
        self._decoder = self._format.decoder(self._schema)

    def start_bundle(self):
        self._held = []

    def process(self, record):
        self._held.append(record[1])
        if len(self._held) >= BATCH:
            yield self._decoded()

    def finish_bundle(self):
        if self._held:
            window = GlobalWindow()
            yield WindowedValue(self._decoded(), window.max_timestamp(), [window])

    def _decoded(self):
        result = decode_events(self._decoder, self._held, self._schema)
        assert not result.rejects, result.rejects[0]
        self._held = []
        return result.events


def main(path: str, folder: str, expansion_service: str, kind: str, _: str, *options: str) -> None:
    """Build the pipeline and submit it."""
    config = load_config(path)
    source = config.source.kafka
    consumer = {"bootstrap.servers": ",".join(source.brokers), "auto.offset.reset": "earliest"}
    # this release's own pickler would leave behind what the classes of this file refer to
    pipeline = beam.Pipeline(options=PipelineOptions([*options, "--pickle_library=cloudpickle"]))
    records = pipeline | ReadFromKafka(consumer, list(source.topics), expansion_service=expansion_service)
    if kind == "decoded":
        message_format = MessageFormat(source.format, Path(source.schema_).read_text())
        decode = DecodeBatches(EventSchema.of(config), message_format)
        batches = records | "Decode" >> beam.ParDo(decode)
        _ = batches | "Count" >> beam.ParDo(CountRows(folder, batches=True))
    else:
        _ = records | "Count" >> beam.ParDo(CountRows(folder, batches=False))
    pipeline.run()


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    main(*sys.argv[1:])
