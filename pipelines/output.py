"""Where jobs write: never over what is somebody's, and nothing half written under a final name."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from driftline.config import ConfigError, Problem
from driftline.transforms.write_file import is_folder, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Exit status of a program ended by Ctrl-C.
INTERRUPTED = 130

_ATTEMPTS = 5


def refuse_folders(*paths: str) -> None:
    """Refuse to write files where folders are, before anything starts.

    Parameters
    ----------
    paths
        Files that are going to be written.

    Raises
    ------
    ConfigError
        Naming each path that is a folder.
    """
    remedy = "name a file, or move the folder away"
    problems = [
        Problem("--output", "is a folder, and a file is to be written there", remedy, path)
        for path in paths
        if path.endswith("/") or is_folder(path)
    ]
    if problems:
        raise ConfigError("output", problems)


def refuse_own_output(directory: str, names: list[str], pattern: str) -> None:
    """Refuse input that would take in the job's own output the next time.

    Parameters
    ----------
    directory, names
        Where files are going to be written, and under which names.
    pattern
        Files to read.

    Raises
    ------
    ConfigError
        If the pattern matches one of them.
    """
    taken = [name for name in names if fnmatch(FileSystems.join(directory, name), pattern)]
    if taken:
        remedy = "give another directory, or a pattern that does not match it"
        message = f"is where {pattern} is read: {taken[0]} would be input the next time"
        raise ConfigError("output", [Problem("--output", message, remedy, directory)])


@contextmanager
def unfinished(*finals: str) -> Iterator[list[str]]:
    """Give a job directories to write into, and publish what is in them when it has succeeded.

    Parameters
    ----------
    finals
        Directories the files move to in the end, on any Beam filesystem.

    Yields
    ------
    list of str
        For each of them a new directory in it: on the same filesystem, so that moving is renaming. If the
        job fails or is interrupted they are deleted, and what was in the final ones is still there.
    """
    scratch: list[str] = []
    with _deleted_when_interrupted(scratch) as go_on:
        try:
            for final in finals:
                scratch.append(FileSystems.join(final, f".unfinished-{uuid.uuid4().hex[:12]}"))
                _make(scratch[-1], final)
            yield scratch
            go_on()
            for directory, final in zip(scratch, finals, strict=True):
                publish(directory, final)
        finally:
            delete(scratch)


def _make(directory: str, final: str) -> None:
    try:
        FileSystems.mkdirs(directory)
    except (BeamIOError, OSError) as error:
        problem = Problem(
            "--output", f"cannot be written to: {error}", "name a directory you may write to", final
        )
        raise ConfigError("output", [problem]) from error


@contextmanager
def _deleted_when_interrupted(scratch: list[str]) -> Iterator[Callable[[], None]]:
    """End the process at Ctrl-C: the threads of Beam's local runner cannot be stopped.

    Gives a function that turns this off: once files move under their final names, all of them shall.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals never arrive
        yield lambda: None
        return

    def interrupted(_signal: int, _frame: object) -> None:
        try:
            for _ in range(_ATTEMPTS):  # the workers may be writing still
                with suppress(BeamIOError, OSError):
                    delete(scratch)
        finally:
            os.write(2, b"\ninterrupted: nothing was written under a final name; start the job again\n")
            os._exit(INTERRUPTED)

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield ignore
    finally:
        signal.signal(signal.SIGINT, before)


def publish(scratch: str, final: str) -> list[str]:
    """Move every file of a finished job under its final name.

    Parameters
    ----------
    scratch
        Where the job wrote.
    final
        The directory to move to.

    Returns
    -------
    list of str
        Paths of the files.
    """
    moved = []
    for file in sorted(
        FileSystems.match([FileSystems.join(scratch, "*")])[0].metadata_list, key=lambda entry: entry.path
    ):
        target = FileSystems.join(final, FileSystems.split(file.path)[1])
        replace(file.path, target)
        moved.append(target)
    return moved


def delete(paths: list[str]) -> None:
    """Delete files or directories that may not exist.

    Parameters
    ----------
    paths
        Paths on any Beam filesystem.
    """
    existing = [path for path in paths if FileSystems.exists(path)]
    if existing:
        FileSystems.delete(existing)
