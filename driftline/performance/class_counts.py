"""Outcomes of more than two classes: which was taken for which, and the scores of each against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.performance.area_under_curve import area_under_curve
from driftline.performance.score_grid import bins_of, score_edges
from driftline.performance.sparse import decode_sparse, encode_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from driftline.framing import Arrays
    from driftline.losses import Loss

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_THRESHOLD = 0.5  # of the grid of bins, which must have one
_BINS = len(score_edges(_THRESHOLD)) + 1


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Mergeable counts of outcomes of K classes; they do not depend on the order of merges.

    Parameters
    ----------
    confusion
        (K, K) int64, outcomes by true class and by predicted class.
    scores
        (K, 2, B) int64, of every class outcomes of another class, and of this one, by bin of the probability
        that was given to it; K is 0 here where probabilities are not known.
    """

    confusion: Counts
    scores: Counts

    @classmethod
    def empty(cls, loss: Loss) -> ClassCounts:
        """Count nothing."""
        K = len(loss.classes)
        return cls(np.zeros((K, K), np.int64), np.zeros((K if loss.probabilities else 0, 2, _BINS), np.int64))

    @classmethod
    def of(cls, loss: Loss, scores: Floats, labels: Floats) -> ClassCounts:
        """Count outcomes; scores and labels as `Loss` takes them for classes by name.

        Examples
        --------
        >>> from driftline.losses import Loss
        >>> loss = Loss("zero_one", classes=("a", "b", "c"))
        >>> ClassCounts.of(loss, np.array([0.0, 2.0, 2.0]), np.array([0.0, 1.0, 2.0])).confusion.tolist()
        [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
        """
        K = len(loss.classes)
        true, said = labels.astype(np.int64), loss.predicted(scores).astype(np.int64)
        confusion = np.bincount(K * true + said, minlength=K * K).reshape(K, K).astype(np.int64)
        none = cls.empty(loss)
        if not loss.probabilities:
            return cls(confusion, none.scores)
        each = np.arange(K)
        bins = bins_of(scores[:, 1:], _THRESHOLD)
        place = (2 * each + (true[:, None] == each)) * _BINS + bins
        counts = np.bincount(place.ravel(), minlength=2 * K * _BINS).reshape(K, 2, _BINS).astype(np.int64)
        return cls(confusion, counts)

    @staticmethod
    def merge(parts: Sequence[ClassCounts | None]) -> ClassCounts | None:
        """Add the counts of disjoint outcomes, of one loss."""
        known = [part for part in parts if part is not None]
        if not known:
            return None
        return ClassCounts(
            np.sum([part.confusion for part in known], axis=0),
            np.sum([part.scores for part in known], axis=0),
        )

    def areas(self) -> Floats:
        """Give the area under the ROC curve of each class against the rest, (K,); nan where unknown."""
        if not len(self.scores):
            return np.full(len(self.confusion), np.nan)
        return np.array([area_under_curve(rest, own) for rest, own in self.scores])

    def to_bytes(self) -> bytes:
        """Write them; the classes stand in the head of the profile."""
        K = len(self.confusion)
        written = [self.confusion.astype("<i8").tobytes()]
        written += [encode_sparse(self.scores[k], np.empty((0, _BINS))) for k in range(len(self.scores))]
        return b"".join(written) if K else b""

    @classmethod
    def take(cls, arrays: Arrays, loss: Loss) -> ClassCounts:
        """Read what `to_bytes` wrote."""
        K = len(loss.classes)
        confusion = arrays.take("<i8", K * K).astype(np.int64).reshape(K, K)
        if (confusion < 0).any():
            raise arrays.damaged("negative counts")
        none: Any = cls.empty(loss).scores
        scores = [decode_sparse(arrays, (2, 0, _BINS))[0] for _ in range(len(none))]
        return cls(confusion, np.stack(scores) if scores else none)
