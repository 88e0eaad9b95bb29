"""The recorded feature log of the flights as Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from replay import Replay, reference_replay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

REPLAYED_AT = "replayed_at"


def read_log(files: Iterable[Path]) -> pa.Table:
    """Requests of Avro container files, in order of departure."""
    records = []
    for path in sorted(files):
        with path.open("rb") as file:
            records += list(fastavro.reader(file))
    return pa.Table.from_pylist(records).sort_by("departure")


def log_from(folder: Path, first: datetime) -> pa.Table:
    """Requests whose flights leave at `first` or later; files are named by month."""
    files = [path for path in folder.glob("*.avro") if path.stem >= f"{first:%Y-%m}"]
    if not files:
        raise ValueError(f"no flights from {first:%Y-%m-%d} on in {folder}: give an earlier day")
    log = read_log(files)
    return log.filter(pa.compute.greater_equal(log["departure"], int(first.timestamp())))


def restamped(log: pa.Table, replay: Replay) -> pa.Table:
    """The log with the time at which each request happens in the replay."""
    return log.append_column(REPLAYED_AT, pa.array(replay.restamped(log["departure"].to_numpy())))


def write_reference(folder: Path, path: Path, speed: int) -> None:
    """One file with the pressed requests of the reference; it appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(restamped(read_log(folder.glob("*.avro")), reference_replay(speed)), unfinished)
    unfinished.replace(path)
