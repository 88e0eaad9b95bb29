"""Turn the flights of 2013 into the feature log of a model that scores each half an hour before departure.

One Avro container file a month: January to June under `reference`, the rest of the year under `live`; labels
likewise under `labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastavro
import numpy as np
import pandas as pd
from download import DATA, download
from faults import inject
from labels import SCHEMA as LABEL_SCHEMA
from labels import labels
from model import LateModel, auc

if TYPE_CHECKING:
    from pathlib import Path

LIVE_FROM = pd.Timestamp("2013-07-01T00:00Z").timestamp()
WEATHER = ("temp", "wind_speed", "visib", "precip", "pressure")
NUMERIC = ("distance", "hour", "airport_delay", *WEATHER)
CATEGORICAL = ("carrier", "dest")
SCORED_BEFORE = 1800  # seconds between scoring and the scheduled departure
RECENT = 7200
LATE_MINUTES = 15
SCHEMA = {
    "type": "record",
    "name": "FlightRequest",
    "namespace": "driftline.examples",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "departure", "type": "long", "doc": "scheduled departure, seconds since the epoch, UTC"},
        {"name": "origin", "type": "string"},
        *({"name": name, "type": "string"} for name in CATEGORICAL),
        *({"name": name, "type": ["null", "double"]} for name in NUMERIC),
        {"name": "score", "type": "double", "doc": f"probability of arriving {LATE_MINUTES} minutes late"},
    ],
}


def recent_delay(origin: pd.Series, departure: pd.Series, delay: pd.Series) -> pd.Series:
    """Mean delay, minutes, of what left the same airport in the two hours before scoring; null if none."""
    mean = pd.Series(np.nan, index=departure.index)
    for rows in origin.groupby(origin).groups.values():
        left = (departure[rows] + 60 * delay[rows]).dropna().sort_values()
        total = np.concatenate([[0.0], delay[left.index].cumsum()])
        scored = departure[rows] - SCORED_BEFORE
        first, last = left.searchsorted(scored - RECENT), left.searchsorted(scored)
        count = last - first
        mean[rows] = np.where(count > 0, (total[last] - total[first]) / np.maximum(count, 1), np.nan)
    return mean


def requests(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the model sees of each flight, in order of departure, and what it does not: how it went."""
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    flights = pd.read_csv(folder / "flights.csv.zip").merge(weather, on=["origin", "time_hour"], how="left")
    hour = pd.to_datetime(flights["time_hour"], utc=True)
    flights["departure"] = (hour - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1) + 60 * flights[
        "minute"
    ]
    flights = flights.sort_values("departure", kind="stable", ignore_index=True)
    flights["airport_delay"] = recent_delay(flights["origin"], flights["departure"], flights["dep_delay"])
    flights["id"] = "flight-" + flights.index.astype(str).str.zfill(6)
    columns = ["id", "departure", "origin", *CATEGORICAL, *NUMERIC]
    went = flights[["arr_delay", "dep_delay", "air_time"]]
    return flights[columns].astype(dict.fromkeys(NUMERIC, float)), went


def build(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The whole log, and its labels.

    The model is fitted on the reference, then scores everything, faulty values included.
    """
    log, went = requests(folder)
    late = (went["arr_delay"] >= LATE_MINUTES).to_numpy()
    landed = went["arr_delay"].notna().to_numpy()
    reference = (log["departure"] < LIVE_FROM).to_numpy()
    model = LateModel.fit(log[reference & landed], late[reference & landed], NUMERIC)
    clean = model.predict(log)
    log = inject(log)
    log["score"] = model.predict(log)
    for name, rows in (("January-June", reference & landed), ("July-December", ~reference & landed)):
        quality = auc(clean[rows], late[rows])
        print(f"  {name}: {rows.sum():,} flights landed, {late[rows].mean():.0%} late, AUC {quality:.2f}")
    return log, labels(log, went, late)


def write(log: pd.DataFrame, time: str, schema: dict, folder: Path) -> None:
    """One file a month, under `reference` or `live`; a half-written file never has its final name."""
    schema = fastavro.parse_schema(schema)
    months = pd.to_datetime(log[time], unit="s").dt.strftime("%Y-%m")
    for month, part in log.groupby(months):
        path = folder / ("reference" if part[time].iloc[0] < LIVE_FROM else "live") / f"{month}.avro"
        path.parent.mkdir(parents=True, exist_ok=True)
        records = part.astype(object).where(part.notna(), None).to_dict("records")
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            fastavro.writer(file, schema, records, codec="deflate")
        unfinished.replace(path)


if __name__ == "__main__":
    log, known = build(download())
    write(log, "departure", SCHEMA, DATA)
    write(known, "landed_at", LABEL_SCHEMA, DATA / "labels")
    print(f"  {len(log):,} requests in {DATA / 'reference'} and {DATA / 'live'}, {len(known):,} labels")
