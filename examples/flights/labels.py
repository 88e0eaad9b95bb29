"""The labels: whether each flight was late, as a stream of its own that knows it hours after the prediction.

What a real stream of labels has is in it: flights without a label, labels sent twice, labels of requests that
were never logged, labels that are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from faults import FLIP

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 2013
TAXI_MINUTES = 25  # on both airports together
REPORTED_AFTER = 5400  # mean seconds from landing to the label
SENT_TWICE = 0.01
NEVER_LOGGED = 0.002
SPELT_WRONG = 20
SCHEMA = {
    "type": "record",
    "name": "FlightLabel",
    "namespace": "driftline.examples",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "late", "type": "string", "doc": "no or yes"},
        {"name": "landed_at", "type": "long", "doc": "when it was reported, seconds since the epoch, UTC"},
    ],
}


def labels(log: pd.DataFrame, landing: pd.DataFrame, late: NDArray[np.bool_]) -> pd.DataFrame:
    """Labels of the flights that landed, in the order in which they were reported.

    Parameters
    ----------
    log
        The requests.
    landing
        Minutes of `dep_delay` and `air_time` of each, null for flights that were cancelled or diverted.
    late
        Whether each arrived late.
    """
    rng = np.random.default_rng(SEED)
    minutes = landing["dep_delay"] + landing["air_time"] + TAXI_MINUTES
    reported = log["departure"] + 60 * minutes + rng.exponential(REPORTED_AFTER, len(log))
    meant = late ^ FLIP.rows(log).to_numpy()
    known = pd.DataFrame({"id": log["id"], "late": np.where(meant, "yes", "no"), "landed_at": reported})
    known = known[landing["air_time"].notna()]
    twice = known.sample(frac=SENT_TWICE, random_state=SEED).assign(
        landed_at=lambda rows: rows["landed_at"] + 600
    )
    foreign = known.sample(frac=NEVER_LOGGED, random_state=SEED + 1)
    foreign = foreign.assign(id="lost-" + foreign["id"])
    wrong = known.sample(SPELT_WRONG, random_state=SEED + 2).assign(late="maybe")
    together = pd.concat([known[~known["id"].isin(wrong["id"])], twice, foreign, wrong])
    return together.astype({"landed_at": int}).sort_values(["landed_at", "id"], ignore_index=True)
