"""Files of text, block by block, decompressed."""

from __future__ import annotations

from typing import Any, Final

from driftline.config.file_suffixes import COMPRESSIONS
from driftline.decoding.decompressed import DecompressedFile

_READ: Final = 4 << 20
_MARK: Final = b"\xef\xbb\xbf"


class CutShortError(Exception):
    """A file that cannot be decompressed to its end."""


class TextBlocks:
    """Reads the text of a file; a byte order mark is left out.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, whose suffix tells the compression.
    """

    def __init__(self, file: Any, path: str) -> None:
        suffix = next((suffix for suffix in COMPRESSIONS if path.lower().endswith(suffix)), None)
        self._packed = None if suffix is None else DecompressedFile(file, COMPRESSIONS[suffix])
        self._file = file
        self._ahead: bytes | None = None
        self._begun = False

    def peek(self) -> bytes:
        """Look at the next block, as far as it can be read."""
        if self._ahead is None:
            try:
                self._ahead = self.read()
            except CutShortError:
                return b""
        return self._ahead

    def read(self) -> bytes:
        """Read the next block; nothing at the end.

        Raises
        ------
        CutShortError
            If the bytes cannot be decompressed.
        """
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        if self._packed is None:
            data = bytes(self._file.read(_READ))
        else:
            data = self._packed.read(_READ)
            if not data and self._packed.damage is not None:
                raise CutShortError(self._packed.damage)
        if self._begun:
            return data
        self._begun = True
        return data.removeprefix(_MARK)

    def skip_line(self) -> bytes:
        """Read to the end of a line; give what was read behind it."""
        try:
            while data := self.read():
                _, newline, rest = data.partition(b"\n")
                if newline:
                    return rest
        except CutShortError:
            pass  # the next read says it again
        return b""
