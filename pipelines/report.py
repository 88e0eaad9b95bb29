"""The report: one HTML file from the directory that a backtest left."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from driftline.baseline import BaselineError
from driftline.config import ConfigError, Problem
from driftline.measures.measure_registry import measure
from driftline.performance.performance_measure import PART
from driftline.pipelines.job import JobError
from driftline.report import render
from driftline.run_summary import RunSummary
from driftline.statistics.null.runs import RUNS
from driftline.tables import RESULT, table_named
from driftline.transforms.sinks.files.read_rows import read_rows
from driftline.transforms.spine.baseline_source import read_baseline
from driftline.transforms.whole_files import refuse_folders
from driftline.transforms.write_file import is_folder, write_atomically
from driftline.trends.reference_runs import reference_runs
from driftline.verdicts.pooled_windows import RunSpread

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from driftline.baseline import Baseline
    from driftline.measures.reference_distribution import ReferenceDistribution
    from driftline.tables import RowSchema

_OTHERS = ("performance", "detections", "trends")
"""Tables that the page has a place for, where a run has them."""


def write_report(directory: str, output: str) -> list[str]:
    """Write the report of a backtest.

    Parameters
    ----------
    directory
        Where ``results.parquet`` and ``run.json`` are.

    Returns
    -------
    list of str
        What the report lacks, and why.

    Raises
    ------
    ConfigError
        If the directory holds no results of a backtest.
    JobError
        If they are damaged.
    """
    results = FileSystems.join(directory, "results.parquet")
    summary = FileSystems.join(directory, "run.json")
    for path in (results, summary):
        if not (FileSystems.exists(path) or is_folder(path)):
            remedy = "give the directory that `driftline backtest CONFIG --output DIR` wrote"
            raise ConfigError("command line", [Problem("DIR", f"holds no {path}", remedy, directory)])
    refuse_folders(output)
    with _named(summary), FileSystems.open(summary, compression_type="uncompressed") as file:
        run = RunSummary.from_json(file.read())
    with _named(results):
        rows = read_rows(results, RESULT)
    remarks = []
    references = runs = None
    try:
        baseline = read_baseline(run.baseline_path)
    except BaselineError as error:
        remarks.append(f"without the reference's distributions: {error}")
    else:
        if baseline.version == run.baseline_version:
            references, runs = reference_distributions(baseline), performance_runs(baseline)
        else:
            remarks.append(
                f"without the reference's distributions: {run.baseline_path} is now version "
                f"{baseline.version}, these results were judged by {run.baseline_version}"
            )
    others = {name: _if_there(directory, name, table_named(name).schema, remarks) for name in _OTHERS}
    page = render(rows, run, references, **others, runs=runs).encode()
    try:
        write_atomically(output, page)
    except (BeamIOError, OSError) as error:
        problem = Problem("--output", "cannot be written to", "name a file you may write", output)
        raise ConfigError("command line", [problem]) from error
    return remarks


def _if_there(directory: str, name: str, schema: RowSchema, remarks: list[str]) -> pa.Table | None:
    """Read a table that only some runs have."""
    path = FileSystems.join(directory, f"{name}.parquet")
    if not (FileSystems.exists(path) or is_folder(path)):
        for suffix in ("avro", "jsonl"):
            other = FileSystems.join(directory, f"{name}.{suffix}")
            if FileSystems.exists(other) or is_folder(other):
                remarks.append(f"without {other}: the report reads Parquet only")
        return None
    with _named(path):
        return read_rows(path, schema)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Say which file is damaged."""
    try:
        yield
    except (ValueError, LookupError, TypeError, OSError) as error:
        msg = f"{path} is damaged or not of a backtest: {error}; run `driftline backtest` again"
        raise JobError(msg) from error


def reference_distributions(baseline: Baseline) -> dict[tuple[str, str], ReferenceDistribution]:
    """Describe every (segment, feature) of a baseline as the report draws it.

    Returns
    -------
    dict
        By (segment label, feature name).
    """
    return {
        (segment, feature): distribution
        for part in baseline.layout.parts
        for segment, entry in baseline.of_part(part.name).items()
        for feature, distribution in measure(part.kind).describe(part, entry.profile)
    }


def performance_runs(baseline: Baseline) -> dict[tuple[str, str], RunSpread]:
    """Say how the performance of the reference's windows follows each other.

    Returns
    -------
    dict
        By (segment label, component).
    """
    found = {}
    for segment, entry in baseline.of_part(PART.name).items():
        for name, each in reference_runs(entry.null).items():
            found[segment, name] = RunSpread(
                RUNS.astype(float), each.variances[:, 0, 0], float(each.shape[0, 1])
            )
    return found


if __name__ == "__main__":
    from driftline.pipelines.cli import main

    sys.exit(main(["report", *sys.argv[1:]]))
