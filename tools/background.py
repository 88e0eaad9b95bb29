"""Servers that outlive the program that started them, remembered in a file so that they can be stopped."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.processes import ServerError, stop_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.processes import Server

_VERSION = 1


@dataclass(frozen=True)
class Background:
    """What is remembered of a group of servers.

    Parameters
    ----------
    file
        Where it is kept; there only while they should be running.
    """

    file: Path

    def save(self, servers: Sequence[Server], about: Mapping[str, Any]) -> None:
        """Remember servers in the order in which they started, and what a user must know of them."""
        processes = [
            {"name": each.name, "pid": each.pid, "began": _began(each.pid), "log": str(each.log)}
            for each in servers
        ]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(
            json.dumps({"version": _VERSION, "processes": processes, "about": about}, indent=1) + "\n"
        )
        partial.replace(self.file)

    def load(self) -> dict[str, Any] | None:
        """What was saved, or nothing; ServerError if the file is of another version."""
        if not self.file.exists():
            return None
        state: dict[str, Any] = json.loads(self.file.read_text())
        if state.get("version") != _VERSION:
            raise ServerError(
                f"{self.file} is of version {state.get('version')}, not {_VERSION}: "
                "stop the processes that it names and delete it"
            )
        return state

    def dead(self) -> list[str]:
        """Names of the remembered processes that do not run any more, each with its log."""
        state = self.load()
        processes = state["processes"] if state else []
        return [f"{each['name']} ({each['log']})" for each in processes if not _lives(each)]

    def stop(self) -> list[str]:
        """Stop the remembered processes, the last started first; forget them, name those still running."""
        state = self.load()
        processes = state["processes"] if state else []
        running = [each for each in reversed(processes) if _lives(each)]
        for each in running:
            stop_group(each["pid"], seconds=15)
        self.file.unlink(missing_ok=True)
        return [each["name"] for each in running]


def _lives(process: Mapping[str, Any]) -> bool:
    """Whether a process is still the one that was started: its id may belong to another by now."""
    began = _began(process["pid"])
    return began != "" and began == process["began"]


def _began(pid: int) -> str:
    asked = subprocess.run(
        ["ps", "-o", "lstart=,stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    began, _, state = asked.stdout.strip().rpartition(" ")
    return "" if state.startswith("Z") else began.strip()
