"""How a runner follows the reading of one partition: restriction, tracker and watermark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.coders import BytesCoder, Coder, NullableCoder, VarIntCoder
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker, WatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider, WatermarkEstimatorProvider
from apache_beam.utils.timestamp import Timestamp

from driftline.transforms.sources.kafka.partition import NEVER, OffsetSpan, Partition

if TYPE_CHECKING:
    from collections.abc import Iterator


class OffsetTracker(RestrictionTracker):
    """Claims offsets of one partition, in batches.

    A partition is read by one reader: the only split is a checkpoint, behind the last offset claimed. To
    claim the stop of the span or more ends the reading for good, also of a stream.

    Parameters
    ----------
    span
        The encoded `OffsetSpan` to read.
    """

    def __init__(self, span: bytes) -> None:
        self._span = OffsetSpan.from_bytes(span)
        self._next = self._span.start
        self._ended = self._span.start >= self._span.stop

    def current_restriction(self) -> bytes:
        """Give the span as it is now."""
        return self._span.to_bytes()

    def current_progress(self) -> RestrictionProgress:
        """Say how much is read and how much remains; of a stream nobody knows."""
        if self._ended:
            return RestrictionProgress(fraction=1.0)
        remaining = 1 if self._span.stop == NEVER else self._span.stop - self._next
        return RestrictionProgress(completed=self._next - self._span.start, remaining=max(remaining, 1))

    def try_claim(self, position: int) -> bool:
        """Claim all offsets up to this one.

        Parameters
        ----------
        position
            The last offset of a batch.

        Returns
        -------
        bool
            False if it lies behind the span: it must not be output.
        """
        if position < self._next:
            raise ValueError(f"offset {position} was claimed before; the next is {self._next}")
        if position >= self._span.stop:
            self._ended = True
            return False
        self._next = position + 1
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[bytes, bytes] | None:
        """Checkpoint: what is claimed, and the rest.

        Parameters
        ----------
        fraction_of_remainder
            0 for a checkpoint; any other split is refused.

        Returns
        -------
        tuple of bytes, or None
            The primary and the residual.
        """
        if fraction_of_remainder != 0 or self._ended or self._next >= self._span.stop:
            return None
        primary = OffsetSpan(self._span.start, self._next)
        residual = OffsetSpan(self._next, self._span.stop)
        self._span = primary
        return primary.to_bytes(), residual.to_bytes()

    def check_done(self) -> None:
        """Make sure that nothing was forgotten."""
        if not self._ended and self._next < self._span.stop:
            raise ValueError(f"offsets {self._next} to {self._span.stop} were neither read nor put off")

    def is_bounded(self) -> bool:
        """Say whether the span ends."""
        return self._span.stop != NEVER


class PartitionOffsets(RestrictionProvider):
    """Gives the reader of a partition its span, encoded.

    Restrictions are plain bytes, as those of the search for partitions are: Flink's runner of Beam 2.62 gives
    the restrictions of all splittable DoFns of a pipeline one and the same coder.
    """

    def initial_restriction(self, element: bytes) -> bytes:
        """Take the span out of the partition."""
        partition = Partition.from_bytes(element)
        return OffsetSpan(partition.start, partition.stop).to_bytes()

    def create_tracker(self, restriction: bytes) -> OffsetTracker:
        """Track a span."""
        return OffsetTracker(restriction)

    def split(self, element: bytes, restriction: bytes) -> Iterator[bytes]:  # noqa: ARG002
        """Leave a partition whole."""
        yield restriction

    def restriction_size(self, element: bytes, restriction: bytes) -> int:  # noqa: ARG002
        """Give the number of offsets; 1 for a stream."""
        span = OffsetSpan.from_bytes(restriction)
        return 1 if span.stop == NEVER else span.stop - span.start

    def restriction_coder(self) -> Coder:
        """Name the coder of spans: never pickle."""
        return BytesCoder()

    def truncate(self, element: bytes, restriction: bytes) -> bytes | None:  # noqa: ARG002
        """On a drain a stream ends where it is read to; what is bounded is read to its end."""
        return None if OffsetSpan.from_bytes(restriction).stop == NEVER else restriction


class MicrosecondWatermark(WatermarkEstimator):
    """A watermark set by hand, kept to the microsecond in checkpoints.

    Parameters
    ----------
    watermark
        Microseconds since the epoch, None for the beginning of time.
    """

    def __init__(self, watermark: int | None) -> None:
        self._watermark = watermark
        self._reported: int | None = None
        self._reports_another = False

    def current_watermark(self) -> Timestamp | None:
        """Give the watermark to the runner."""
        watermark = self._reported if self._reports_another else self._watermark
        return None if watermark is None else Timestamp(micros=watermark)

    def report(self, watermark: int | None) -> None:
        """Tell the runner another watermark than the partition's own.

        Parameters
        ----------
        watermark
            Microseconds since the epoch, None for the beginning of time.
        """
        self._reported, self._reports_another = watermark, True

    def get_estimator_state(self) -> int | None:
        """Give what a checkpoint keeps."""
        return self._watermark

    def observe_timestamp(self, timestamp: Timestamp) -> None:
        """Ignore the timestamps of outputs: batches have rows of many times."""

    def micros(self) -> int | None:
        """Give the watermark, microseconds since the epoch."""
        return self._watermark

    def advance(self, watermark: int) -> None:
        """Move the watermark on, never back.

        Parameters
        ----------
        watermark
            Microseconds since the epoch.
        """
        self._watermark = watermark if self._watermark is None else max(self._watermark, watermark)


class PartitionWatermark(WatermarkEstimatorProvider):
    """Gives the reader of a partition its watermark."""

    def initial_estimator_state(self, element: bytes, restriction: bytes) -> int | None:  # noqa: ARG002
        """Begin where the partition says."""
        return Partition.from_bytes(element).watermark

    def create_watermark_estimator(self, estimator_state: int | None) -> MicrosecondWatermark:
        """Go on from a checkpoint."""
        return MicrosecondWatermark(estimator_state)

    def estimator_state_coder(self) -> Coder:
        """Name the coder of watermarks: never pickle."""
        return NullableCoder(VarIntCoder())
