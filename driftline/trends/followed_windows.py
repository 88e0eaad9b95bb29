"""What trends follow of the windows of one (segment, part), and its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from driftline.framing import Arrays, check_head, frame, refuses_damage, unframe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_TAG: Final = b"dTW"
_VERSION: Final = 1
_WHAT: Final = "followed windows"
_TYPES: Final = ("<i2", "<i8", "<u4", "<f4", "<f4", "<f4")
_MOST: Final = 2**32 - 1  # rows: of two panes with more the later one may not be told


class Followed(NamedTuple):
    """One statistic of features of a part, a row for each feature and window; R rows.

    Attributes
    ----------
    place : ndarray of int64, shape (R,)
        Which feature of the part.
    start, n : ndarray of int64, shape (R,)
        Start of the window, microseconds, and its rows.
    p : ndarray of float32, shape (R,)
        Calibrated p-value of the window alone.
    vectors : ndarray of float32, shape (R, K)
        Deviations from what is normal, of lengths that normal vectors have.
    sizes : ndarray of float32, shape (R, M)
        What a run of windows is put into words with.
    """

    place: NDArray[np.int64]
    start: NDArray[np.int64]
    n: NDArray[np.int64]
    p: NDArray[np.float32]
    vectors: NDArray[np.float32]
    sizes: NDArray[np.float32]

    def take(self, where: Any) -> Followed:
        """Keep some of the rows."""
        return Followed(*(each[where] for each in self))

    def in_order(self) -> Followed:
        """Sort by feature and time; of several panes of a window keep the fullest."""
        rows = self.take(np.lexsort((self.n, self.start, self.place)))
        last = (np.diff(rows.place, append=-1) != 0) | (np.diff(rows.start, append=0) != 0)
        last[-1:] = True
        return rows.take(last)

    @staticmethod
    def joined(parts: Iterable[Followed]) -> Followed:
        """Put rows below each other; those of one baseline are as wide."""
        place, start, n, p, vectors, sizes = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Followed(place, start, n, p, vectors, sizes)


@dataclass(frozen=True, eq=False)
class FollowedWindows:
    """Windows of one (segment, part).

    Parameters
    ----------
    version
        Of the baseline they were compared with.
    size
        Window length, microseconds.
    statistics
        By name.
    """

    version: str
    size: int
    statistics: Mapping[str, Followed]

    @property
    def first_known(self) -> int:
        """When the first of the windows was over, microseconds."""
        return min(int(each.start.min()) for each in self.statistics.values()) + self.size

    def to_bytes(self) -> bytes:
        """Write tag, version, a JSON head, the arrays."""
        head = {
            "version": self.version,
            "size": self.size,
            "statistics": [
                [name, len(each.place), each.vectors.shape[1], each.sizes.shape[1]]
                for name, each in self.statistics.items()
            ],
        }
        arrays = [
            np.asarray(array).astype(kind).tobytes()
            for each in self.statistics.values()
            for array, kind in zip(each._replace(n=np.minimum(each.n, _MOST)), _TYPES, strict=True)
        ]
        return frame(_TAG, _VERSION, head, b"".join(arrays))

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> FollowedWindows:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(_TAG, _VERSION, _WHAT, data)
        check_head(_WHAT, head, version=str, size=int)
        arrays, statistics = Arrays(payload, _WHAT), {}
        try:
            for name, rows, width, sizes in head["statistics"]:
                place, start, n, p, vectors, size = (
                    arrays.take(kind, rows * each)
                    for kind, each in zip(_TYPES, (1, 1, 1, 1, width, sizes), strict=True)
                )
                statistics[str(name)] = Followed(
                    place.astype(np.int64),
                    start,
                    n.astype(np.int64),
                    p,
                    vectors.reshape(rows, width),
                    size.reshape(rows, sizes),
                )
            found = cls(str(head["version"]), int(head["size"]), statistics)
        except (KeyError, TypeError, ValueError) as error:
            raise arrays.damaged(f"{type(error).__name__}: {error}") from None
        arrays.done()
        return found

    @classmethod
    def merge(cls, parts: Iterable[FollowedWindows], version: str, size: int) -> FollowedWindows:
        """Join windows, in order.

        Parameters
        ----------
        version, size
            Windows that were compared with another baseline, or are of another length, are left out.
        """
        gathered: dict[str, list[Followed]] = {}
        for part in parts:
            if (part.version, part.size) == (version, size):
                for name, each in part.statistics.items():
                    gathered.setdefault(name, []).append(each)
        joined = {name: Followed.joined(each).in_order() for name, each in sorted(gathered.items())}
        return cls(version, size, joined)
