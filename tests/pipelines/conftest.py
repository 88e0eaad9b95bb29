"""What the tests of whole jobs share: a made-up feature log, its baseline, the command line in process."""

from __future__ import annotations

import gc
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from driftline.pipelines.cli import main

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000_000
EVERY = DAY // 4
FIRST = 15_000 * DAY

CONFIG = """\
model: shop
event_time: {column: at, unit: us}
request_id: id
prediction: score
segments: [s]
features: {x: numeric, k: numeric, c: categorical}
windows: {size: 1d, every: 6h}
source: {files: {pattern: ref.parquet}}
baseline: {path: baseline.avro}
tests: {min_n: 30}
sinks: [files: {path: out}]
"""

#: segment values of the log, and the labels they must get
LABELS = {"A": "s=A", "B": "s=B", "a,b=c%*~": "s=a%2Cb%3Dc%25%2A%7E", None: "s=~"}


def log(seed, rows, *, days, first=FIRST, shift=0.0, categories="abc", segments=tuple(LABELS)):
    """Make a feature log as an Arrow table, in no order."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, rows)
    x[rng.random(rows) < 0.02] = np.nan
    x[rng.random(rows) < 0.01] = np.inf
    x[rng.random(rows) < 0.01] = -np.inf
    x[rng.random(rows) < 0.05] = -0.0
    absent = rng.random(rows) < 0.03
    c = np.array(rng.choice(list(categories), rows), object)
    c[rng.random(rows) < 0.05] = None
    return pa.table(
        {
            "id": [f"r{i}" for i in range(rows)],
            "at": rng.integers(first, first + days * DAY, rows),
            "s": pa.array(np.array(segments, object)[rng.choice(len(segments), rows, p=_shares(segments))]),
            "x": pa.array(x, mask=absent),
            "k": rng.poisson(3, rows),
            "c": pa.array(c, pa.string()),
            "score": rng.beta(2, 5, rows),
        }
    )


def _shares(segments):
    weights = np.arange(len(segments), 0, -1.0)
    return weights / weights.sum()


@dataclass
class Desk:
    """A folder with a configuration, and the command line working in it."""

    folder: Path

    def config(self, text=None, name="drift.yaml", **keys):
        """Write a configuration; keyword arguments replace top-level keys of the usual one."""
        text = CONFIG if text is None else text
        for key, value in keys.items():
            line = "" if value is None else f"{key}: {value}\n"
            text = re.sub(rf"(?m)^{key}:.*\n", "", text) + line
        text = text.replace("path: baseline.avro", f"path: {self.folder}/baseline.avro")
        text = text.replace("pattern: ref.parquet", f"pattern: {self.folder}/ref.parquet")
        text = text.replace("path: out}", f"path: {self.folder}/out}}")
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def write(self, table, name="live.parquet"):
        """Write a table as Parquet."""
        pq.write_table(table, self.folder / name)
        return str(self.folder / name)

    def results(self, name="out"):
        """Read the results of a backtest."""
        return pq.read_table(self.folder / name / "results.parquet")

    def rejects(self, name="out"):
        """Read the dead letters of a backtest."""
        return pq.read_table(self.folder / name / "dead_letters.parquet").to_pylist()

    def left_behind(self):
        """Name what no job may leave."""
        return [
            str(path) for path in self.folder.rglob("*") if "unfinished" in path.name or "beam" in path.name
        ]


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def counts(self):
        """The numbers of the sentence about events."""
        line = next(line for line in self.out.splitlines() if line.startswith("events: "))
        assert "UNACCOUNTED" not in line, line
        found = {name: int(n.replace(",", "")) for n, name in re.findall(r"([\d,]+) (\w+)", line)}
        assert found["decoded"] == found["profiled"] + found["rejected"] + found["dropped"], line
        return found


@pytest.fixture
def driftline(capfd):
    """The command line, in this process."""

    def run(*args):
        capfd.readouterr()
        code = main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        if code == 1:  # the sinks of a failed job are files that nobody closed
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
        return Ran(code, out, err)

    return run


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture(scope="session")
def reference():
    return log(1, 8_000, days=30)


@pytest.fixture(scope="session")
def live():
    """Three days: x moves, a category appears, segment B stops, an unknown one begins."""
    table = log(2, 1_500, days=3, first=FIRST + 30 * DAY, shift=0.7, categories="abcd").to_pandas()
    late = table["at"] >= FIRST + 32 * DAY
    table.loc[late & (table["s"] == "B"), "s"] = "unknown"
    return pa.Table.from_pandas(table.astype({"s": object}), preserve_index=False)


@pytest.fixture(scope="session")
def shop(tmp_path_factory, reference, live):
    """A folder with reference, live data, configuration and baseline. Read only."""
    desk = Desk(tmp_path_factory.mktemp("shop"))
    desk.write(reference, "ref.parquet")
    desk.write(live)
    config = desk.config()
    assert main(["baseline", config]) == 0
    return desk


@pytest.fixture(scope="session")
def judged(shop):
    """The folder after a backtest of the live data into ``out``."""
    config, live = str(shop.folder / "drift.yaml"), str(shop.folder / "live.parquet")
    assert main(["backtest", config, "--input", live]) == 0
    return shop


def rows_of(table):
    """Result rows by (segment, feature, window start in microseconds)."""
    starts = table["window_start"].cast(pa.int64()).to_pylist()
    rows = table.drop_columns(["window_start", "window_end", "emitted_at"]).to_pylist()
    found = {(row["segment"], row["feature"], start): row for row, start in zip(rows, starts, strict=True)}
    assert len(found) == table.num_rows
    return found
