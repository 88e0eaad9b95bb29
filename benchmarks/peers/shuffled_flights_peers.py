"""What driftline, whylogs, Evidently and NannyML say of real days among which nothing drifts.

The days of the 336,776 flights that left New York in 2013 are shuffled: each day is whole and real, with
its weather and its jams, but no day is "later" than another. The first 150 are the reference, each other
day is one window, and every alarm is false. The second number says what an alarm is worth: the share of the
same days that alarm when a quarter of the reference's standard deviation is added to each of their values.

Usage: shuffled_flights_peers.py [--seed N]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "examples" / "flights"), str(ROOT / "benchmarks"), str(HERE)]

from download import download
from environments import NAMES, python
from shuffled_flights import FEATURES as COLUMNS
from shuffled_flights import REFERENCE_DAYS, judge_flights, shuffled_days

OURS = {
    "plain ks": "KS, rows independent, p < .01",
    "ours ks": "driftline ks_p < .01",
    "ours p_value": "driftline p_value < .01",
    "drifted": "driftline drifted",
}


def write_days(path: Path, seed: int) -> None:
    """The days that driftline is judged on: flights with `position`, their day's place in the shuffle."""
    shuffled = next(shuffled_days(download(), 1, seed))
    days = shuffled.reference + shuffled.live
    columns = {name: np.concatenate([day[name] for day in days]) for name in COLUMNS}
    position = np.repeat(np.arange(len(days)), [len(day["origin"]) for day in days])
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"position": position} | columns).to_parquet(path, index=False)


def our_alarms(seed: int) -> dict[str, dict[str, list[float]]]:
    """The same of driftline, and of the plain test."""
    shuffled = next(shuffled_days(download(), 1, seed))
    found: dict[str, dict[str, list[float]]] = {title: {} for title in OURS.values()}
    for name in COLUMNS:
        for shift in (0.0, 0.25):
            judged = judge_flights(shuffled, name, shift)
            for key, title in OURS.items():
                found[title].setdefault(name, []).append(float(np.mean(judged[key] <= 0.01)))
    return found


def alarms(seed: int = 0) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Of each peer and method, by column: share of days alarmed, as they are and shifted by a quarter sd."""
    path = ROOT / ".cache" / "benchmarks" / f"shuffled_flights_{seed}.parquet"
    write_days(path, seed)
    found = our_alarms(seed)
    for name in NAMES:
        command = [python(name), HERE / f"shuffled_flights_{name}.py", path, str(REFERENCE_DAYS), *COLUMNS]
        environment = os.environ | {"PYTHONWARNINGS": "ignore", "DO_NOT_TRACK": "1"}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
        found |= json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="of the shuffle")
    head = "share of days alarmed: as they are / shifted by .25 sd"
    print(f"{head:66}" + "".join(f"{name:>14}" for name in COLUMNS))
    for method, shares in alarms(parser.parse_args().seed).items():
        print(f"{method:66}" + "".join(f"{shares[c][0]:>7.1%}/{shares[c][1]:>6.1%}" for c in COLUMNS))


if __name__ == "__main__":
    main()
