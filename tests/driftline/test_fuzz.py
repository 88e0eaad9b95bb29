"""A short round of fuzzing, in a process of its own: nothing that is read may end it."""

import os
import subprocess
import sys

import pytest

from tests.fuzz.state_properties import READERS, SAMPLES
from tests.fuzz.state_samples import samples

EXAMPLES = os.environ.get("DRIFTLINE_FUZZ_EXAMPLES", "12")


def test_nothing_from_outside_is_an_exception_or_the_end_of_the_process():
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz", "--examples", EXAMPLES]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr[-3_000:]


def test_every_reader_of_state_is_fuzzed():
    """A new one fails here: run ``python -m tests.fuzz.state_samples`` on its tests."""
    assert set(READERS) == {name for name, *_ in SAMPLES}


def test_every_reader_of_state_raises_the_one_error():
    undecorated = [name for name, read in READERS.items() if not hasattr(read, "__wrapped__")]
    assert undecorated == []


@pytest.mark.parametrize("name", sorted(samples()))
def test_what_was_written_is_still_read(name):
    for arguments in samples()[name]:
        READERS[name](*arguments)
