"""What Flink's config.yaml of the local cluster says, and the flags its Java processes need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HOST = "127.0.0.1"
_FRAMEWORK = 128  # MiB of heap and of direct memory that are Flink's own
_JVM_OVERHEAD = 192
_PROMETHEUS = "org.apache.flink.metrics.prometheus"

_OPENED = (
    *("java.net", "java.io", "java.nio", "java.lang", "java.lang.reflect", "java.text", "java.time"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks"),
    *("sun.nio.ch", "sun.net.util"),
)
JAVA_FLAGS = tuple(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED)
"""What Flink needs to see of Java 17."""


@dataclass(frozen=True)
class Memory:
    """Sizes of one task manager, in MiB."""

    heap: int = 768
    off_heap: int = 384
    network: int = 64
    managed: int = 512
    metaspace: int = 256

    @property
    def java_flags(self) -> list[str]:
        """The same sizes as Java's flags."""
        return [
            f"-Xmx{self.heap + _FRAMEWORK}m",
            f"-XX:MaxDirectMemorySize={self.off_heap + self.network + _FRAMEWORK}m",
            f"-XX:MaxMetaspaceSize={self.metaspace}m",
        ]

    @property
    def settings(self) -> dict[str, str]:
        """The same sizes as Flink's settings. All must be given: Flink's scripts would work out the rest."""
        return {
            "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK}m",
            "taskmanager.memory.framework.off-heap.size": f"{_FRAMEWORK}m",
            "taskmanager.memory.task.heap.size": f"{self.heap}m",
            "taskmanager.memory.task.off-heap.size": f"{self.off_heap}m",
            "taskmanager.memory.network.min": f"{self.network}m",
            "taskmanager.memory.network.max": f"{self.network}m",
            "taskmanager.memory.managed.size": f"{self.managed}m",
            "taskmanager.memory.jvm-metaspace.size": f"{self.metaspace}m",
            "taskmanager.memory.jvm-overhead.min": f"{_JVM_OVERHEAD}m",
            "taskmanager.memory.jvm-overhead.max": f"{_JVM_OVERHEAD}m",
        }


def flink_config(
    folder: Path,
    *,
    rpc_port: int,
    rest_port: int,
    metric_ports: Sequence[int],
    slots: int,
    state_backend: str,
    memory: Memory,
) -> dict[str, object]:
    """The settings of all processes of a local cluster.

    Parameters
    ----------
    folder
        Checkpoints, savepoints and temporary files go below it.
    rpc_port, rest_port
        Where the job manager listens.
    metric_ports
        Where Prometheus finds the metrics of each Java process; each takes the first free one.
    state_backend : {"rocksdb", "hashmap"}
        Where state lives between checkpoints.
    """
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": rpc_port,
        "jobmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": rest_port,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": slots,
        "taskmanager.cpu.cores": float(slots),
        **memory.settings,
        "io.tmp.dirs": folder / "tmp",
        "blob.storage.directory": folder / "tmp",
        "state.backend.type": state_backend,
        "state.backend.incremental": state_backend == "rocksdb",
        "state.checkpoints.dir": (folder / "checkpoints").as_uri(),
        "state.savepoints.dir": (folder / "savepoints").as_uri(),
        "state.checkpoints.num-retained": 2,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.timeout": "5 min",
        "execution.checkpointing.tolerable-failed-checkpoints": 100,
        # a lost process is noticed and replaced within seconds, for as long as it takes
        "heartbeat.interval": 2000,
        "heartbeat.timeout": 10000,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 2**31 - 1,
        "restart-strategy.fixed-delay.delay": "1 s",
        "metrics.reporters": "prom",
        "metrics.reporter.prom.factory.class": f"{_PROMETHEUS}.PrometheusReporterFactory",
        "metrics.reporter.prom.port": ",".join(str(port) for port in metric_ports),
        "web.submit.enable": False,
    }


LOGGING = """\
status = error
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c{1})%n
"""
