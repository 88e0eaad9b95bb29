"""What is remembered of a signal: how far it was followed, and its detectors."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from driftline.detectors import ADWIN, JOB_DETECTORS, detector_from_bytes
from driftline.framing import UnreadableBytesError, check_head, frame, refuses_damage, unframe
from driftline.signals.confirmation import Confirmation
from driftline.signals.stream_times import Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftline.detectors import Detector
    from driftline.signals.signal_values import Key

STATE_VERSION: Final = 2  # 1 had no confirmations

_TAG: Final = b"dSS"
_WHAT: Final = "state of a signal"
_NONE: Final = Times()
_UNCONFIRMED: Final = Confirmation()


def parameters_in_job(detector: str, parameters: Mapping[str, Any], *, errors: bool) -> dict[str, Any]:
    """Give a detector the settings for a signal of unknown scale, where the configuration gives none.

    Parameters
    ----------
    errors
        Whether values are errors, 0 or 1: the scale that detectors are made for.

    Examples
    --------
    >>> parameters_in_job("adwin", {}, errors=False), parameters_in_job("adwin", {}, errors=True)
    ({'scale_free': True}, {})
    """
    found = dict(parameters)
    if detector == ADWIN.NAME and not errors:
        found.setdefault("scale_free", True)
    return found


class DetectorSpec(NamedTuple):
    """A detector as the configuration has it: two are the same if both are.

    Parameters
    ----------
    detector
        Its name in `JOB_DETECTORS`.
    parameters
        Those that differ from its defaults, as JSON in one way of writing.
    """

    detector: str
    parameters: str = "{}"

    @classmethod
    def of(cls, detector: str, parameters: Mapping[str, Any]) -> DetectorSpec:
        """Check and write down a detector and its parameters; ValueError if the detector refuses them.

        Examples
        --------
        >>> DetectorSpec.of("adwin", {"delta": 0.01, "clock": 8.0})
        DetectorSpec(detector='adwin', parameters='{"clock":8,"delta":0.01}')
        """
        if detector not in JOB_DETECTORS:
            raise ValueError(f"detector {detector!r} is unknown; choose one of {', '.join(JOB_DETECTORS)}")
        plain = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in parameters.items()
        }
        spec = cls(detector, json.dumps(plain, sort_keys=True, separators=(",", ":")))
        try:
            spec.fresh()
        except TypeError as error:
            raise ValueError(f"parameters of detector {detector!r}: {error}; correct them") from None
        return spec

    def fresh(self) -> Detector:
        """Begin the detector."""
        return JOB_DETECTORS[self.detector](**json.loads(self.parameters))


@dataclass(frozen=True)
class Watched:
    """A detector and where it stands.

    Parameters
    ----------
    state
        Of the detector; empty before its first value.
    times
        Event times of the values it has taken.
    confirmation
        Of what it finds, where it is calibrated.
    """

    spec: DetectorSpec
    state: bytes = b""
    times: Times = _NONE
    confirmation: Confirmation = _UNCONFIRMED

    def detector(self) -> Detector:
        """Make a detector that goes on from here."""
        return detector_from_bytes(self.state) if self.state else self.spec.fresh()


@dataclass(frozen=True)
class SignalState:
    """Where a signal stands.

    Parameters
    ----------
    n
        Number of values followed.
    last
        Key of the last of them; None before the first.
    """

    n: int = 0
    last: Key | None = None
    watched: tuple[Watched, ...] = ()

    def configured(self, specs: Iterable[DetectorSpec]) -> SignalState:
        """Follow a configuration that may have changed: a detector stays, begins, or is left out."""
        before = {watched.spec: watched for watched in self.watched}
        return replace(
            self, watched=tuple(before.get(spec) or Watched(spec) for spec in dict.fromkeys(specs))
        )

    def to_bytes(self) -> bytes:
        """Write tag, version, JSON head; for each detector its state, its times and its confirmation."""
        head = {"n": self.n, "last": self.last, "watched": [_head(watched) for watched in self.watched]}
        payload = b"".join(
            watched.state + watched.times.to_bytes() + watched.confirmation.to_bytes()
            for watched in self.watched
        )
        return frame(_TAG, STATE_VERSION, head, payload)

    @classmethod
    @refuses_damage(_WHAT)
    def from_bytes(cls, data: bytes) -> SignalState:
        """Read what `to_bytes` wrote; other bytes raise UnreadableBytesError."""
        head, payload = unframe(_TAG, STATE_VERSION, _WHAT, data)
        check_head(_WHAT, head, n=int)
        try:
            last = None if head["last"] is None else tuple(head["last"])
            return cls(head["n"], last, tuple(_watched(head["watched"], payload)))
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableBytesError(
                f"{_WHAT} is damaged ({type(error).__name__}: {error}); "
                "start from an older savepoint, or anew"
            ) from None


def _head(watched: Watched) -> dict[str, Any]:
    return {
        **watched.spec._asdict(),
        "state": len(watched.state),
        "n": watched.times.n,
        "times": len(watched.times.to_bytes()),
        "confirmation": len(watched.confirmation.to_bytes()),
    }


def _watched(heads: list[dict[str, Any]], payload: bytes) -> Iterator[Watched]:
    at = 0
    for head in heads:
        middle = at + head["state"]
        end = middle + head["times"]
        spec = DetectorSpec(head["detector"], head["parameters"])
        times = Times.from_bytes(head["n"], payload[middle:end])
        at = end + head.get("confirmation", 0)
        confirmation = Confirmation.from_bytes(payload[end:at]) if at > end else _UNCONFIRMED
        yield Watched(spec, payload[middle - head["state"] : middle], times, confirmation)
    if at != len(payload):
        raise ValueError(f"{len(payload)} bytes of detectors, expected {at}")
