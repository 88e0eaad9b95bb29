"""Where the time of a running pipeline goes: the stacks of all threads, looked at a hundred times a second.

Only threads that run count; what waits for a lock, a queue or a socket is idle. A sample belongs to the
innermost frame that lies in a named part of the code, so numpy called by a profile is the profile's.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter

INTERVAL = 0.01
IDLE = ("threading.py", "queue.py", "selectors.py", "_channel.py", "socket.py", "thread_pool_executor.py")
PARTS = (
    ("read messages (the benchmark's own source)", ("benchmarks/scenario.py",)),
    (
        "decode Avro to Arrow",
        ("driftline/decoding/avro_", "driftline/decoding/bisection", "driftline/decoding/decoded"),
    ),
    ("check and normalise events", ("driftline/decoding/",)),
    (
        "split by segment and slice",
        (
            "driftline/measures/slicing.py",
            "driftline/measures/numeric/",
            "driftline/measures/categorical/",
            "driftline/profiles/row_groups.py",
            "driftline/segments.py",
        ),
    ),
    ("profile and merge: moments", ("driftline/profiles/moments.py",)),
    ("profile and merge: t-digest", ("driftline/profiles/tdigest.py",)),
    (
        "profile and merge: sort, bins, bytes",
        (
            "driftline/profiles/",
            "driftline/framing.py",
            "driftline/measures/measure_registry.py",
            "transforms/spine/merge_",
        ),
    ),
    (
        "statistics and p-values",
        ("driftline/statistics/", "driftline/judging/", "driftline/measures/result_rows.py"),
    ),
    (
        "result rows, sinks",
        (
            "transforms/decide/",
            "transforms/spine/judge_profiles.py",
            "transforms/sinks/",
            "driftline/schemas/",
            "driftline/tables/",
        ),
    ),
    ("the rest of driftline", ("driftline/", "transforms/", "pipelines/")),
    ("Beam", ("apache_beam/",)),
)


def part_of(frame) -> str | None:
    """Name of the part that the frame's stack is in; None if it waits."""
    if frame.f_code.co_filename.endswith(IDLE):
        return None
    while frame is not None:
        name = frame.f_code.co_filename
        for part, places in PARTS:
            if any(place in name for place in places) and "site-packages/pyarrow" not in name:
                return part
        frame = frame.f_back
    return "Beam"


class StackSampler:
    """Samples from `start` to `stop`; `shares` gives part: share of the running samples."""

    def __init__(self) -> None:
        """Nothing sampled."""
        self._seen: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        own = threading.get_ident()
        while not self._stop.is_set():
            frames = sys._current_frames()  # noqa: SLF001  the only way to see all threads
            parts = [part_of(frame) for thread, frame in frames.items() if thread != own]
            self._seen.update(part for part in parts if part)
            time.sleep(INTERVAL)

    @property
    def shares(self) -> dict[str, float]:
        """Part: share, largest first."""
        return {part: count / self._seen.total() for part, count in self._seen.most_common()}
