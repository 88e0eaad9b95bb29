"""The baseline: what a reference looks like, and how far its own windows stray from it."""

from driftline.baseline.artefact import Baseline
from driftline.baseline.baseline_error import BaselineError
from driftline.baseline.file import decode_baseline, encode_baseline

__all__ = ["Baseline", "BaselineError", "decode_baseline", "encode_baseline"]
