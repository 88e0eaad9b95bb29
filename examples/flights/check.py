"""Read the results as any user would and say whether both faults were found on their first full window.

Usage: check.py DIR [DIR ...], each with the `results.parquet` of a backtest. Ends with 1 if one was missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from faults import FAULTS, Fault

SHOWN = 15


def standing(folder: Path) -> pd.DataFrame:
    """The row that stands for each row_id: the largest n, then the newest."""
    rows = pd.read_parquet(folder / "results.parquet").sort_values(["n", "emitted_at"])
    rows = rows.drop_duplicates("row_id", keep="last")
    return rows.sort_values(["window_start", "segment", "feature"], ignore_index=True)


def touched(rows: pd.DataFrame, fault: Fault) -> pd.Series:
    """Results that a fault explains: its feature or the prediction made from it, while it lasted."""
    where = rows["segment"].isin([fault.segment, "*"]) & rows["feature"].isin([fault.feature, "prediction"])
    when = rows["window_end"] > fault.start
    return where & (when if fault.end is None else when & (rows["window_start"] < fault.end))


def found(rows: pd.DataFrame, fault: Fault) -> bool:
    """Print what the windows around the fault said; whether the first one full of it drifted."""
    own = rows[(rows["segment"] == fault.segment) & (rows["feature"] == fault.feature)]
    first = own[own["window_start"] == fault.start]
    if first.empty:
        print(
            f"  MISSED  {fault.what}: no row for {fault.feature} in {fault.segment} from {fault.start:%d %b}"
        )
        return False
    row = first.iloc[0]
    drifted = pd.notna(row["drifted"]) and bool(row["drifted"])
    before = own.loc[own["window_end"] <= fault.start, "drifted"]
    partly = own[touched(own, fault) & (own["window_start"] < fault.start) & own["drifted"].eq(other=True)]
    print(f"  {'FOUND' if drifted else 'MISSED'}   {fault.what} from {fault.start:%d %b}")
    numbers = {
        "PSI": row["psi"],
        "KS": row["ks"],
        "missing": row["missing_rate"],
        "p": row["p_value"],
        "p adjusted": row["p_adjusted"],
    }
    print("          first full window:", ", ".join(f"{name} {value:.3g}" for name, value in numbers.items()))
    print(f"          drifted in {before.eq(other=True).mean():.0%} of the {len(before)} windows before")
    if len(partly):
        end = partly["window_end"].min()
        print(f"          first seen in the window that ends {end:%d %b}, only partly inside the fault")
    return bool(drifted)


def everything_else(rows: pd.DataFrame) -> None:
    """Share of windows that drifted, by month, without those that a fault explains."""
    explained = pd.concat([touched(rows, fault) for fault in FAULTS], axis=1).any(axis=1)
    rest = rows[~explained & rows["drifted"].notna()].copy()
    rest["drifted"] = rest["drifted"].astype(bool)
    rest["month"] = rest["window_start"].dt.strftime("%m")
    plain = {
        "driftline": rest["drifted"],
        "PSI > .25": rest["psi"] > 0.25,
        "p < .01, rows independent": rest["p_iid"] < 0.01,
    }
    print("  Everything else, % of results that drifted, and what simpler rules say of the same results:")
    print("   ", ", ".join(f"{rule} {hits.mean():.1%}" for rule, hits in plain.items()))
    shares = rest.pivot_table(index=["feature", "segment"], columns="month", values="drifted", aggfunc="mean")
    shares = shares.assign(all=rest.groupby(["feature", "segment"])["drifted"].mean())
    shown = shares[shares["all"] > 0].sort_values("all", ascending=False)
    ever = f"{len(shown)} of {len(shares)} ever did"
    print(f"    by month of the window's start ({ever}):")
    if len(shown):
        table = (100 * shown.head(SHOWN)).map(lambda share: "" if pd.isna(share) else f"{share:.0f}")
        print("    " + table.to_string().replace("\n", "\n    "))
    if len(shown) > SHOWN:
        print(f"    ... and {len(shown) - SHOWN} more below {shown['all'].iloc[SHOWN - 1]:.1%}")


def main(folders: list[str]) -> int:
    """Check every folder; 1 if any of them missed a fault."""
    good = True
    for folder in folders:
        rows = standing(Path(folder))
        statuses = ", ".join(f"{count} {status}" for status, count in rows["status"].value_counts().items())
        print(f"{folder}: {rows['window_start'].nunique()} windows, {len(rows):,} results ({statuses})")
        verdicts = [found(rows, fault) for fault in FAULTS]
        good &= all(verdicts)
        everything_else(rows)
    return 0 if good else 1


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
