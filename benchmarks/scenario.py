"""The events of the benchmarks: 60 nullable features, 10 segments, 400 a second, as schemaless Avro messages.

Messages are encoded with numpy, all at once, and checked against fastavro. Later half hours are the first
one with other event times, written into the messages as they are read: a benchmark can run as long as it
likes from one file.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CACHE = Path(__file__).parents[1] / ".cache" / "benchmarks"
START = 1_700_000_100_000_000  # a quarter of an hour's edge, in microseconds
NULLS = 0.02
_ID_BYTES, _TIME_BYTES = 17, 8


class Seconds:
    """Wall and CPU time since it was made; the second does not depend on what else the machine does."""

    def __init__(self) -> None:
        """Start both clocks."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def spent(self) -> tuple[float, float]:
        """Wall seconds, CPU seconds of the process."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


@dataclass(frozen=True)
class Scenario:
    """What is generated; each distinct scenario has a folder of its own in the cache."""

    features: int = 60
    segments: int = 10
    rate: int = 400
    minutes: int = 30
    seed: int = 1
    reference_rows: int = 100_000
    reference_hours: int = 30

    @property
    def rows(self) -> int:
        """Events in one round."""
        return self.rate * self.minutes * 60

    @property
    def names(self) -> list[str]:
        """Feature names."""
        return [f"f{i:03d}" for i in range(self.features)]

    @property
    def labels(self) -> list[str]:
        """Values of the segment column."""
        return [f"s{i:05d}" for i in range(self.segments)]

    @property
    def folder(self) -> Path:
        """Where the files of this scenario are kept."""
        return CACHE / sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    @property
    def schema(self) -> dict:
        """Avro schema of a message."""
        time = {"type": "long", "logicalType": "timestamp-micros"}
        return {
            "type": "record",
            "name": "Request",
            "fields": [
                {"name": "request_id", "type": "string"},
                {"name": "event_time", "type": time},
                {"name": "segment", "type": "string"},
                *({"name": name, "type": ["null", "double"]} for name in self.names),
            ],
        }

    def values(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, features), NaN for null, a third of them log-normal; segment numbers (n,), uneven."""
        x = rng.standard_normal((n, self.features))
        x[:, ::3] = np.exp(x[:, ::3])
        x[rng.random(x.shape) < NULLS] = np.nan
        share = 1 / np.arange(1, self.segments + 1) ** 0.5
        return x, rng.choice(self.segments, n, p=share / share.sum())

    def config(self, **changes: object) -> dict:
        """A driftline configuration for these events."""
        return {
            "model": "bench",
            "event_time": {"column": "event_time"},
            "segments": ["segment"],
            "features": dict.fromkeys(self.names, "numeric"),
            "windows": {"size": "30m", "every": "15m", "allowed_lateness": "10m"},
            "source": {"files": {"pattern": str(self.folder / "reference.parquet")}},
            "baseline": {"path": str(self.folder / "baseline.avro")},
            "sinks": [{"files": {"path": str(self.folder / "out"), "format": "parquet"}}],
        } | changes


def varint_times(times: np.ndarray) -> np.ndarray:
    """Avro longs of times that need exactly eight bytes: (n, 8) uint8."""
    zigzag = times.astype(np.uint64) << np.uint64(1)
    assert zigzag.min() >= 1 << 49
    assert zigzag.max() < 1 << 56
    groups = (zigzag[:, None] >> np.arange(0, 56, 7, dtype=np.uint64)) & np.uint64(0x7F)
    groups[:, :-1] |= np.uint64(0x80)
    return groups.astype(np.uint8)


