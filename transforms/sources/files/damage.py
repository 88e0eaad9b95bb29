"""What is damaged in a file, told from a file system that fails."""

from __future__ import annotations

from driftline.decoding.arrow_messages import ARROW_FAULTS
from driftline.decoding.decoded import Decoded
from driftline.decoding.rejects import Reason, Reject
from driftline.transforms.sources.decode import SourceBatch


def is_damage(error: BaseException) -> bool:
    """Tell what the bytes are to blame for from a file system that fails: that is tried again."""
    if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
        return False
    return isinstance(error, ARROW_FAULTS)


def damaged(
    path: str,
    unit: str,
    position: int,
    detail: str,
    *,
    reason: Reason = Reason.TRUNCATED,
    payload: bytes = b"",
    rows: int = 1,
) -> SourceBatch:
    """Make the reject of what cannot be read at a place of a file."""
    reject = Reject(reason, detail, 0, payload=payload, rows=rows)
    return SourceBatch(Decoded((), (reject,)), path, (position,), unit)


def cut_short(path: str, line: int, detail: object, rest: bytes) -> SourceBatch:
    """Make the reject of a compressed file from a line on."""
    said = f"the file cannot be decompressed from line {line} on: {detail}"
    return damaged(path, "line", line, said, payload=rest)
