"""What the values of one column are like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.decoding.arrow_kinds import is_bytes, is_number, is_text

_NEAR_UNIQUE = 0.5
_FREE_TEXT = 40
_FEW = 50
_MANY = 1_000
_COMMA = re.compile(r"[+-]?\d[\d.]*(,\d+)+")


@dataclass(frozen=True)
class Facts:
    """What a sample of a column is like.

    Parameters
    ----------
    kind : pyarrow.DataType
        Its type.
    rows, known, distinct
        Values, those that are not null, and different ones among these.
    length
        Mean number of characters of text; 0 for all else.
    rising
        Whether it counts up: each whole number is larger than the one before, in equal steps or in a thousand
        rows at least. Fewer may as well be an amount that grows.
    smallest
        Share of the rows that the rarest value has.
    spelt : tuple of str
        The values as text, sorted, if there are at most 50.
    example
        Some text of the column.
    """

    name: str
    kind: Any
    rows: int
    known: int = 0
    distinct: int = 0
    length: float = 0.0
    rising: bool = False
    smallest: float = 0.0
    spelt: tuple[str, ...] = ()
    example: str = ""

    @property
    def number(self) -> bool:
        """Whether it holds numbers that can be compared by size."""
        return is_number(self.kind) and not pa.types.is_boolean(self.kind)

    @property
    def word(self) -> bool:
        """Whether it holds text or truth values."""
        return bool(is_text(self.kind) or pa.types.is_boolean(self.kind))

    @property
    def unique(self) -> bool:
        """Whether no two rows have the same value."""
        return self.known > 1 and self.distinct == self.known == self.rows

    def unfit(self) -> str | None:  # noqa: PLR0911  # one return a reason
        """Say why it is no feature; None if it may be one."""
        name, kind = self.name, self.kind
        if name != name.strip() or not name:
            return "its name begins or ends with a blank"
        if pa.types.is_nested(kind) and not pa.types.is_union(kind):
            return f"nested: {kind}"
        if pa.types.is_null(kind) or not self.known:
            return "no value in the rows looked at"
        if is_bytes(kind):
            return "bytes"
        if not self.number and not self.word:
            return f"{kind}: neither number nor text"
        if self.distinct == 1:
            return f"one value only: {self.spelt[0][:40]!r}"
        if self.rising and self.unique:
            return "counts up with every row: an id"
        return self._unfit_text() if self.word else None

    def _unfit_text(self) -> str | None:
        if self.known < _FEW or self.distinct <= _NEAR_UNIQUE * self.known:
            return None
        if _COMMA.fullmatch(self.example.strip()):
            what = "numbers with commas: set `decimal` if they are fractions, write thousands without"
        elif self.length > _FREE_TEXT:
            what = "free text"
        else:
            what = "near-unique text: an id says nothing about drift"
        shown = f"such as {self.example[:40]!r}"
        return f"{what} ({self.distinct:,} different values in {self.known:,} rows, {shown})"


def facts_of(name: str, column: Any) -> Facts:
    """Look at a sample of a column.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Shape (rows,).

    Examples
    --------
    >>> facts_of("id", pa.array([1, 2, 3])).unfit()
    'counts up with every row: an id'
    >>> facts_of("carrier", pa.array(["AA", "UA", "AA"])).unfit() is None
    True
    """
    values = flat(column)
    kind = values.type
    known = values.drop_null() if not pa.types.is_union(kind) else values
    if not is_number(kind) and not is_text(kind):
        return Facts(name, kind, len(values), len(known))
    counted = pc.value_counts(known)
    distinct = len(counted)
    spelt: tuple[str, ...] = ()
    if distinct <= _FEW:
        texts = [_shown(value) for value in counted.field("values").to_pylist()]
        spelt = tuple(sorted(texts))
    fewest = min(counted.field("counts").to_pylist(), default=0) if distinct <= _FEW else 0
    text = is_text(kind) and not is_bytes(kind) and len(known)
    length = float(pc.mean(pc.utf8_length(known.cast(pa.large_string()))).as_py()) if text else 0.0
    rising = False
    if is_number(kind) and not pa.types.is_boolean(kind) and len(known) > 1:
        rising = _counts_up(known)
    share = fewest / max(1, len(known))
    example = _shown(known[0].as_py()) if text else ""
    return Facts(name, kind, len(values), len(known), distinct, length, rising, share, spelt, example)


def _counts_up(numbers: Any) -> bool:
    values = numbers.cast(pa.float64(), safe=False).to_numpy()
    steps = np.diff(values)
    even = len(values) >= _MANY or bool((steps == steps[0]).all())
    return even and bool((steps > 0).all() and (values % 1 == 0).all())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
