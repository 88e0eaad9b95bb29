"""The first rows of some files, read as a job reads them: what is usable, and what is wrong with the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.arrays import flat
from driftline.config.errors import counted
from driftline.decoding.events import events_of
from driftline.transforms.sources.dead_letter_rows import position_of
from driftline.transforms.sources.files.read_files import batches_of_files

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from driftline.config.csv_dialect import CsvDialect
    from driftline.decoding.event_schema import EventSchema
    from driftline.decoding.events import DecodedEvents
    from driftline.transforms.sources.decode import SourceBatch

_ROWS: Final = 1_000
_FILES: Final = 5


@dataclass
class FirstRows:
    """What the first rows of files are.

    Parameters
    ----------
    files
        How many were opened.
    events
        The usable rows, batch by batch.
    times
        The column of event times as it came, batch by batch.
    reasons
        Rejected rows and files by reason.
    samples
        Of each reason the first reject: where it lies, and what is wrong.
    """

    files: int = 0
    events: list[pa.RecordBatch] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """Rows that a job would use."""
        return sum(batch.num_rows for batch in self.events)

    @property
    def rejected(self) -> int:
        """Rows and files that it would not."""
        return self.reasons.total()

    def micros(self) -> NDArray[np.int64]:
        """Event times of the usable rows, microseconds since the epoch."""
        columns = [batch.column("time").to_numpy() for batch in self.events]
        return np.concatenate(columns) if columns else np.zeros(0, np.int64)

    def complaints(self) -> list[str]:
        """Say of each reason how often it came and what the first case is."""
        return [
            f"{counted(number, reason)}, such as {self.samples[reason]}"
            for reason, number in self.reasons.most_common()
        ]

    def add(self, batch: SourceBatch, schema: EventSchema, result: DecodedEvents) -> None:
        """Take in a batch."""
        for reject in result.rejects:
            reason = reject.reason.value
            self.reasons[reason] += 1
            place = f"{batch.source}, {position_of(reject, batch.positions, batch.unit)}"
            self.samples.setdefault(reason, f"{place}: {reject.detail}")
        self.events.append(result.events)
        for part in batch.decoded.parts:
            index = part.records.schema.get_field_index(schema.time_column)
            if index >= 0:
                self.times.append(flat(part.records.column(index)))


def first_rows(
    pattern: str, file_format: str | None, schema: EventSchema, csv: CsvDialect | None = None
) -> FirstRows:
    """Read the first rows of up to five files, spread evenly over those that match.

    Parameters
    ----------
    pattern
        Glob pattern on any Beam filesystem.
    file_format, csv
        As for `ReadFiles`.

    Returns
    -------
    FirstRows
        Of each file at least 1,000 rows, if it has them.

    Raises
    ------
    FileNotFoundError, ValueError
        As `driftline.transforms.sources.files.read_files.match_files`.
    """
    found = FirstRows()
    for batches in batches_of_files(pattern, file_format, schema, csv, most=_FILES):
        found.files += 1
        rows = 0
        for batch in batches:
            result = events_of(batch.decoded, batch.payloads, schema)
            found.add(batch, schema, result)
            rows += result.decoded
            if rows >= _ROWS:
                break
    return found
