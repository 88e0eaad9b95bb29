"""A baseline learnt from topics of events and labels is the one learnt from files of the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from confluent_kafka import Producer

from driftline.baseline import decode_baseline
from driftline.pipelines.cli import main
from driftline.profiles.numeric import NumericProfile

MINUTE = 60_000
BEGIN, SPAN = 1_700_000_000_000 // (4 * MINUTE) * (4 * MINUTE), 48 * MINUTE
CONFIG = {
    "model": "shop",
    "event_time": {"column": "at", "unit": "ms"},
    "request_id": "id",
    "prediction": "score",
    "features": {"c": "categorical"},
    "windows": {"size": "4m", "every": "4m"},
}
LABELS = {"column": "y", "time": {"column": "known", "unit": "ms"}, "wait": "8m"}


def log(rows):
    """Events, and labels of most of them, some too late."""
    rng = np.random.default_rng(3)
    at = BEGIN + rng.integers(0, SPAN, rows)
    score = rng.beta(2, 2, rows)
    known = at + rng.integers(-2, 10, rows) * MINUTE
    columns = {
        "id": [f"r{i}" for i in range(rows)],
        "at": at.tolist(),
        "c": rng.choice(["p", "q", "r"], rows).tolist(),
        "score": score.tolist(),
    }
    events = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    y = (rng.random(rows) < score).astype(int)
    labels = [
        {"id": event["id"], "y": int(y[i]), "known": int(known[i])} for i, event in enumerate(events) if i % 5
    ]
    return events, labels


def send(broker, topic, rows, partitions):
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number, row in enumerate(rows):
        producer.produce(topic, json.dumps(row).encode(), partition=number % partitions)
    assert producer.flush(30) == 0


def read(path):
    return decode_baseline(path.read_bytes(), str(path))


def test_the_baseline_of_topics_is_the_baseline_of_files(broker, topic, tmp_path, capsys):
    events, labels = log(4_000)
    for name, rows in (("events", events), ("labels", labels)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    topics = {name: topic(2, name=name, retention_ms=-1) for name in ("events", "labels")}
    send(broker, topics["events"], [*events, {"id": "no event", "at": None}], 2)
    send(broker, topics["labels"], labels, 2)
    kafka = {"brokers": [broker.bootstrap], "format": "json"}  # `start` is latest: all there is
    sources = {
        "kafka": (
            {"kafka": kafka | {"topic": topics["events"]}},
            {"kafka": kafka | {"topic": topics["labels"]}},
        ),
        "files": tuple({"files": {"pattern": str(tmp_path / f"{name}.jsonl")}} for name in topics),
    }
    said = {}
    for name, (source, of_labels) in sources.items():
        config = CONFIG | {
            "source": source,
            "labels": LABELS | {"source": of_labels},
            "baseline": {"path": str(tmp_path / f"{name}.avro")},
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config))
        assert main(["baseline", str(tmp_path / f"{name}.yaml")]) == 0
        said[name] = capsys.readouterr().out
    assert "learning from source.kafka, up to its present end" in said["kafka"]
    counts = "4,001 decoded = 4,000 profiled + 1 rejected (missing_event_time 1) + 0 dropped late"
    assert counts in said["kafka"]
    of_labels = [line for line in said["kafka"].splitlines() if line.startswith("labels: ")]
    assert of_labels == [line for line in said["files"].splitlines() if line.startswith("labels: ")]
    assert "4,000 predictions = " in of_labels[0]
    assert "UNACCOUNTED" not in "".join(said.values())
    ours, expected = read(tmp_path / "kafka.avro"), read(tmp_path / "files.avro")
    assert ours.windows == expected.windows > 9
    assert ours.entries.keys() == expected.entries.keys()
    features = {key: entry for key, entry in expected.entries.items() if key[1] != "performance"}
    for key, entry in features.items():
        assert ours.entries[key].profile.rows == entry.profile.rows
        assert (ours.entries[key].profile.counts == entry.profile.counts).all()
        if isinstance(entry.profile, NumericProfile):
            assert ours.entries[key].profile.mean == pytest.approx(entry.profile.mean, rel=1e-9, abs=1e-12)
    assert expected.of_part("performance").keys() == {"*"}
    for segment, entry in expected.of_part("performance").items():
        mine, profile = ours.entries[segment, "performance"].profile, entry.profile
        assert mine.n_predictions == profile.n_predictions
        assert mine.n == profile.n > 2_000
        assert mine.errors == profile.errors
