"""The oldest watermark of the partitions that one process reads."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WATERMARKS: dict[str, dict[str, int | None]] = {}
_LOCK = threading.Lock()


class Together:
    """Watermarks of the partitions of one job, shared by all copies of a DoFn in a process.

    Parameters
    ----------
    partitions
        Names of those that the job begins with: nothing is passed by before each of them was read.
    """

    def __init__(self, partitions: Sequence[str]) -> None:
        self._job = uuid.uuid4().hex
        self._partitions = tuple(partitions)

    def oldest(self, partition: str, watermark: int | None) -> int | None:
        """Take note of a partition's watermark.

        Parameters
        ----------
        watermark
            Microseconds since the epoch, None where nothing is known yet.

        Returns
        -------
        int or None
            The oldest of all partitions; None as long as one of them has none.
        """
        with _LOCK:
            known = _WATERMARKS.setdefault(self._job, dict.fromkeys(self._partitions))
            known[partition] = watermark
            watermarks = list(known.values())
        there = [each for each in watermarks if each is not None]
        return min(there) if len(there) == len(watermarks) else None
