"""What a detector says of a change it has found."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """One detection.

    Parameters
    ----------
    position
        Index, in the values given, of the value at which the change was detected.
    width
        Number of newest values, the one at `position` included, that the detector holds to be after the
        change. The first of them may have come with an earlier call: then ``position - width + 1`` is
        negative.
    before
        Mean of the values between the previous detection and the change.
    after
        Mean of the `width` newest values.
    """

    position: int
    width: int
    before: float
    after: float
