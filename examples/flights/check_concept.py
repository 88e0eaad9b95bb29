"""Say whether the flipped labels were found, after how many of them, and what else the detectors said.

Usage: check_concept.py DIR, with the tables of a backtest of flights_concept.yaml. Ends with 1 if not found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from faults import FLIP

START = pd.Timestamp(FLIP.start)


def standing(rows: pd.DataFrame) -> pd.DataFrame:
    """The row that stands for each row_id: the largest n, then the newest."""
    rows = rows.sort_values(["n", "emitted_at"]).drop_duplicates("row_id", keep="last")
    return rows.sort_values(["segment", "window_start"], ignore_index=True)


def labels_until(performance: pd.DataFrame, moment: pd.Timestamp) -> str:
    """How many labels of the carrier a detector had seen of the flip, to the day: as windows tell."""
    own = performance[(performance["segment"] == FLIP.segment) & (performance["window_start"] >= START)]
    whole = own.loc[own["window_end"] <= moment, "n"].sum()
    begun = own.loc[own["window_start"] < moment, "n"].sum()
    return f"{whole:,}" if whole == begun else f"{whole:,} to {begun:,}"


def main(folder: Path) -> int:
    """Read the two tables; 1 if no detector found the flip."""
    detections = pd.read_parquet(folder / "detections.parquet").sort_values("detected_at")
    performance = standing(pd.read_parquet(folder / "performance.parquet"))
    own = detections[detections["segment"] == FLIP.segment]
    found = own[own["detected_at"] >= START].drop_duplicates("detector")
    print(f"{folder}: the labels of {FLIP.segment} are turned around from {START:%d %b} on")
    for row in found.itertuples():
        after = row.detected_at - START
        print(
            f"  FOUND   by {row.detector} {after.total_seconds() / 3600:.0f} hours later, after "
            f"{labels_until(performance, row.detected_at)} labels: change dated {row.at:%d %b %H:%M}, loss "
            f"{row.before:.2f} -> {row.after:.2f}"
        )
    if found.empty:
        print("  MISSED")
    rows = performance[performance["segment"] == FLIP.segment].set_index("window_start")
    for name, part in (("October", rows.loc["2013-10"]), ("November", rows.loc["2013-11"])):
        realised = (part["error_rate"] * part["n"]).sum() / part["n"].sum()
        promised = (part["estimated_error_rate"] * part["n_predictions"]).sum() / part["n_predictions"].sum()
        print(f"  {name}: error rate {realised:.1%}, promised by the scores {promised:.1%}")
    explained = detections["segment"].isin([FLIP.segment, "*"]) & (detections["detected_at"] >= START)
    rest = detections[~explained]
    segments = performance["segment"].nunique()
    print(f"  Everything else: {len(rest)} detections in {segments} segments and six months")
    for (detector, segment), part in rest.groupby(["detector", "segment"]):
        said = ", ".join(f"{row.at:%d %b} {row.before:.2f} -> {row.after:.2f}" for row in part.itertuples())
        print(f"    {detector} {segment}: {said}")
    return int(found.empty)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
