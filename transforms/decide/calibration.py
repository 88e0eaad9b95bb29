"""How far normal goes, as the detectors of a job get it: from the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftline.signals.alarm_limits_measure import PART, is_calibrated, segment_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.config.budgets import AlarmBudget
    from driftline.signals import Limits
    from driftline.transforms.spine.baseline_source import BaselineSource


@dataclass
class Calibration:
    """Gives the limits of the detectors that are calibrated.

    Parameters
    ----------
    detectors
        Their names, by the signal they watch.
    budget
        False alarms that the model may raise.
    """

    baseline: BaselineSource
    detectors: Mapping[str, Sequence[str]]
    budget: AlarmBudget
    _version: str = field(default="", init=False)
    _known: dict[str, Limits | None] = field(default_factory=dict, init=False)

    def refresh(self) -> None:
        """Look for a new version of the baseline: call it when a bundle starts."""
        self.baseline.refresh()

    def limits(self, segment: str, signal: str) -> Mapping[str, Limits | None]:
        """Give the limits of each calibrated detector of a signal.

        Returns
        -------
        mapping
            For `driftline.signals.advance`; empty where the baseline can calibrate no segment at all.
        """
        names = self.detectors.get(signal, ())
        if not names:
            return {}
        baseline = self.baseline.get()
        if baseline.version != self._version:
            self._version = baseline.version
            self._known.clear()
        if segment not in self._known:
            entries = baseline.of_part(PART.name)
            if not is_calibrated(entries):
                return {}
            self._known[segment] = segment_limits(entries, segment, self.budget)
        return dict.fromkeys(names, self._known[segment])
