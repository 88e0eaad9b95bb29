"""What one process tells a runner of all its partitions."""

from __future__ import annotations

import pickle

from apache_beam.utils.timestamp import Timestamp

from driftline.transforms.sources.kafka.offset_tracker import MicrosecondWatermark
from driftline.transforms.sources.kafka.together import Together


def test_nothing_is_passed_by_before_every_partition_was_read():
    together = Together(["a", "b"])
    assert together.oldest("a", 5) is None
    assert together.oldest("b", 3) == 3
    assert together.oldest("b", 9) == 5
    assert together.oldest("new", 4) == 4


def test_copies_of_one_dofn_share_and_two_jobs_do_not():
    together = Together(["a", "b"])
    pickle.loads(pickle.dumps(together)).oldest("a", 5)
    assert together.oldest("b", 7) == 5
    assert Together(["b"]).oldest("b", 7) == 7


def test_what_is_reported_is_not_what_a_checkpoint_keeps():
    watermark = MicrosecondWatermark(None)
    watermark.advance(9)
    watermark.report(None)
    assert watermark.current_watermark() is None
    watermark.report(4)
    assert watermark.current_watermark() == Timestamp(micros=4)
    assert watermark.get_estimator_state() == watermark.micros() == 9
