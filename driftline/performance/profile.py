"""What is kept of the predictions and outcomes of one segment in one piece of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from driftline.framing import refuses_damage
from driftline.losses import (
    Loss,
    absolute_loss,
    class_log_loss,
    log_loss,
    signed_errors,
    squared_loss,
    zero_one_loss,
)
from driftline.performance.class_counts import ClassCounts
from driftline.performance.label_delays import DELAY_BINS, count_delays
from driftline.performance.loss_moments import LossMoments
from driftline.performance.profile_format import TAG, decode, encode
from driftline.performance.score_grid import bins_of, number_of_bins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_MERGED_AT_ONCE: Final = 256  # bounds the memory of a merge


@dataclass(frozen=True, eq=False)
class PerformanceProfile:
    """Mergeable summary of predictions, labelled or not, and of outcomes.

    Every prediction is added once as a prediction and, when its label comes, once more as an outcome. Counts
    do not depend on the order of merges; sums agree to about 1e-12.

    Parameters
    ----------
    loss
        The loss, and with it the threshold and whether there are bins of scores (B of them; 0 for numbers).
    n_predictions
        All predictions.
    predicted
        (B,) int64, all predictions by bin of their score, see `score_grid`.
    predicted_sums
        (B,) float64, the sum of their scores.
    losses
        Moments of the loss over the outcomes.
    errors
        Outcomes of the wrong class; 0 for numbers.
    log_loss_sum
        Sum of the log-loss of the outcomes; 0 for numbers.
    absolute_sum, squared_sum
        Sums of absolute and squared errors; of classes, of the score as a number (Brier score).
    signed_sum
        Sum of errors of numbers, prediction minus label; nan where an earlier release profiled some; 0 for
        classes.
    negatives, positives
        (B,) int64, outcomes of class 0 and of class 1 by bin of their score.
    outcome_sums
        (B,) float64, the sum of the scores of the outcomes.
    delays
        (`DELAY_BINS`,) int64, outcomes by how long their label took.
    classes
        Of more than two classes, how outcomes were taken for each other; None of others.

    Examples
    --------
    >>> profile = PerformanceProfile.empty(Loss("zero_one")).add_predictions(np.array([0.9, 0.2, 0.7]))
    >>> profile = profile.add_outcomes(np.array([0.9, 0.7]), np.array([1.0, 0.0]), np.array([10, 20]))
    >>> profile.n_predictions, profile.n, profile.errors, profile.losses.mean
    (3, 2, 1, 0.5)
    """

    TAG: ClassVar[bytes] = TAG

    loss: Loss
    n_predictions: int
    predicted: Counts
    predicted_sums: Floats
    losses: LossMoments
    errors: int
    log_loss_sum: float
    absolute_sum: float
    squared_sum: float
    signed_sum: float
    negatives: Counts
    positives: Counts
    outcome_sums: Floats
    delays: Counts
    classes: ClassCounts | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays: a profile enters more than one merge."""
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    @property
    def n(self) -> int:
        """Outcomes: predictions whose label is known."""
        return self.losses.n

    @classmethod
    def empty(cls, loss: Loss) -> PerformanceProfile:
        """Profile nothing: the neutral element of merges."""
        B = number_of_bins(loss)
        none, nothing = np.zeros(B, np.int64), np.zeros(B)
        delays = np.zeros(DELAY_BINS, np.int64)
        classes = ClassCounts.empty(loss) if loss.classes else None
        moments = LossMoments()
        return cls(
            loss, 0, none, nothing, moments, 0, 0.0, 0.0, 0.0, 0.0, none, none, nothing, delays, classes
        )  # fmt: skip

    @classmethod
    def of_predictions(cls, loss: Loss, scores: Floats) -> PerformanceProfile:
        """Profile predictions, whether or not their labels ever come.

        Parameters
        ----------
        scores
            (n,) float64, the probability of class 1 or the predicted number.

        Raises
        ------
        ValueError
            If a score is not usable.
        """
        loss.check(scores)
        empty = cls.empty(loss)
        if not loss.binary:
            return replace(empty, n_predictions=len(scores))
        B = len(empty.predicted)
        bins = bins_of(scores, loss.threshold)
        return replace(
            empty,
            n_predictions=len(scores),
            predicted=np.bincount(bins, minlength=B),
            predicted_sums=np.bincount(bins, scores, B).astype(np.float64),
        )

    @classmethod
    def of_outcomes(cls, loss: Loss, scores: Floats, labels: Floats, delays: Counts) -> PerformanceProfile:
        """Profile outcomes.

        Parameters
        ----------
        scores
            (n,) float64, the probability of class 1 or the predicted number.
        labels
            (n,) float64, 0 or 1, or the true number.
        delays
            (n,) int64, time of the label minus time of the prediction, microseconds.

        Returns
        -------
        PerformanceProfile
            Of these outcomes; it does not count them as predictions.

        Raises
        ------
        ValueError
            If a score or a label is not usable.
        """
        loss.check(scores, labels)
        if loss.classes:
            return cls._of_classes(loss, scores, labels, delays)
        outcomes = replace(
            cls.empty(loss),
            losses=LossMoments.of(loss.of(scores, labels)),
            absolute_sum=float(absolute_loss(scores, labels).sum()),
            squared_sum=float(squared_loss(scores, labels).sum()),
            delays=count_delays(delays),
        )
        if not loss.binary:
            return replace(outcomes, signed_sum=float(signed_errors(scores, labels).sum()))
        B = len(outcomes.predicted)
        bins = bins_of(scores, loss.threshold)
        by_class = np.bincount(2 * bins + (labels == 1), minlength=2 * B).reshape(B, 2)
        return replace(
            outcomes,
            errors=int(zero_one_loss(scores, labels, loss.threshold).sum()),
            log_loss_sum=float(log_loss(scores, labels).sum()),
            negatives=by_class[:, 0].copy(),
            positives=by_class[:, 1].copy(),
            outcome_sums=np.bincount(bins, scores, B).astype(np.float64),
        )

    @classmethod
    def _of_classes(cls, loss: Loss, scores: Floats, labels: Floats, delays: Counts) -> PerformanceProfile:
        return replace(
            cls.empty(loss),
            losses=LossMoments.of(loss.of(scores, labels)),
            errors=int((loss.predicted(scores) != labels).sum()),
            log_loss_sum=float(class_log_loss(scores[:, 1:], labels).sum()) if loss.probabilities else 0.0,
            delays=count_delays(delays),
            classes=ClassCounts.of(loss, scores, labels),
        )

    def add_predictions(self, scores: Floats) -> PerformanceProfile:
        """Profile more predictions; parameters and errors as in `of_predictions`."""
        return self.merge(PerformanceProfile.of_predictions(self.loss, scores))

    def add_outcomes(self, scores: Floats, labels: Floats, delays: Counts) -> PerformanceProfile:
        """Profile more outcomes; parameters and errors as in `of_outcomes`."""
        return self.merge(PerformanceProfile.of_outcomes(self.loss, scores, labels, delays))

    def merge(self, other: PerformanceProfile) -> PerformanceProfile:
        """Merge with a profile of other predictions and outcomes; errors as in `merge_all`."""
        return PerformanceProfile.merge_all([self, other])

    @classmethod
    def merge_all(cls, items: Sequence[bytes | PerformanceProfile]) -> PerformanceProfile:
        """Merge profiles of disjoint predictions and outcomes, encoded or not.

        Returns
        -------
        PerformanceProfile
            Of all together; the inputs stay as they are.

        Raises
        ------
        ValueError
            If there are none, they are of different losses or thresholds, or one is damaged.
        """
        if not items:
            raise ValueError("no performance profiles to merge: give at least one, if only an empty one")
        while len(items) > _MERGED_AT_ONCE:
            items = [
                cls.merge_all(items[i : i + _MERGED_AT_ONCE]) for i in range(0, len(items), _MERGED_AT_ONCE)
            ]
        parts = [cls.from_bytes(item) if isinstance(item, bytes) else item for item in items]
        loss = parts[0].loss
        for part in parts:
            if part.loss != loss:
                raise ValueError(
                    f"cannot merge performance profiles of {part.loss} and {loss}: "
                    "profile the outcomes again with one loss and threshold"
                )
        if len(parts) == 1:
            return parts[0]
        return cls(
            loss,
            sum(part.n_predictions for part in parts),
            np.sum([part.predicted for part in parts], axis=0),
            np.sum([part.predicted_sums for part in parts], axis=0),
            LossMoments.merge([part.losses for part in parts]),
            sum(part.errors for part in parts),
            sum(part.log_loss_sum for part in parts),
            sum(part.absolute_sum for part in parts),
            sum(part.squared_sum for part in parts),
            sum(part.signed_sum for part in parts),
            np.sum([part.negatives for part in parts], axis=0),
            np.sum([part.positives for part in parts], axis=0),
            np.sum([part.outcome_sums for part in parts], axis=0),
            np.sum([part.delays for part in parts], axis=0),
            ClassCounts.merge([part.classes for part in parts]),
        )

    def to_bytes(self) -> bytes:
        """Write a head, then what there is of predictions and outcomes; empty bins take no bytes."""
        return encode(vars(self))

    @classmethod
    @refuses_damage("performance profile")
    def from_bytes(cls, data: bytes) -> PerformanceProfile:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        return cls(**decode(data))
