"""The feature log of the engine benchmarks: every event follows from (stream, partition, sequence number).

The producer sends it, the oracle computes it again: neither has to ask the broker what was sent. Messages are
taken from a pool encoded once; only request id and event time are written into each, so that a producer
that shares two cores with everything it loads costs little.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.scenario import START, Scenario, encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS_PER_MESSAGE = 100
_HEX_PAIRS = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), np.uint16)
_ID, _TIME = slice(1, 17), slice(17, 23)
_SCENARIO_HEAD = 25  # bytes of the scenario's own id and time
_STEP = 7_919  # partitions begin at different rows of the pool
_SHIFTED = 3  # features that drift


class Pool(NamedTuple):
    """What messages are made of."""

    values: np.ndarray  # (rows, features), NaN for null
    segment: np.ndarray  # (rows,)
    jitter: np.ndarray  # (rows,), ms before the moment an event is due
    avro: np.ndarray  # (rows, longest message) uint8
    length: np.ndarray  # (rows,)


@dataclass(frozen=True)
class FeatureStream:
    """A feature log in time: event (p, s) is due at ``start_ms + (s * partitions + p) * 1000 / rate``.

    Its event time is up to ``disorder_ms`` before that, so never ahead of a producer on time.
    The first features are shifted against the reference, so that some results have drifted.
    """

    features: int = 60
    segments: int = 10
    partitions: int = 4
    rate: float = 20_000.0
    start_ms: int = 1_700_000_100_000
    disorder_ms: int = 1_000
    seed: int = 1
    shift: float = 0.7
    pool: int = 20_000

    @property
    def scenario(self) -> Scenario:
        """Names, labels and the distribution of values."""
        return Scenario(features=self.features, segments=self.segments, seed=self.seed)

    @property
    def avro_schema(self) -> dict:
        """Schema of a message; event times are milliseconds."""
        schema = self.scenario.schema
        schema["fields"][1]["type"]["logicalType"] = "timestamp-millis"
        return schema

    def due_ms(self, partition: int, number: np.ndarray | int) -> np.ndarray:
        """When events are to be sent."""
        place = np.asarray(number, np.int64) * self.partitions + partition
        return self.start_ms + (place * (1000 / self.rate)).astype(np.int64)

    def due_by(self, partition: int, now_ms: float) -> int:
        """How many events of a partition are due before a moment."""
        places = (now_ms - self.start_ms) * self.rate / 1000
        return max(0, int((places - partition) // self.partitions) + 1)

    def avro(self, partition: int, first: int, count: int) -> list[bytes]:
        """Schemaless Avro messages."""
        pool, made = _pool(self), []
        for start, stop, number in self._runs(partition, first, count):
            block = pool.avro[start:stop].copy()
            block[:, _ID] = _hex(self._id(partition, number))
            block[:, _TIME] = _varints(self._times(partition, number))
            data = block.tobytes()
            begin = np.arange(stop - start) * block.shape[1]
            slices = map(slice, begin.tolist(), (begin + pool.length[start:stop]).tolist())
            made += map(data.__getitem__, slices)
        return made

    def arrow(self, partition: int, first: int, count: int) -> list[bytes]:
        """Arrow IPC streams of `EVENTS_PER_MESSAGE` events each; first and count are multiples of that."""
        assert first % EVENTS_PER_MESSAGE == count % EVENTS_PER_MESSAGE == 0
        templates, made = _arrow_templates(self), []
        numbers = np.arange(first, first + count)
        ids = memoryview(_hex(self._id(partition, numbers)).tobytes())
        times = memoryview(self._times(partition, numbers).astype("<i8").tobytes())
        rows = self._row(partition, numbers[::EVENTS_PER_MESSAGE]) // EVENTS_PER_MESSAGE
        for i, row in enumerate(rows.tolist()):
            head, between, tail = templates[row]
            here = i * EVENTS_PER_MESSAGE, (i + 1) * EVENTS_PER_MESSAGE
            id_part, time_part = ids[16 * here[0] : 16 * here[1]], times[8 * here[0] : 8 * here[1]]
            made.append(b"".join((head, id_part, between, time_part, tail)))
        return made

    def events(self, partition: int, first: int, count: int) -> pa.RecordBatch:
        """The same events as columns."""
        pool, number = _pool(self), np.arange(first, first + count)
        row = self._row(partition, number)
        ids = np.ascontiguousarray(_hex(self._id(partition, number))).view("S16").ravel().astype(str)
        columns = {
            "request_id": pa.array(ids),
            "event_time": pa.array(self._times(partition, number), pa.timestamp("ms", tz="UTC")),
            "segment": np.array(self.scenario.labels)[pool.segment[row]],
        }
        values = np.asfortranarray(pool.values[row])
        names = enumerate(self.scenario.names)
        columns |= {name: pa.array(values[:, i], from_pandas=True) for i, name in names}
        return pa.RecordBatch.from_pydict(columns)

    def write_events(self, path: Path, spans: dict[int, tuple[int, int]], chunk: int = 100_000) -> None:
        """Write events, given as the first one and a number for each partition, as one Parquet file."""
        writer = pq.ParquetWriter(path, self.events(0, 0, 0).schema, compression="none", use_dictionary=False)
        with writer:
            for partition, (begin, count) in spans.items():
                for first in range(begin, begin + count, chunk):
                    writer.write_batch(self.events(partition, first, min(chunk, begin + count - first)))

    def config(self, folder: Path, **changes: object) -> dict:
        """A driftline configuration of windows 30/15 min compressed to 60/30 s, on files in a folder."""
        return (
            self.scenario.config(
                windows={"size": "60s", "every": "30s", "allowed_lateness": "30s"},
                request_id="request_id",
                source={"files": {"pattern": str(folder / "reference.parquet")}},
                baseline={"path": str(folder / "baseline.avro")},
                sinks=[{"files": {"path": str(folder / "expected"), "format": "parquet"}}],
            )
            | changes
        )

    def write_reference(
        self, folder: Path, every_s: int = 30, windows: int = 60, rows: int = 360_000
    ) -> None:
        """Write the events that the baseline of `config` is made from: without what drifts."""
        rate = rows / (every_s * windows)
        reference = replace(self, start_ms=1_600_000_020_000, shift=0.0, rate=rate)
        each = dict.fromkeys(range(self.partitions), (0, rows // self.partitions))
        reference.write_events(folder / "reference.parquet", each)

    def between(self, begin_ms: int, end_ms: int) -> dict[int, tuple[int, int]]:
        """First event and number of events, of each partition, that hold all of an interval of event time."""
        found = {}
        for partition in range(self.partitions):
            first = self.due_by(partition, begin_ms - 1)
            found[partition] = first, self.due_by(partition, end_ms + self.disorder_ms) - first
        return found

    def to_json(self) -> str:
        """As text, for the producer's command line."""
        return json.dumps(asdict(self))

    def _row(self, partition, number):
        """Row of the pool; a message of several events never goes over its end."""
        return (number + partition * _STEP * EVENTS_PER_MESSAGE) % self.pool

    def _id(self, partition: int, number: np.ndarray) -> np.ndarray:
        return number.astype(np.uint64) | np.uint64(partition << 48)

    def _times(self, partition: int, number: np.ndarray) -> np.ndarray:
        return self.due_ms(partition, number) - _pool(self).jitter[self._row(partition, number)]

    def _runs(self, partition: int, first: int, count: int) -> Iterator[tuple[int, int, np.ndarray]]:
        """Stretches of the pool: start, stop, sequence numbers."""
        end = first + count
        while first < end:
            start = int(self._row(partition, first))
            stop = min(self.pool, start + end - first)
            yield start, stop, np.arange(first, first + stop - start)
            first += stop - start


