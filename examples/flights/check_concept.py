"""Say whether the flipped labels were found, after how many of them, and what else the detectors said.

Usage: check_concept.py DIR, with the tables of a backtest of flights_concept.yaml. Ends with 1 if not found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fastavro
import pandas as pd
from download import DATA
from faults import FLIP

START = pd.Timestamp(FLIP.start)
SHOWN = 10


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """The row that stands for each row_id: the largest n, then the newest."""
    rows = rows.sort_values(["n", "emitted_at"]).drop_duplicates("row_id", keep="last")
    return rows.sort_values(["segment", "window_start"], ignore_index=True)


def known_labels() -> pd.Series:
    """When each turned-around label was known."""
    month = f"{FLIP.start:%Y-%m}.avro"
    with (DATA / "live" / month).open("rb") as file:
        log = pd.DataFrame(fastavro.reader(file))
    with (DATA / "labels" / "live" / month).open("rb") as file:
        labels = pd.DataFrame(fastavro.reader(file)).drop_duplicates("id")
    own = log[FLIP.rows(log)].merge(labels, on="id")
    return pd.to_datetime(own["landed_at"], unit="s", utc=True)


def main(folder: Path) -> int:
    """Read the two tables; 1 if no detector found the flip."""
    detections = pd.read_parquet(folder / "detections.parquet").sort_values("detected_at")
    performance = standing(pd.read_parquet(folder / "performance.parquet"))
    own = detections[detections["segment"] == FLIP.segment]
    found = own[own["detected_at"] >= START].drop_duplicates("detector")
    known = known_labels()
    print(f"{folder}: the labels of {FLIP.segment} are turned around from {START:%d %b} on")
    for row in found.itertuples():
        after = row.detected_at - START
        print(
            f"  FOUND   by {row.detector} {after.total_seconds() / 3600:.0f} hours later, after "
            f"{(known <= row.detected_at).sum():,} labels: change dated {row.at:%d %b %H:%M}, loss "
            f"{row.before:.2f} -> {row.after:.2f}"
        )
    if found.empty:
        print("  MISSED")
    rows = performance[performance["segment"] == FLIP.segment].set_index("window_start")
    for name, part in (("October", rows.loc["2013-10"]), ("November", rows.loc["2013-11"])):
        realised = (part["error_rate"] * part["n"]).sum() / part["n"].sum()
        promised = (part["estimated_error_rate"] * part["n_predictions"]).sum() / part["n_predictions"].sum()
        print(f"  {name}: error rate {realised:.1%}, promised by the scores {promised:.1%}")
    judged = performance[performance["p_value"].notna() & (performance["status"] == "ok")]
    calm = judged[judged["window_start"] < START]
    print(
        f"  Before that p < .01 in {(calm['p_value'] < 0.01).mean():.1%} of {len(calm)} days and segments, "
        f"in {(calm['p_iid'] < 0.01).mean():.1%} if outcomes were independent"
    )
    turned = judged[(judged["segment"] == FLIP.segment) & (judged["window_start"] >= START)]
    print(f"  Since then p < .01 on {(turned['p_value'] < 0.01).mean():.0%} of the days of {FLIP.segment}")
    explained = detections["segment"].isin([FLIP.segment, "*"]) & (detections["detected_at"] >= START)
    rest = detections[~explained]
    segments = performance["segment"].nunique()
    print(f"  Everything else: {len(rest)} detections in {segments} segments and six months")
    for row in rest.head(SHOWN).itertuples():
        print(
            f"    {row.segment} by {row.detector}: {row.width} flights from {row.at:%d %b %H:%M} on, loss "
            f"{row.before:.2f} -> {row.after:.2f}, known {row.detected_at:%d %b %H:%M}"
        )
    daily = performance[performance["n"] >= 30].assign(high=lambda rows: rows["error_rate"] > 0.6)
    stretches = daily.groupby("segment")["high"].apply(
        lambda high: high.groupby((~high).cumsum()).sum().max()
    )
    print("  Most days in a row with an error rate above 60 %:")
    print("    " + ", ".join(f"{segment} {days:.0f}" for segment, days in stretches.nlargest(4).items()))
    return int(found.empty)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