def encode(
    scenario: Scenario, number: np.ndarray, times: np.ndarray, segment: np.ndarray, x: np.ndarray
) -> pa.Array:
    """Schemaless Avro messages as one Arrow binary array."""
    n = len(x)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    ids = digits[(number[:, None] >> np.arange(60, -1, -4)) & 15]
    labels = np.array(scenario.labels, dtype="S6").view(np.uint8).reshape(-1, 6)[segment]
    length = lambda size: np.full((n, 1), 2 * size, np.uint8)  # noqa: E731
    head = np.hstack([length(16), ids, varint_times(times), length(6), labels])
    present = ~np.isnan(x)
    body = np.zeros((n, scenario.features, 9), np.uint8)
    body[:, :, 0] = 2 * present
    body[:, :, 1:] = x.astype("<f8").view(np.uint8).reshape(n, scenario.features, 8)
    keep = np.ones((n, head.shape[1] + 9 * scenario.features), bool)
    keep[:, head.shape[1] :].reshape(n, scenario.features, 9)[:, :, 1:] = present[:, :, None]
    rows = np.hstack([head, body.reshape(n, -1)])
    offsets = np.concatenate([[0], keep.sum(1).cumsum()]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), n, [None, pa.py_buffer(offsets), pa.py_buffer(rows[keep])]
    )


def make(scenario: Scenario, peer_rows: int = 100_000, chunk: int = 20_000) -> Path:
    """Write the messages, the first rows again as plain arrays for peers, and the reference; once."""
    folder = scenario.folder
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng, schema = np.random.default_rng(scenario.seed), pa.schema([("message", pa.large_binary())])
    parsed = fastavro.parse_schema(scenario.schema)
    peer_values, peer_segments = [], []
    with pa.ipc.new_file(folder / "messages.arrow", schema) as writer:
        for first in range(0, scenario.rows, chunk):
            number = np.arange(first, min(first + chunk, scenario.rows))
            times = START + number * 1_000_000 // scenario.rate
            x, segment = scenario.values(rng, len(number))
            messages = encode(scenario, number, times, segment, x)
            record = fastavro.schemaless_reader(BytesIO(messages[7].as_py()), parsed, None)
            decoded = np.array([record[name] for name in scenario.names], float)
            np.testing.assert_array_equal(decoded, x[7])
            assert record["segment"] == scenario.labels[segment[7]]
            assert round(record["event_time"].timestamp() * 1e6) == times[7]
            writer.write_batch(pa.record_batch([messages], schema=schema))
            if first < peer_rows:
                peer_values.append(x)
                peer_segments.append(np.array(scenario.labels)[segment])
    values, segments = np.concatenate(peer_values)[:peer_rows], np.concatenate(peer_segments)[:peer_rows]
    np.savez(folder / "rows.npz", values=values, segment=segments)
    n = scenario.reference_rows
    times = START - (np.arange(n, 0, -1) * scenario.reference_hours * 3_600_000_000 // n)
    pq.write_table(_table(scenario, times, *scenario.values(rng, n)[::-1]), folder / "reference.parquet")
    (folder / "complete").touch()
    return folder


def _table(scenario: Scenario, times: np.ndarray, segment: np.ndarray, x: np.ndarray) -> pa.Table:
    columns = {
        "event_time": pa.array(times, pa.timestamp("us", tz="UTC")),
        "segment": np.array(scenario.labels)[segment],
    }
    return pa.table(
        columns | {name: pa.array(x[:, i], from_pandas=True) for i, name in enumerate(scenario.names)}
    )


class Messages:
    """The messages of any number of rounds, batch by batch, as a consumer would hand them over."""

    def __init__(self, scenario: Scenario) -> None:
        """Map the file; nothing is read yet."""
        self._scenario = scenario
        self._reader = pa.ipc.open_file(pa.memory_map(str(make(scenario) / "messages.arrow")))

    @property
    def batches(self) -> int:
        """Stored batches in one round."""
        return self._reader.num_record_batches

    def read(self, batch: int, turn: int = 0) -> list[bytes]:
        """A stored batch, with the event times of the given round."""
        stored = self._reader.get_batch(batch).column(0)
        if turn:
            _, offsets, data = stored.buffers()
            ends = np.frombuffer(offsets, np.int64)
            data = np.frombuffer(data, np.uint8).copy()
            first = batch * self._reader.get_batch(0).num_rows
            number = np.arange(first, first + len(stored)) + turn * self._scenario.rows
            times = START + number * 1_000_000 // self._scenario.rate
            data[ends[:-1, None] + np.arange(_ID_BYTES, _ID_BYTES + _TIME_BYTES)] = varint_times(times)
            stored = pa.LargeBinaryArray.from_buffers(
                pa.large_binary(), len(stored), [None, offsets, pa.py_buffer(data)]
            )
        return stored.to_pylist()
