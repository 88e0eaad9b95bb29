"""Detect changes of signals: make values of batches, and let detectors follow them in event-time order."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

import transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.signals import (
    SignalLedger,
    SignalState,
    Watch,
    advance,
    detection_batch,
    encode_block,
    feature_signals,
    first_known,
    is_statistic,
    loss_signal,
    statistic_signals,
)
from transforms.counters import count
from transforms.profile_slices import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline.performance.losses import Loss
    from driftline.signals import SignalValues
    from transforms.baseline_source import BaselineSource

#: (segment label, name of the signal)
SignalKey = tuple[str, str]

#: Values that came too late to be followed in order, and were dropped.
LATE: Final = "late_for_detectors"

#: Values that a detector does not take, once for each detector.
UNUSABLE: Final = "unusable_for_detectors"

DETECTIONS: Final = "detections"

#: So long a piece of event time is followed together, microseconds.
SLICE: Final = 60_000_000

_MOST_ROWS: Final = 131_072
_END_OF_TIME: Final = 1 << 62  # microseconds; no value is as late
_LAST: Final = GlobalWindow().max_timestamp().micros // MILLISECOND * MILLISECOND


class _MakeSignals(beam.DoFn):
    """Make signals of batches, buffered within the bundle so that elements are few.

    An element is stamped with its earliest value, so that the watermark does not pass a value on its way.
    """

    def start_bundle(self) -> None:
        """Begin with an empty buffer."""
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def process(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Buffer a batch; make signals of what is buffered when it is much."""
        if batch.num_rows:
            self._batches.append(self._needed(batch))
            self._rows += batch.num_rows
        if self._rows >= _MOST_ROWS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Make signals of what is left."""
        yield from self._flush()

    @abstractmethod
    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Leave out what the signals are not made of."""

    @abstractmethod
    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        """Make signals."""

    def _flush(self) -> Iterator[WindowedValue]:
        held, self._batches, self._rows = self._batches, [], 0
        for batch in pa.Table.from_batches(held).combine_chunks().to_batches() if held else ():
            for key, values in self._signals(batch):
                block = encode_block(values)
                yield _stamped((key, block), first_known(block) // MILLISECOND * MILLISECOND)


class OutcomeSignals(_MakeSignals):
    """From batches of outcomes to the signal ``loss``, of each segment and all traffic.

    Parameters
    ----------
    loss
        The loss.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(["id_high", "id_low", "time", "segment", "score", "label", "known"])

    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        return loss_signal(batch, self._loss)


class FeatureSignals(_MakeSignals):
    """From batches of events to signals of the values of features, of each segment and all traffic.

    Parameters
    ----------
    features
        Names of numeric features.
    baseline
        Gives the monitored segments.
    """

    def __init__(self, features: Sequence[str], baseline: BaselineSource) -> None:
        self._features = tuple(features)
        self._baseline = baseline
        self._columns = {"time", "id_high", "id_low", "request", *(f"feature.{name}" for name in features)}

    def setup(self) -> None:
        """Read the baseline."""
        self._baseline.get()

    def start_bundle(self) -> None:
        """Begin with an empty buffer, and the newest baseline for all of the bundle."""
        super().start_bundle()
        self._baseline.refresh()
        self._monitored = self._baseline.newest.baseline.monitored

    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        return batch.select([n for n in names if n in self._columns or n.startswith("segment.")])

    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        return feature_signals(batch, self._features, self._monitored)


class StatisticSignals(_MakeSignals):
    """From batches of result rows to signals of their statistics, of each segment.

    Parameters
    ----------
    statistics
        Names of signals, ``STATISTIC.FEATURE``.
    """

    def __init__(self, statistics: Sequence[str]) -> None:
        self._statistics = tuple(statistics)
        columns = ("segment", "feature", "window_start", "window_end", "n", "status")
        self._columns = dict.fromkeys((*columns, *(name.partition(".")[0] for name in statistics)))

    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(list(self._columns))

    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        return statistic_signals(batch, self._statistics)


class FollowSignal(beam.DoFn):
    """Let the detectors of a signal take its values in order, all that are due when a slice is over.

    Parameters
    ----------
    model
        Name of the model.
    watches
        Detectors of each signal.
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.
    delays
        How long after a slice the values known in it are followed, microseconds, for each signal; None for
        bounded input.

    Notes
    -----
    The state of a signal of one segment is what waits, a bag of blocks; the detectors and the times of what
    they have taken, one value that is read and written once a slice; and a ledger of 20 bytes, which is all
    that is read when values arrive.
    """

    WAITING = BagStateSpec("signal_waiting_v1", BytesCoder())
    DETECTORS = ReadModifyWriteStateSpec("signal_detectors_v1", BytesCoder())
    LEDGER = ReadModifyWriteStateSpec("signal_ledger_v1", BytesCoder())
    DUE = TimerSpec("signal_due_v1", TimeDomain.WATERMARK)

    def __init__(
        self,
        model: str,
        watches: Mapping[str, Sequence[Watch]],
        slice_length: int,
        delays: Mapping[str, int] | None,
    ) -> None:
        self._model = model
        self._watches = watches
        self._slice = slice_length
        self._delays = delays

    def process(
        self,
        element: tuple[SignalKey, bytes],
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep values until their slice is over."""
        (_, signal), block = element
        if signal not in self._watches:
            return
        waiting.add(block)
        before = _ledger(ledger)
        at = self._due(signal, first_known(block), before.cut)
        if before.due is None or at < before.due:
            due.set(Timestamp(micros=at))
            ledger.write(SignalLedger(before.cut, at).to_bytes())

    @on_timer(DUE)
    def follow(  # noqa: PLR0917  (states and timers are parameters)
        self,
        key=beam.DoFn.KeyParam,  # noqa: ANN001
        at=beam.DoFn.TimestampParam,  # noqa: ANN001
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        detectors=beam.DoFn.StateParam(DETECTORS),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> Iterator[WindowedValue]:
        """Follow what is due."""
        before = _ledger(ledger)
        if before.due is None:
            return
        segment, signal = key
        if signal not in self._watches:  # any more
            for state in (waiting, detectors, ledger):
                state.clear()
            return
        now = min(at.micros, before.due)  # never look further than the watermark is sure to be
        cut = _END_OF_TIME if self._delays is None else now - self._delays[signal]
        if before.cut is not None:
            cut = max(cut, before.cut)
        known = detectors.read()
        state = (SignalState.from_bytes(known) if known else SignalState()).configured(self._watches[signal])
        found = advance(state, list(waiting.read()), cut, once_a_time=is_statistic(signal))
        waiting.clear()
        for block in found.pending:
            waiting.add(block)
        detectors.write(found.state.to_bytes())
        again = None if found.next is None else self._due(signal, found.next, cut)
        if again is not None:
            due.set(Timestamp(micros=again))
        ledger.write(SignalLedger(cut, again).to_bytes())
        count(LATE, found.late)
        count(UNUSABLE, found.refused)
        count(DETECTIONS, len(found.detections))
        if found.detections:
            rows = detection_batch(
                found.detections,
                model=self._model,
                segment=segment,
                signal=signal,
                emitted_at=time.time_ns() // 1000,
            )
            yield _stamped(rows, self._stamp(rows, now))

    def _due(self, signal: str, known: int, cut: int | None) -> int:
        """Say when to follow a value: when its slice is over, and a later one than was followed."""
        if self._delays is None:
            return _LAST
        number = max(known, known if cut is None else cut) // self._slice + 1
        return number * self._slice + self._delays[signal]

    def _stamp(self, rows: pa.RecordBatch, now: int) -> int:
        """Give the time that was looked at; of bounded input, the end of the slice of the latest row."""
        if self._delays is not None:
            return now
        latest = pc.max(rows.column("detected_at").cast(pa.int64())).as_py()
        return min((latest // self._slice + 1) * self._slice, now)


@dataclass
class DetectChanges(beam.PTransform):
    """From blocks of signal values, ((segment label, name of the signal), block), to detection rows.

    Parameters
    ----------
    model
        Name of the model.
    watches
        For each signal the detectors that watch it: their names in a configuration and their parameters.
        Values of other signals are left out.
    allowed_lateness
        How far behind the watermark values may come and still be followed in order, microseconds. All
        detections wait for so long. None for bounded input, which is followed when all of it is there.
    slice_length
        How much event time is followed together, microseconds; whole milliseconds.
    hold_back
        How far values come behind the watermark although they are not late, microseconds, because the step
        that makes them waits: for outcomes, the slice length of `JoinLabels`. One number for all signals, or
        one for each that needs it.

    Raises
    ------
    ValueError
        If a detector is unknown or refuses its parameters, or a slice is no number of milliseconds.

    Notes
    -----
    A timer that fires at T, a multiple of `slice_length` plus `allowed_lateness` and `hold_back`, follows all
    values known before T - `allowed_lateness` - `hold_back`, by the time they were known, then their event
    time, then request id. So detections do not depend on the order of arrival. A value that comes later is
    still followed if none behind it in that order was; else it is dropped and counted as
    ``late_for_detectors``. A statistic of a window that was followed already is ignored when it comes again.

    Detectors are known by name and parameters. When the configuration of a running job changes, those that
    stay go on where they stood, and new ones begin with the next value.
    """

    model: str
    watches: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
    allowed_lateness: int | None
    slice_length: int = SLICE
    hold_back: int | Mapping[str, int] = 0

    def __post_init__(self) -> None:
        """Refuse what the workers could not run."""
        if self.slice_length <= 0 or self.slice_length % MILLISECOND:
            raise ValueError(
                f"slice_length {self.slice_length!r}: give a whole number of milliseconds, in microseconds"
            )
        self._watches = {
            signal: tuple(Watch.of(name, parameters) for name, parameters in detectors)
            for signal, detectors in self.watches.items()
        }

    def expand(self, values: beam.PCollection) -> beam.PCollection:
        """Follow each signal of each segment."""
        follow = FollowSignal(self.model, self._watches, self.slice_length, self._delays())
        return (
            values
            # the type decides the coder of the keys of running state, whatever it was before
            | "Blocks" >> beam.Map(_same).with_output_types(tuple[tuple[str, str], bytes])
            | "Global" >> beam.WindowInto(GlobalWindows())
            | "Follow" >> beam.ParDo(follow).with_output_types(pa.RecordBatch)
        )

    def _delays(self) -> dict[str, int] | None:
        if self.allowed_lateness is None:
            return None
        back = self.hold_back
        if not isinstance(back, Mapping):
            back = dict.fromkeys(self.watches, back)
        return {
            signal: -(-(self.allowed_lateness + back.get(signal, 0)) // MILLISECOND) * MILLISECOND
            for signal in self.watches
        }


def _same(element: Any) -> Any:
    return element


def _stamped(value: Any, micros: int) -> WindowedValue:
    return WindowedValue(value, Timestamp(micros=micros), (GlobalWindow(),))


def _ledger(state: Any) -> SignalLedger:
    data = state.read()
    return SignalLedger.from_bytes(data) if data else SignalLedger()
