"""Kill what can be killed under load, at random moments, and compare all results with a bounded backtest.

Usage: faults.py [--rounds 5] [--rate 5000] [--seed S] [--only FAULT ...]

After each fault: until when results came later than usual, and whether every row is the oracle's.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.engine import Engine
from benchmarks.feature_stream import FeatureStream
from tests.engines.oracle import DECIDED, backtest, compare, conflicts, standing
from tools.kafka.broker import KafkaBroker
from tools.processes import free_port
from tools.toxiproxy import Toxiproxy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from benchmarks.engine import Producer
    from benchmarks.sink_tail import SinkTail

WINDOWS = {"size": "10s", "every": "5s", "allowed_lateness": "10s"}
FRESH_S = 1.5  # more than before, and results are as fresh as before
LIMIT_S = 180
#: effects that no feature has
NEVER_LARGE = {"psi": 50.0, "wasserstein_iqr": 50.0, "alpha": 0.05}


@dataclass(frozen=True)
class Change:
    """A change of thresholds, and which windows were decided before and behind it for certain."""

    config: Mapping[str, Any]
    before: frozenset[int]  # ends (ms) of windows that had been reported when the job was asked to stop
    stopped_ms: int


@dataclass
class Outcome:
    """What a fault did."""

    fault: str
    away_s: float
    recovery_s: float
    windows: int
    rows: int
    differences: list[str]

    def __str__(self) -> str:
        """One line."""
        verdict = "equal" if not self.differences else f"{len(self.differences)} DIFFERENCES"
        return (
            f"{self.fault:28} away {self.away_s:5.1f} s, results late for {self.recovery_s:5.1f} s; "
            f"{self.windows} windows, {self.rows} rows: {verdict}"
        )


class Scene:
    """A job under a steady load, with a proxy between it and its broker.

    Parameters
    ----------
    folder
        For everything.
    stream
        The load; its rate counts.
    windows
        The configuration's.
    engine
        Arguments of `Engine`.
    """

    def __init__(
        self, folder: Path, stream: FeatureStream, windows: Mapping[str, str] = WINDOWS, **engine: Any
    ) -> None:
        self._proxy_port = free_port()
        address = f"127.0.0.1:{self._proxy_port}"
        broker = KafkaBroker(folder / "kafka", advertised=address)
        self.folder = folder
        self.engine = Engine(folder, stream, windows, broker, **engine)
        self.proxy = Toxiproxy(folder / "proxy")
        self.address = address
        self.size_ms, self.every_ms = (
            int(windows[name].removesuffix("s")) * 1000 for name in ("size", "every")
        )
        self.config: dict[str, Any] = {}
        self.job = ""
        self.producer: Producer
        self.tail: SinkTail
        self.usual_s = 0.0
        self._checked_ms = 0
        self._change: Change | None = None

    def __enter__(self) -> Self:
        """Start servers, job and load, and wait until results come as they usually do."""
        engine = self.engine
        engine.__enter__()
        try:
            engine.enter(self.proxy)
            self.proxy.add("kafka", engine.broker.proxied, self._proxy_port)
            engine.topics("events", partitions=engine.stream.partitions)
            engine.topics("results", "more-results", partitions=1)
            self.config = engine.config("events", "results", brokers=self.address)
            self.tail = engine.watch("results")
            self.producer = engine.produce("events", replace(engine.stream, start_ms=0))
            self.job = engine.submit(self.config)
            self._settle()
        except BaseException:
            engine.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop everything."""
        self.engine.__exit__(*exc)

    def suffer(self, name: str, fault: Callable[[Scene], None]) -> Outcome:
        """Let a fault happen and compare the results since the last one."""
        blow = time.time()
        fault(self)
        away = time.time() - blow
        recovered = self._late_until(blow, time.time())
        end = self._newest() - self.every_ms  # corrections of the newest one may be on their way
        self.tail.follow(1.0)
        begin, self._checked_ms = self._checked_ms, end - self.size_ms + self.every_ms
        rows = self.tail.rows(begin, end)
        got = standing(rows, windows_from=begin, windows_to=end - self.size_ms + 1)
        expected = self._expected(self.config, begin, end)
        differences = self._differences(got, expected, begin, end) + conflicts(rows)
        windows = len(set(expected["window_end"].to_pylist()))
        self.tail.forget(begin)
        return Outcome(name, away, recovered - blow, windows, expected.num_rows, differences)

    def change_job(self) -> None:
        """Stop the job with a savepoint; start one with other thresholds and one more sink from it."""
        rest = self.engine.cluster.rest
        newest = self._newest()
        self.tail.follow(1.0)  # all rows of the windows that had begun to come
        before = frozenset(end for end in self.tail.arrivals if end <= newest)
        savepoint = rest.stop_with_savepoint(self.job)
        self._change = Change(self.config, before, int(time.time() * 1000))
        sinks = self.config["sinks"]
        more = {"kafka": sinks[0]["kafka"] | {"results": "more-results"}}
        tests = {} if self.config.get("tests") else NEVER_LARGE | {"min_n": self._share_of_a_window()}
        self.config = self.config | {"sinks": [sinks[0], more], "tests": tests}
        self.job = self.engine.submit(self.config, f"--savepoint_path={savepoint}")

    def _share_of_a_window(self) -> int:
        """Rows of an even share of a segment in a window: the smaller segments have fewer."""
        stream = self.engine.stream
        return int(stream.rate * self.size_ms / 1000 / stream.segments)

    def _differences(self, got: pa.Table, expected: pa.Table, begin: int, end: int) -> list[str]:
        """Compare all, and where thresholds were changed each window's decisions with those of its own."""
        change, self._change = self._change, None
        if change is None:
            return compare(got, expected)
        former = self._expected(change.config, begin, end)
        before, after = sorted(change.before), [at for at in _ends(expected) if at > change.stopped_ms]
        assert compare(former, expected), "the change decides nothing otherwise"
        assert set(before) & set(_ends(former)), "no window was decided before the change"
        assert after, "no window was decided behind the change"
        return [
            *compare(got, expected, without=DECIDED),
            *compare(_ending(got, before), _ending(former, before)),
            *compare(_ending(got, after), _ending(expected, after)),
        ]

    def _expected(self, config: Mapping[str, Any], begin: int, end: int) -> pa.Table:
        stream = self.producer.stream
        stream.write_events(self.folder / "events.parquet", stream.between(begin, end))
        rows = backtest(config, self.folder / "events.parquet", self.folder)
        return standing(rows, windows_from=begin, windows_to=end - self.size_ms + 1)

    def _newest(self) -> int:
        return max(self.tail.arrivals, default=0)

    def _settle(self) -> None:
        """Learn how fresh results usually are."""
        start = self.producer.stream.start_ms
        self.tail.wait_for_window(start + 2 * self.size_ms, LIMIT_S)
        caught_up = int(time.time() * 1000)
        self.tail.wait_for_window(caught_up + 2 * self.every_ms, LIMIT_S)
        self.usual_s = float(max(self.tail.delays(caught_up, 2**62)))
        self._checked_ms = -(-start // self.every_ms) * self.every_ms

    def _late_until(self, blow: float, over: float) -> float:
        """Wait for a window that ended behind the fault and comes as usual: when the last late one came."""
        limit = time.time() + LIMIT_S
        while time.time() < limit:
            self.tail.poll()
            came = {end / 1000: min(rows.values()) / 1000 for end, rows in self.tail.arrivals.items()}
            late = {end: at for end, at in came.items() if at - end > self.usual_s + FRESH_S}
            if any(end >= over and end not in late for end in came):
                return max((at for at in late.values() if at > blow), default=blow)
        raise TimeoutError(f"results still come late {LIMIT_S} s after the fault was over")


def _ends(rows: pa.Table) -> list[int]:
    """Ends of the windows of rows, milliseconds."""
    return pc.unique(_end_ms(rows)).to_pylist()


def _ending(rows: pa.Table, ends: Sequence[int]) -> pa.Table:
    """Rows of the windows with these ends (ms)."""
    return rows.filter(pc.is_in(_end_ms(rows), pa.array(ends, pa.int64())))


def _end_ms(rows: pa.Table) -> pa.ChunkedArray:
    return rows["window_end"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())


def kill_task_manager(scene: Scene) -> None:
    """Kill -9; a new one is started at once, as an orchestrator does."""
    scene.engine.cluster.kill_task_manager()
    scene.engine.cluster.start_task_manager(wait=False)


def kill_worker(scene: Scene) -> None:
    """Kill -9 of one Python worker; Flink asks the pool for another."""
    os.kill(random.choice(scene.engine.cluster.worker_pids()), signal.SIGKILL)


def kill_broker(scene: Scene) -> None:
    """Kill -9; the broker is started again at once, with its data."""
    scene.engine.broker.kill()
    scene.engine.broker.start()


def cut_network(scene: Scene, seconds: float = 10.0) -> None:
    """No connection between the job and the broker for a while; the producer keeps its own."""
    scene.proxy.cut("kafka")
    time.sleep(seconds)
    scene.proxy.restore("kafka")


def change_job(scene: Scene) -> None:
    """Stop with a savepoint, start a job with other thresholds and one more sink from it."""
    scene.change_job()


def broker_away(scene: Scene) -> None:
    """No broker for a minute."""
    scene.engine.broker.kill()
    time.sleep(60)
    scene.engine.broker.start()


FAULTS: dict[str, Callable[[Scene], None]] = {
    "task-manager": kill_task_manager,
    "worker": kill_worker,
    "broker": kill_broker,
    "network": cut_network,
    "savepoint": change_job,
    "broker-away": broker_away,
}


def main() -> None:
    """Rounds of faults in random order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    outcomes = []
    stream = FeatureStream(rate=arguments.rate)
    with (
        tempfile.TemporaryDirectory(prefix="driftline-faults-", ignore_cleanup_errors=True) as folder,
        Scene(Path(folder), stream, checkpoint_seconds=3) as scene,
    ):
        print(f"results usually come {scene.usual_s:.1f} s behind their window", flush=True)
        for number in range(arguments.rounds):
            for name in random.sample(arguments.only, len(arguments.only)):
                time.sleep(random.uniform(1, 2 * scene.every_ms / 1000))
                outcomes.append(scene.suffer(name, FAULTS[name]))
                print(f"round {number + 1}: {outcomes[-1]}", flush=True)
                for difference in outcomes[-1].differences[:20]:
                    print(f"    {difference}", flush=True)
    wrong = sum(bool(outcome.differences) for outcome in outcomes)
    print(f"{len(outcomes)} faults, {wrong} with differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
