"""The detectors by their names in a configuration and by the tags of their states."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from driftline.detectors.adwin import ADWIN
from driftline.detectors.ddm import DDM
from driftline.detectors.hddm_a import HDDM_A
from driftline.detectors.kswin import KSWIN
from driftline.detectors.page_hinkley import PageHinkley

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.detectors.detector import Detector

DETECTORS: Final[Mapping[str, type[Detector]]] = MappingProxyType(
    {detector.NAME: detector for detector in (ADWIN, PageHinkley, DDM, HDDM_A, KSWIN)}
)
"""Detectors by their name in a configuration."""
