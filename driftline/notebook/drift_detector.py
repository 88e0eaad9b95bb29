"""Drift detection in a notebook: the job's own profiles, tests and decisions on a table in memory."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from driftline.baseline import Baseline, BaselineError, decode_baseline
from driftline.batches.judged import WHOLE, as_if_independent, judge_batch
from driftline.batches.reference import reference_of
from driftline.batches.usual_times import usual_times
from driftline.config import Tests
from driftline.feature_spec import FeatureSpec
from driftline.notebook.columns import kind_of
from driftline.notebook.table_events import as_events, as_integers, as_table, check_kinds
from driftline.segments import ALL
from driftline.statistics.null import ACTED_ON
from driftline.verdicts.share_of_features import enough_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# With this many windows calibrated p-values are good to within a factor of two or so.
_WINDOWS = 60


@dataclass(frozen=True)
class DriftResult:
    """One feature of the current data compared with the reference.

    Parameters
    ----------
    method
        Test whose value `statistic` is: ``ks`` for a numeric feature, ``chi2`` for a categorical one.
    statistic
        Its value; nan if there is no value to compare.
    p_value
        Of several tests together, as in the job's rows, calibrated if the reference has times; else as if
        rows were independent.
    p_adjusted
        Adjusted for all features (Benjamini-Hochberg).
    drifted
        Whether it is significant and large.
    psi, wasserstein_iqr
        Effect sizes; the second is nan for a categorical feature.
    missing_rate
        Share of missing values in the current data.
    n
        Rows of the current data.
    calibration
        What `p_value` rests on: ``calibrated`` and ``bound`` are from the reference's own spans of time,
        ``few_windows`` and ``uncalibrated`` too, but of so few that nothing is called drifted;
        ``independent`` is as if rows were independent.
    change
        What changed, in words: components of three standard deviations or more, the largest first, and an
        unusual missing rate. None if there is nothing of the kind.
    components
        Shift, spread, skew and tails of the ranks: how far each is from what the other three let expect, in
        standard deviations of normal windows. Fewer where the reference has few distinct values; empty for a
        categorical feature, and without a null, that is without `time`.
    invalid_rate
        Share of values of another type than the feature's kind in the current data.
    rate_change, rate_ratio
        Effect sizes of shares, of missing values, a category or the like: the largest change, and the largest
        ratio to what it was.
    """

    feature: str
    method: str
    statistic: float
    p_value: float
    p_adjusted: float
    drifted: bool
    psi: float
    wasserstein_iqr: float
    missing_rate: float
    n: int
    calibration: str
    change: str | None = None
    components: tuple[float, ...] = ()
    invalid_rate: float = 0.0
    rate_change: float = float("nan")
    rate_ratio: float = float("nan")


class DriftDetector:
    """Compare tables with a reference, with the statistics and decisions of the monitoring job.

    Parameters
    ----------
    reference
        Array (n, features), `pandas.DataFrame`, `pyarrow.Table` or ``RecordBatch``: columns of numbers, of
        durations (in seconds) and of many different texts that all are numbers are numeric features, all
        others categorical. In a column of several types what most values are counts. Or a `Baseline`. NaN in
        an array or a DataFrame is missing.
    alpha
        Level of `DriftResult.p_adjusted` below which a result is significant.
    psi, wasserstein_iqr
        Sizes above which a significant result is drift; one of the two is enough.
    min_n
        Fewest rows of the current data that are judged.
    time
        Name of a time column of the reference (timestamps or numbers). With it the reference is cut into 60
        spans, and p-values are calibrated on how those differ, which keeps them honest where rows are
        correlated. Rows whose times are far from all others are left out, with a warning. The column is no
        feature, and the current data need not have it. With a `Baseline` that has a season it is a column of
        the current data: when the window was that they are. Without it, or where they are of longer than a
        window, they are taken for those of the hour that they fit best.
    segment
        Segment of a `Baseline` to compare with, such as ``origin=JFK``.

    Raises
    ------
    ValueError
        If the reference is empty, `time` is not one of its columns, or it has no such segment.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> detector = DriftDetector(rng.normal(size=(5000, 2)))
    >>> current = rng.normal(size=(1000, 2)) + [0, 1]
    >>> results = detector.detect_all(current)
    >>> [(result.feature, result.method, result.drifted) for result in results]
    [('x0', 'ks', False), ('x1', 'ks', True)]
    >>> detector.should_alert(results, share=0.3)
    True
    """

    def __init__(
        self,
        reference: Any,
        *,
        alpha: float = 0.05,
        psi: float = 0.25,
        wasserstein_iqr: float = 0.1,
        min_n: int = 200,
        time: str | None = None,
        segment: str = ALL,
    ) -> None:
        in_memory = not isinstance(reference, Baseline)
        self._time = None if in_memory else time
        if in_memory:
            reference = _baseline_of(as_table(reference), time, min_n)
        # a baseline that could not be calibrated says so, as in the job; a table without times is a sample
        self._independent = in_memory and reference.windows == 0
        if segment not in reference.segments:
            known = ", ".join(reference.segments)
            raise ValueError(f"segment {segment!r} is not in the baseline; it has {known}")
        self._baseline = reference
        self._segment = segment
        self._tests = Tests(alpha=alpha, psi=psi, wasserstein_iqr=wasserstein_iqr, min_n=min_n)
        self._specs = [
            FeatureSpec(name, block.kind, name) for block in reference.layout.blocks for name in block.names
        ]

    @classmethod
    def from_baseline(cls, path: str | Path, **options: Any) -> DriftDetector:
        """Use a baseline that ``driftline baseline`` wrote.

        Parameters
        ----------
        path
            A local baseline file.
        **options
            As for `DriftDetector`: `segment`, `alpha` and the like.

        Raises
        ------
        BaselineError
            If there is no such file, or it is no baseline this release can read.
        ValueError
            If it has no such segment.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise BaselineError(
                f"no baseline at {path} ({error.strerror}): build it with `driftline baseline`"
            ) from error
        return cls(decode_baseline(data, str(path)), **options)

    def detect_all(self, current: Any) -> list[DriftResult]:
        """Compare every feature of a table with the reference.

        Parameters
        ----------
        current
            The same columns as the reference, in any form that the reference may have; others are ignored.
            A column that is gone is missing in every row, and there is a warning that names it.

        Returns
        -------
        list of DriftResult
            One a feature, in the order of the reference.

        Raises
        ------
        ValueError
            If no feature has a column or there are no rows.
        """
        table = self._with_every_column(as_table(current))
        if table.num_rows == 0:
            raise ValueError("the current data has no rows: there is nothing to compare")
        window, timed = self._window(table)
        rows = judge_batch(
            as_events(table.select([spec.name for spec in self._specs]), self._specs, None),
            self._baseline,
            self._tests,
            segment=self._segment,
            window=window,
            timed=timed,
            revised=as_if_independent if self._independent else None,
        )
        by_feature = {row["feature"]: row for row in rows.to_pylist()}
        return [_result(by_feature[spec.name]) for spec in self._specs]

    def _with_every_column(self, table: pa.Table) -> pa.Table:
        """Give columns that are gone as missing values, with a warning; refuse if all of them are."""
        absent = [spec.name for spec in self._specs if spec.name not in table.column_names]
        if not absent:
            return table
        named = f"the current data lacks {', '.join(absent)}; its columns are {', '.join(table.column_names)}"
        if len(absent) == len(self._specs):
            raise ValueError(f"{named}; name columns like the features, and the model's output `prediction`")
        warnings.warn(f"{named}: all values of what is gone are taken for missing", stacklevel=3)
        for name in absent:
            table = table.append_column(name, pa.nulls(table.num_rows))
        return table

    def _window(self, table: pa.Table) -> tuple[tuple[int, int], bool]:
        """Give the window that a table is of, and whether it is known."""
        if self._time is None:
            return (0, WHOLE), False
        if self._time not in table.column_names:
            raise ValueError(
                f"time={self._time!r} is not a column of the current data; its columns are "
                f"{', '.join(table.column_names)}"
            )
        times, size = np.asarray(as_integers(table[self._time])), self._baseline.size
        times = self._baseline.calendar.to_line(times)
        first, last = int(times.min()), int(times.max())
        if last - first > size:
            return (0, WHOLE), False
        every = self._baseline.every  # where the job's windows begin
        start = round((first + last - size) / 2 / every) * every
        return (start, start + size), True

    def should_alert(self, results: Sequence[DriftResult], share: float = 0.3) -> bool:
        """Decide whether enough features drifted to wake somebody.

        Parameters
        ----------
        results
            What `detect_all` gave.
        share
            Least share of drifted features, more than 0 and at most 1.

        Raises
        ------
        ValueError
            If `share` is not such a number.
        """
        return enough_features([result.drifted for result in results], share)


