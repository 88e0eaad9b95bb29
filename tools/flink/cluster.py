"""A Flink cluster on this machine: job manager, task managers, Beam's job server and a pool of workers."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from driftline.runners.flink.options import overridden, streaming_options
from tools.flink.residuals import bounded_residuals
from tools.flink.rest import FlinkRest
from tools.flink.settings import HOST, JAVA_FLAGS, LOGGING, Memory, flink_config
from tools.maven import jars, java
from tools.processes import Server, ServerError, Service, free_ports, port_open

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

POM = Path(__file__).with_name("pom.xml")

_SPARE = (
    4  # ports for the metrics of task managers that are added or start before a killed one's port is free
)
_NOT_SHIPPED = "gradle/wrapper"
# Beam's job server sends its class path (200 MB) along with every job, except for what lies in a folder of
# this name. All processes here have these archives on their class path already.


class FlinkCluster(Service):
    """Everything a Beam Python job needs of Flink, as child processes of this one.

    Parameters
    ----------
    folder
        Logs, settings, checkpoints and savepoints; made if missing.
    slots
        Slots of each.
    workers
        Python processes a task manager asks the pool for.
    state_backend : {"rocksdb", "hashmap"}, default "rocksdb"
        Where state lives between checkpoints.
    checkpoint_seconds
        What `options` says of checkpoints.
    memory
        Sizes of a task manager.
    worker_environment
        Variables for the Python workers, added to this process's.
    rest_port
        Where Flink's web page and REST interface are; 0 takes a free port.
    metrics_port
        The first of the consecutive ports where Prometheus finds the Java processes, one each; 0 takes free
        ones that need not be consecutive.
    detached
        Whether the cluster outlives this process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        task_managers: int = 1,
        slots: int = 2,
        workers: int = 2,
        state_backend: str = "rocksdb",
        checkpoint_seconds: float = 10.0,
        memory: Memory | None = None,
        worker_environment: Mapping[str, str] | None = None,
        rest_port: int = 0,
        metrics_port: int = 0,
        detached: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.slots = slots
        self.workers = workers
        self.checkpoint_seconds = checkpoint_seconds
        self.memory = memory or Memory()
        self.detached = detached
        rpc, rest, self._job, self._artifact, self._expansion, self._pool, *metrics = free_ports(
            7 + task_managers + _SPARE
        )
        if metrics_port:
            metrics = list(range(metrics_port, metrics_port + 1 + task_managers + _SPARE))
        self.metric_ports = metrics
        self._rest_port = rest_port or rest
        self.rest = FlinkRest(f"http://{HOST}:{self._rest_port}")
        self._config = flink_config(
            self.folder,
            rpc_port=rpc,
            rest_port=self._rest_port,
            metric_ports=metrics,
            slots=slots,
            state_backend=state_backend,
            memory=self.memory,
        )
        self._worker_environment = dict(worker_environment or {})
        self._classpath = ""
        self.job_manager: Server
        self.job_server: Server
        self.worker_pool: Server
        self.task_managers: list[Server] = []
        self._wanted = task_managers

    @property
    def job_endpoint(self) -> str:
        """Where jobs are submitted: ``--job_endpoint``."""
        return f"{HOST}:{self._job}"

    @property
    def artifact_endpoint(self) -> str:
        """Where Beam stages files: ``--artifact_endpoint``."""
        return f"{HOST}:{self._artifact}"

    @property
    def worker_pool_endpoint(self) -> str:
        """Where task managers ask for Python workers: ``--environment_config``."""
        return f"{HOST}:{self._pool}"

    @property
    def servers(self) -> list[Server]:
        """All processes, in the order in which they start."""
        return [self.job_manager, *self.task_managers, self.job_server, self.worker_pool]

    def options(self, *more: str, parallelism: int | None = None) -> list[str]:
        """Beam's options for a streaming job on this cluster.

        Parameters
        ----------
        parallelism
            Without it, all slots.
        """
        chosen = streaming_options(
            job_endpoint=self.job_endpoint,
            artifact_endpoint=self.artifact_endpoint,
            worker_pool=self.worker_pool_endpoint,
            parallelism=parallelism or self.slots * self._wanted,
            workers=self.workers,
            checkpoint_seconds=self.checkpoint_seconds,
        )
        return overridden(chosen, more)

    def start(self, seconds: float = 180.0) -> Self:
        """Start all processes and wait until jobs can be submitted.

        Raises
        ------
        ServerError
            If one of them does not start; with the last lines of its log. None is left running.
        """
        if port_open(self._rest_port):
            raise ServerError(
                f"port {self._rest_port} is in use: choose another for Flink, or stop what uses it"
            )
        archives = jars(POM, _NOT_SHIPPED)
        self._classpath = f"{bounded_residuals(archives)}{os.pathsep}{archives}/*"
        for name in ("conf", "tmp", "checkpoints", "savepoints", "artifacts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({key: _plain(value) for key, value in self._config.items()}, width=1000)
        (self.folder / "conf" / "config.yaml").write_text(text)
        (self.folder / "conf" / "log4j2.properties").write_text(LOGGING)
        self.job_manager = self._java(
            "job-manager",
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "-Xmx512m",
            args=["--configDir", str(self.folder / "conf")],
        )
        self.job_server = self._java(
            "job-server",
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            "-Xmx512m",
            args=[
                f"--flink-master={HOST}:{self._rest_port}",
                f"--flink-conf-dir={self.folder / 'conf'}",
                f"--job-host={HOST}",
                f"--job-port={self._job}",
                f"--artifact-port={self._artifact}",
                f"--expansion-port={self._expansion}",
                f"--artifacts-dir={self.folder / 'artifacts'}",
            ],
        )
        self.worker_pool = Server(
            "worker-pool",
            [
                *(sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"),
                *(f"--service_port={self._pool}", f"--container_executable={self._worker_program()}"),
            ],
            self.folder,
            environment=self._worker_environment,
            detached=self.detached,
        )
        self.task_managers = [self._task_manager(number) for number in range(self._wanted)]
        try:
            for server in self.servers:
                server.start()
            self.job_manager.wait_until(self.rest.answers, seconds, "its REST interface answered")
            self.wait_task_managers(seconds)
            self.job_server.wait_for_port(self._job, seconds)
            self.worker_pool.wait_for_port(self._pool, seconds)
        except BaseException:
            self.kill()
            raise
        return self

    def wait_task_managers(self, seconds: float = 180.0) -> None:
        """Wait until every task manager that runs has registered."""
        running = [each for each in self.task_managers if each.running]
        for each in running:
            each.wait_until(
                lambda: len(self.rest.task_managers()) >= len(running),
                seconds,
                "all task managers registered",
            )

    def stop(self) -> None:
        """Stop everything, the last started first; jobs are cut off, not cancelled."""
        for server in reversed(self.servers):
            server.stop(seconds=5)

    def kill(self) -> None:
        """Kill everything at once."""
        for server in self.servers:
            server.kill()

    def kill_task_manager(self, number: int = 0) -> None:
        """Kill a task manager as a crash would (SIGKILL)."""
        self.task_managers[number].kill()

    def start_task_manager(self, number: int = 0, *, wait: bool = True) -> None:
        """Start a task manager that was killed, or, with the next number, one more."""
        if number == len(self.task_managers):
            self.task_managers.append(self._task_manager(number))
        self.task_managers[number].start()
        if wait:
            self.wait_task_managers()

    def worker_pids(self) -> list[int]:
        """Process ids of the Python workers."""
        # the pool does not collect those that end by themselves: they stay listed, with state Z
        command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        processes = [line.split() for line in listing.splitlines()]
        pool = str(self.worker_pool.pid)
        return [int(pid) for pid, parent, state in processes if parent == pool and not state.startswith("Z")]

    def kill_workers(self) -> list[int]:
        """Kill the Python workers (SIGKILL) and return their ids; Flink asks the pool for new ones."""
        workers = self.worker_pids()
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return workers

    def _worker_program(self) -> Path:
        path = self.folder / "conf" / "worker"
        # nobody reads what a worker prints, so that a full pipe would stop it
        path.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m driftline.runners.flink.worker "$@" >&2\n'
        )
        path.chmod(0o755)
        return path

    def _task_manager(self, number: int) -> Server:
        return self._java(
            f"task-manager-{number}",
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            *self.memory.java_flags,
            args=["--configDir", str(self.folder / "conf")],
        )

    def _java(self, name: str, main: str, *flags: str, args: list[str]) -> Server:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'conf' / 'log4j2.properties'}"
        # the serial collector: these heaps are small and cores are few
        command = [
            java(),
            *flags,
            "-XX:+UseSerialGC",
            *JAVA_FLAGS,
            logging,
            "-cp",
            self._classpath,
            main,
            *args,
        ]
        return Server(name, command, self.folder, detached=self.detached)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
