"""Write one file, whole or not at all."""

from __future__ import annotations

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems


def write_atomically(path: str, data: bytes) -> None:
    """Write a file that exists under its name only when it is complete.

    Parameters
    ----------
    path
        Where, on any Beam filesystem.
    data
        The whole file.
    """
    unfinished = path + ".unfinished"
    try:
        with FileSystems.create(unfinished, compression_type="uncompressed") as file:
            file.write(data)
        replace(unfinished, path)
    except BaseException:
        if FileSystems.exists(unfinished):
            FileSystems.delete([unfinished])
        raise


def replace(source: str, target: str) -> None:
    """Move a file to a name that may be taken.

    Parameters
    ----------
    source, target
        Paths on one Beam filesystem.
    """
    try:
        FileSystems.rename([source], [target])
    except BeamIOError:
        # else a folder is in the way, or the filesystem does not overwrite
        if not (FileSystems.exists(source) and FileSystems.exists(target)):
            raise
        FileSystems.delete([target])
        FileSystems.rename([source], [target])
