"""What every test run shares: who runs what, hypothesis settings, and nothing left out silently."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

# Starts of node ids that may skip in CI, each with the reason it cannot run there.
MAY_SKIP: dict[str, str] = {}

ENGINES = "tests/engines/"
LEFT_OUT = pytest.StashKey[int]()

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


class OneWorkerForEngines(LoadScopeScheduling):
    """Gives a file to a worker as a whole, and all that needs servers to one, which starts each once."""

    def _split_scope(self, nodeid: str) -> str:
        return ENGINES if nodeid.startswith(ENGINES) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Distribute the tests so."""
    config.option.loadscopereorder = False  # the order is that of `pytest_collection_modifyitems`
    return OneWorkerForEngines(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes longest: engines, then pipelines."""
    if hasattr(config, "workerinput"):
        first = (ENGINES, "tests/pipelines/", "tests/")
        items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in first])


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the long tests among what is left out."""
    left_out = sum(item.get_closest_marker("long") is not None for item in items)
    if left_out:
        config = items[0].config
        config.stash[LEFT_OUT] = left_out
        if hasattr(config, "workeroutput"):
            config.workeroutput["left_out"] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker left out; all of them leave out the same."""
    if left_out := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = left_out


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
    """Name the skips that failed the run, and what was left out."""
    if os.environ.get("CI"):
        for node in unexpected_skips(terminalreporter):
            terminalreporter.write_line(
                f"SKIPPED IN CI: {node}: install what it needs or name it in MAY_SKIP", red=True
            )
    if left_out := terminalreporter.config.stash.get(LEFT_OUT, 0):
        what = "1 long test was" if left_out == 1 else f"{left_out} long tests were"
        it = "it" if left_out == 1 else "them"
        terminalreporter.write_line(f"{what} left out: `make test-all` runs {it} too")
