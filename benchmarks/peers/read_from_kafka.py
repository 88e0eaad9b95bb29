"""Read a topic with `apache_beam.io.kafka.ReadFromKafka` and count rows, decoded in batches or as they come.

Usage (in the peer's own venv): read_from_kafka.py SOURCE.json FOLDER SERVICE decoded|raw -- BEAM OPTIONS

SOURCE has `brokers`, `topic`, the `avro` schema and the `columns` of an event; SERVICE is the address of the
expansion service. The decoder is driftline's own. Records are put into batches within the runner's bundles: a
batch that outlived its bundle would need state, which costs more. Ends when the job is submitted.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from benchmarks.counted_rows import CountRows
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MessageFormat

BATCH = 8_192  # as many as driftline's source decodes at a time


class Feature(NamedTuple):
    """What decoding asks of a feature."""

    name: str
    kind: str
    column: str


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
    source = json.loads(Path(path).read_text())
    consumer = {"bootstrap.servers": source["brokers"], "auto.offset.reset": "earliest"}
    # this release's own pickler would leave behind what the classes of this file refer to
    pipeline = beam.Pipeline(options=PipelineOptions([*options, "--pickle_library=cloudpickle"]))
    records = pipeline | ReadFromKafka(consumer, [source["topic"]], expansion_service=expansion_service)
    if kind == "decoded":
        columns = source["columns"]
        features = tuple(Feature(*each) for each in columns.pop("features"))
        schema = EventSchema(**columns, features=features)
        decode = DecodeBatches(schema, MessageFormat("avro", source["avro"]))
        batches = records | "Decode" >> beam.ParDo(decode)
        _ = batches | "Count" >> beam.ParDo(CountRows(folder, batches=True))
    else:
        _ = records | "Count" >> beam.ParDo(CountRows(folder, batches=False))
    pipeline.run()


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)
    main(*sys.argv[1:])
