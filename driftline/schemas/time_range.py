"""The times that every sink can write."""

from __future__ import annotations

from typing import Final

MIN_TIME: Final = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z in microseconds, the earliest event time that is accepted."""

MAX_TIME: Final = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z in microseconds, the latest event time that is accepted."""
