"""The detectors by their names in a configuration and by the tags of their states."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from driftline.detectors.adwin import ADWIN
from driftline.detectors.ddm import DDM
from driftline.detectors.hddm_a import HDDM_A
from driftline.detectors.kswin import KSWIN
from driftline.detectors.page_hinkley import PageHinkley
from driftline.detectors.standardised import StandardisedPageHinkley

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.detectors.detector import Detector

_KINDS: Final[tuple[type[Detector], ...]] = (ADWIN, PageHinkley, DDM, HDDM_A, KSWIN)

DETECTORS: Final[Mapping[str, type[Detector]]] = MappingProxyType({kind.NAME: kind for kind in _KINDS})
"""Detectors by their name in a configuration."""

JOB_DETECTORS: Final[Mapping[str, type[Detector]]] = MappingProxyType(
    {**DETECTORS, PageHinkley.NAME: StandardisedPageHinkley}
)
"""The same names, as a job runs them: on streams whose scale is not known beforehand."""

_STATES: Final[tuple[type[Detector], ...]] = (*_KINDS, StandardisedPageHinkley)
_BY_TAG: Final = {kind.TAG: kind for kind in _STATES}


def detector_from_bytes(data: bytes) -> Detector:
    """Read the state of a detector of any kind; other bytes raise ValueError.

    Examples
    --------
    >>> type(detector_from_bytes(DETECTORS["adwin"]().to_bytes())).__name__
    'ADWIN'
    """
    kind = _BY_TAG.get(bytes(data[:3]))
    if kind is None:
        raise ValueError(
            f"not the state of a detector: the bytes start with {bytes(data[:4])!r}; "
            "check which file or state they come from"
        )
    return kind.from_bytes(data)
