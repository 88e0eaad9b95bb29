"""Mean of the last losses: the error a person looks at first."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline.profiles.framing import check_tag

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<3sBIIB3x")  # tag, version, size, values held, bits a value
_BITS, _FLOATS = 1, 64


class RollingMean:
    """Mean of the last values of a stream.

    Parameters
    ----------
    size
        How many values to keep.

    Raises
    ------
    ValueError
        If the size is not positive.

    Examples
    --------
    >>> rolling = RollingMean(3)
    >>> rolling.update_many([1.0, 1.0, 0.0, 0.0])
    >>> rolling.n, round(rolling.value, 3)
    (3, 0.333)
    """

    TAG: Final = b"dRM"

    def __init__(self, size: int = 1000) -> None:
        if not 0 < size < 2**32:
            raise ValueError(f"a rolling mean of {size} values: give a positive number, such as 1000")
        self._size = size
        self._last: NDArray[np.float64] = np.empty(0)

    @property
    def n(self) -> int:
        """Values held, at most the size."""
        return len(self._last)

    @property
    def value(self) -> float:
        """Mean of the values held; nan without any. The same however the values came in batches."""
        return float(self._last.mean()) if len(self._last) else math.nan

    def update(self, value: float) -> None:
        """Add one value.

        Parameters
        ----------
        value
            A finite number, the newest.
        """
        self.update_many([value])

    def update_many(self, values: ArrayLike) -> None:
        """Add values.

        Parameters
        ----------
        values
            (n,) finite numbers, the newest last.

        Raises
        ------
        ValueError
            If a value is not finite: a mean over it would say nothing until it has left.
        """
        new = np.asarray(values, np.float64)
        if not np.isfinite(new).all():
            at = int(np.argmin(np.isfinite(new)))
            raise ValueError(f"value {new[at]} in place {at} is not finite; leave such values out")
        self._last = np.concatenate([self._last, new[-self._size :]])[-self._size :]

    def to_bytes(self) -> bytes:
        """Write the state, format version 1.

        Returns
        -------
        bytes
            16 bytes, then 8 a value, or a bit where all are 0 or 1.
        """
        bits = bool(((self._last == 0) | (self._last == 1)).all())
        packed = np.packbits(self._last == 1) if bits else self._last.astype("<f8")
        head = _HEAD.pack(self.TAG, _VERSION, self._size, len(self._last), _BITS if bits else _FLOATS)
        return head + packed.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> RollingMean:
        """Read what `to_bytes` wrote.

        Parameters
        ----------
        data
            The bytes.

        Returns
        -------
        RollingMean
            In the same state.

        Raises
        ------
        ValueError
            If the bytes are something else, of a newer version, or damaged.
        """
        check_tag(cls.TAG, _VERSION, "rolling mean", data)
        rest = len(data) - _HEAD.size
        size, n, bits = _HEAD.unpack_from(data)[2:] if rest >= 0 else (0, 0, 0)
        if bits not in {_BITS, _FLOATS} or n > size or size == 0 or rest != -(-n * bits // 8):
            raise ValueError(
                f"rolling mean of {len(data)} bytes is damaged or cut short; start from an older savepoint"
            )
        rolling = cls(size)
        if bits == _BITS:
            packed = np.frombuffer(data, np.uint8, -1, _HEAD.size)
            rolling._last = np.unpackbits(packed, count=n).astype(np.float64)
        else:
            rolling.update_many(np.frombuffer(data, "<f8", n, _HEAD.size))
        return rolling
