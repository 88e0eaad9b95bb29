"""Where jobs write: never over what is somebody's, and nothing half written under a final name."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from driftline.config import ConfigError, Problem
from driftline.transforms.write_file import is_folder, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

_ATTEMPTS = 5


def refuse_folders(*paths: str, key: str = "--output") -> None:
    """Refuse to write files where folders are, before anything starts.

    Parameters
    ----------
    key
        Option or key of the configuration that names them.

    Raises
    ------
    ConfigError
        Naming each path that is a folder.
    """
    remedy = "name a file, or move the folder away"
    problems = [
        Problem(key, "is a folder, and a file is to be written there", remedy, path)
        for path in paths
        if path.endswith("/") or is_folder(path)
    ]
    if problems:
        raise ConfigError("output", problems)


def refuse_own_output(directory: str, names: list[str], pattern: str, *, key: str) -> None:
    """Refuse input that would take in the job's own output the next time.

    Parameters
    ----------
    directory, names
        Where files are going to be written, and under which names.
    key
        Option or key of the configuration that names the directory.

    Raises
    ------
    ConfigError
        If the pattern matches one of them.
    """
    read = _absolute(pattern)
    taken = [name for name in names if fnmatch(_absolute(FileSystems.join(directory, name)), read)]
    if taken:
        remedy = "give another directory, or a pattern that does not match it"
        message = f"is where {pattern} is read: {taken[0]} would be input the next time"
        raise ConfigError("output", [Problem(key, message, remedy, directory)])


def _absolute(path: str) -> str:
    return path if FileSystems.get_scheme(path) is not None else os.path.normpath(Path.cwd() / path)


@contextmanager
def unfinished(final: str, *, key: str = "--output") -> Iterator[str]:
    """Give a job a directory to write into, and publish what is in it when the job has succeeded.

    Parameters
    ----------
    final
        Directory the files move to in the end, on any Beam filesystem.
    key
        Option or key of the configuration that names it.

    Yields
    ------
    str
        A new directory in it: on the same filesystem, so that moving is renaming. If the job fails or is
        interrupted it is deleted, and what was in the final one is still there. Several may be open at once.
    """
    scratch = FileSystems.join(final, f".unfinished-{uuid.uuid4().hex[:12]}")
    try:
        _make(scratch, final, key)
        yield scratch
        publish(scratch, final)
    finally:
        for _ in range(_ATTEMPTS):  # workers of a job that was interrupted may be writing still
            with suppress(BeamIOError, OSError):
                delete([scratch])


def _make(directory: str, final: str, key: str) -> None:
    try:
        FileSystems.mkdirs(directory)
    except (BeamIOError, OSError) as error:
        problem = Problem(key, f"cannot be written to: {error}", "name a directory you may write to", final)
        raise ConfigError("output", [problem]) from error


def publish(scratch: str, final: str) -> list[str]:
    """Move every file of a finished job under its final name."""
    moved = []
    for file in sorted(
        FileSystems.match([FileSystems.join(scratch, "*")])[0].metadata_list, key=lambda entry: entry.path
    ):
        target = FileSystems.join(final, FileSystems.split(file.path)[1])
        replace(file.path, target)
        moved.append(target)
    return moved


def delete(paths: list[str]) -> None:
    """Delete files or directories that may not exist."""
    existing = [path for path in paths if FileSystems.exists(path)]
    if existing:
        FileSystems.delete(existing)
