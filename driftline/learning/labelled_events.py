"""Labelled events as the online learner keeps them, their classes and their log-loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat
from driftline.framing import refuses_damage
from driftline.losses import EPSILON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

LARGEST_LOSS: Final = float(-np.log(EPSILON))
"""Most that one event counts, in nats: the loss of a probability of `EPSILON`, as in table `performance`."""

_STORED: Final = ("<f8", "<i4", "<i4", "<f8", "<i8")


class Events(NamedTuple):
    """Events as read, in order of the stream.

    Parameters
    ----------
    numbers
        (n, k) float64, NaN is missing.
    categories
        (n, c) int32, hashed.
    classes
        (n,) int32, the index of the label among the classes.
    losses
        (n,) float64, log-loss of the frozen model.
    positions
        (n,) int64, what the caller calls the event.
    """

    numbers: NDArray[np.float64]
    categories: NDArray[np.int32]
    classes: NDArray[np.int32]
    losses: NDArray[np.float64]
    positions: NDArray[np.int64]

    @staticmethod
    def row_bytes(k: int, c: int) -> int:
        """Bytes of one event with k numeric and c categorical features."""
        return 8 * k + 4 * c + 20

    @classmethod
    @refuses_damage("pending events of a learner")
    def from_bytes(cls, data: bytes, n: int, k: int, c: int) -> Events:
        """Read what `to_bytes` of n events wrote; the bytes must be as many as that."""
        columns: list[Any] = []
        start = 0
        for dtype, shape in zip(_STORED, ((n, k), (n, c), (n,), (n,), (n,)), strict=True):
            column = np.frombuffer(data, dtype, int(np.prod(shape)), start)
            start += column.nbytes
            columns.append(column.reshape(shape).astype(column.dtype.newbyteorder("=")))
        return cls(*columns)

    def to_bytes(self) -> bytes:
        """Write the columns, little-endian, one behind the other; without tag or version of their own."""
        return b"".join(
            np.asarray(column, dtype).tobytes() for dtype, column in zip(_STORED, self, strict=True)
        )

    def rows(self, start: int, end: int) -> Events:
        """View some neighbouring events."""
        columns: Iterator[Any] = iter(self)
        return Events(*(column[start:end] for column in columns))

    def copied(self) -> Events:
        """Copy, so as not to hold on to what this is a view of."""
        columns: Iterator[Any] = iter(self)
        return Events(*(column.copy() for column in columns))

    def followed_by(self, other: Events) -> Events:
        """Append other events."""
        pairs: Iterator[Any] = zip(self, other, strict=True)
        return Events(*(np.concatenate(pair) for pair in pairs))


def as_classes(classes: Sequence[Any]) -> tuple[float, ...] | tuple[str, ...]:
    """Check the classes of a model.

    Parameters
    ----------
    classes
        Two or more numbers, or as many texts.

    Returns
    -------
    tuple
        The same in Python's types, whole numbers as int.

    Raises
    ------
    ValueError
        If they are fewer, doubled, mixed, or no finite numbers.
    """
    texts = [isinstance(each, str) for each in classes]
    if any(texts) and not all(texts):
        raise ValueError(f"classes {list(classes)} mix text and numbers: give one kind")
    known: tuple[Any, ...] = tuple(map(str if all(texts) else float, classes))
    if len(set(known)) < max(2, len(known)) or not (all(texts) or np.isfinite(known).all()):
        raise ValueError(
            f"classes {list(classes)}: give two or more, each once, none of them NaN or infinite"
        )
    return known if all(texts) else tuple(int(each) if each.is_integer() else each for each in known)


def class_numbers(labels: Any, classes: Sequence[float] | Sequence[str]) -> NDArray[np.int32]:
    """Find each label among the classes; ValueError for a label that is none of them.

    Parameters
    ----------
    labels
        (n,) array of numpy or Arrow.
    classes
        From `as_classes`.

    Returns
    -------
    ndarray, shape (n,), int32
        Indices into `classes`.

    Examples
    --------
    >>> class_numbers(np.array([1.0, 0.0]), (0, 1)), class_numbers(pa.array(["late"]), ("on time", "late"))
    (array([1, 0], dtype=int32), array([1], dtype=int32))
    """
    try:
        found = (_text_numbers if isinstance(classes[0], str) else _numbers)(labels, classes)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise ValueError(
            f"labels cannot be read as classes {_listed(classes)} ({error}): give them as those are"
        ) from error
    unknown = np.flatnonzero(found < 0)
    if len(unknown):
        label = labels[int(unknown[0])]
        raise ValueError(
            f"label {label!s} of row {unknown[0]} is none of the classes {_listed(classes)}: "
            "name all classes from the start, or leave the row out"
        )
    return found.astype(np.int32)


def log_losses(scores: NDArray[np.float64], classes: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compute the log-loss of a linear classifier as scikit-learn makes probabilities of its scores.

    Parameters
    ----------
    scores
        (n, 1) float64 for two classes: the logit of the second. (n, K) for more: the logit of each class
        against all others; the probabilities are scaled to sum to 1.
    classes
        (n,) the true class, 0 to K - 1.

    Returns
    -------
    ndarray, shape (n,), float64
        Nats, at most `LARGEST_LOSS`.

    References
    ----------
    Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates (2002).

    Examples
    --------
    >>> log_losses(np.array([[0.0], [50.0]]), np.array([1, 0])).round(3)
    array([ 0.693, 36.044])
    """
    if scores.shape[1] == 1:
        losses = np.logaddexp(0.0, np.where(classes == 1, -scores[:, 0], scores[:, 0]))
    else:
        logs = -np.logaddexp(0.0, -scores)
        losses = np.logaddexp.reduce(logs, axis=1) - logs[np.arange(len(logs)), classes]
    result: NDArray[np.float64] = np.minimum(losses, LARGEST_LOSS)
    return result


def _text_numbers(labels: Any, classes: Sequence[Any]) -> NDArray[np.int32]:
    texts = flat(labels) if isinstance(labels, (pa.Array, pa.ChunkedArray)) else pa.array(labels, pa.string())
    found: NDArray[np.int32] = (
        pc.index_in(texts.cast(pa.string()), pa.array(classes, pa.string())).fill_null(-1).to_numpy()
    )
    return found


def _numbers(labels: Any, classes: Sequence[Any]) -> NDArray[np.int64]:
    numbers, known = np.asarray(labels, np.float64), np.asarray(classes, np.float64)
    order = np.argsort(known)
    nearest = order[np.searchsorted(known[order], numbers).clip(max=len(known) - 1)]
    return np.where(known[nearest] == numbers, nearest, -1)


def _listed(classes: Sequence[Any]) -> str:
    return ", ".join(map(str, classes))
