"""What one wrong prediction costs: four losses, each on whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LossName = Literal["zero_one", "log", "absolute", "squared"]

BINARY: Final[tuple[LossName, ...]] = ("zero_one", "log")
"""Losses of a score that is the probability of the positive class."""

EPSILON: Final = 2.0**-52
"""Probabilities are clipped to [EPSILON, 1 - EPSILON] before a logarithm, as scikit-learn clips float64."""

SUM_TOLERANCE: Final = 1e-3
"""Probabilities of all classes add up to 1, within this: they may have been rounded."""

LARGEST_ERROR: Final = 1e70
"""A larger distance between a predicted and a true number counts as this, so that no sum leaves float64."""


def zero_one_loss(scores: Floats, labels: Floats, threshold: float = 0.5) -> Floats:
    """Count a wrong class as 1, a right one as 0.

    Parameters
    ----------
    scores
        (n,) float64, probability of class 1.
    labels
        (n,) float64, 0 or 1.
    threshold
        Class 1 is predicted from this score on.

    Returns
    -------
    ndarray of float64
        (n,), 0 or 1.

    Examples
    --------
    >>> zero_one_loss(np.array([0.2, 0.5, 0.9]), np.array([0.0, 0.0, 1.0]))
    array([0., 1., 0.])
    """
    wrong: NDArray[np.bool_] = (scores >= threshold) != (labels == 1)
    return wrong.astype(np.float64)


def log_loss(scores: Floats, labels: Floats) -> Floats:
    """Negative logarithm of the probability that was given to what happened.

    Parameters
    ----------
    scores
        (n,) float64, probability of class 1; clipped by `EPSILON`.
    labels
        (n,) float64, 0 or 1.

    Returns
    -------
    ndarray of float64
        (n,), from 0 to 36.04, natural logarithm.

    References
    ----------
    Good, I. J. (1952). Rational decisions. Journal of the Royal Statistical Society B 14, 107-114.

    Examples
    --------
    >>> log_loss(np.array([0.5, 1.0]), np.array([1.0, 0.0])).round(3)
    array([ 0.693, 36.044])
    """
    clipped = np.clip(scores, EPSILON, 1 - EPSILON)
    losses: Floats = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    return losses


def class_log_loss(probabilities: Floats, labels: Floats) -> Floats:
    """Negative logarithm of the probability that was given to the true class.

    Parameters
    ----------
    probabilities
        (n, K) float64, each row adds up to 1; clipped by `EPSILON`.
    labels
        (n,) float64, places of the true classes.

    Returns
    -------
    ndarray of float64
        (n,), from 0 to 36.04, natural logarithm.

    Examples
    --------
    >>> class_log_loss(np.array([[0.5, 0.25, 0.25]]), np.array([1.0])).round(3)
    array([1.386])
    """
    given = probabilities[np.arange(len(labels)), labels.astype(np.int64)]
    losses: Floats = -np.log(np.clip(given, EPSILON, 1 - EPSILON))
    return losses


def absolute_loss(scores: Floats, labels: Floats) -> Floats:
    """Distance between the predicted and the true number.

    Parameters
    ----------
    scores, labels
        (n,) float64, finite; in the unit of the label.

    Returns
    -------
    ndarray of float64
        (n,), at most `LARGEST_ERROR`.

    Examples
    --------
    >>> absolute_loss(np.array([1.0, 4.0]), np.array([3.0, 4.0]))
    array([2., 0.])
    """
    with np.errstate(over="ignore"):
        return np.minimum(np.abs(scores - labels), LARGEST_ERROR)


def signed_errors(scores: Floats, labels: Floats) -> Floats:
    """Predicted minus true number, (n,) float64, at most `LARGEST_ERROR` either way.

    Examples
    --------
    >>> signed_errors(np.array([1.0, 4.0]), np.array([3.0, 4.0]))
    array([-2.,  0.])
    """
    with np.errstate(over="ignore"):
        return np.clip(scores - labels, -LARGEST_ERROR, LARGEST_ERROR)


def squared_loss(scores: Floats, labels: Floats) -> Floats:
    """Square of the distance between the predicted and the true number; of a probability, the Brier score.

    Parameters
    ----------
    scores, labels
        (n,) float64, finite; in the unit of the label.

    Returns
    -------
    ndarray of float64
        (n,), at most the square of `LARGEST_ERROR`.

    Examples
    --------
    >>> squared_loss(np.array([1.0, 4.0]), np.array([3.0, 4.0]))
    array([4., 0.])
    """
    distances = absolute_loss(scores, labels)
    return distances * distances


@dataclass(frozen=True)
class Loss:
    """The loss of a model: which, and what its scores and labels are.

    Parameters
    ----------
    name
        ``zero_one`` and ``log`` are for binary classes: scores are probabilities of class 1, labels 0 or 1.
        ``absolute`` and ``squared`` are for numbers.
    threshold
        Class 1 is predicted from this score on; without meaning for numbers.
    classes
        Names of K classes, more than two; empty of binary classes and of numbers. Then labels and scores
        are places among them.
    probabilities
        Whether a probability of each class is known: then scores are (n, 1 + K), the place of the predicted
        class and the K probabilities.

    Raises
    ------
    ValueError
        If the name is not one of the four, or the threshold lies outside [0, 1].

    Examples
    --------
    >>> Loss("zero_one", threshold=0.3).of(np.array([0.4, 0.2]), np.array([1.0, 1.0]))
    array([0., 1.])
    """

    name: LossName
    threshold: float = 0.5
    classes: tuple[str, ...] = ()
    probabilities: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no loss."""
        if self.name not in get_args(LossName):
            raise ValueError(f"loss {self.name!r} is unknown; choose one of {', '.join(get_args(LossName))}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold {self.threshold!r} is no probability; choose one from 0 to 1")
        distinct = len({*self.classes})
        if self.classes and (self.numeric or distinct < 3 or distinct < len(self.classes)):
            raise ValueError(f"classes {self.classes!r} of loss {self.name!r}: name three or more, each once")
        if self.name == "log" and self.classes and not self.probabilities:
            raise ValueError(
                "loss 'log' of classes needs the probability of each; give it, or take 'zero_one'"
            )
        if self.probabilities and not self.classes:
            raise ValueError("probabilities of no classes; name the classes too")

    @property
    def numeric(self) -> bool:
        """Whether scores and labels are numbers, not classes."""
        return self.name not in BINARY

    @property
    def binary(self) -> bool:
        """Whether scores are probabilities of class 1."""
        return self.name in BINARY and not self.classes

    def predicted(self, scores: Floats) -> Floats:
        """Give the place of the predicted class, (n,), of more than two classes."""
        places: Floats = scores[:, 0] if self.probabilities else scores
        return places

    @property
    def metric(self) -> str:
        """Name of the mean loss among the metrics of a performance row."""
        names = {"zero_one": "error_rate", "log": "log_loss", "absolute": "mean_absolute_error"}
        return names.get(self.name, "mean_squared_error")

    def of(self, scores: Floats, labels: Floats) -> Floats:
        """Loss of every outcome, (n,), finite and 0 or more; scores and labels must be usable."""
        if self.classes:
            if self.name == "zero_one":
                wrong: NDArray[np.bool_] = self.predicted(scores) != labels
                return wrong.astype(np.float64)
            return class_log_loss(scores[:, 1:], labels)
        if self.name == "zero_one":
            return zero_one_loss(scores, labels, self.threshold)
        return {"log": log_loss, "absolute": absolute_loss, "squared": squared_loss}[self.name](
            scores, labels
        )

    def usable_scores(self, scores: Floats) -> NDArray[np.bool_]:
        """Tell which scores, (n,) float64, are predictions at all: finite and, of classes, in [0, 1]."""
        if self.classes:
            return self._usable_classes(scores)
        return (scores >= 0) & (scores <= 1) if self.binary else np.isfinite(scores)

    def usable_labels(self, labels: Floats) -> NDArray[np.bool_]:
        """Tell which labels, (n,) float64, are labels at all: finite and, of classes, 0 or 1."""
        if self.classes:
            return self._places(labels)
        return (labels == 0) | (labels == 1) if self.binary else np.isfinite(labels)

    def _places(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which values are places among the classes."""
        found: NDArray[np.bool_] = (values >= 0) & (values < len(self.classes)) & (values == np.floor(values))
        return found

    def _usable_classes(self, scores: Floats) -> NDArray[np.bool_]:
        good = self._places(self.predicted(scores))
        if self.probabilities:
            given = scores[:, 1:]
            good &= ((given >= 0) & (given <= 1)).all(1) & (np.abs(given.sum(1) - 1) <= SUM_TOLERANCE)
        return good

    def check(self, scores: Floats, labels: Floats | None = None) -> None:
        """Refuse scores or labels, (n,) float64, that are not usable (ValueError); labels may be missing."""
        for what, values, usable in (
            ("score", scores, self.usable_scores),
            ("label", labels, self.usable_labels),
        ):
            if values is not None and not (good := usable(values)).all():
                at = int(np.argmin(good))
                needed = "a finite number"
                if self.classes:
                    needed = "of one of the classes"
                if self.binary:
                    needed = "in [0, 1]" if what == "score" else "0 or 1"
                raise ValueError(
                    f"{what} {values[at]} in row {at} is not {needed}, as loss {self.name!r} needs; "
                    f"drop and count such rows first (Loss.usable_{what}s tells which)"
                )
