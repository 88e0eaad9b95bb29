"""Drift monitoring for model feature logs: profiles, statistics and baselines, without Beam or IO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline.notebook.drift_detector import DriftDetector, DriftResult

__all__ = ["DriftDetector", "DriftResult"]


def __getattr__(name: str) -> Any:
    """Import the detector when it is first asked for: `driftline validate` does without scipy."""
    if name in __all__:
        from driftline.notebook import drift_detector  # noqa: PLC0415

        return getattr(drift_detector, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
