"""Changes over many windows that no single one shows, with a budget of false alarms."""

from driftline.trends.advance_trends import Advanced, Trend, advance_trends
from driftline.trends.alarm_rate import alarm_limit
from driftline.trends.followed_parts import FollowedPart, followed_part
from driftline.trends.followed_windows import FollowedWindows
from driftline.trends.reference_runs import features_followed, reference_runs
from driftline.trends.trend_remarks import trend_remarks
from driftline.trends.trend_rows import trend_batch
from driftline.trends.trend_state import TrendState
from driftline.trends.windows_of_performance import performance_windows
from driftline.trends.windows_of_rows import followed_windows

__all__ = [
    "Advanced",
    "FollowedPart",
    "FollowedWindows",
    "Trend",
    "TrendState",
    "advance_trends",
    "alarm_limit",
    "features_followed",
    "followed_part",
    "followed_windows",
    "performance_windows",
    "reference_runs",
    "trend_batch",
    "trend_remarks",
]
