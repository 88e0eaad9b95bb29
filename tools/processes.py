"""A server as a child process: in a session of its own, awaited, stopped, gone when we are."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

_LOG_TAIL = 25
_SPAWNER = ThreadPoolExecutor(1, "driftline-spawner")


class ServerError(RuntimeError):
    """A server did not start, or is not what it should be."""


class Service(ABC):
    """What runs as long as a ``with`` block."""

    @abstractmethod
    def start(self) -> Any:
        """Begin."""

    @abstractmethod
    def stop(self) -> None:
        """End."""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop."""
        self.stop()


class Server(Service):
    """One child process with a log.

    It leads a session of its own, so that Ctrl-C in the terminal reaches only the program that started
    it, which then stops it in the right order.

    Parameters
    ----------
    name
        For messages and the log's file name.
    folder
        Where the log is written: ``<name>.log``, appended to over restarts.
    environment
        Variables added to this process's.
    detached
        Whether it outlives this process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        detached: bool = False,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = folder / f"{name}.log"
        self.environment = {**os.environ, **(environment or {})}
        self.detached = detached
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, also the id of its process group; ServerError if it was never started."""
        if self.process is None:
            raise ServerError(f"{self.name} was not started: call start() first")
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process; nothing happens if it already runs."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.detached:
            self._spawn(self.command)
        else:
            # Linux ends such a child when the *thread* that started it ends, so that one must stay.
            _SPAWNER.submit(self._spawn, _bound_to_parent(self.command)).result()
            atexit.register(self.kill)

    def _spawn(self, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until ``ready()`` is true.

        Raises
        ------
        ServerError
            If the process ends first or time runs out; the message ends with the log's last lines.
        """
        end = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise ServerError(f"{self.name} ended before {what}\n{self.tail()}")
            if time.monotonic() > end:
                raise ServerError(f"{self.name}: still waiting for {what} after {seconds:g} s\n{self.tail()}")
            time.sleep(0.05)

    def wait_for_port(self, port: int, seconds: float = 60.0) -> None:
        """Wait until the port of this machine accepts connections."""
        self.wait_until(lambda: port_open(port), seconds, f"port {port} was open")

    def stop(self, seconds: float = 15.0) -> None:
        """Ask the process and its children to end; kill what is left after `seconds`."""
        if self.process is None:
            return
        stop_group(self.process.pid, seconds, self.process)
        atexit.unregister(self.kill)

    def kill(self) -> None:
        """End the process and its children at once, as a crash would."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        atexit.unregister(self.kill)

    def tail(self, lines: int = _LOG_TAIL) -> str:
        """The last lines of the log, under its path."""
        return tail(self.log, lines)


def wait_until(ready: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until ``ready()`` is true.

    Raises
    ------
    TimeoutError
        If it is not after `seconds`; names `what`.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"still waiting for {what} after {seconds:g} s")
        time.sleep(0.05)


def stop_group(pid: int, seconds: float = 15.0, process: subprocess.Popen[Any] | None = None) -> None:
    """End a process group: asked first, killed after `seconds`."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if process is not None:
                process.poll()
            else:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            os.killpg(pid, 0)
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
    if process is not None:
        process.wait()


def tail(log: Path, lines: int = _LOG_TAIL) -> str:
    """The last lines of a log, under its path."""
    text = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"--- {log}", *text[-lines:]])


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    return free_ports(1)[0]


def port_open(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _bound_to_parent(command: Sequence[str]) -> list[str]:
    """The command under ``setpriv`` (Linux), so that not even ``kill -9`` of its parent leaves it behind."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)
