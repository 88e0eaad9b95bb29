"""A CombineFn over encoded values that merge: profiles, surveys, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.coders import BytesCoder, ListCoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Merging many at once is what numpy is good at; more than this only costs memory.
_FAN_IN = 16


class MergeEncoded(beam.CombineFn):
    """Merge encoded values.

    The accumulator is a list of encoded values. They are immutable, so a profile that enters two windows is
    never changed by either of them.

    Parameters
    ----------
    merge
        From one or more encoded values to one.
    """

    def __init__(self, merge: Callable[[Sequence[bytes]], bytes]) -> None:
        self._merge = merge

    def create_accumulator(self) -> list[bytes]:
        """Begin with nothing."""
        return []

    def add_input(self, mutable_accumulator: list[bytes], element: bytes) -> list[bytes]:
        """Take a value; merge when enough have gathered."""
        mutable_accumulator.append(element)
        return (
            self.compact(mutable_accumulator) if len(mutable_accumulator) >= _FAN_IN else mutable_accumulator
        )

    def merge_accumulators(self, accumulators: Iterable[list[bytes]]) -> list[bytes]:
        """Join accumulators."""
        return self.compact([value for accumulator in accumulators for value in accumulator])

    def compact(self, accumulator: list[bytes]) -> list[bytes]:
        """Merge what has gathered, before it is stored or sent."""
        return [self._merge(accumulator)] if len(accumulator) > 1 else accumulator

    def extract_output(self, accumulator: list[bytes]) -> bytes:
        """Give the merged value; nothing at all is empty bytes."""
        return self._merge(accumulator) if accumulator else b""

    def get_accumulator_coder(self) -> ListCoder:
        """Name the coder: lists of bytes, never pickle."""
        return ListCoder(BytesCoder())
