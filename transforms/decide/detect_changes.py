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
from apache_beam.transforms.window import GlobalWindows

import driftline.transforms.coders  # noqa: F401  (registers the coder of RecordBatch)
from driftline.outcomes.class_scores import columns_of
from driftline.signals import (
    DetectorSpec,
    SignalState,
    advance,
    detection_batch,
    encode_block,
    feature_signals,
    first_known,
    is_statistic,
    loss_signal,
    statistic_signals,
)
from driftline.transforms.counters import count
from driftline.transforms.follow_in_order import Followed, FollowInOrder
from driftline.transforms.looks import SLICE, checked_slice
from driftline.transforms.spine.gather_bundle import GatherBundle
from driftline.transforms.timestamps import stamped, whole_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.utils.windowed_value import WindowedValue

    from driftline.losses import Loss
    from driftline.signals import SignalValues
    from driftline.transforms.decide.calibration import Calibration
    from driftline.transforms.spine.baseline_source import BaselineSource

#: (segment label, name of the signal)
SignalKey = tuple[str, str]

#: Values that came too late to be followed in order, and were dropped.
LATE: Final = "late_for_detectors"

#: Values that a detector does not take, once for each detector.
UNUSABLE: Final = "unusable_for_detectors"

DETECTIONS: Final = "detections"


class _MakeSignals(GatherBundle):
    """Make signals of batches; an element is stamped with its earliest value."""

    def process(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Gather what the signals are made of."""
        yield from self.gather(self._needed(batch))

    def make(self, batch: pa.RecordBatch) -> Iterator[WindowedValue]:
        """Make signals."""
        for key, values in self._signals(batch):
            block = encode_block(values)
            yield stamped((key, block), first_known(block))

    @abstractmethod
    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Leave out what the signals are not made of."""

    @abstractmethod
    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        """Make signals."""


class OutcomeSignals(_MakeSignals):
    """From batches of outcomes to the signal ``loss``, of each segment and all traffic."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def _needed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(
            ["id_high", "id_low", "time", "segment", "label", "known", *columns_of(self._loss)]
        )

    def _signals(self, batch: pa.RecordBatch) -> Iterator[tuple[SignalKey, SignalValues]]:
        return loss_signal(batch, self._loss)


class FeatureSignals(_MakeSignals):
    """From batches of events to signals of the values of features, of each segment and all traffic."""

    def __init__(self, features: Sequence[str], baseline: BaselineSource) -> None:
        self._features = tuple(features)
        self._baseline = baseline
        self._columns = {"time", "id_high", "id_low", "request", *(f"feature.{name}" for name in features)}

    def setup(self) -> None:
        """Read the baseline."""
        self._baseline.get()

    def start_bundle(self) -> None:
        """Begin with nothing, and the newest baseline for all of the bundle."""
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


class FollowSignal(FollowInOrder):
    """Let the detectors of a signal take its values in order, all that are due when a slice is over.

    Parameters
    ----------
    slice_length
        Length of a slice, microseconds; a multiple of a millisecond.
    delays
        How long after a slice the values known in it are followed, microseconds, for each signal; None for
        bounded input.
    calibration
        Limits of the detectors that are calibrated; None where none is.

    Notes
    -----
    What a signal of one segment remembers are its detectors and the times of what they have taken.
    """

    WAITING = BagStateSpec("signal_waiting_v1", BytesCoder())
    DETECTORS = ReadModifyWriteStateSpec("signal_detectors_v1", BytesCoder())
    LEDGER = ReadModifyWriteStateSpec("signal_ledger_v1", BytesCoder())
    DUE = TimerSpec("signal_due_v1", TimeDomain.WATERMARK)

    def __init__(
        self,
        model: str,
        watches: Mapping[str, Sequence[DetectorSpec]],
        slice_length: int,
        delays: Mapping[str, int] | None,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(slice_length)
        self._calibration = calibration
        self._model = model
        self._watches = watches
        self._delays = delays

    def start_bundle(self) -> None:
        """Begin with the newest baseline."""
        if self._calibration is not None:
            self._calibration.refresh()

    def process(
        self,
        element: tuple[SignalKey, bytes],
        waiting=beam.DoFn.StateParam(WAITING),  # noqa: ANN001, B008
        ledger=beam.DoFn.StateParam(LEDGER),  # noqa: ANN001, B008
        due=beam.DoFn.TimerParam(DUE),  # noqa: ANN001, B008
    ) -> None:
        """Keep values until their slice is over."""
        self.keep(element, waiting, ledger, due)

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
        yield from self.follow_due(key, at, waiting, detectors, ledger, due)

    def is_followed(self, key: SignalKey) -> bool:
        """Say whether a detector watches the signal."""
        return key[1] in self._watches

    def delay(self, key: SignalKey) -> int | None:
        """Give the delay of the signal."""
        return None if self._delays is None else self._delays[key[1]]

    def first_known(self, block: bytes) -> int:
        """Read the earliest time of a block."""
        return first_known(block)

    def advance(self, key: SignalKey, state: bytes | None, blocks: Sequence[bytes], cut: int) -> Followed:
        """Let the detectors take what is due."""
        segment, signal = key
        before = (SignalState.from_bytes(state) if state else SignalState()).configured(self._watches[signal])
        limits = {} if self._calibration is None else self._calibration.limits(segment, signal)
        found = advance(before, blocks, cut, once_a_time=is_statistic(signal), limits=limits)
        count(LATE, found.late)
        count(UNUSABLE, found.refused)
        count(DETECTIONS, len(found.detections))
        said = []
        if found.detections:
            rows = detection_batch(
                found.detections,
                model=self._model,
                segment=segment,
                signal=signal,
                emitted_at=time.time_ns() // 1000,
            )
            said.append((rows, pc.max(rows.column("detected_at").cast(pa.int64())).as_py()))
        return Followed(found.state.to_bytes(), found.pending, found.next, said)


@dataclass
class DetectChanges(beam.PTransform):
    """From blocks of signal values, ((segment label, name of the signal), block), to detection rows.

    Parameters
    ----------
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
    calibration
        Limits of the detectors that are calibrated; None where none is.

    Raises
    ------
    ValueError
        If a detector is unknown or refuses its parameters, or a slice is no number of milliseconds.

    Notes
    -----
    A timer that fires at T, a multiple of `slice_length` plus `allowed_lateness` and `hold_back`, follows all
    values known before T - `allowed_lateness` - `hold_back`: by the time they were known, then by event time,
    then by request id. So detections do not depend on the order of arrival. A later value is followed if none
    behind it in that order was; else it is dropped and counted as ``late_for_detectors``. A statistic of a
    window that was followed already is ignored when it comes again.

    Name and parameters identify a detector. When the configuration of a running job changes, detectors that
    stay go on where they stood, and new ones start with the next value.
    """

    model: str
    watches: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
    allowed_lateness: int | None
    slice_length: int = SLICE
    hold_back: int | Mapping[str, int] = 0
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        """Refuse what the workers could not run."""
        checked_slice(self.slice_length)
        self._watches = {
            signal: tuple(DetectorSpec.of(name, parameters) for name, parameters in detectors)
            for signal, detectors in self.watches.items()
        }

    def expand(self, values: beam.PCollection) -> beam.PCollection:
        """Follow each signal of each segment."""
        follow = FollowSignal(self.model, self._watches, self.slice_length, self._delays(), self.calibration)
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
            signal: whole_milliseconds(self.allowed_lateness + back.get(signal, 0)) for signal in self.watches
        }


def _same(element: Any) -> Any:
    return element
