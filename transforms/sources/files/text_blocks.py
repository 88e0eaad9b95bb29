"""Files of text, block by block, decompressed."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from driftline.config.file_suffixes import COMPRESSIONS
from driftline.transforms.sources.files.damage import is_damage, native

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
        self._stream = (
            file if suffix is None else pa.CompressedInputStream(native(file), COMPRESSIONS[suffix])
        )
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
        try:
            data = bytes(self._stream.read(_READ))
        except Exception as error:
            if not is_damage(error):
                raise
            raise CutShortError(str(error)) from error
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
