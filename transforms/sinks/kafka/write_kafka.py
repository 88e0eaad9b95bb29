"""Write rows to a Kafka topic: nothing is acknowledged that is not written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow as pa  # noqa: TC002  # Beam reads type hints at run time
from confluent_kafka import KafkaError

import driftline.transforms.coders  # noqa: F401  # batches travel as Arrow IPC
from driftline.tables import rows_of
from driftline.tables.row_messages import row_headers, row_keys, row_values, shortened
from driftline.transforms.sinks.kafka.kafka_producer import LARGEST_MESSAGE, PRODUCERS, Delivery, Refused
from driftline.transforms.sinks.written import closed_windows, count_written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.tables import RowSchema
    from driftline.tables.row_messages import Format

#: What a message needs besides its value: key, headers and the protocol's own.
_OVERHEAD: Final = 1_024
_REMEDIES: Final[Mapping[int, str]] = {
    KafkaError.MSG_SIZE_TOO_LARGE: "raise max.message.bytes of the topic",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "let this login write to the topic",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "let this login write idempotently to the cluster",
    KafkaError._UNKNOWN_TOPIC: "make the topic again, or start the job anew: it makes it",  # noqa: SLF001
    KafkaError.UNKNOWN_TOPIC_OR_PART: "make the topic again, or start the job anew: it makes it",
    KafkaError.NOT_ENOUGH_REPLICAS: "bring back the topic's replicas, or lower its min.insync.replicas",
}


class NotDelivered(RuntimeError):  # noqa: N818  # says what is the case
    """Rows were not written; the bundle fails, and the runner tries it again.

    Parameters
    ----------
    message : str
        Topic, error and remedy.
    """


@dataclass
class WriteToKafka(beam.PTransform):
    """Write record batches of one schema to a topic, a message a row, keyed by ``row_id``.

    Every row is written at least once. What is written twice has the same key: a reader that keeps of each
    key what `driftline.tables.standing_rows` keeps has each row once.

    Parameters
    ----------
    topic
        The topic; see `driftline.transforms.kafka_cluster.ensure_topics`.
    value_format
        ``json`` or ``avro``, as `driftline.tables.row_messages.row_values` says.
    options
        librdkafka settings, which may hold secrets.
    """

    brokers: Sequence[str]
    topic: str
    schema: RowSchema
    value_format: Format = "json"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Write the batches."""
        return batches | "Produce" >> beam.ParDo(
            ProduceRows(tuple(self.brokers), self.topic, self.schema, self.value_format, dict(self.options))
        )


class ProduceRows(beam.DoFn):
    """Produce the rows of batches and wait, at the end of the bundle, until all are written."""

    def __init__(
        self,
        brokers: tuple[str, ...],
        topic: str,
        schema: RowSchema,
        value_format: Format,
        options: dict[str, str],
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._schema = schema
        self._format = value_format
        self._options = options

    def setup(self) -> None:
        """Take part in the producer of this process."""
        limit = int(self._options.get("message.max.bytes", LARGEST_MESSAGE))
        self._largest = limit - _OVERHEAD
        self._shared = PRODUCERS.acquire(self._brokers, self._options)

    def start_bundle(self) -> None:
        """Begin to count messages."""
        if self._shared.broken:
            PRODUCERS.release(self._shared)
            self._shared = PRODUCERS.acquire(self._brokers, self._options)
        self._delivery = Delivery(self._shared, self._topic)
        self._handed_over = 0
        self._ends: list[int] = []

    def process(self, batch: pa.RecordBatch) -> None:
        """Hand over the rows of a batch."""
        keys = row_keys(batch)
        values = row_values(batch, self._schema, self._format, self._largest)
        for key, value in zip(keys, values, strict=True):
            self._delivery.send(key, value, row_headers(key, self._schema, self._format))
        self._handed_over += len(keys)
        self._ends += closed_windows(batch)

    def finish_bundle(self) -> None:
        """Wait until all is written."""
        refused = self._delivery.wait()
        lost = [one for one in refused if one.error.code() != KafkaError.MSG_SIZE_TOO_LARGE]
        if lost:
            raise self._not_delivered(lost)
        for too_large in refused:
            self._send_alone(too_large)
        count_written(self._delivery.delivered, self._ends)

    def teardown(self) -> None:
        """Give the producer back, and forget it: a client ends when nobody knows it."""
        PRODUCERS.release(self._shared)
        del self._shared
        self.__dict__.pop("_delivery", None)

    def _send_alone(self, refused: Refused) -> None:
        """Write what was too large, by itself: the fault may be of the messages it travelled with.

        If it is not, less and less of it is sent: a dead letter must not stop the job.
        """
        headers = row_headers(refused.key, self._schema, self._format)
        value = refused.value
        (row,) = rows_of([(refused.key, value, None)], self._schema).to_batches()
        while True:
            self._delivery.send(refused.key, value, headers)
            again = self._delivery.wait()
            if not again:
                return
            if again[0].error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
                raise self._not_delivered(again)
            try:
                value = shortened(row, self._schema, self._format, len(value) // 2)
            except ValueError:
                raise self._not_delivered(again) from None
            self._largest = min(self._largest, len(value))

    def _not_delivered(self, refused: list[Refused]) -> NotDelivered:
        self._shared.broken = True
        error = refused[0].error
        if error.code() in {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT}:  # noqa: SLF001
            why = f"{error.str()}; {self._shared.complaints.sentence()}"
        else:
            why = f"{error.str()}: {_REMEDIES.get(error.code(), 'see the log of the broker')}"
        rows = f"{len(refused):,} of {self._handed_over:,} rows of {self._schema.name}"
        where = f"Kafka at {', '.join(self._brokers)}, topic {self._topic}"
        return NotDelivered(f"{where}: {rows} were not written: {why}")
