"""What a job counted, and whether it adds up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from driftline.report import LabelCounts
from driftline.transforms.counters import (
    ABSENT_IN,
    DECODED,
    DROPPED_LATE,
    DUPLICATES,
    EMPTY_IN,
    EXCLUDED,
    INVALID_IN,
    LABELS_ALONE,
    PROFILED,
    REJECTED,
    UNUSABLE,
)
from driftline.transforms.outcomes.join_labels import (
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

_NAMED = 5  # features in a line of the console


@dataclass(frozen=True)
class Counts:
    """How many events a job saw and what became of them.

    Parameters
    ----------
    rejected
        Events in the dead letter, by reason.
    windows, results
        Windows settled and result rows written.
    invalid
        Events whose value of a feature is none of its kind, by feature.
    absent, empty
        Events whose source has no column of a feature, and events read together of which none has a value in
        it, by column.
    """

    decoded: int
    profiled: int
    dropped_late: int
    rejected: Mapping[str, int]
    windows: int
    results: int
    duplicates: int = 0
    excluded: int = 0
    labels: LabelCounts = field(default_factory=LabelCounts)
    invalid: Mapping[str, int] = field(default_factory=dict)
    absent: Mapping[str, int] = field(default_factory=dict)
    empty: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, totals: Mapping[str, int], *, stopped: bool = False) -> Counts:
        """Take the counts out of the counters of a job.

        Parameters
        ----------
        totals
            Numbers by the name of the counter.
        stopped
            Whether the job was stopped in the middle.
        """
        labels = LabelCounts(
            unusable=totals.get(UNUSABLE, 0),
            rejected=totals.get(LABELS_ALONE + REJECTED, 0),
            **{name: totals.get(name, 0) for name in _OF_THE_JOIN},
        )
        return cls(
            decoded=totals.get(DECODED, 0),
            profiled=totals.get(PROFILED, 0),
            dropped_late=totals.get(DROPPED_LATE, 0),
            duplicates=totals.get(DUPLICATES, 0),
            excluded=totals.get(EXCLUDED, 0),
            rejected=_behind(REJECTED + "_", totals),
            windows=totals.get("windows", 0),
            results=totals.get("results", 0),
            labels=_waiting(labels) if stopped else labels,
            invalid=_behind(INVALID_IN, totals),
            absent=_behind(ABSENT_IN, totals),
            empty=_behind(EMPTY_IN, totals),
        )

    def sentence(self) -> str:
        """Say that the counts add up, or that they do not."""
        rejected = sum(self.rejected.values())
        total = self.profiled + rejected + self.dropped_late + self.duplicates + self.excluded
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(self.rejected.items()))
        text = (
            f"{self.decoded:,} decoded = {self.profiled:,} profiled + {rejected:,} rejected"
            f"{f' ({reasons})' if reasons else ''} + {self.dropped_late:,} dropped late"
            f"{f' + {self.duplicates:,} duplicates' if self.duplicates else ''}"
            f"{f' + {self.excluded:,} excluded' if self.excluded else ''}"
        )
        return text if total == self.decoded else f"{text}: {self.decoded - total:+,} UNACCOUNTED FOR"

    def feature_remarks(self) -> list[str]:
        """Name the features that lack a column or hold what is none of their kind, the worst first."""
        remarks = []
        if self.absent:
            columns = [f"{name} (in {n:,} events)" for name, n in _most(self.absent)]
            named = _listed(columns, len(self.absent))
            remarks.append(f"warning: no column {named}: what is read from it counts as missing")
        used = self.decoded - sum(self.rejected.values())
        nothing = sorted(name for name, n in self.empty.items() if n >= used > 0 and name not in self.absent)
        if nothing:
            remarks.append(f"warning: no event has a value of {_listed(nothing[:_NAMED], len(nothing))}")
        if self.invalid:
            read = max(self.decoded, 1)
            features = [f"{name} {n:,} ({100 * n / read:.3g} %)" for name, n in _most(self.invalid)]
            remarks.append(
                "warning: values of another type than their feature: "
                f"{_listed(features, len(self.invalid))}; they count as invalid there (invalid_rate), their "
                "rows stay in all other features"
            )
        return remarks


def _behind(prefix: str, totals: Mapping[str, int]) -> dict[str, int]:
    """Take the counters whose names begin so, without that."""
    return {name.removeprefix(prefix): n for name, n in totals.items() if name.startswith(prefix)}


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_NAMED]


def _listed(named: list[str], of: int) -> str:
    return ", ".join(named) + (f" and {of - len(named)} more" if of > len(named) else "")


def _waiting(labels: LabelCounts) -> LabelCounts:
    """Take what has not become anything else for what waited when the job was stopped."""
    return replace(
        labels,
        waiting=max(labels.unaccounted_predictions, 0),
        waiting_labels=max(labels.unaccounted_labels, 0),
    )
