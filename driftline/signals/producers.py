"""Signals made of outcomes, events and results: one for each segment and for all traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import numbers
from driftline.outcomes.class_scores import scores_of
from driftline.profiles.row_groups import segment_codes
from driftline.segments import ALL
from driftline.signals.signal_values import SignalValues
from driftline.tables.detections import FEATURE, LOSS
from driftline.tables.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from driftline.losses import Loss
    from driftline.signals.signal_values import Rows

SignalKey = tuple[str, str]
"""Segment label and name of the signal."""

_TELLING: Final = (Status.OK.value, Status.NO_BASELINE.value)


def is_statistic(signal: str) -> bool:
    """Say whether a signal is a statistic of windows.

    Examples
    --------
    >>> [is_statistic(name) for name in ("psi.distance", "feature.distance", "loss", "learning_gap")]
    [True, False, False, False]
    """
    kind, dot, _ = signal.partition(".")
    return bool(dot) and kind != FEATURE


def loss_signal(outcomes: Any, loss: Loss) -> Iterator[tuple[SignalKey, SignalValues]]:
    """Compute how wrong each prediction was.

    Parameters
    ----------
    outcomes
        `pyarrow.RecordBatch` with the columns of `OUTCOMES`.

    Yields
    ------
    tuple of str, SignalValues
        For each segment and `ALL`: the losses, known when the outcome was; NaN where score or label is
        unusable.
    """
    segments = pc.dictionary_encode(outcomes.column("segment"))
    losses = losses_of(outcomes, loss)
    for segment, part in by_segment(segments.indices.to_numpy(), segments.dictionary, losses):
        yield (segment, LOSS), part


def losses_of(outcomes: Any, loss: Loss) -> SignalValues:
    """Loss of each outcome, in their order; NaN where score or label is unusable.

    Parameters
    ----------
    outcomes
        `pyarrow.RecordBatch` with the columns of `OUTCOMES`.
    """
    scores, labels = scores_of(outcomes, loss), numbers(outcomes.column("label"))
    usable = loss.usable_scores(scores) & loss.usable_labels(labels)
    losses = np.full(len(scores), np.nan)
    losses[usable] = loss.of(scores[usable], labels[usable])
    return SignalValues.of(
        outcomes.column("known").to_numpy(),
        losses,
        time=outcomes.column("time").to_numpy(),
        high=_ids(outcomes, "id_high"),
        low=_ids(outcomes, "id_low"),
    )


def feature_signals(
    events: Any, features: Sequence[str], monitored: frozenset[str]
) -> Iterator[tuple[SignalKey, SignalValues]]:
    """Take the values of features.

    Parameters
    ----------
    events
        Normalised events (`pyarrow.RecordBatch`).
    monitored
        Labels of the segments to tell apart; events of all others are of the segment ``(other)``.

    Yields
    ------
    tuple of str, SignalValues
        For each feature, of each segment and `ALL`: its values, known when the event was. Missing values
        are left out, and so are NaN.
    """
    if not events.num_rows:
        return
    codes, names = segment_codes(events, monitored)
    time = events.column("time").to_numpy()
    high = _ids(events, "id_high")
    low = _ids(events, "id_low" if "id_low" in events.schema.names else "request")
    for feature in features:
        column = numbers(events.column(f"feature.{feature}"))
        there = ~np.isnan(column)
        values = SignalValues.of(time, column, high=high, low=low).take(there)
        for segment, part in by_segment(codes[there], names, values):
            yield (segment, f"{FEATURE}.{feature}"), part


def statistic_signals(results: Any, signals: Sequence[str]) -> Iterator[tuple[SignalKey, SignalValues]]:
    """Take statistics of windows.

    Parameters
    ----------
    results
        Result rows (`pyarrow.RecordBatch`).
    signals
        Names of signals, ``STATISTIC.FEATURE``, where the statistic is a column of results.

    Yields
    ------
    tuple of str, SignalValues
        For each signal and segment: the statistic, at the time the window starts, known when it ends. The low
        id is the number of rows, so the fullest of several panes of a window comes last. Windows with too few
        rows, too little coverage or no such statistic are left out.
    """
    telling = results.filter(pc.is_in(results.column("status"), pa.array(_TELLING)))
    feature = telling.column("feature")
    for signal in signals:
        statistic, _, name = signal.partition(".")
        rows = telling.filter(pc.equal(feature, name))
        value = numbers(rows.column(statistic))
        there = ~np.isnan(value)
        segments = pc.dictionary_encode(rows.column("segment"))
        values = SignalValues.of(
            rows.column("window_end").cast(pa.int64()).to_numpy(),
            value,
            time=rows.column("window_start").cast(pa.int64()).to_numpy(),
            low=_ids(rows, "n"),
        ).take(there)
        for segment, part in _split(segments.indices.to_numpy()[there], segments.dictionary, values):
            yield (segment, signal), part


def by_segment(codes: NDArray[Any], names: Any, values: Rows) -> Iterator[tuple[str, Rows]]:
    """Split values by segment.

    Parameters
    ----------
    codes
        (n,) indices into `names`.
    names
        Arrow array of segment labels.

    Yields
    ------
    str and values
        Those of each segment, then all of them unless one segment is all traffic.
    """
    yield from _split(codes, names, values)
    if len(codes) and ALL not in names.to_pylist():
        yield ALL, values


def _split(codes: NDArray[Any], names: Any, values: Rows) -> Iterator[tuple[str, Rows]]:
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    opens = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])) if len(codes) else codes
    labels = names.take(pa.array(codes[opens])).to_pylist()
    for segment, rows in zip(labels, np.split(order, opens[1:]), strict=False):
        yield segment, values.take(rows)


def _ids(batch: Any, name: str) -> NDArray[np.uint64]:
    """Give a column of ids, null or absent as 0."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows, np.uint64)
    ids: NDArray[np.uint64] = batch.column(name).cast(pa.uint64()).fill_null(0).to_numpy()
    return ids
