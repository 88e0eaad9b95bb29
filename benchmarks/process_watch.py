"""CPU and memory of everything a benchmark has started, by what it is."""

from __future__ import annotations

import csv
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Self

#: role by a word of the command line, the first that is found
ROLES = {
    "kafka.Kafka": "broker",
    "TaskManagerRunner": "task manager",
    "StandaloneSessionClusterEntrypoint": "job manager",
    "FlinkJobServerDriver": "job server",
    "feature_producer": "producer",
    "toxiproxy": "proxy",
    "driftline.pipelines.cli": "driver",
    "worker_pool_main": "worker pool",
}
#: what a job itself costs; broker and producer are there in any case
JOB = ("worker", "worker pool", "task manager", "job manager", "job server")


class Sample(NamedTuple):
    """One process at one moment."""

    at: float  # seconds since the watch began
    role: str
    pid: int
    rss: int  # bytes
    cpu: float  # seconds since the process began


class ProcessWatch:
    """Samples every process below this one until it is left."""

    def __init__(self, every: float = 1.0) -> None:
        """Nothing is watched yet."""
        self.samples: list[Sample] = []
        self._every, self._begin = every, time.monotonic()
        self._known: dict[int, tuple[psutil.Process, str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def cpu(self) -> dict[str, float]:
        """CPU seconds by role until now, of processes that have ended too."""
        self._sample()
        last = {(sample.role, sample.pid): sample.cpu for sample in self.samples}
        total: dict[str, float] = defaultdict(float)
        for (role, _), seconds in last.items():
            total[role] += seconds
        return dict(total)

    def rss(self, since: float = 0.0) -> dict[str, int]:
        """Largest memory by role, summed over the processes of one moment, bytes."""
        moments: dict[tuple[float, str], int] = defaultdict(int)
        for sample in self.samples:
            if sample.at >= since:
                moments[sample.at, sample.role] += sample.rss
        largest: dict[str, int] = defaultdict(int)
        for (_, role), total in moments.items():
            largest[role] = max(largest[role], total)
        return dict(largest)

    @property
    def now(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._begin

    def write(self, path: Path) -> None:
        """Write all samples as CSV."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Sample._fields)
            writer.writerows(
                (round(at, 1), role, pid, rss, round(cpu, 2)) for at, role, pid, rss, cpu in self.samples
            )

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._sample()

    def _sample(self) -> None:
        at = self.now
        for process in psutil.Process().children(recursive=True):
            if process.pid not in self._known or self._known[process.pid][0] != process:
                role = role_of(process)
                if role is None:
                    continue
                self._known[process.pid] = process, role
            try:
                with process.oneshot():
                    times, rss = process.cpu_times(), process.memory_info().rss
            except psutil.Error:
                continue
            role = self._known[process.pid][1]
            self.samples.append(Sample(at, role, process.pid, rss, times.user + times.system))


def role_of(process: psutil.Process) -> str | None:
    """What a process is; None for what is none of ours, or has not become itself yet."""
    try:
        line = _line(process)
        if line.startswith("setpriv") or "/setpriv " in line:
            return None
        if any("worker_pool_main" in _line(parent) for parent in process.parents()):
            return "worker"
    except psutil.Error:
        return None
    return next((role for word, role in ROLES.items() if word in line), None)


def _line(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def spent(before: Mapping[str, float], after: Mapping[str, float], roles: tuple[str, ...]) -> float:
    """CPU seconds of roles between two moments."""
    return sum(after.get(role, 0.0) - before.get(role, 0.0) for role in roles)
