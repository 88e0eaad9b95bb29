"""Signals: numbers in the order of event time that detectors follow, for each segment and all traffic."""

from driftline.signals.advance_signal import Advanced, Detection, advance
from driftline.signals.alarm_limits import AlarmLimits, Limits
from driftline.signals.detection_rows import detection_batch
from driftline.signals.packed_values import decode_block, encode_block, first_known
from driftline.signals.producers import feature_signals, is_statistic, loss_signal, statistic_signals
from driftline.signals.signal_ledger import SignalLedger
from driftline.signals.signal_periods import SignalPeriods
from driftline.signals.signal_state import DetectorSpec, SignalState, Watched
from driftline.signals.signal_values import SignalValues
from driftline.signals.stream_times import Times

__all__ = [
    "Advanced",
    "AlarmLimits",
    "Detection",
    "DetectorSpec",
    "Limits",
    "SignalLedger",
    "SignalPeriods",
    "SignalState",
    "SignalValues",
    "Times",
    "Watched",
    "advance",
    "decode_block",
    "detection_batch",
    "encode_block",
    "feature_signals",
    "first_known",
    "is_statistic",
    "loss_signal",
    "statistic_signals",
]
