"""The faults put into the feature log, and the one put into the labels; all times are event time in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

KILOMETRES_PER_MILE = 1.609344


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong: what a monitor must find, where, and from when."""

    what: str
    origin: str
    feature: str
    start: datetime
    end: datetime | None

    @property
    def segment(self) -> str:
        """Label of the segment in result rows."""
        return f"origin={self.origin}"

    def rows(self, log: pd.DataFrame) -> pd.Series:
        """Mask of the rows of the log that the fault touches."""
        hit = (log["origin"] == self.origin) & (log["departure"] >= self.start.timestamp())
        return hit if self.end is None else hit & (log["departure"] < self.end.timestamp())


UNIT_SWITCH = Fault(
    "LGA logs distance in kilometres instead of miles",
    "LGA",
    "distance",
    datetime(2013, 9, 1, tzinfo=timezone.utc),
    None,
)
LOST_SENSOR = Fault(
    "JFK logs no temp",
    "JFK",
    "temp",
    datetime(2013, 10, 7, tzinfo=timezone.utc),
    datetime(2013, 10, 14, tzinfo=timezone.utc),
)
FAULTS = (UNIT_SWITCH, LOST_SENSOR)


@dataclass(frozen=True)
class ConceptChange:
    """What a label means changes: late flights count as punctual and punctual ones as late."""

    carrier: str
    start: datetime

    @property
    def segment(self) -> str:
        """Label of the segment in rows."""
        return f"carrier={self.carrier}"

    def rows(self, log: pd.DataFrame) -> pd.Series:
        """Mask of the flights whose label is turned around."""
        return (log["carrier"] == self.carrier) & (log["departure"] >= self.start.timestamp())


FLIP = ConceptChange("B6", datetime(2013, 11, 1, tzinfo=timezone.utc))


def inject(log: pd.DataFrame) -> pd.DataFrame:
    """The log with both faults in it, as the model's service would have seen and logged them."""
    log = log.copy()
    log.loc[UNIT_SWITCH.rows(log), "distance"] *= KILOMETRES_PER_MILE
    log.loc[LOST_SENSOR.rows(log), "temp"] = None
    return log
