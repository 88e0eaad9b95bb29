"""Write one file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems


def write_atomically(path: str, data: bytes) -> None:
    """Write a file that exists under its name only when it is complete.

    Parameters
    ----------
    path
        Where, on any Beam filesystem.
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


def is_folder(path: str) -> bool:
    """Tell whether a path is a folder, or has files below it where the filesystem knows no folders."""
    if FileSystems.get_scheme(path) is None:
        return Path(path).is_dir()
    return bool(FileSystems.match([FileSystems.join(path, "*")], limits=[1])[0].metadata_list)


def replace(source: str, target: str) -> None:
    """Move a file to a name that may be taken by another file.

    Parameters
    ----------
    source, target
        Paths on one Beam filesystem.

    Raises
    ------
    IsADirectoryError
        If a folder has the name: what is in it is somebody's.
    """
    if is_folder(target):
        raise IsADirectoryError(f"{target} is a folder, and a file was to be written there: move it away")
    try:
        FileSystems.rename([source], [target])
    except BeamIOError:
        # else the filesystem does not overwrite
        if not (FileSystems.exists(source) and FileSystems.exists(target)):
            raise
        FileSystems.delete([target])
        FileSystems.rename([source], [target])