def _baseline_of(table: pa.Table, time: str | None, min_n: int) -> Baseline:
    if table.num_rows == 0:
        raise ValueError("the reference has no rows: give the data that is to count as normal")
    times = None
    if time is not None:
        if time not in table.column_names:
            columns = ", ".join(table.column_names)
            raise ValueError(f"time={time!r} is not a column of the reference; its columns are {columns}")
        times = np.asarray(as_integers(table[time]))
        table = table.drop_columns([time])
        usual = usual_times(times)
        if not usual.all():
            _warn_of_times(time, int((~usual).sum()), len(times))
            table, times = table.filter(pa.array(usual)), times[usual]
    specs = [FeatureSpec(field.name, kind_of(table[field.name]), field.name) for field in table.schema]
    if not specs:
        raise ValueError("the reference has no feature: give at least one column besides the time")
    events = as_events(table, specs, times)
    check_kinds(events, table, specs)
    moments = events["time"].to_numpy()
    first, last = int(moments.min()), int(moments.max())
    size = (last - first) // _WINDOWS + 1
    timed = first < last
    starts = first + size * np.arange(_WINDOWS if timed else 0, dtype=np.int64)
    if timed:
        _warn_of_spans(np.bincount((moments - first) // size, minlength=_WINDOWS))
    elif time is not None:
        warnings.warn(f"all times of {time!r} are one: p-values are those of independent rows", stacklevel=4)
    return reference_of(events, specs, starts, size, min_n=min_n, windows=len(starts))


def _warn_of_times(name: str, outlying: int, rows: int) -> None:
    warnings.warn(
        f"{outlying:,} of {rows:,} times of {name!r} are far from all others: their rows are left out of the "
        "reference; repair them, or drop them",
        stacklevel=5,
    )


def _warn_of_spans(rows: NDArray[np.int64]) -> None:
    """Say so where too few of the spans hold rows for anything to be called drifted."""
    held = int((rows > 0).sum())
    if held < ACTED_ON:
        warnings.warn(
            f"the rows of the reference lie in {held} of its {len(rows)} spans of time, fewer than "
            f"{ACTED_ON:.0f}: nothing will be called drifted; give a reference whose times are spread, "
            "or leave `time` out",
            stacklevel=5,
        )


def _result(row: dict[str, Any]) -> DriftResult:
    numeric = row["kind"] == "numeric"

    def number(name: str) -> float:
        return float("nan") if row[name] is None else float(row[name])

    return DriftResult(
        feature=row["feature"],
        method="ks" if numeric else "chi2",
        statistic=number("ks" if numeric else "chi2"),
        p_value=number("p_value"),
        p_adjusted=number("p_adjusted"),
        drifted=bool(row["drifted"]),
        psi=number("psi"),
        wasserstein_iqr=number("wasserstein_iqr"),
        missing_rate=number("missing_rate"),
        invalid_rate=number("invalid_rate"),
        rate_change=number("rate_change"),
        rate_ratio=number("rate_ratio"),
        n=row["n"],
        calibration=row["calibration"],
        change=row["change"],
        components=tuple(row["components"] or ()),
    )
