"""Change detectors of one stream of numbers: bounded memory, state that can be written down."""

from driftline.detectors.adwin import ADWIN
from driftline.detectors.change import Change
from driftline.detectors.ddm import DDM
from driftline.detectors.detector import Detector
from driftline.detectors.detector_registry import DETECTORS, JOB_DETECTORS, detector_from_bytes
from driftline.detectors.hddm_a import HDDM_A
from driftline.detectors.kswin import KSWIN
from driftline.detectors.page_hinkley import PageHinkley
from driftline.detectors.standardised import StandardisedPageHinkley

__all__ = [
    "ADWIN",
    "DDM",
    "DETECTORS",
    "HDDM_A",
    "JOB_DETECTORS",
    "KSWIN",
    "Change",
    "Detector",
    "PageHinkley",
    "StandardisedPageHinkley",
    "detector_from_bytes",
]
