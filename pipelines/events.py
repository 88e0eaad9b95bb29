"""Events: where a job that ends reads them, and each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.decoding.event_schema import EventSchema
from driftline.pipelines.job import check_input
from driftline.pipelines.kafka import kafka_reader
from driftline.transforms.sources.drop_duplicates import DropDuplicates
from driftline.transforms.sources.kafka.read_kafka import ReadKafka
from driftline.transforms.sources.read_files import ReadEvents
from driftline.windows.slices import slice_length

if TYPE_CHECKING:
    import apache_beam as beam

    from driftline.config import Config


def bounded_reader(config: Config, pattern: str | None) -> ReadEvents | ReadKafka:
    """Make a source of events that end.

    Parameters
    ----------
    config
        The configuration.
    pattern
        Files to read; None to read its Kafka source to the present end.

    Returns
    -------
    ReadEvents or ReadKafka
        However often it is applied, it reads the same events.

    Raises
    ------
    ConfigError
        If the source cannot be what the configuration describes.
    """
    if pattern is None:
        return kafka_reader(config, bounded=True)
    check_input(config, pattern)
    return ReadEvents(config.model, EventSchema.of(config), pattern, config.input_format(pattern))


def without_duplicates(
    events: beam.PCollection, config: Config, reader: ReadEvents | ReadKafka
) -> beam.PCollection:
    """Drop what a retrying producer sent twice, where the configuration asks for it.

    Parameters
    ----------
    events
        Record batches of normalised events.
    config
        The configuration.
    reader
        Gave the events; files are taken as they are.

    Returns
    -------
    PCollection of pyarrow.RecordBatch
        The events.
    """
    kafka = config.source.kafka
    if not (isinstance(reader, ReadKafka) and kafka is not None and kafka.deduplicate):
        return events
    windows = config.windows
    # a duplicate is one within a slice: the same slices, so that a job that ends drops what a stream drops
    length = slice_length(windows.every, streaming=True)
    late_by = windows.size - length.slice + windows.allowed_lateness
    return events | "DropDuplicates" >> DropDuplicates(length, late_by)
