"""The files of a batch: one, a pattern, or all of a folder."""

from __future__ import annotations

from typing import Final

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from driftline.config.errors import ConfigError, Problem
from driftline.config.file_suffixes import COMPRESSIONS, SUFFIXES
from driftline.transforms.write_file import is_folder

_DEEP: Final = 4


def pattern_of(path: str, key: str) -> str:
    """Give the pattern of the files that a path names.

    Parameters
    ----------
    path
        A file, a pattern or a folder. Files of a folder are those of a known format, in it or, if there are
        none, in the folders below; such that begin with a dot or an underscore are left out.
    key
        What names it, for messages.

    Raises
    ------
    ConfigError
        If a folder holds files of several formats, or none.
    """
    if any(sign in path for sign in "*?[") or not is_folder(path):
        return path
    below = path
    for _ in range(_DEEP):
        below = FileSystems.join(below, "*")
        suffixes = set(filter(None, map(_suffix, _files(below))))
        if len(suffixes) > 1:
            remedy = f"name some of them, such as {below}{min(suffixes)}"
            raise ConfigError(
                "compare", [Problem(key, f"holds files of {', '.join(sorted(suffixes))}", remedy, path)]
            )
        if suffixes:
            return below + suffixes.pop()
    raise ConfigError("compare", [Problem(key, "is a folder without data files", "name files", path)])


def _suffix(path: str) -> str:
    """Give the suffix by which a format is known, with that of its compression; empty if none is."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    if name.startswith((".", "_")):
        return ""
    packed = next((suffix for suffix in COMPRESSIONS if name.lower().endswith(suffix)), "")
    plain = name[: len(name) - len(packed)]
    known = next((suffix for suffix in SUFFIXES if plain.lower().endswith(suffix)), "")
    return name[len(plain) - len(known) :] if known else ""


def _files(pattern: str) -> list[str]:
    try:
        return [file.path for file in FileSystems.match([pattern])[0].metadata_list]
    except BeamIOError:
        return []
