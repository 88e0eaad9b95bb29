"""Run the demo: fetch the data, write the log, then every command of driftline by the week and by the day."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DRIFTLINE = str(Path(sys.executable).with_name("driftline"))
REFERENCE = "examples/flights/data/reference/*.avro"
REFERENCE_LABELS = "examples/flights/data/labels/reference/*.avro"
RUNS = {"weekly": "flights.yaml", "daily": "flights_daily.yaml"}


def step(*command: str) -> None:
    """Show a command as the reader would type it, run it, and stop the demo where it fails."""
    shown = [Path(command[0]).name if command[0] == DRIFTLINE else "python", *command[1:]]
    print(f"\n$ {shlex.join(shown)}", flush=True)
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"  ({time.monotonic() - start:.1f} s)", flush=True)
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Every step of the README, in order."""
    step(sys.executable, "examples/flights/download.py")
    step(sys.executable, "examples/flights/feature_log.py")
    for name, file in RUNS.items():
        config, out = f"examples/flights/{file}", f"examples/flights/out/{name}"
        step(DRIFTLINE, "validate", config)
        step(DRIFTLINE, "baseline", config, "--input", REFERENCE)
        step(DRIFTLINE, "backtest", config)
        step(DRIFTLINE, "report", out, "--output", f"{out}/report.html")
    config, out = "examples/flights/flights_concept.yaml", "examples/flights/out/concept"
    step(DRIFTLINE, "validate", config)
    step(DRIFTLINE, "baseline", config, "--input", REFERENCE, "--labels", REFERENCE_LABELS)
    step(DRIFTLINE, "backtest", config)
    step(DRIFTLINE, "report", out, "--output", f"{out}/report.html")
    step(sys.executable, "examples/flights/check.py", *(f"examples/flights/out/{name}" for name in RUNS))
    step(sys.executable, "examples/flights/check_concept.py", out)
    reports = ", ".join(f"examples/flights/out/{name}/report.html" for name in (*RUNS, "concept"))
    print(f"\nOpen in a browser: {reports}")


if __name__ == "__main__":
    main()
