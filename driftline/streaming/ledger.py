"""What is known of a key without reading what it holds: a few whole numbers, in few bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

from driftline.framing import Head, refuses_damage

if TYPE_CHECKING:
    from typing_extensions import Self

_NONE: Final = -(1 << 63)


@dataclass(frozen=True)
class Ledger:
    """Whole numbers, or None: what its subclasses, frozen dataclasses with defaults, have as fields."""

    TAG: ClassVar[bytes]
    """First three bytes."""

    VERSION: ClassVar[int] = 1
    """Format version."""

    WHAT: ClassVar[str]
    """Name of the thing, for messages."""

    def to_bytes(self) -> bytes:
        """Write tag, version and the numbers: 4 bytes, and 8 for each."""
        numbers = [_NONE if number is None else number for number in vars(self).values()]
        return self._head().pack(*numbers)

    @classmethod
    @refuses_damage("ledger")
    def from_bytes(cls, data: bytes | None) -> Self:
        """Read what `to_bytes` wrote, None for an unknown key; other bytes raise UnreadableBytesError."""
        if data is None:
            return cls()
        numbers, rest = cls._head().unpack(data)
        rest.done()
        return cls(*(None if number == _NONE else number for number in numbers))

    @classmethod
    @cache
    def _head(cls) -> Head:
        return Head(cls.TAG, cls.VERSION, cls.WHAT, f"{len(fields(cls))}q")
