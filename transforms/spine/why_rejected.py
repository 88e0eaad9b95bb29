"""Why rows of a reference cannot be used: how many for each reason, and the first case of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

#: of a reason: how many, and of the first case its source, position and detail
Rejected = dict[str, tuple[int, str, str, str]]

NONE: Final[Rejected] = {}


class WhyRejected(beam.CombineFn):
    """Count dead letters by reason and keep the case that comes first by source and position."""

    def create_accumulator(self) -> Rejected:
        """Begin with none."""
        return {}

    def add_input(self, mutable_accumulator: Rejected, element: pa.RecordBatch) -> Rejected:
        """Take in a batch of dead letters."""
        for reason in pc.unique(element["reason"]).to_pylist():
            rows = element.filter(pc.equal(element["reason"], reason))
            cases = rows.select(["source", "position", "detail"]).to_pylist()
            first = min((case["source"], case["position"], case["detail"] or "") for case in cases)
            _add(mutable_accumulator, reason, (rows.num_rows, *first))
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[Rejected]) -> Rejected:
        """Add the counts up."""
        merged: Rejected = {}
        for accumulator in accumulators:
            for reason, case in accumulator.items():
                _add(merged, reason, case)
        return merged

    def extract_output(self, accumulator: Rejected) -> Rejected:
        """Give the counts."""
        return accumulator

    def get_accumulator_coder(self) -> beam.coders.Coder:
        """Write text and numbers only."""
        text = beam.coders.StrUtf8Coder()
        case = beam.coders.TupleCoder((beam.coders.VarIntCoder(), text, text, text))
        return beam.coders.MapCoder(text, case)


def complaints(rejected: Rejected) -> list[str]:
    """Say of each reason how often it came and what the first case is, the most frequent first.

    Examples
    --------
    >>> complaints({"truncated": (1, "a.parquet", "byte 0", "not a whole Parquet file")})
    ['1 truncated, such as a.parquet, byte 0: not a whole Parquet file']
    """
    return [
        f"{number:,} {reason}, such as {source}, {position}: {detail}"
        for reason, (number, source, position, detail) in sorted(
            rejected.items(), key=lambda item: (-item[1][0], item[0])
        )
    ]


def _add(rejected: Rejected, reason: str, case: tuple[int, str, str, str]) -> None:
    number, source, position, detail = rejected.get(reason, (0, *case[1:]))
    rejected[reason] = (number + case[0], *min((source, position, detail), case[1:]))
