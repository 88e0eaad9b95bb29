"""What is known of a key without reading what it holds: a few whole numbers, in few bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Final

from driftline.profiles.framing import check_tag

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
        return struct.pack(f"<3sB{len(numbers)}q", self.TAG, self.VERSION, *numbers)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Self:
        """Read what `to_bytes` wrote, None for an unknown key; other bytes raise ValueError."""
        if data is None:
            return cls()
        check_tag(cls.TAG, cls.VERSION, cls.WHAT, data)
        layout = struct.Struct(f"<3sB{len(fields(cls))}q")
        if len(data) != layout.size:
            raise ValueError(
                f"{cls.WHAT} cut short: {len(data)} bytes, expected {layout.size}; "
                "start from an older savepoint, or anew"
            )
        return cls(*(None if number == _NONE else number for number in layout.unpack(data)[2:]))
