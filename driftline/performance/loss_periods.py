"""Mean losses of a segment by period of time: what the windows of a reference are added up from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.framing import Arrays, frame, refuses_damage, unframe
from driftline.performance.class_cells import CELLS
from driftline.performance.class_sums import CLASS_SUMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

TAG: Final = b"dLP"

_VERSION: Final = 3
_WHAT: Final = "mean losses by period"
_BYTES: Final = 32  # a period: its number, outcomes, mean and predictions
_MORE: Final = 8  # and each of the sums


@dataclass(frozen=True, eq=False)
class LossPeriods:
    """Number and mean of the losses in each of P periods, and of how many predictions labels have come.

    Parameters
    ----------
    every
        Length of a period, microseconds.
    period
        (P,) int64, ascending: time of the prediction over `every`, rounded down.
    n
        (P,) int64, outcomes.
    mean
        (P,) float64, mean loss; 0 without outcomes.
    predictions
        (P,) int64, predictions, whether they have labels or not.
    sums
        (P, C), see `sums_of_outcomes`: (P, `CLASS_SUMS`) int64 of classes, (P, 1) float64 of numbers; None
        where an earlier release wrote some of the periods.
    cells
        (P, `CELLS`) int64, outcomes of classes by true class and group of scores, see `cells_of_rows`; None
        of numbers, and where an earlier release wrote some of the periods.

    Examples
    --------
    >>> some = LossPeriods.of(np.array([0, 9, 10, 30]), np.array([1.0, 0.0, 1.0, 1.0]), every=10)
    >>> some.period.tolist(), some.n.tolist(), some.mean.tolist()
    ([0, 1, 3], [2, 1, 1], [0.5, 1.0, 1.0])
    >>> n, mean, _ = some.windows(np.array([0, 10, 40]), size=20)
    >>> n.tolist(), mean.round(2).tolist()
    ([3, 1, 0], [0.67, 1.0, 0.0])
    """

    every: int
    period: Counts
    n: Counts
    mean: Floats
    predictions: Counts
    sums: NDArray[Any] | None = None
    cells: Counts | None = None

    @classmethod
    def of(
        cls,
        times: Counts,
        losses: Floats,
        every: int,
        sums: NDArray[Any] | None = None,
        cells: Counts | None = None,
    ) -> LossPeriods:
        """Number and mean of losses by period of the prediction's event time, without predictions.

        Parameters
        ----------
        times
            (n,) int64, event times of the predictions, microseconds.
        losses
            (n,) float64, finite.
        sums
            (n, C), what each outcome adds to them.
        cells
            (n,) int64, the cell of each outcome.
        """
        one = np.ones(len(times), np.int64)
        found = _gathered(every, times // every, one, losses, 0 * one, sums)
        if cells is None:
            return found
        place = np.searchsorted(found.period, times // every) * CELLS + cells
        counts = np.bincount(place, minlength=len(found.period) * CELLS)
        return replace(found, cells=counts.reshape(-1, CELLS).astype(np.int64))

    @classmethod
    def of_predictions(cls, times: Counts, every: int) -> LossPeriods:
        """Count predictions by period of their event time, (n,) int64, microseconds; without outcomes."""
        period, predictions = np.unique(times // every, return_counts=True)
        none = np.zeros(len(period), np.int64)
        return cls(every, period, none, none.astype(np.float64), predictions)

    @classmethod
    def merge_all(cls, items: Sequence[bytes]) -> LossPeriods:
        """Merge those of disjoint outcomes.

        Parameters
        ----------
        items
            One or more, encoded, of periods of one length.

        Returns
        -------
        LossPeriods
            Of all outcomes together. Counts do not depend on the order, means agree to about 1e-12.

        Raises
        ------
        ValueError
            If they have periods of different lengths, or one is damaged.
        """
        parts = [cls.from_bytes(item) for item in items]
        lengths = {part.every for part in parts}
        if len(lengths) != 1:
            raise ValueError(
                f"cannot merge losses by periods of {sorted(lengths)} microseconds: use one length"
            )
        period, n, mean, predictions = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("period", "n", "mean", "predictions")
        )
        merged = _gathered(
            lengths.pop(), period, n, mean, predictions, _joined([(part.n, part.sums) for part in parts])
        )
        cells = _joined([(part.n, part.cells) for part in parts])
        if cells is None:
            return merged
        counts = np.zeros((len(merged.period), CELLS), np.int64)
        np.add.at(counts, np.searchsorted(merged.period, period), cells)
        return replace(merged, cells=counts)

    def windows(self, starts: Counts, size: int) -> tuple[Counts, Floats, Counts]:
        """Add periods up to windows.

        Parameters
        ----------
        starts
            (W,) int64, microseconds, multiples of `every`.
        size
            Window length, microseconds, a multiple of `every`.

        Returns
        -------
        n, mean, predictions
            (W,) int64 outcomes, (W,) float64 mean loss, 0 where there are none, and (W,) int64 predictions.
        """
        if not len(self.period):
            none = np.zeros(len(starts), np.int64)
            return none, none.astype(np.float64), none
        at, there = self._places(starts, size)
        n = np.where(there, self.n[at], 0)
        total = n.sum(1)
        # from the level of all, so that means far from 0 keep their digits
        level = float(self.mean[0])
        mean = level + (n * (self.mean[at] - level)).sum(1) / np.maximum(total, 1)
        return total, np.where(total > 0, mean, 0.0), np.where(there, self.predictions[at], 0).sum(1)

    def window_sums(self, starts: Counts, size: int) -> NDArray[Any] | None:
        """Add `sums` up to windows, (W, C); parameters as in `windows`, None where unknown."""
        return self._added(self.sums, starts, size)

    def window_cells(self, starts: Counts, size: int) -> Counts | None:
        """Add `cells` up to windows, (W, `CELLS`); parameters as in `windows`, None where unknown."""
        return self._added(self.cells, starts, size)

    def _added(self, each: NDArray[Any] | None, starts: Counts, size: int) -> NDArray[Any] | None:
        if each is None or not len(self.period):
            return each
        total: NDArray[Any] = np.zeros((len(starts), each.shape[1]), each.dtype)
        for at, there in zip(*(side.T for side in self._places(starts, size)), strict=True):
            total += np.where(there[:, None], each[at], 0)
        return total

    def to_bytes(self) -> bytes:
        """Write it, format version 3: JSON head, numbers of periods, counts, means, sums, cells not empty."""
        counts = (each.astype("<i8") for each in (self.period, self.n, self.predictions))
        arrays = [*counts, self.mean.astype("<f8")]
        if self.sums is not None:
            arrays.append(self.sums.astype(_sums_type(self.sums.shape[1])))
        head = {"every": self.every, "sums": 0 if self.sums is None else self.sums.shape[1]}
        head["periods"] = len(self.period)
        if self.cells is not None:
            flat = self.cells.ravel()
            some = np.flatnonzero(flat)
            head["cells"] = len(some)
            arrays += [some.astype("<i8"), flat[some].astype("<i8")]
        return frame(TAG, _VERSION, head, b"".join(array.tobytes() for array in arrays))

    @classmethod
    @refuses_damage(_WHAT, "build the baseline again")
    def from_bytes(cls, data: bytes) -> LossPeriods:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        width = head.get("sums", 0)
        arrays = Arrays(payload, _WHAT, "build the baseline again")
        if type(head.get("every")) is not int or type(width) is not int or width < 0:
            raise arrays.damaged()
        numbers = len(payload) // (_BYTES + _MORE * width) if data[3] < 3 else head.get("periods")
        if type(numbers) is not int or numbers < 0:
            raise arrays.damaged()
        period, n, predictions = arrays.take("<i8", 3 * numbers).astype(np.int64).reshape(3, -1)
        mean = arrays.take("<f8", numbers).astype(np.float64)
        dtype = _sums_type(width)
        sums = arrays.take(dtype, width * numbers).astype(dtype[1:]).reshape(numbers, width)
        cells = _taken_cells(arrays, head.get("cells"), numbers)
        arrays.done()
        return cls(head["every"], period, n, mean, predictions, sums if width else None, cells)

    def _places(self, starts: Counts, size: int) -> tuple[Counts, NDArray[np.bool_]]:
        """Find the periods of windows: their places, and whether they are there, (W, periods a window)."""
        wanted = starts[:, None] // self.every + np.arange(size // self.every)
        at = np.minimum(np.searchsorted(self.period, wanted), len(self.period) - 1)
        return at, self.period[at] == wanted


def _sums_type(width: int) -> str:
    """Give the type of the sums: whole numbers of classes."""
    return "<i8" if width == CLASS_SUMS else "<f8"


def _taken_cells(arrays: Arrays, some: Any, periods: int) -> Counts | None:
    if some is None:
        return None
    if type(some) is not int or some < 0:
        raise arrays.damaged()
    place, count = arrays.take("<i8", 2 * some).reshape(2, some)
    if some and not 0 <= place.min() <= place.max() < periods * CELLS:
        raise arrays.damaged()
    cells = np.zeros(periods * CELLS, np.int64)
    cells[place] = count
    return cells.reshape(periods, CELLS)


def _joined(parts: Sequence[tuple[Counts, NDArray[Any] | None]]) -> NDArray[Any] | None:
    """Join what parts have beside outcomes; None where some have outcomes without it.

    Parameters
    ----------
    parts
        Of each the outcomes of its periods, and (P, C) what it has.
    """
    known = [each for n, each in parts if n.any()]
    some = next((each for each in known if each is not None), None)
    if some is None or any(each is None for each in known):
        return None
    none = (np.zeros((len(n), some.shape[1]), some.dtype) for n, _ in parts)
    return np.concatenate(
        [zeros if each is None else each for zeros, (_, each) in zip(none, parts, strict=True)]
    )


def _gathered(  # noqa: PLR0917  (the fields of a class)
    every: int, period: Counts, n: Counts, mean: Floats, predictions: Counts, sums: NDArray[Any] | None
) -> LossPeriods:
    """Merge what is of the same period."""
    order = np.lexsort((n == 0, period))  # the first of a period has outcomes, if any has
    period, n, mean, predictions = period[order], n[order], mean[order], predictions[order]
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]]) if len(period) else order
    if not len(starts):
        return LossPeriods(every, period, n, mean, predictions, sums)
    total = np.add.reduceat(n, starts)
    # from the first value, so that the mean of equal values is that value
    first = mean[starts]
    each = np.repeat(first, np.diff(starts, append=len(period)))
    mean = first + np.add.reduceat(n * (mean - each), starts) / np.maximum(total, 1)
    if sums is not None:
        sums = np.add.reduceat(sums[order], starts)
    return LossPeriods(every, period[starts], total, mean, np.add.reduceat(predictions, starts), sums)
