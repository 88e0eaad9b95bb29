"""What a job counted, and whether it adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from transforms.counters import (
    DECODED,
    DROPPED_LATE,
    DUPLICATES,
    LABELS_ALONE,
    PROFILED,
    REJECTED,
    UNUSABLE,
)
from transforms.join_labels import (
    DUPLICATE_LABELS,
    DUPLICATE_PREDICTIONS,
    EXPIRED,
    LABELS_COUNT,
    MATCHED,
    PREDICTIONS_COUNT,
    UNMATCHED_LABELS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: counters of the join, named as the fields of `LabelCounts`
_OF_THE_JOIN = (
    *(PREDICTIONS_COUNT, MATCHED, EXPIRED, DUPLICATE_PREDICTIONS),
    *(LABELS_COUNT, UNMATCHED_LABELS, DUPLICATE_LABELS),
)


@dataclass(frozen=True)
class LabelCounts:
    """What became of predictions and of labels.

    Parameters
    ----------
    predictions, matched, expired, duplicate_predictions
        Predictions; those that got a label, those that will not, and those with the id of another.
    labels, unmatched_labels, duplicate_labels
        Labels that came by themselves; those that match nothing, and those with the id of another.
    unusable
        Events whose prediction or label cannot be compared.
    rejected
        Labels in the dead letter that were none.
    stopped
        Whether the job was stopped while some of them still waited for their other half.
    """

    predictions: int = 0
    matched: int = 0
    expired: int = 0
    duplicate_predictions: int = 0
    labels: int = 0
    unmatched_labels: int = 0
    duplicate_labels: int = 0
    unusable: int = 0
    rejected: int = 0
    stopped: bool = False

    def sentences(self) -> list[str]:
        """Say that the counts add up, or that they do not; nothing where there were no predictions.

        Returns
        -------
        list of str
            A line each.
        """
        if not (self.predictions or self.labels or self.rejected):
            return []
        found = [
            self._adding_up(
                f"{self.predictions:,} predictions = {self.matched:,} matched + "
                f"{self.expired:,} without a label + {self.duplicate_predictions:,} duplicates",
                self.predictions - self.matched - self.expired - self.duplicate_predictions,
            )
        ]
        if self.labels or self.rejected:
            text = (
                f"{self.labels:,} labels = {self.matched:,} matched + {self.unmatched_labels:,} unmatched + "
                f"{self.duplicate_labels:,} duplicates"
            )
            missing = self.labels - self.matched - self.unmatched_labels - self.duplicate_labels
            found.append(self._adding_up(text, missing))
        if self.rejected:
            found.append(f"{self.rejected:,} labels rejected: see the dead letters")
        if self.unusable:
            found.append(
                f"{self.unusable:,} events whose prediction or label cannot be used: see the dead letters"
            )
        return found

    def _adding_up(self, text: str, missing: int) -> str:
        if self.stopped and missing > 0:
            return f"{text} + {missing:,} waiting"
        return f"{text}: {missing:+,} UNACCOUNTED FOR" if missing else text


@dataclass(frozen=True)
class Counts:
    """How many events a job saw and what became of them.

    Parameters
    ----------
    decoded, profiled, dropped_late, duplicates
        Events.
    rejected
        Events in the dead letter, by reason.
    windows, results
        Windows settled and result rows written.
    labels
        Predictions and labels.
    """

    decoded: int
    profiled: int
    dropped_late: int
    rejected: Mapping[str, int]
    windows: int
    results: int
    duplicates: int = 0
    labels: LabelCounts = field(default_factory=LabelCounts)

    @classmethod
    def of(cls, totals: Mapping[str, int], *, stopped: bool = False) -> Counts:
        """Take the counts out of the counters of a job.

        Parameters
        ----------
        totals
            Numbers by the name of the counter.
        stopped
            Whether the job was stopped in the middle.

        Returns
        -------
        Counts
        """
        prefix = REJECTED + "_"
        rejected = {name.removeprefix(prefix): n for name, n in totals.items() if name.startswith(prefix)}
        return cls(
            decoded=totals.get(DECODED, 0),
            profiled=totals.get(PROFILED, 0),
            dropped_late=totals.get(DROPPED_LATE, 0),
            duplicates=totals.get(DUPLICATES, 0),
            rejected=rejected,
            windows=totals.get("windows", 0),
            results=totals.get("results", 0),
            labels=LabelCounts(
                unusable=totals.get(UNUSABLE, 0),
                rejected=totals.get(LABELS_ALONE + REJECTED, 0),
                stopped=stopped,
                **{name: totals.get(name, 0) for name in _OF_THE_JOIN},
            ),
        )

    def sentence(self) -> str:
        """Say that the counts add up, or that they do not.

        Returns
        -------
        str
            One line.
        """
        rejected = sum(self.rejected.values())
        total = self.profiled + rejected + self.dropped_late + self.duplicates
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(self.rejected.items()))
        text = (
            f"{self.decoded:,} decoded = {self.profiled:,} profiled + {rejected:,} rejected"
            f"{f' ({reasons})' if reasons else ''} + {self.dropped_late:,} dropped late"
            f"{f' + {self.duplicates:,} duplicates' if self.duplicates else ''}"
        )
        return text if total == self.decoded else f"{text}: {self.decoded - total:+,} UNACCOUNTED FOR"
