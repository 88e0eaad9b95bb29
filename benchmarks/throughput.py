"""Rows a second on one core, side by side: driftline, whylogs and the pipeline one writes first.

60 nullable numeric features, 10 segments, windows of 30 minutes every 15 over events at 400 a second,
judged against a reference of 100,000 rows. Every contestant gets one core and one thread, in a process of
its own, one after another. driftline goes from schemaless Avro bytes to result rows, all traffic included;
the naive pipeline from the same bytes to counts and histograms; whylogs from DataFrames that are ready to
hand, to per-segment profiles.

Usage: throughput.py [--rounds N] [--naive-rows N] [--cpu N]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from peers.environments import python
from scenario import Scenario, make

HERE = Path(__file__).parent
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB", "RAYON")
WANTED = {"whylogs, chunks of 10,000 + merge": 20, "whylogs, in one piece": 10, "naive Beam pipeline": 150}


def alone(cpu: int, *command: object) -> dict:
    """Run a contestant on one core; its JSON, with the wall time of the whole process added."""
    environment = os.environ | {f"{name}_NUM_THREADS": "1" for name in THREADS} | {"PYTHONWARNINGS": "ignore"}
    pinned = ["taskset", "-c", str(cpu), *(str(word) for word in command)]
    start = time.perf_counter()
    done = subprocess.run(pinned, env=environment, stdout=subprocess.PIPE, check=True, cwd=HERE)
    return json.loads(done.stdout.splitlines()[-1]) | {"process_s": time.perf_counter() - start}


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40, help="half hours of events for driftline")
    parser.add_argument("--naive-rows", type=int, default=20_000)
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    folder = make(Scenario())
    print(f"one core (cpu {chosen.cpu}), one thread; events in {folder}", flush=True)

    whylogs = alone(chosen.cpu, python("whylogs"), "peers/whylogs_throughput.py", folder / "rows.npz")
    naive = alone(chosen.cpu, sys.executable, "naive_pipeline.py", chosen.naive_rows)
    alone(chosen.cpu, sys.executable, "driftline_pipeline.py", 0)  # writes the baseline where it is missing
    ours = alone(chosen.cpu, sys.executable, "driftline_pipeline.py", chosen.rounds)

    peers = {
        "whylogs, chunks of 10,000 + merge": [whylogs["rows"] / seconds for seconds in whylogs["chunked_s"]],
        "whylogs, in one piece": [whylogs["rows"] / seconds for seconds in whylogs["one_piece_s"]],
        "naive Beam pipeline": rates(naive),
    }
    own = rates(ours)
    included = [
        ours["rows"] / (run + imports) for run, imports in zip(ours["run_s"], ours["import_s"], strict=True)
    ]
    print(f"\n{'':42}{'rows/s':>10}{'driftline is':>14}   {'rows/CPU s':>10}{'driftline is':>14}{'aim':>8}")
    print(f"{'driftline, start-up excluded':42}{own[0]:>10,.0f}{'':14}   {own[1]:>10,.0f}")
    print(
        f"{'driftline, imports and start-up included':42}{included[0]:>10,.0f}{'':14}   {included[1]:>10,.0f}"
    )
    for name, (wall, cpu) in peers.items():
        ratios = f"{own[0] / wall:>13.1f}x   {cpu:>10,.0f}{own[1] / cpu:>13.1f}x"
        print(f"{name:42}{wall:>10,.0f}{ratios}{WANTED[name]:>7}x")
    started = ours["import_s"][0] + ours["startup_s"][0]
    print(
        f"\ndriftline: {ours['rows']:,} rows to {ours['results']:,} result rows in {ours['run_s'][0]:.1f} s; "
        f"imports {ours['import_s'][0]:.1f} s + start-up {ours['startup_s'][0]:.1f} s = "
        f"{started / (ours['run_s'][0] + ours['import_s'][0]):.1%}"
    )
    print(
        f"whylogs {whylogs['version']} on {whylogs['rows']:,} ready rows; naive on {naive['rows']:,} messages"
    )
    print("rows/CPU s: what a core does when nobody else uses it; far from rows/s, the machine was busy")
    print(f"\n{'stage alone, in a plain loop':42}{'CPU us/row':>12}{'rows/CPU s':>14}")
    for name, cost in [*ours["stages_us"].items(), ("whole pipeline", 1e6 / own[1])]:
        print(f"  {name:40}{cost:>12.2f}{1e6 / cost:>14,.0f}")
    print("\nwhere the pipeline's time goes (stacks sampled while it runs)")
    for part, share in ours["shares"].items():
        print(f"  {part:52}{share:>7.1%}")


def rates(measured: dict) -> list[float]:
    """Rows a wall second and a CPU second, start-up taken off."""
    both = zip(measured["run_s"], measured["startup_s"], strict=True)
    return [measured["rows"] / (run - startup) for run, startup in both]


if __name__ == "__main__":
    main()
