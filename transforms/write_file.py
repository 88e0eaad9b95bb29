"""Write one file, whole or not at all."""

from __future__ import annotations

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
    with FileSystems.create(unfinished, compression_type="uncompressed") as file:
        file.write(data)
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([unfinished], [path])
