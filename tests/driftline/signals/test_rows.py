"""Detections as rows."""

import datetime as dt
import math

from driftline.signals import Detection, detection_batch
from driftline.tables.detections import DETECTION, detection_id

CONTEXT = {"model": "flights", "segment": "*", "signal": "loss", "emitted_at": 9}


def test_rows():
    found = Detection("adwin", 1_000_000, 3_000_000, math.nan, 0.5, 12)
    batch = detection_batch(
        [found, found._replace(width=3), found._replace(detector="ddm", at=1 << 61)], **CONTEXT
    )
    assert batch.schema == DETECTION.arrow
    first, second = batch.to_pylist()
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    assert first == {
        "row_id": detection_id("flights", "*", "loss", "adwin", at=1_000_000, detected_at=3_000_000),
        "model": "flights",
        "segment": "*",
        "signal": "loss",
        "detector": "adwin",
        "at": epoch + dt.timedelta(seconds=1),
        "detected_at": epoch + dt.timedelta(seconds=3),
        "before": None,
        "after": 0.5,
        "width": 12,
        "calibrated": False,
        "emitted_at": epoch + dt.timedelta(microseconds=9),
    }
    assert second["at"].year == 9999


def test_no_rows():
    assert detection_batch([], **CONTEXT).schema == DETECTION.arrow
