"""What became of predictions and of labels, and whether it adds up."""

from __future__ import annotations

from dataclasses import dataclass

_LARGE = 0.1


@dataclass(frozen=True)
class LabelCounts:
    """What became of predictions and of labels.

    Parameters
    ----------
    predictions, matched, expired, waiting, duplicate_predictions
        Predictions; those that got a label, those that will not, those that still waited for one when the job
        was stopped, and those with the id of another. The first is the sum of the others.
    labels, unmatched_labels, waiting_labels, duplicate_labels
        Labels that came by themselves; those that match nothing, those that still waited, and those with the
        id of another. The first is the sum of the others and of `matched`.
    unusable
        Events whose prediction or label cannot be compared.
    rejected
        Labels in the dead letter that were none.

    Examples
    --------
    >>> counts = LabelCounts(predictions=10, matched=4, expired=5, waiting=1)
    >>> counts.sentences()
    ['10 predictions = 4 matched + 5 without a label + 1 waiting + 0 duplicates']
    """

    predictions: int = 0
    matched: int = 0
    expired: int = 0
    waiting: int = 0
    duplicate_predictions: int = 0
    labels: int = 0
    unmatched_labels: int = 0
    waiting_labels: int = 0
    duplicate_labels: int = 0
    unusable: int = 0
    rejected: int = 0

    @property
    def unaccounted_predictions(self) -> int:
        """Predictions of which nobody knows what became: 0 unless something is wrong."""
        return self.predictions - self.matched - self.expired - self.waiting - self.duplicate_predictions

    @property
    def unaccounted_labels(self) -> int:
        """Labels of which nobody knows what became; of labels that come with the events, 0."""
        if not (self.labels or self.rejected):
            return 0
        return (
            self.labels - self.matched - self.unmatched_labels - self.waiting_labels - self.duplicate_labels
        )

    def sentences(self) -> list[str]:
        """Say that the counts add up, or do not, a line each; nothing where there were no predictions."""
        if not (self.predictions or self.labels or self.rejected):
            return []
        text = (
            f"{self.predictions:,} predictions = {self.matched:,} matched + "
            f"{self.expired:,} without a label + {self.waiting:,} waiting + "
            f"{self.duplicate_predictions:,} duplicates"
        )
        found = [_adding_up(text, self.unaccounted_predictions)]
        if self.labels or self.rejected:
            text = (
                f"{self.labels:,} labels = {self.matched:,} matched + {self.unmatched_labels:,} unmatched + "
                f"{self.waiting_labels:,} waiting + {self.duplicate_labels:,} duplicates"
            )
            found.append(_adding_up(text, self.unaccounted_labels))
        if self.rejected:
            found.append(f"{self.rejected:,} labels rejected: see the dead letters")
        if self.unusable:
            found.append(
                f"{self.unusable:,} events whose prediction or label cannot be used: see the dead letters"
            )
        return found

    def warning(self, *, with_events: bool = False) -> str:
        """Say why little or nothing is known of how right the model is, though there is something to know.

        Parameters
        ----------
        with_events
            Whether the events carry the labels, and no source of their own.

        Returns
        -------
        str
            One line; empty where nearly all that came was of use, or there was nothing to join.

        Examples
        --------
        >>> LabelCounts(predictions=10, expired=10).warning()
        'no prediction has a label: is labels.source right?'
        >>> LabelCounts(predictions=10, expired=10).warning(with_events=True)
        'no prediction has a label: is labels.column right?'
        >>> LabelCounts(predictions=9, matched=6, expired=3, labels=6, rejected=3).warning()
        '3 of 9 labels are rejected: is labels.classes right? What is left is a selection'
        """
        if self.matched:
            return self._large_losses(with_events=with_events)
        if not self.predictions and self.unusable:
            return "not one prediction could be used: the dead letters say why; is labels.loss right?"
        if self.labels and self.predictions:
            return (
                "no label belongs to a prediction: the dead letters say why; are the ids of request_id and "
                "labels.request_id the same, and labels.time.unit and labels.wait right?"
            )
        if (self.unusable and with_events) or (self.rejected and not self.labels):
            return (
                "not one label could be used: the dead letters say why; are labels.column and labels.classes "
                "right?"
            )
        key = "labels.column" if with_events else "labels.source"
        return f"no prediction has a label: is {key} right?" if self.predictions else ""

    def _large_losses(self, *, with_events: bool) -> str:
        """Warn of a tenth that cannot be used, or of half the labels without predictions."""
        found = []
        events, labels = self.predictions + self.unusable, self.labels + self.rejected
        if self.unusable > _LARGE * events:
            key = "labels.loss, labels.column and labels.classes" if with_events else "labels.loss"
            found.append(f"{self.unusable:,} of {events:,} predictions cannot be used: is {key} right?")
        if self.rejected > _LARGE * labels:
            found.append(f"{self.rejected:,} of {labels:,} labels are rejected: is labels.classes right?")
        if self.unmatched_labels > self.labels / 2:
            found.append(
                f"{self.unmatched_labels:,} of {self.labels:,} labels belong to no prediction: are the ids, "
                "labels.time.unit and labels.wait right?"
            )
        if not found:
            return ""
        return f"{'; '.join(found)} What is left is a selection"


def _adding_up(text: str, missing: int) -> str:
    return f"{text}: {missing:+,} UNACCOUNTED FOR" if missing else text
