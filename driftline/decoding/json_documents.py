"""Where JSON documents begin and end in text that spreads them over lines, or holds them in one array."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_DOCUMENT: Final = 16 << 20
"""Bytes of the longest document; one that does not end until then is damaged."""

_SPACE: Final = b" \t\r\n"
_OBJECT, _ARRAY, _END_OBJECT, _END_ARRAY, _COMMA, _QUOTE = b'{[}],"'


class Document(NamedTuple):
    """One document.

    Parameters
    ----------
    text
        Its bytes.
    line
        Line on which it begins, from 1.
    element
        Its place in the array that holds it, from 0; -1 if it stands by itself.
    """

    text: bytes
    line: int
    element: int


def is_spread(head: bytes) -> bool:
    r"""Say whether documents are spread over lines, or one line is an array too long to be looked at.

    Parameters
    ----------
    head
        The beginning of a file, some lines at least.

    Examples
    --------
    >>> is_spread(b'{"a": 1}\n{"a": 2}\n'), is_spread(b'[{"a": 1},\n{"a": 2}]')
    (False, True)
    >>> is_spread(b'{\n "a": 1\n}')
    True
    """
    lines = [line.strip() for line in head.lstrip(_SPACE).split(b"\n", 2)]
    first = lines[0]
    if not first.startswith((b"{", b"[")) or _is_json(first):
        return False
    if len(lines) == 1:
        return first.startswith(b"[")
    brackets = _brackets(np.frombuffer(first, np.uint8))
    opened = np.isin(brackets.kinds, (_OBJECT, _ARRAY)).sum()
    closed = np.isin(brackets.kinds, (_END_OBJECT, _END_ARRAY)).sum()
    if brackets.cut or opened <= closed:
        return False  # a damaged line
    return first.startswith(b"[") or first.endswith(b"[") or not _is_json(lines[1])


class DocumentSplitter:
    r"""Splits text, block by block, into objects that stand by themselves and elements of arrays.

    What is damaged becomes a document as well: it is no JSON. Damage, such as a bracket or quote too many
    or too few, ends where a line begins like its first one, ``{`` behind the same blanks.

    Examples
    --------
    >>> splitter = DocumentSplitter()
    >>> splitter.split(b'[{"a": 1},\n {"a"') + splitter.split(b': 2}]\n{\n"a": 3}\n', last=True)
    [Document(text=b'{"a": 1}', line=1, element=0),
     Document(text=b'{"a": 2}', line=2, element=1),
     Document(text=b'{\n"a": 3}', line=3, element=-1)]
    """

    def __init__(self) -> None:
        self._rest = b""
        self._line = 1
        self._element = -1  # -1 outside an array, else the element that comes next

    @property
    def rest(self) -> tuple[int, bytes]:
        """What was not whole yet: its line and its bytes."""
        return self._line, self._rest

    def split(self, data: bytes, *, last: bool = False) -> list[Document]:
        """Split what came before and was not whole, and more."""
        self._rest += data
        found: list[Document] = []
        while self._step(found):
            pass
        while self._rest.strip(_SPACE) and (last or len(self._rest) > LONGEST_DOCUMENT):
            mark = _next_like_the_first(self._rest)
            self._take(found, len(self._rest) if mark is None else mark)
            while self._step(found):
                pass
        return found

    def _step(self, found: list[Document]) -> bool:
        """Take documents up to the end of the block, or to a bracket that closes nothing."""
        text = np.frombuffer(self._rest, np.uint8)
        marks = _brackets(text)
        kinds, places = marks.kinds, marks.places
        opens = (kinds == _OBJECT) | (kinds == _ARRAY)
        closes = (kinds == _END_OBJECT) | (kinds == _END_ARRAY)
        inside = self._element >= 0
        depth = np.cumsum(opens.astype(np.int64) - closes) + inside
        top = opens & (depth == 1)
        latest = np.maximum.accumulate(np.where(top, np.arange(len(kinds)), -1))
        in_array = np.where(latest >= 0, kinds[latest] == _ARRAY, inside) if len(kinds) else top
        stray = (depth < 0) | ((depth == 0) & in_array & (kinds == _END_OBJECT))
        stop = int(np.argmax(stray)) if stray.any() else len(kinds)
        comma = (kinds == _COMMA) & (depth == 1) & in_array
        bounds = np.flatnonzero((comma | (top & in_array) | (closes & (depth == 0)))[:stop])
        done = 0
        before = self._rest
        numbers = np.searchsorted(marks.newlines, places[bounds]) if len(bounds) else bounds
        line = self._line
        for bound, lines in zip(bounds.tolist(), numbers.tolist(), strict=True):
            place, kind = int(places[bound]), int(kinds[bound])
            self._between(found, before[done : place + (kind == _END_OBJECT)], line + lines, kind)
            done = place + 1
        self._rest = before[done:]
        self._line = line + int(np.searchsorted(marks.newlines, done))
        if stop == len(kinds):
            return False
        self._take(found, int(places[stop]) + 1 - done)
        return True

    def _between(self, found: list[Document], text: bytes, line: int, kind: int) -> None:
        """Take what lies before a bound, and go into an array or out of it."""
        self._add(found, text, line - text.count(b"\n"), needed=kind == _COMMA)
        if kind == _ARRAY:
            self._element = 0
        elif kind == _END_ARRAY:
            self._element = -1

    def _add(self, found: list[Document], text: bytes, line: int, *, needed: bool = False) -> None:
        body = text.lstrip(_SPACE)
        line += text.count(b"\n", 0, len(text) - len(body))
        body = body.rstrip(_SPACE)
        if body or needed:
            found.append(Document(body, line, self._element))
            self._element += self._element >= 0

    def _take(self, found: list[Document], size: int) -> None:
        """Take what is damaged."""
        text, self._rest = self._rest[:size], self._rest[size:]
        body = text.rstrip(_SPACE + b"," if self._element >= 0 else _SPACE)
        self._add(found, body, self._line)
        self._line += text.count(b"\n")


@dataclass(frozen=True, eq=False)
class _Brackets:
    """Brackets and commas outside of text, and the ends of lines."""

    places: NDArray[np.intp]
    kinds: NDArray[np.uint8]
    newlines: NDArray[np.intp]
    cut: bool


def _brackets(text: NDArray[np.uint8]) -> _Brackets:
    newlines = np.flatnonzero(text == ord("\n"))
    quotes = np.flatnonzero(text == _QUOTE)
    quotes = quotes[~_escaped(text, quotes)]
    wanted = np.zeros(256, bool)
    wanted[[_OBJECT, _ARRAY, _END_OBJECT, _END_ARRAY, _COMMA]] = True
    places = np.flatnonzero(wanted[text])
    # text never goes over the end of a line: one that is not closed harms no other line
    lines = np.concatenate([[0], newlines + 1])
    before = np.searchsorted(quotes, lines)
    in_line = np.searchsorted(quotes, places) - before[np.searchsorted(newlines, places)]
    places = places[in_line % 2 == 0]
    return _Brackets(places, text[places], newlines, bool((len(quotes) - before[-1]) % 2))


def _escaped(text: NDArray[np.uint8], quotes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say of quotes whether an odd number of backslashes stands before them."""
    escaped = np.zeros(len(quotes), bool)
    back, alive = 1, np.flatnonzero(quotes > 0)
    while len(alive):
        alive = alive[text[quotes[alive] - back] == ord("\\")]
        escaped[alive] ^= True
        back += 1
        alive = alive[quotes[alive] >= back]
    return escaped


def _next_like_the_first(text: bytes) -> int | None:
    """Find the next line that begins with an object as the text does."""
    body = text.lstrip(_SPACE)
    indent = text[: len(text) - len(body)].rpartition(b"\n")[2]
    again = re.compile(rb"\n%b\{" % indent).search(text, len(text) - len(body))
    return None if again is None else again.start() + 1


def _is_json(text: Any) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return b"NaN" in text or b"Infinity" in text or "number is infinity" in str(error)
    return True
