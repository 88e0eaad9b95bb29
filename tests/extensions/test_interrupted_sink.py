"""Ctrl-C while a job writes to a sink of another package: it is closed, and the exit status is 130."""

from __future__ import annotations

import signal
import time

import pyarrow.parquet as pq
import pytest

from driftline.pipelines.cli import main
from tests.extensions.toy_package import CLI, install, python_started
from tests.pipelines.conftest import DAY, FIRST, Desk, log

FILES = {
    "pyproject.toml": '[project.entry-points."driftline.sinks"]\nledger = "ledger_sink:LedgerSink"\n',
    "ledger_sink.py": """
from contextlib import contextmanager
from pathlib import Path

from driftline.config.sink_settings import SinkSettings
from driftline.transforms.sinks.sink import Sink


class LedgerSettings(SinkSettings):
    path: str


class LedgerSink(Sink):
    settings = LedgerSettings

    def prepare(self, tables, *, streaming):
        return []

    def write(self, table, *, streaming):
        return None

    def describe(self):
        return f"ledger {self.configured.path}"

    @contextmanager
    def whole(self, tables):
        ledger = Path(self.configured.path)
        ledger.write_text("open")
        try:
            yield self
        except BaseException as error:
            ledger.write_text(f"rolled back: {type(error).__name__}")
            raise
        ledger.write_text("committed")
""",
}


@pytest.fixture(scope="module")
def ledger_site(tmp_path_factory):
    """Where a package with a sink that can roll back is installed."""
    folder = tmp_path_factory.mktemp("ledger_site")
    install(FILES, folder)
    return folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A baseline, and files that take a while."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.write(log(1, 2_000, days=6), "ref.parquet")
    assert main(["baseline", desk.config()]) == 0
    table = log(2, 200_000, days=20, first=FIRST + 6 * DAY)
    for i in range(4):
        pq.write_table(table, desk.folder / f"much-{i}.parquet")
    return desk


@pytest.mark.parametrize("files", ["none", "before", "behind"])
def test_ctrl_c_closes_every_sink_and_ends_with_130(ledger_site, desk, files):
    folder = desk.folder / files
    folder.mkdir()
    ledger, out = folder / "ledger", folder / "out"
    sinks = [f"ledger: {{path: {ledger}}}"]
    if files != "none":
        sinks.insert(0 if files == "before" else 1, f"files: {{path: {out}}}")
    config = desk.config(
        source=f"{{files: {{pattern: {desk.folder}/much-*.parquet}}}}",
        sinks=f"[{', '.join(sinks)}]",
        name=f"{files}.yaml",
    )
    job = python_started(*CLI, "monitor", config, site=ledger_site, cwd=folder)
    deadline = time.monotonic() + 60
    while not ledger.exists():
        assert job.poll() is None, job.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.5)
    assert job.poll() is None, "the input is too small to be interrupted"
    job.send_signal(signal.SIGINT)
    _, err = job.communicate(timeout=30)
    assert job.returncode == 130, err
    assert ledger.read_text() == "rolled back: KeyboardInterrupt"
    assert "interrupted: " in err
    assert f"ledger {ledger} may hold rows of it" in err
    assert "failed" not in err
    assert ("nothing was written under a final name" in err) is (files != "none")
    if files != "none":
        assert list(out.iterdir()) == []
