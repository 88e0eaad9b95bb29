"""The bytes around everything that is written: tag, version, head, then arrays one behind the other.

A head is fixed fields (`Head`) where messages are many and small, and JSON (`frame`) elsewhere. Everything is
little-endian.
"""

from __future__ import annotations

import json
import struct
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_P = ParamSpec("_P")
_R = TypeVar("_R")

ANEW: Final = "start from an older savepoint, or anew"
"""What to do about damaged state of a running job."""

_JSON: Final = struct.Struct("<3sBI")  # tag, format version, length of the JSON head
_DAMAGE: Final = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RecursionError, TypeError, ValueError,
    struct.error, pa.ArrowException,
)  # fmt: skip


class UnreadableBytesError(ValueError):
    """Bytes that cannot be read back: damaged, cut short, of something else or of a newer release.

    The one error of every ``from_bytes`` and of every function that decodes what this package wrote.
    """


def refuses_damage(what: str, remedy: str = ANEW) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Let a function that reads bytes raise `UnreadableBytesError` whatever is wrong with them.

    Parameters
    ----------
    what
        Name of what is read, for the message.
    remedy
        What to do about damage.

    Examples
    --------
    >>> @refuses_damage("example", "write it again")
    ... def read(data):
    ...     return data[3]
    >>> read(b"")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    driftline.framing.UnreadableBytesError: example is damaged (IndexError: ...); write it again
    """

    def decorated(read: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(read)
        def checked(*args: _P.args, **options: _P.kwargs) -> _R:
            try:
                return read(*args, **options)
            except UnreadableBytesError:
                raise
            except _DAMAGE as error:
                raise UnreadableBytesError(
                    f"{what} is damaged ({type(error).__name__}: {error}); {remedy}"
                ) from error

        return checked

    return decorated


class Head:
    """How messages of one kind begin: tag, format version, fixed fields.

    Parameters
    ----------
    tag
        Three bytes that say what the message is.
    version
        Format version that is written, the newest that is read: 1 to 255.
    what
        Name of the kind, for errors.
    fields
        The fields in the notation of `struct`; gaps are written out, as in ``B3xd``.
    remedy
        What to do about a damaged message, for errors.

    Examples
    --------
    >>> head = Head(b"dlx", 1, "example", "H")
    >>> data = head.pack(2) + np.array([0.5, 1.5], "<f8").tobytes()
    >>> (n,), arrays = head.unpack(data)
    >>> arrays.take("<f8", n)
    array([0.5, 1.5])
    >>> arrays.done()
    """

    def __init__(self, tag: bytes, version: int, what: str, fields: str, remedy: str = ANEW) -> None:
        self._tag, self._version, self._what, self._remedy = tag, version, what, remedy
        self._fields = struct.Struct(f"<3sB{fields}")

    def pack(self, *values: Any) -> bytes:
        """Write the head with these fields."""
        return self._fields.pack(self._tag, self._version, *values)

    def unpack(self, data: bytes) -> tuple[tuple[Any, ...], Arrays]:
        """Read the fields, and what reads the arrays behind them; other bytes raise UnreadableBytesError."""
        check_tag(self._tag, self._version, self._what, data)
        arrays = Arrays(data, self._what, self._remedy, self._fields.size)
        if len(data) < self._fields.size:
            raise arrays.damaged(f"{len(data)} bytes instead of {self._fields.size}")
        return self._fields.unpack_from(data)[2:], arrays


class Arrays:
    """Reads arrays that stand one behind the other.

    Parameters
    ----------
    what, remedy
        As for `Head`.
    at
        Where in the bytes the next array begins.
    """

    __slots__ = ("_remedy", "_what", "at", "data")

    def __init__(self, data: bytes, what: str, remedy: str = ANEW, at: int = 0) -> None:
        self.data, self._what, self._remedy, self.at = data, what, remedy, at

    def take(self, dtype: str, count: int) -> NDArray[Any]:
        """Next array, (count,), a read-only view; UnreadableBytesError if the bytes end before it does."""
        start = self.at
        self.at = end = start + np.dtype(dtype).itemsize * count
        if count < 0 or end > len(self.data):
            raise self.damaged(f"{len(self.data)} bytes instead of {end}")
        return np.frombuffer(self.data, dtype, count, start)

    def done(self) -> None:
        """Refuse bytes behind the last array (UnreadableBytesError)."""
        if self.at != len(self.data):
            raise self.damaged(f"{len(self.data) - self.at} bytes too many")

    def damaged(self, why: str = "its head says what cannot be") -> UnreadableBytesError:
        """Error that says what is wrong with the bytes and what to do."""
        return UnreadableBytesError(
            f"{self._what} of {len(self.data)} bytes is damaged, cut short or too long: {why}; {self._remedy}"
        )


def frame(tag: bytes, version: int, head: dict[str, Any], payload: bytes) -> bytes:
    """Write tag, version, a head of JSON types, and raw little-endian arrays.

    Examples
    --------
    >>> unframe(b"dlx", 1, "example", frame(b"dlx", 1, {"n": 2}, b"ab"))
    ({'n': 2}, b'ab')
    """
    text = json.dumps(head, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return _JSON.pack(tag, version, len(text)) + text + payload


def check_tag(tag: bytes, version: int, what: str, data: bytes) -> None:
    """Refuse bytes that are something else, or newer than `version` (UnreadableBytesError)."""
    if len(data) < _JSON.size or data[:3] != tag:
        raise UnreadableBytesError(
            f"not a {what}: the bytes start with {bytes(data[:4])!r}, expected {tag!r}; "
            "check which file or state they come from"
        )
    if not 1 <= data[3] <= version:
        raise UnreadableBytesError(
            f"{what} of format version {data[3]}: this release reads versions up to {version}; "
            "upgrade driftline or write it again with this release"
        )


def check_head(what: str, head: dict[str, Any], **kinds: type) -> None:
    """Refuse a head in which a value is missing or of another type (UnreadableBytesError).

    Examples
    --------
    >>> check_head("example", {"n": 2}, n=int)
    """
    for name, kind in kinds.items():
        if type(head.get(name)) is not kind:
            raise UnreadableBytesError(
                f"{what} with a damaged head: {name} is {head.get(name)!r:.80} instead of {kind.__name__}; "
                "start from an older savepoint, or write it again"
            )


def unframe(tag: bytes, version: int, what: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    """Head and payload that `frame` wrote; other bytes raise UnreadableBytesError."""
    check_tag(tag, version, what, data)
    length = _JSON.unpack_from(data)[2]
    end = _JSON.size + length
    if end > len(data):
        raise UnreadableBytesError(
            f"{what} cut short: {len(data)} bytes, its head alone needs {end}; write or copy it again"
        )
    try:
        head = json.loads(data[_JSON.size : end])
    except ValueError as error:
        raise UnreadableBytesError(f"{what} with a damaged head ({error}); write or copy it again") from None
    if not isinstance(head, dict):
        raise UnreadableBytesError(f"{what} with a damaged head (no object); write or copy it again")
    return head, data[end:]
