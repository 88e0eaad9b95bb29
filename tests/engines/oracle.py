"""Whether the rows of a streaming job are those of the bounded backtest on the same events."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from driftline.tables import RESULT, standing_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]

#: differ between two right runs: when and in which pane a row came
FREE = {"emitted_at", "pane", "pane_index"}
#: depend on the order of merges, in the last digits
MOMENTS = {"mean": 1, "variance": 2, "skewness": 0}
MOMENT_ERROR = 1e-9
#: rank errors of both digests together, and the grain of the data
RANK_ERROR = 0.004
RANK_ROWS = 2
#: what thresholds decide; everything else follows from the events and the baseline
DECIDED = {"status", "p_adjusted", "drifted"}
PARTITION_END = -191  # librdkafka's code
_TIMES = [field.name for field in RESULT.arrow if pa.types.is_timestamp(field.type)]
_SHARES = {"p01": 0.01, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}


def compare(standing: pa.Table, expected: pa.Table, *, without: Collection[str] = ()) -> list[str]:
    """Say in which rows and columns two sets of result rows differ; empty if they are the same.

    Counts, bins, categories, cardinality, extremes and all that is computed from them must be equal; moments
    may differ by 1e-9 of their size, quantiles by the rank errors of two digests. Some columns may be left
    out.
    """
    ours, theirs = _by_identity(standing), _by_identity(expected)
    found = [f"{_name(theirs[i])}: missing" for i in theirs if i not in ours]
    found += [f"{_name(ours[i])}: not expected (n = {ours[i]['n']})" for i in ours if i not in theirs]
    exact = [name for name in expected.column_names if name not in {*FREE, *MOMENTS, "quantiles", *without}]
    for identity, want in theirs.items():
        if (got := ours.get(identity)) is not None:
            found += [f"{_name(want)}: {difference}" for difference in _differences(got, want, exact)]
    return found


def standing(rows: pa.Table, *, windows_from: int = -(2**62), windows_to: int = 2**62) -> pa.Table:
    """The rows that stand, of windows that begin in an interval of milliseconds."""
    start = rows["window_start"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    inside = pc.and_(pc.greater_equal(start, windows_from), pc.less(start, windows_to))
    return standing_rows(rows.filter(inside))


def conflicts(rows: pa.Table) -> list[str]:
    """Rows written twice for the same rows of the window that do not say the same: a replay may repeat only.

    The adjusted p-value and the decision may follow from more of the model's other rows.
    """
    found = []
    free = {*FREE, *MOMENTS, "quantiles", *DECIDED, "coverage"}
    exact = [name for name in rows.column_names if name not in free]
    seen: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows.to_pylist():
        first = seen.setdefault((row["row_id"], row["n"]), row)
        found += [f"{_name(row)}: written twice: {text}" for text in _differences(row, first, exact)]
    return found


def rows_of(values: Sequence[bytes]) -> pa.Table:
    """Result rows from the JSON messages of a sink topic."""
    records = [orjson.loads(value) for value in values]
    for record in records:
        for name in _TIMES:
            record[name] = datetime.fromisoformat(record[name].replace("Z", "+00:00"))
    return pa.Table.from_pylist(records, RESULT.arrow)


def topic_messages(brokers: str, topic: str) -> Iterator[Any]:
    """All messages that a topic holds now, partition by partition."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    # Transaction markers have offsets too: the end of a partition is told by its event, not by counting.
    settings = {"bootstrap.servers": brokers, "group.id": "oracle", "enable.auto.commit": False}
    consumer = Consumer(settings | {"enable.partition.eof": True, "auto.offset.reset": "earliest"})
    try:
        for partition in consumer.list_topics(topic, timeout=20).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
            consumer.assign([TopicPartition(topic, partition, low)])
            done = low >= high
            while not done:
                for message in consumer.consume(5_000, timeout=1):
                    if message.error() is None:
                        yield message
                    elif message.error().code() != PARTITION_END:
                        raise KafkaException(message.error())
                    done = message.error() is not None or message.offset() + 1 >= high
    finally:
        consumer.close()


def sink_rows(brokers: str, topic: str) -> tuple[pa.Table, np.ndarray]:
    """All result rows of a sink topic, and when the broker got them (milliseconds)."""
    messages = list(topic_messages(brokers, topic))
    arrived = np.array([message.timestamp()[1] for message in messages], np.int64)
    return rows_of([message.value() for message in messages]), arrived


def backtest(config: Mapping[str, Any], events: Path, folder: Path) -> pa.Table:
    """Result rows of the bounded backtest of a Parquet file of events."""
    path = folder / "oracle.yaml"
    source = {"files": {"pattern": str(events)}}
    sinks = [{"files": {"path": str(folder / "expected"), "format": "parquet"}}]
    path.write_text(yaml.safe_dump({**config, "source": source, "sinks": sinks}))
    command = [sys.executable, "-m", "driftline.pipelines.cli", "backtest", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return pq.read_table(folder / "expected" / "results.parquet")


def _by_identity(rows: pa.Table) -> dict[str, dict[str, Any]]:
    found = {row["row_id"]: row for row in rows.to_pylist()}
    assert len(found) == rows.num_rows, "a row_id occurs twice: compare the rows that stand"
    return found


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['segment']} {row['feature']} {row['window_start']:%H:%M:%S}-{row['window_end']:%H:%M:%S}"


def _differences(got: Mapping[str, Any], want: Mapping[str, Any], exact: list[str]) -> Iterator[str]:
    for name in exact:
        if got[name] != want[name]:
            yield f"{name} is {got[name]!r}, expected {want[name]!r}"
    for name, power in MOMENTS.items():
        if not _near(got[name], want[name], _size(want, power)):
            yield f"{name} is {got[name]!r}, expected {want[name]!r} within {MOMENT_ERROR:g}"
    if (got["quantiles"] is None) != (want["quantiles"] is None):
        yield f"quantiles is {got['quantiles']!r}, expected {want['quantiles']!r}"
    elif want["quantiles"] is not None:
        yield from _quantile_differences(got["quantiles"], want)


def _size(row: Mapping[str, Any], power: int) -> float:
    """What a moment near zero is compared with: the standard deviation, to the moment's power."""
    return 1.0 if row["variance"] is None else row["variance"] ** (power / 2)


def _near(got: float | None, want: float | None, size: float) -> bool:
    if got is None or want is None:
        return got is want
    return abs(got - want) <= MOMENT_ERROR * max(abs(want), size)


def _quantile_differences(got: Mapping[str, Any], want: Mapping[str, Any]) -> Iterator[str]:
    """Turn a rank error into one of values by the steeper of the two neighbouring stretches.

    The quantile function of a unimodal distribution gets steeper towards both ends, so the steeper stretch is
    at least as steep as the point between them.
    """
    places = {0.0: want["min"], 1.0: want["max"]}
    places |= {share: want["quantiles"][name] for name, share in _SHARES.items()}
    if None in places.values():
        if any(got[name] != want["quantiles"][name] for name in _SHARES):
            yield f"quantiles is {got!r}, expected {want['quantiles']!r}"
        return
    order = sorted(places)
    slopes = [(places[b] - places[a]) / (b - a) for a, b in pairwise(order)]
    allowed_rank = RANK_ERROR + RANK_ROWS / max(want["n"], 1)
    for name, share in _SHARES.items():
        place = order.index(share)
        allowed = allowed_rank * max(slopes[place - 1], slopes[place])
        if not abs(got[name] - places[share]) <= allowed:
            yield f"quantile {name} is {got[name]!r}, expected {places[share]!r} within {allowed:.3g}"
