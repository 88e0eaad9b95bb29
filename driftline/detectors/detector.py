"""What all detectors have in common: how values go in, detections come out, and state is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from driftline.detectors.change import Change
from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

LARGEST: Final = 2.0**480
"""Largest magnitude of a value: the sum of squares of 2^60 such values is still finite."""

_FIRST_CHUNK: Final = 128  # values looked at together after a detection: most are wasted if the next is near
_MOST_CHUNK: Final = 16384  # what stays in a core's cache


class Detector(ABC):
    """A change detector of one stream of numbers, with bounded memory.

    After a detection it forgets everything and starts again with the next value.

    A subclass has the algorithm twice. `_step` takes one value and is the definition. `_take` takes many and
    does the same operations in the same order, so both reach the same state, bit for bit.
    """

    NAME: ClassVar[str]
    """Name in a configuration."""

    TAG: ClassVar[bytes]
    """First three bytes of the state."""

    VERSION: ClassVar[int] = 1
    """Format version of the state."""

    LIMITS: ClassVar[tuple[float, float]] = (-LARGEST, LARGEST)
    """Smallest and largest value that is taken."""

    def __init__(self) -> None:
        self._drift = False

    @property
    def drift_detected(self) -> bool:
        """Whether the last value made the detector see a change."""
        return self._drift

    def update(self, x: float) -> None:
        """Take one value; ValueError, and no change, if it is NaN, infinite or outside the limits."""
        x = float(x)
        low, high = self.LIMITS
        if not low <= x <= high:
            raise ValueError(self._refusal(x, ""))
        if self._drift:
            self._reset()
        self._step(x)

    def update_many(self, values: ArrayLike) -> NDArray[np.int64]:
        """Take many values; the same as `update` with one after the other, only faster.

        Parameters
        ----------
        values
            The values in the order of the stream, shape (n,).

        Returns
        -------
        ndarray of int64
            Index in `values` of every detection, ascending.

        Raises
        ------
        ValueError
            If a value is NaN, infinite or outside the detector's limits; then none of the values is taken.
        """
        return np.array([change.position for change in self.changes(values)], np.int64)

    def changes(self, values: ArrayLike) -> tuple[Change, ...]:
        """Take many values, with the errors of `update_many`, and say more of every detection."""
        stream = self._checked(values)
        found = []
        begin, chunk = 0, _FIRST_CHUNK
        while begin < len(stream):
            if self._drift:
                self._reset()
            begin += self._take(stream[begin : begin + chunk])
            if self._drift:
                found.append(Change(begin - 1, *self._change()))
                chunk = _FIRST_CHUNK
            else:
                chunk = min(2 * chunk, _MOST_CHUNK)
        return tuple(found)

    def to_bytes(self) -> bytes:
        """Write tag, format version, parameters and state, little-endian on every machine."""
        counts, payload = self._state()
        head = {"parameters": self._parameters(), "drift": self._drift, **counts}
        return frame(self.TAG, self.VERSION, head, payload)

    @classmethod
    @refuses_damage("state of a detector")
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote and go on where it stood; other bytes raise UnreadableBytesError."""
        what = f"state of detector {cls.NAME}"
        head, payload = unframe(cls.TAG, cls.VERSION, what, data)
        try:
            detector = cls(**head.pop("parameters"))
            detector._drift = bool(head.pop("drift"))
            detector._restore(head, payload)
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise UnreadableBytesError(
                f"{what} is damaged ({type(error).__name__}: {error}); start from an older savepoint, or anew"
            ) from None
        return detector

    @abstractmethod
    def _reset(self) -> None:
        """Forget all values."""

    @abstractmethod
    def _step(self, x: float) -> None:
        """Take one value; nothing is detected now."""

    @abstractmethod
    def _take(self, values: NDArray[np.float64]) -> int:
        """Take values, at least one and up to the first detection; say how many. Nothing is detected now."""

    @abstractmethod
    def _change(self) -> tuple[int, float, float]:
        """Width, mean before and mean after of the change that was just detected."""

    @abstractmethod
    def _parameters(self) -> dict[str, Any]:
        """Arguments of the constructor."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], bytes]:
        """What describes the state, in JSON types, and the numbers of the state."""

    @abstractmethod
    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        """Take over what `_state` gave."""

    def _checked(self, values: ArrayLike) -> NDArray[np.float64]:
        stream = np.asarray(values, np.float64)
        if stream.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} got an array of shape {stream.shape}: a detector follows one stream; "
                "give it one dimension, and each column a detector of its own"
            )
        low, high = self.LIMITS
        if len(stream) and not (low <= stream.min() and stream.max() <= high):
            bad = int(np.flatnonzero(~((low <= stream) & (stream <= high)))[0])
            raise ValueError(self._refusal(float(stream[bad]), f" at position {bad}"))
        return stream

    def _refusal(self, x: float, where: str) -> str:
        low, high = self.LIMITS
        limits = "finite numbers" if high == LARGEST else f"numbers from {low:g} to {high:g}"
        return f"{type(self).__name__} got {x!r}{where}: it takes {limits}; leave others out or replace them"


def pack(numbers: list[float]) -> bytes:
    """Write numbers as little-endian float64."""
    return np.array(numbers, "<f8").tobytes()


def unpack(payload: bytes, count: int) -> list[float]:
    """Read `count` numbers that `pack` wrote; ValueError if there are more or fewer."""
    if len(payload) != 8 * count:
        raise ValueError(f"{len(payload)} bytes for {count} numbers")
    numbers: list[float] = np.frombuffer(payload, "<f8").tolist()
    return numbers
