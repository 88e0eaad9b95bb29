"""Labels as a stream of their own: what a running job says of a model is what the backtest says.

Twelve minutes of event time go by in half a minute: labels come early, minutes late, twice, too late, and
never, one of their partitions is empty, and what the scores mean flips in the middle.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from confluent_kafka import Producer

from driftline.tables import DEAD_LETTER, DETECTION, PERFORMANCE, rows_of, standing_rows
from driftline.tables.trends import TREND
from tests.engines.conftest import ROOT
from tests.engines.oracle import topic_messages
from tools.processes import Server, wait_until

MINUTE = 60_000
SPAN, WAIT, REMEMBERED = 12 * MINUTE, 4 * MINUTE, 4 * MINUTE
PARTS = 24
PARTS_APART_S = 0.8
WITHIN_S = 420  # on one core it takes 210
NEAR = 1e-9
SCHEMAS = {
    "performance": PERFORMANCE,
    "trends": TREND,
    "detections": DETECTION,
    "dead_letters": DEAD_LETTER,
}
CONFIG = {
    "model": "shop",
    "event_time": {"column": "at", "unit": "ms"},
    "request_id": "id",
    "prediction": "score",
    "segments": ["s"],
    "features": {"x": "numeric"},
    "windows": {"size": "2m", "every": "1m", "allowed_lateness": "20s"},
    "tests": {"min_n": 30},
    "detectors": [
        {"signal": "loss", "detector": "adwin"},
        {"signal": "feature.x", "detector": "page_hinkley"},
    ],
}
LABELS = {"column": "y", "time": {"column": "known", "unit": "ms"}, "wait": "4m"}


@dataclass
class Log:
    """Predictions and labels, each with its partition, in the order in which they are sent."""

    begin: int
    rows: int = 6_000
    seed: int = 7
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        rows = self.rows
        at = np.sort(self.begin + rng.integers(0, SPAN, rows))
        score = rng.beta(0.6, 0.9, rows)
        y = (rng.random(rows) < score).astype(int)
        y = np.where(at >= self.begin + SPAN // 2, 1 - y, y)
        kind = rng.choice(["early", "soon", "minutes", "over", "never"], rows, p=[0.1, 0.4, 0.25, 0.1, 0.15])
        spans = {
            "early": (-30, 0),
            "soon": (0, 20),
            "minutes": (60, 239),
            "over": (241, 360),
            "never": (0, 1),
        }
        known = at + np.array([rng.integers(*(1000 * s for s in spans[each])) for each in kind])
        x = rng.normal(size=rows) + (at >= self.begin + SPAN * 2 // 3)
        ids = [f"r{self.begin}-{i}" for i in range(rows)]
        columns = (ids, at.tolist(), rng.choice(["A", "B"], rows).tolist(), score.tolist(), x.tolist())
        self.events = [
            dict(zip(("id", "at", "s", "score", "x"), row, strict=True)) for row in zip(*columns, strict=True)
        ]
        labels = zip(ids, y.tolist(), known.tolist(), strict=True)
        self.labels = [dict(zip(("id", "y", "known"), row, strict=True)) for row in labels]
        self.kind = kind

    def sent(self):
        """What goes over the wire: (when, topic, partition, value), sorted by when."""
        rng = np.random.default_rng(self.seed + 1)
        labels = [label for label, kind in zip(self.labels, self.kind, strict=True) if kind != "never"]
        twice = [labels[i] for i in rng.choice(len(labels), 200, replace=False)]
        lost = [{"id": f"lost{i}", "y": 0, "known": self.begin + i * 1_000} for i in range(50)]
        bad = [
            {"id": self.events[0]["id"], "y": 3, "known": self.begin},
            {"id": "r", "y": None, "known": self.begin},
        ]
        wrong = [{**self.events[5], "id": "nan", "score": 1.5}]
        again = [self.events[i] for i in rng.choice(self.rows, 100, replace=False)]
        # a second on the way, so within `disorder`; what is sent twice comes again some seconds later
        found = [
            (row["at"] + rng.integers(0, 1_000), "events", i % 2, row)
            for i, row in enumerate(self.events + wrong)
        ]
        found += [(row["at"] + rng.integers(0, 12_000), "events", i % 2, row) for i, row in enumerate(again)]
        found += [
            (row["known"] + rng.integers(0, 1_000), "labels", i % 2, row)
            for i, row in enumerate(labels + lost + bad)
        ]
        found += [
            (row["known"] + rng.integers(0, 12_000), "labels", i % 2, row) for i, row in enumerate(twice)
        ]
        return sorted(found, key=lambda each: each[0])


def run(*arguments):
    """What a command says that must not fail."""
    command = [sys.executable, "-m", "driftline.pipelines.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Shop:
    """Topics, a configuration, and a log that begins so that all its deadlines are over now."""

    def __init__(self, broker, topic, baseline, folder):
        self.broker, self.folder = broker, folder
        ago = SPAN + 6 * MINUTE + WAIT + REMEMBERED + 4 * MINUTE
        self.log = Log((int(time.time() * 1000) - ago) // MINUTE * MINUTE)
        self.events = topic(2, name="events", retention_ms=-1)
        self.labels = topic(3, name="labels", retention_ms=-1)  # one stays empty
        self.topics = {name: topic(name=name) for name in ("results", *SCHEMAS)}
        kafka = {"brokers": [broker.bootstrap], "format": "json", "start": "earliest"}
        kafka |= {"disorder": "2s", "idle_after": "12s"}
        self.config = CONFIG | {
            "source": {"kafka": kafka | {"topic": self.events}},
            "labels": LABELS | {"source": {"kafka": kafka | {"topic": self.labels}}},
            "baseline": {"path": baseline},
            "sinks": [
                {"kafka": {"brokers": [broker.bootstrap], **self.topics}},
                {"files": {"path": str(folder / "out")}},
            ],
        }
        self.live = self.write("live.yaml", self.config)

    def write(self, name, config):
        (self.folder / name).write_text(yaml.safe_dump(config))
        return str(self.folder / name)

    def send(self, halfway=bool):
        """Send the log, a part at a time: partitions that are not empty must not look idle."""
        producer = Producer({"bootstrap.servers": self.broker.bootstrap})
        names = {"events": self.events, "labels": self.labels}
        sent = self.log.sent()
        begin, aside = time.time(), ThreadPoolExecutor(1)
        for number, part in enumerate(np.array_split(np.arange(len(sent)), PARTS)):
            for i in part:
                _, name, partition, row = sent[i]
                producer.produce(names[name], json.dumps(row).encode(), partition=partition)
            assert producer.flush(20) == 0
            if number == PARTS // 2:
                meanwhile = aside.submit(halfway)
            time.sleep(max(0.0, begin + (number + 1) * PARTS_APART_S - time.time()))
        meanwhile.result()

    def backtest(self):
        """Tables of the bounded run on the same topics, and what it said."""
        config = self.config | {"sinks": [{"files": {"path": str(self.folder / "expected")}}]}
        said = run("backtest", self.write("expected.yaml", config))
        return {name: pq.read_table(self.folder / "expected" / f"{name}.parquet") for name in SCHEMAS}, said

    def files(self, name):
        return standing_rows(pq.read_table(self.folder / "out" / f"{name}.parquet"))

    def messages(self, name):
        found = topic_messages(self.broker.bootstrap, self.topics[name])
        return standing_rows(rows_of(((m.key(), m.value(), m.headers()) for m in found), SCHEMAS[name]))

    def wait_for(self, expected, running=lambda: True):
        """Wait until as much has come as the backtest says."""
        end = time.monotonic() + WITHIN_S
        for name, rows in expected.items():
            while (got := total(self.files(name)))[0] < total(rows)[0] or got[1] < total(rows)[1]:
                assert running()
                assert time.monotonic() < end, f"{name}: {got} of {total(rows)}"
                time.sleep(0.5)


def total(rows):
    """How many rows there are, and how many outcomes they stand for."""
    return rows.num_rows, sum(rows["n"].to_pylist()) if "n" in rows.column_names else 0


def differences(got, expected):
    """Where two tables differ that say the same; sums of floats may differ in the last digits."""
    ours, theirs = ({row["row_id"]: row for row in rows.to_pylist()} for rows in (got, expected))
    found = [f"missing: {theirs[i]}" for i in theirs if i not in ours]
    found += [f"not expected: {ours[i]}" for i in ours if i not in theirs]
    for i in ours.keys() & theirs.keys():
        for name, want in theirs[i].items():
            same = ours[i][name] == want
            if isinstance(want, float) and ours[i][name] is not None:
                same = ours[i][name] == pytest.approx(want, rel=NEAR, abs=NEAR)
            if name != "emitted_at" and not same:
                where = f"{theirs[i].get('segment')} {theirs[i].get('window_start')} {name}"
                found.append(f"{where} is {ours[i][name]!r}, expected {want!r}")
    return found


def unlike(name, got, expected):
    """As `differences`; of a label that came twice either may be the one that is a dead letter."""
    if name != "dead_letters":
        return differences(got, expected)
    ours, theirs = (
        Counter(zip(rows["reason"].to_pylist(), rows["detail"].to_pylist(), strict=True))
        for rows in (got, expected)
    )
    return [*(f"missing: {key}" for key in theirs - ours), *(f"not expected: {key}" for key in ours - theirs)]


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    """Path of a baseline with the performance of the past."""
    folder = tmp_path_factory.mktemp("baseline")
    past = [Log(1_700_000_040_000 + part * SPAN, seed=3 + part) for part in range(3)]
    events, labels = ([row for log in past for row in getattr(log, name)] for name in ("events", "labels"))
    pq.write_table(pa.Table.from_pylist(events), folder / "past.parquet")
    pq.write_table(pa.Table.from_pylist(labels), folder / "labels.parquet")
    config = CONFIG | {
        "source": {"files": {"pattern": str(folder / "past.parquet")}},
        "labels": LABELS | {"source": {"files": {"pattern": str(folder / "labels.parquet")}}},
        "baseline": {"path": str(folder / "baseline.avro")},
        "sinks": [{"files": {"path": str(folder / "never")}}],
    }
    (folder / "past.yaml").write_text(yaml.safe_dump(config))
    run("baseline", str(folder / "past.yaml"))
    return str(folder / "baseline.avro")


@pytest.fixture
def shop(broker, topic, baseline, tmp_path):
    return Shop(broker, topic, baseline, tmp_path)


def label_lines(said):
    """What a command says of predictions and labels."""
    return [line for line in said.splitlines() if line.startswith("labels: ")]


def test_on_a_cluster_the_rows_are_the_backtests_though_workers_are_killed(shop, flink):
    command = [sys.executable, "-m", "driftline.pipelines.cli", "monitor", shop.live, "--"]
    driver = Server(
        "driver", [*command, *flink.options()], shop.folder, environment={"PYTHONPATH": str(ROOT)}
    )
    before = set(flink.rest.jobs())
    with driver:
        driver.wait_until(lambda: set(flink.rest.jobs()) - before, 240, "the job was submitted")
        (job,) = set(flink.rest.jobs()) - before
        flink.rest.wait_running(job, 240)

        def kill():
            flink.rest.wait_checkpoint(job, seconds=WITHIN_S)
            assert flink.kill_workers()

        shop.send(kill)
        expected, said = shop.backtest()
        shop.wait_for(expected)
        wait_until(lambda: flink.rest.failures(job) >= 1, 180, "the restart to be counted")
        flink.rest.wait_checkpoint(job, seconds=WITHIN_S)
        for name, rows in expected.items():
            for got in (shop.files(name), shop.messages(name)):
                assert unlike(name, got, rows) == [], name
        flink.rest.cancel(job)
    assert not any("UNACCOUNTED" in line for line in label_lines(said))
    assert expected["detections"].num_rows >= 3
    reasons = Counter(expected["dead_letters"]["reason"].to_pylist())
    assert reasons["after_deadline"] > 400
    assert reasons["no_prediction"] >= 50


def test_on_the_laptop_rows_and_counts_are_the_backtests(shop, prism):
    command = [sys.executable, "-m", "driftline.pipelines.cli", "monitor", shop.live]
    with (shop.folder / "log").open("w") as log:
        command += ["--", f"--prism_location={prism}"]
        monitor = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            shop.send()
            expected, said = shop.backtest()
            shop.wait_for(expected, lambda: monitor.poll() is None)
            time.sleep(2)  # for what should not come
            monitor.send_signal(signal.SIGINT)
            assert monitor.wait(30) == 130
        finally:
            monitor.kill()
            monitor.wait()
    for name, rows in expected.items():
        assert unlike(name, shop.files(name), rows) == [], name
    stopped = (shop.folder / "log").read_text()
    assert label_lines(stopped) == label_lines(said) != []
    assert "Traceback" not in stopped