@lru_cache(maxsize=4)
def _made(stream: FeatureStream) -> Pool:
    rows, scenario = stream.pool, stream.scenario
    rng = np.random.default_rng(stream.seed)
    values, segment = scenario.values(rng, rows)
    jitter = rng.integers(0, stream.disorder_ms + 1, rows)
    values[:, :_SHIFTED] += stream.shift
    number = np.zeros(rows, np.int64)
    encoded = encode(scenario, number, number + START, segment, values)
    bodies = [message[_SCENARIO_HEAD:] for message in encoded.to_pylist()]
    length = np.array([len(body) for body in bodies]) + _TIME.stop
    avro = np.zeros((rows, length.max()), np.uint8)
    avro[:, 0] = 2 * (_ID.stop - _ID.start)
    for i, body in enumerate(bodies):
        avro[i, _TIME.stop : length[i]] = np.frombuffer(body, np.uint8)
    return Pool(values, segment, jitter, avro, length)


def _pool(stream: FeatureStream) -> Pool:
    return _made(replace(stream, partitions=1, rate=1.0, start_ms=0))


@lru_cache(maxsize=2)
def _arrow_templates(stream: FeatureStream) -> list[tuple[bytes, bytes, bytes]]:
    """IPC streams of the pool's rows: what is before the ids, between ids and times, behind the times."""
    assert stream.pool % EVENTS_PER_MESSAGE == 0
    ids = np.arange(EVENTS_PER_MESSAGE) | 0x5AA5_5AA5_0000_0000
    id_bytes, time_bytes = _hex(ids).tobytes(), ids.astype("<i8").tobytes()
    events = replace(stream, partitions=1).events(0, 0, stream.pool)
    id_column = pa.array([id_bytes[i : i + 16].decode() for i in range(0, len(id_bytes), 16)])
    time_column = pa.array(ids, events.schema.field("event_time").type)
    made = []
    for first in range(0, stream.pool, EVENTS_PER_MESSAGE):
        columns = events.slice(first, EVENTS_PER_MESSAGE).columns
        batch = pa.RecordBatch.from_arrays([id_column, time_column, *columns[2:]], schema=events.schema)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        message = sink.getvalue().to_pybytes()
        assert message.count(id_bytes) == message.count(time_bytes) == 1
        head, rest = message.split(id_bytes)
        made.append((head, *rest.split(time_bytes)))
    return made


def _hex(number: np.ndarray) -> np.ndarray:
    """Sixteen hexadecimal digits each: (n, 16) uint8."""
    return _HEX_PAIRS[number.astype(">u8").view(np.uint8)].reshape(-1, 8).view(np.uint8)


def _varints(times: np.ndarray) -> np.ndarray:
    """Avro longs of times in milliseconds, which need exactly six bytes until the year 2039: (n, 6) uint8."""
    zigzag = times.astype(np.uint64) << np.uint64(1)
    groups = (zigzag[:, None] >> np.arange(0, 42, 7, dtype=np.uint64)).astype(np.uint8)
    groups[:, :-1] |= np.uint8(0x80)
    groups[:, -1] &= np.uint8(0x7F)
    return groups
