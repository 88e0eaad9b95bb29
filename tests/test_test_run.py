"""A run of the tests says what it left out, and CI takes no skip, also where workers do the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.skipif({skip}, reason="nothing is installed")
def test_one():
    pass

@pytest.mark.long
def test_two():
    pass

def test_three():
    pass
"""


def run(folder, *options, skip, ci):
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = long\n")
    (folder / "test_it.py").write_text(TESTS.format(skip=skip))
    environment = {**os.environ, "CI": ci}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n", "1")], ids=["one process", "a worker"])
def test_a_skip_fails_the_run_where_ci_is_set_and_long_tests_left_out_are_counted(tmp_path, options):
    done = run(tmp_path, *options, "-m", "not long", skip=True, ci="true")
    assert done.returncode == 1, done.stdout
    assert "SKIPPED IN CI: test_it.py::test_one" in done.stdout
    assert "1 long test was left out: `make test-all` runs it too" in done.stdout
    assert "== 1 passed, 1 skipped" in done.stdout.splitlines()[-1]  # what .ci/run looks for


def test_a_skip_is_none_of_our_business_elsewhere(tmp_path):
    done = run(tmp_path, "-p", "no:xdist", skip=True, ci="")
    assert done.returncode == 0, done.stdout
    assert "left out" not in done.stdout
    assert run(tmp_path, "-p", "no:xdist", skip=False, ci="true").returncode == 0
