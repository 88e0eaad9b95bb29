"""Counters in the namespace ``driftline``, and the same numbers for a progress line.

``decoded = rejected + profiled + dropped_late + duplicates + excluded``, where ``decoded`` counts events
read and messages or rows that could not be: each counts one. ``bytes`` counts payload as it was read.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from apache_beam.metrics import Metrics, MetricsFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE: Final = "driftline"

DECODED: Final = "decoded"
REJECTED: Final = "rejected"
PROFILED: Final = "profiled"
DROPPED_LATE: Final = "dropped_late"
DUPLICATES: Final = "duplicates"
EXCLUDED: Final = "excluded"
"""Events in spans of a reference that are left out."""
BYTES: Final = "bytes"
LABELS_ALONE: Final = "labels_"
"""What the names of counters begin with where labels are read that come by themselves."""
UNUSABLE: Final = "unusable_outcomes"
"""Events that are profiled, but whose prediction or label cannot be compared with the other."""
INVALID_IN: Final = "invalid_"
"""What the names of counters begin with that count values of a feature that are none of its kind."""
ABSENT_IN: Final = "absent_"
"""What the names of counters begin with that count events whose source has no column of a feature."""
EMPTY_IN: Final = "empty_"
"""What the names of counters begin with that count events read together of which none has the feature."""
UNJUDGED: Final = "unjudged"
"""Rows of all traffic, once a window and feature block, whose baseline was lost."""
BASELINE_REFUSED: Final = "baseline_refused"


class Tally:
    """What this process has counted; safe to add to and to read from any thread.

    It is whole only where the workers run in the process that reads it, as they do on local runners, and
    like Beam's attempted counters it counts a bundle that is retried twice. Beam's counters are what to
    report at the end.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add("decoded", 3)
    >>> tally.snapshot()
    {'decoded': 3}
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, number: int) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + number

    def snapshot(self) -> dict[str, int]:
        """Return all counts as they are now."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Start a new run."""
        with self._lock:
            self._counts.clear()


TALLY: Final = Tally()
"""The tally of this process."""


@cache
def _counter(name: str) -> Any:
    return Metrics.counter(NAMESPACE, name)


def count(name: str, number: int = 1) -> None:
    """Add to a counter of the job and to the tally of this process.

    Parameters
    ----------
    number
        What to add; call it once a batch, not once a row.
    """
    if number:
        _counter(name).inc(number)
        TALLY.add(name, number)


@cache
def _distribution(name: str) -> Any:
    return Metrics.distribution(NAMESPACE, name)


def distribution(name: str, value: int) -> None:
    """Add a value to a distribution of the job: its number, sum, smallest and largest are kept.

    Flink's Prometheus reporter shows distributions as 0, so the sum and the number are counters too:
    ``<name>_sum`` and ``<name>_count``.

    Parameters
    ----------
    name
        Name of the distribution, with its unit, such as ``window_delay_ms``.
    """
    _distribution(name).update(value)
    count(f"{name}_sum", value)
    count(f"{name}_count")


def count_rejected(by_reason: Mapping[str, int], prefix: str = "") -> None:
    """Count rejects, in all and by reason."""
    count(prefix + REJECTED, sum(by_reason.values()))
    for reason, number in by_reason.items():
        count(f"{prefix}{REJECTED}_{reason}", number)


def counts_of(result: Any, without: str | None = None) -> dict[str, int]:
    """Read the counters of a job that has ended.

    Parameters
    ----------
    without
        Leave out the steps whose names begin so.

    Returns
    -------
    dict of str to int
        Committed numbers, attempted ones where the runner knows no better; sums over the steps.
    """
    totals: dict[str, int] = {}
    for metric in result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]:
        if without is None or not metric.key.step.startswith(without):
            name = metric.key.metric.name
            totals[name] = totals.get(name, 0) + (metric.result or 0)
    return totals
