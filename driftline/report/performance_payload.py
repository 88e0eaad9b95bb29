"""What the page's script draws of performance rows and detections."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline.report.loss_words import loss_name
from driftline.report.packing import logarithm, pack, rounded
from driftline.report.performance_grid import STATUSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline.report.detection_list import Detections
    from driftline.report.performance_grid import PerformanceGrid

_P_VALUES: Final = (
    "p_value",
    "p_iid",
    "components_p",
    "performance_p",
    "auc_p",
    "log_loss_p",
    "calibration_p",
)


def performance_payload(
    performance: PerformanceGrid | None, detections: Detections | None, segment: str | None
) -> str:
    """Pack performance rows and detections.

    Parameters
    ----------
    segment : str or None
        The segment to open at; else the first.

    Returns
    -------
    str
        Base64, see `pack`.
    """
    header: dict[str, Any] = {
        "segments": [],
        "starts": [],
        "ends": [],
        "statuses": [*STATUSES, "absent"],
        "normal": {},
        "changes": {},
        "loss": "",
        "lossName": loss_name(""),
        "start": 0,
        "detected": detections is not None,
        "detections": _listed(detections),
    }
    sections: dict[str, NDArray[Any]] = {"status": np.empty(0, np.uint8), "estimates": np.empty(0, np.uint8)}
    if performance is not None:
        header |= {
            "segments": performance.segments,
            "starts": (performance.starts // 1000).tolist(),
            "ends": (performance.ends // 1000).tolist(),
            "normal": {
                name: [_number(x) for x in values.tolist()] for name, values in performance.normal.items()
            },
            "changes": {
                str(s * len(performance.starts) + w): words for (s, w), words in performance.changes.items()
            },
            "loss": performance.loss,
            "lossName": loss_name(performance.loss),
            "start": performance.segments.index(segment) if segment in performance.segments else 0,
        }
        sections = {"status": performance.status, "estimates": performance.estimates}
        sections |= {
            name: logarithm(values) if name in _P_VALUES else rounded(values)
            for name, values in performance.columns.items()
            if _drawn(name, performance) and np.isfinite(values).any()
        }
    return pack(header, sections)


def _drawn(name: str, performance: PerformanceGrid) -> bool:
    """Whether the page needs a column: of the 0/1 loss the mean is the error rate."""
    if name in {"difference", "log_loss"} or name.startswith("deviations.") or name.endswith("_spread"):
        return False
    return not (performance.loss == "zero_one" and name.startswith("mean_loss"))


def _listed(detections: Detections | None) -> list[dict[str, Any]]:
    return [
        {
            "segment": each.segment,
            "signal": each.signal,
            "detector": each.detector,
            "at": each.at // 1000,
            "known": each.known // 1000,
            "before": _number(each.before),
            "after": _number(each.after),
            "width": each.width,
        }
        for each in (detections.found if detections else ())
    ]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
