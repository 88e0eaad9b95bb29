"""Rows that a pipeline has seen, written down bundle by bundle: a benchmark of sources needs no sink.

Runs in the venvs of peers too.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam


class Bundle(NamedTuple):
    """Rows that a worker was given in one bundle."""

    at: float  # seconds since the epoch, when the bundle ended
    rows: int


class CountRows(beam.DoFn):
    """Adds a line a bundle to a file of its own.

    Parameters
    ----------
    folder
        Where the files are.
    batches
        Whether an element is a record batch; else it is one row.
    """

    def __init__(self, folder: str, *, batches: bool) -> None:
        self._folder, self._batches = folder, batches

    def setup(self):
        """Open the file."""
        self._file = (Path(self._folder) / f"{os.getpid()}-{uuid.uuid4().hex}").open("a")

    def start_bundle(self):
        """Begin at nothing."""
        self._rows = 0

    def process(self, element):
        """Count."""
        self._rows += element.num_rows if self._batches else 1

    def finish_bundle(self):
        """Write it down."""
        if self._rows:
            self._file.write(f"{time.time()} {self._rows}\n")
            self._file.flush()

    def teardown(self):
        """Close the file."""
        self._file.close()


def counted(folder: Path) -> list[Bundle]:
    """All bundles that have ended, in the order of time."""
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines(keepends=True)]
    complete = (line.split() for line in lines if line.endswith("\n"))
    return sorted(Bundle(float(at), int(rows)) for at, rows in complete)
