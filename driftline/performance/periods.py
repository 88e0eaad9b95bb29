"""Predictions and outcomes of a bundle as one message a segment: a profile a period, and what is recent."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from driftline.framing import UnreadableBytesError, frame, refuses_damage, unframe
from driftline.outcomes.batch_schemas import OUTCOMES
from driftline.outcomes.class_scores import scores_of
from driftline.performance.profile import PerformanceProfile
from driftline.performance.recent import RecentOutcomes
from driftline.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from driftline.losses import Loss

TAG: Final = b"dPP"

_VERSION: Final = 1
_WHAT: Final = "performance of a segment by period"


class Periods(NamedTuple):
    """What is known of some periods of a segment.

    Parameters
    ----------
    profiles
        Number of the period to the bytes of its `PerformanceProfile`. A period is a piece of event time of
        the predictions, `every` long, counted from the epoch.
    recent
        Bytes of the `RecentOutcomes`; empty where there are none.
    """

    profiles: dict[int, bytes]
    recent: bytes = b""

    def to_bytes(self) -> bytes:
        """Write it, format version 1: tag, version, JSON head of periods and lengths, profiles, recent."""
        head = {
            "periods": [[period, len(data)] for period, data in self.profiles.items()],
            "recent": len(self.recent),
        }
        return frame(TAG, _VERSION, head, b"".join([*self.profiles.values(), self.recent]))

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> Periods:
        """Read what `to_bytes` wrote, profiles undecoded; other bytes raise UnreadableBytesError."""
        head, payload = unframe(TAG, _VERSION, _WHAT, data)
        periods, recent = head["periods"], head["recent"]
        if sum(length for _, length in periods) + recent != len(payload):
            raise UnreadableBytesError(
                f"{_WHAT} of {len(data)} bytes cut short or too long; start from an older savepoint, or anew"
            )
        profiles, at = {}, 0
        for period, length in periods:
            profiles[period] = payload[at : at + length]
            at += length
        return cls(profiles, payload[at:])


def usable(rows: Any, loss: Loss) -> NDArray[np.bool_]:
    """Tell which rows, (n,) bool, have scores, and labels if they are outcomes, that the loss is for."""
    good = loss.usable_scores(scores_of(rows, loss))
    if "label" in rows.schema.names:
        good &= loss.usable_labels(rows["label"].to_numpy(zero_copy_only=False))
    return good


def profile_periods(rows: Any, loss: Loss, every: int) -> Iterator[tuple[str, Periods]]:
    """Profile predictions or outcomes by segment and period of the prediction's event time.

    Parameters
    ----------
    rows
        `PREDICTIONS` or `OUTCOMES` (`pyarrow.RecordBatch`), all usable.
    every
        Length of a period, microseconds.

    Yields
    ------
    tuple of str and Periods
        One for each segment, and for all traffic, merged from these.
    """
    if not rows.num_rows:
        return
    outcomes = "label" in rows.schema.names
    encoded = rows["segment"].dictionary_encode()
    codes, names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    # ids order outcomes; of predictions they may be null
    wanted = OUTCOMES.names if outcomes else ("time", "score")
    columns = {name: rows[name].to_numpy() for name in wanted if name not in {"segment", "score"}}
    columns["score"] = scores_of(rows, loss)
    order = np.lexsort((columns["time"], codes))
    codes = codes[order]
    columns = {name: values[order] for name, values in columns.items()}
    period = columns["time"] // every
    every_segment: dict[int, list[PerformanceProfile]] = {}
    every_recent = []
    for first, last in _runs(codes):
        profiles = {}
        for begin, end in _runs(period[first:last]):
            profile = _profile(columns, slice(first + begin, first + end), loss)
            profiles[int(period[first + begin])] = profile
        recent = _recent(columns, slice(first, last), loss, every) if outcomes else RecentOutcomes.none()
        segment = names[codes[first]]
        if segment != ALL:
            yield segment, _encoded(profiles, recent)
        for number, profile in profiles.items():
            every_segment.setdefault(number, []).append(profile)
        every_recent.append(recent)
    merged = {number: PerformanceProfile.merge_all(parts) for number, parts in sorted(every_segment.items())}
    yield ALL, _encoded(merged, RecentOutcomes.merge(every_recent, every))


def merge_periods(parts: Sequence[bytes], every: int) -> bytes:
    """Merge encoded `Periods`, each `every` microseconds long, of disjoint predictions and outcomes."""
    decoded = [Periods.from_bytes(part) for part in parts]
    recent = merged_recent(decoded, every)
    profiles = {period: merged(data) for period, data in by_period(decoded).items()}
    return Periods(profiles, recent.to_bytes() if len(recent) else b"").to_bytes()


def by_period(parts: Sequence[Periods]) -> dict[int, list[bytes]]:
    """Gather encoded profiles by their period, ascending."""
    gathered: dict[int, list[bytes]] = {}
    for part in parts:
        for period, data in part.profiles.items():
            gathered.setdefault(period, []).append(data)
    return dict(sorted(gathered.items()))


def merged(profiles: Sequence[bytes]) -> bytes:
    """Merge encoded profiles of one period."""
    return profiles[0] if len(profiles) == 1 else PerformanceProfile.merge_all(profiles).to_bytes()


def merged_recent(parts: Sequence[Periods], every: int) -> RecentOutcomes:
    """Merge the recent outcomes of parts."""
    return RecentOutcomes.merge(
        [RecentOutcomes.from_bytes(part.recent) for part in parts if part.recent], every
    )


def _runs(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    bounds = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1], [True]])).tolist()
    return pairwise(bounds)


def _profile(columns: Mapping[str, Any], rows: slice, loss: Loss) -> PerformanceProfile:
    score = columns["score"][rows]
    if "label" not in columns:
        return PerformanceProfile.of_predictions(loss, score)
    wait = columns["known"][rows] - columns["time"][rows]
    return PerformanceProfile.of_outcomes(loss, score, columns["label"][rows], wait)


def _recent(columns: Mapping[str, Any], rows: slice, loss: Loss, every: int) -> RecentOutcomes:
    known, time, high, low, score, label = (
        columns[name][rows] for name in ("known", "time", "id_high", "id_low", "score", "label")
    )
    return RecentOutcomes.of(known, time, high, low, loss.of(score, label), every=every)


def _encoded(profiles: Mapping[int, PerformanceProfile], recent: RecentOutcomes) -> Periods:
    encoded = {period: profile.to_bytes() for period, profile in profiles.items()}
    return Periods(encoded, recent.to_bytes() if len(recent) else b"")
