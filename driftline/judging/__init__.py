"""From a window's profiles and a baseline to result rows."""

from driftline.judging.emitted import Emitted
from driftline.judging.judge import judge, no_data
from driftline.judging.settle import Settled, settle_window

__all__ = ["Emitted", "Settled", "judge", "no_data", "settle_window"]
