"""Signals: numbers in the order of event time that detectors follow, for each segment and all traffic."""

from driftline.signals.advance import Advanced, Detection, advance
from driftline.signals.blocks import decode_block, encode_block, first_known
from driftline.signals.ledger import SignalLedger
from driftline.signals.producers import feature_signals, is_statistic, loss_signal, statistic_signals
from driftline.signals.rows import detection_batch
from driftline.signals.state import DetectorSpec, SignalState, Watched
from driftline.signals.times import Times
from driftline.signals.values import SignalValues

__all__ = [
    "Advanced",
    "Detection",
    "DetectorSpec",
    "SignalLedger",
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
