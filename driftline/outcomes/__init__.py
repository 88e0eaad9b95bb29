"""Outcomes: predictions joined with the labels that come for them, early, late, twice or never."""

from driftline.outcomes.batch_schemas import (
    AFTER_DEADLINE,
    LABELS,
    NO_PREDICTION,
    OUTCOMES,
    PREDICTIONS,
    UNMATCHED,
)
from driftline.outcomes.match import MatchRule
from driftline.outcomes.waiting import Settled, settle

__all__ = [
    "AFTER_DEADLINE",
    "LABELS",
    "NO_PREDICTION",
    "OUTCOMES",
    "PREDICTIONS",
    "UNMATCHED",
    "MatchRule",
    "Settled",
    "settle",
]
