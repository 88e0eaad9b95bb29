"""KSWIN: the newest values of a sliding window against a random sample of the older ones."""

from __future__ import annotations

import functools
import random
import warnings
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from scipy import stats

from driftline.detectors.detector import Detector, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORDS: Final = 625  # of 32 bits: the state of the Mersenne Twister and its position in it
_TWISTER: Final = 3  # how `random` calls that form of its state
_CHUNK: Final = 64  # tests made together: those behind a detection are wasted
_LEAST_DISTANCE: Final = 0.1  # a smaller Kolmogorov-Smirnov distance is no change, whatever its p-value


class KSWIN(Detector):
    """Kolmogorov-Smirnov windowing: notices changes of any kind, not only of the mean.

    With each value the detector draws `stat_size` of the older values in the window at random, and compares
    them with the `stat_size` newest by the two-sample Kolmogorov-Smirnov test. It finds a change when the
    p-value is at most `alpha` and the distance above .1. The `stat_size` newest values are those after the
    change.

    `alpha` is the level of one test, and there is a test with every value. Even at the default there are many
    false alarms on a long stream.

    Draws come from Python's Mersenne Twister, seeded anew after each detection, so that the same seed gives
    the same detections on every machine. Its 625 words are part of the state.

    Parameters
    ----------
    alpha
        Level of a test, 0 to 1.
    stat_size
        Newest values, and values drawn; at most half of `window_size`.
    window
        Values to begin with, the newest `window_size` of which are kept.

    Examples
    --------
    >>> detector = KSWIN(seed=1)
    >>> detector.changes(list(range(10)) * 15 + list(range(5, 15)) * 5)
    (Change(position=170, width=30, before=4.5, after=8.0),)

    References
    ----------
    Raab, Heusinger and Schleif, Reactive Soft Prototype Computing for Concept Drift Streams, Neurocomputing
    416 (2020), 340-351.
    """

    NAME: ClassVar[str] = "kswin"
    TAG: ClassVar[bytes] = b"dks"

    def __init__(
        self,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        seed: int = 0,
        window: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha {alpha!r} of KSWIN: give a level from 0 to 1")
        if not 0 < 2 * stat_size <= window_size:
            raise ValueError(
                f"stat_size {stat_size!r} with window_size {window_size!r} of KSWIN: the draws come from the "
                "older values, so give a stat_size of at least 1 and at most half of window_size"
            )
        if not isinstance(seed, int):
            raise ValueError(  # noqa: TRY004  (a value of the configuration)
                f"seed {seed!r} of KSWIN: give a whole number; without one a replay would detect elsewhere"
            )
        self.alpha = float(alpha)
        self.window_size = int(window_size)
        self.stat_size = int(stat_size)
        self.seed = seed
        self._least = _critical(self.stat_size, self.alpha)
        self._reset()
        if window is not None:
            self._window = self._checked(window)[-self.window_size :].copy()

    def _reset(self) -> None:
        self._drift = False
        self._window = np.empty(0)
        self._random = random.Random(self.seed)  # noqa: S311  (not for secrets)

    def _step(self, x: float) -> None:
        self._take(np.array([x]))

    def _take(self, values: NDArray[np.float64]) -> int:
        values = values[: max(_CHUNK, self.window_size - 1 - len(self._window))]
        held = np.concatenate((self._window, values))
        first = max(self.window_size - 1, len(self._window))  # the first value that is tested
        if first >= len(held):
            self._window = held
            return len(values)
        older, newest = self.window_size - self.stat_size, self.stat_size
        ends = range(first, len(held))
        population = range(older)
        drawn = np.array([self._random.sample(population, newest) for _ in ends])
        windows = np.lib.stride_tricks.sliding_window_view(held, self.window_size)[
            first - self.window_size + 1 :
        ]
        sampled = np.take_along_axis(windows[:, :older], drawn, axis=1)
        far = _distances(sampled, windows[:, older:]) >= self._least
        at = int(far.argmax())
        self._drift = bool(far[at])
        end = ends[at] + 1 if self._drift else len(held)
        taken = end - len(self._window)
        self._window = held[end - self.window_size : end].copy()
        if self._drift:
            self._random = random.Random(self.seed)  # noqa: S311  (as if the tests behind had not been made)
        return taken

    def _change(self) -> tuple[int, float, float]:
        older, newest = np.split(self._window, [self.window_size - self.stat_size])
        return self.stat_size, float(older.mean()), float(newest.mean())

    def _parameters(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha,
            "window_size": self.window_size,
            "stat_size": self.stat_size,
            "seed": self.seed,
        }

    def _state(self) -> tuple[dict[str, Any], bytes]:
        words = np.array(self._random.getstate()[1], "<u4")
        return {"held": len(self._window)}, words.tobytes() + pack(self._window.tolist())

    def _restore(self, head: dict[str, Any], payload: bytes) -> None:
        words = np.frombuffer(payload, "<u4", _WORDS)
        self._window = np.array(unpack(payload[words.nbytes :], head["held"]))
        if len(self._window) > self.window_size:
            raise ValueError(f"{len(self._window)} values in a window of {self.window_size}")
        self._random.setstate((_TWISTER, tuple(words.tolist()), None))


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.int64]:
    """Kolmogorov-Smirnov distances of m pairs of samples (m, n), times n: whole numbers, (m,)."""
    n = first.shape[1]
    both = np.concatenate((first, second), axis=1)
    order = np.argsort(both, axis=1)
    both = np.take_along_axis(both, order, axis=1)
    ahead = np.abs(np.cumsum(np.where(order < n, 1, -1), axis=1))
    ahead[:, :-1][both[:, :-1] == both[:, 1:]] = 0  # amid ties there is no step yet
    distances: NDArray[np.int64] = ahead.max(axis=1)
    return distances


@functools.lru_cache(maxsize=128)
def _critical(n: int, alpha: float) -> int:
    """Least n times distance of two samples of n values that is a change; n + 1 if none is."""

    def significant(distance: int) -> bool:
        if distance / n <= _LEAST_DISTANCE:
            return False
        first = np.arange(n, dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where scipy leaves the exact p-value
            p = stats.ks_2samp(first, first + distance - 0.5).pvalue
        return bool(p <= alpha)

    return bisect_left(range(1, n + 1), True, key=significant) + 1
