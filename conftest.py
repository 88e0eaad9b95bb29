"""What every test run shares: hypothesis settings, and no silent skips where CI is set."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

# Starts of node ids that may skip in CI, each with the reason it cannot run there.
MAY_SKIP: dict[str, str] = {}

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def unexpected_skips(terminal: pytest.TerminalReporter) -> list[str]:
    """Node ids of skipped tests that `MAY_SKIP` does not name."""
    skipped = [report.nodeid for report in terminal.stats.get("skipped", [])]
    return [node for node in skipped if not node.startswith(tuple(MAY_SKIP))]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a run whose only blemish is an unexpected skip into a failure."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and terminal and session.exitstatus == 0 and unexpected_skips(terminal):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skips that failed the run."""
    if os.environ.get("CI"):
        for node in unexpected_skips(terminalreporter):
            terminalreporter.write_line(
                f"SKIPPED IN CI: {node}: install what it needs or name it in MAY_SKIP", red=True
            )
