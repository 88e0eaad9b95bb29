"""What `driftline compare` prints and leaves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from driftline.batches.changes import changes_of
from driftline.batches.compare import MODEL, WINDOW
from driftline.batches.comparison_text import group_remarks, table_lines
from driftline.run_summary import RunSummary
from driftline.tables import RESULT
from driftline.transforms.write_file import write_atomically

if TYPE_CHECKING:
    from driftline.pipelines.compare import Comparison

_MOST_NAMED: Final = 12


def lines_of(found: Comparison) -> list[str]:
    """Say what a comparison found, and what it cannot know."""
    rows, compared = found.found.rows, found.found
    drifted = sum(bool(each) for each in rows["drifted"].to_pylist())
    before, now = found.rows
    lines = [
        f"{drifted} of {len(rows)} features drifted: {now:,} rows against {before:,}",
        *table_lines(rows, changes_of(rows, compared.baseline)),
        "",
        *group_remarks(found.group, compared.groups, compared.shared),
        "there is no time: no windows and no trends, and of a change within a batch nothing is known",
    ]
    tests = found.tests
    if now < tests.min_n:
        lines.append(f"note: {now:,} rows in the current batch, fewer than {tests.min_n}: nothing is judged")
    return lines + _columns(found)


def _columns(found: Comparison) -> list[str]:
    """Say which columns are in one batch only, of other types or no features, and what could not be read."""
    features, lines = found.features, []
    if features.gone:
        lines.append(
            f"warning: only in the reference: {_listed(features.gone)}: taken for missing everywhere"
        )
    if features.added:
        names = _listed(features.added)
        lines.append(f"note: only in the current batch, nothing to compare: {names}")
    lines += [
        f"note: {name!r} is {before} in the reference and {now} in the current batch: read as "
        f"{features.kinds[name]}"
        for name, (before, now) in features.other_types.items()
    ]
    invalid = {
        row["feature"]: row["invalid_rate"] for row in found.found.rows.to_pylist() if row["invalid_rate"]
    }
    if invalid:
        shares = [f"{name} {100 * rate:.3g} %" for name, rate in invalid.items()]
        lines.append(f"note: values of another type in the current batch: {_listed(shares)}")
    for key, reasons in found.rejected.items():
        counts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
        lines.append(f"warning: {key} holds records that could not be read: {counts}")
    if features.left_out:
        why = [f"{name} ({reason})" for name, reason in features.left_out.items()]
        lines.append(f"note: left out: {_listed(why)}")
    return lines


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def write_compared(found: Comparison, directory: str, reference: str) -> None:
    """Leave the result rows, the reference's distributions and a summary for the report.

    Parameters
    ----------
    directory
        Gets ``results.parquet``, ``baseline.avro`` and ``run.json``; what is there under these names is
        replaced.
    reference
        What the reference was read from.
    """
    if not FileSystems.exists(directory):
        FileSystems.mkdirs(directory)
    rows, tests = found.found.rows, found.tests
    now = time.time_ns() // 1000
    at = rows.schema.get_field_index("emitted_at")
    emitted = pa.repeat(pa.scalar(now, pa.int64()).cast(RESULT.arrow.field(at).type), len(rows))
    sink = pa.BufferOutputStream()
    pq.write_table(rows.set_column(at, RESULT.arrow.field(at), emitted), sink, compression="zstd")
    baseline = FileSystems.join(directory, "baseline.avro")
    summary = RunSummary(
        model=MODEL,
        alpha=tests.alpha,
        psi=tests.psi,
        wasserstein_iqr=tests.wasserstein_iqr,
        rate_change=tests.rate_change,
        rate_ratio=tests.rate_ratio,
        min_n=tests.min_n,
        min_coverage=tests.min_coverage,
        window_size_us=WINDOW[1],
        window_every_us=WINDOW[1],
        decoded=found.rows[1] + sum(found.rejected.get("CURRENT", {}).values()),
        profiled=found.rows[1],
        dropped_late=0,
        runner=f"compare, against {reference}",
        started_us=now,
        seconds=0.0,
        baseline_path=baseline,
        baseline_version=found.found.baseline.version,
        reference_windows=0 if found.found.groups is None else found.found.groups[0].parts,
        rejected=found.rejected.get("CURRENT", {}),
    )
    write_atomically(baseline, found.found.baseline_file)
    write_atomically(FileSystems.join(directory, "results.parquet"), sink.getvalue().to_pybytes())
    write_atomically(FileSystems.join(directory, "run.json"), summary.to_json().encode())
