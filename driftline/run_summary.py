"""What a run says about itself: kept as ``run.json`` beside the results, read back by the report."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from driftline.outcomes.label_counts import LabelCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1


@dataclass(frozen=True)
class RunSummary:
    """One backtest or monitor run.

    Parameters
    ----------
    alpha : float
        Level of ``p_adjusted`` below which a result is significant.
    psi, wasserstein_iqr, rate_change, rate_ratio : float
        Sizes above which a result is large; Wasserstein in units of the reference IQR. Runs of 0.1.0 knew no
        sizes of rates.
    min_n : int
        Rows a window needs before it is judged.
    min_coverage : float
        Share of a window's slices that must hold rows before it is judged.
    window_size_us, window_every_us : int
        Length and period of the windows, microseconds.
    decoded, profiled, dropped_late, duplicates : int
        Events read, events in a profile, events too late for any window, events sent twice. ``decoded``
        counts every event that was read, so it is the sum of the rejected and the other three.
    rejected : mapping of str to int
        Events in the dead letter, by reason.
    started_us : int
        When the run began, microseconds since the epoch, UTC.
    seconds : float
        How long it took.
    reference_windows : int
        Windows the null was calibrated from.
    labels : LabelCounts
        Predictions and labels; zeros in a run without labels, and in what 0.1.0 wrote.
    invalid : mapping of str to int
        Events whose value of a feature is none of its kind, by feature.
    absent : mapping of str to int
        Events whose source has no column of a feature, by column.
    streaming : bool
        Whether the run has no end: then nothing is counted here, the runner's metrics do that.

    Examples
    --------
    >>> run = RunSummary(model="flights", alpha=0.01, psi=0.25, wasserstein_iqr=0.1, min_n=200,
    ...     min_coverage=0.5, window_size_us=86_400_000_000, window_every_us=86_400_000_000,
    ...     decoded=10, profiled=8, dropped_late=1, rejected={"wrong_type": 1}, runner="DirectRunner",
    ...     started_us=0, seconds=2.5, baseline_path="baseline.avro", baseline_version="1f",
    ...     reference_windows=90)
    >>> RunSummary.from_json(run.to_json()) == run
    True
    >>> run.unaccounted
    0
    """

    model: str
    alpha: float
    psi: float
    wasserstein_iqr: float
    min_n: int
    min_coverage: float
    window_size_us: int
    window_every_us: int
    decoded: int
    profiled: int
    dropped_late: int
    runner: str
    started_us: int
    seconds: float
    baseline_path: str
    baseline_version: str
    reference_windows: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    labels: LabelCounts = field(default_factory=LabelCounts)
    streaming: bool = False
    rate_change: float = math.inf
    rate_ratio: float = math.inf
    invalid: Mapping[str, int] = field(default_factory=dict)
    absent: Mapping[str, int] = field(default_factory=dict)

    @property
    def dead_letters(self) -> int:
        """Events rejected, all reasons together."""
        return sum(self.rejected.values())

    @property
    def unaccounted(self) -> int:
        """Events decoded of which nobody knows what became: 0 unless something is wrong."""
        return self.decoded - self.dead_letters - self.profiled - self.dropped_late - self.duplicates

    def to_json(self) -> str:
        """Write the summary as JSON text with its format version."""
        values = asdict(self) | {"rejected": dict(sorted(self.rejected.items()))}
        return json.dumps({"format": "driftline.run", "version": FORMAT, **values}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> RunSummary:
        """Read a summary back.

        Parameters
        ----------
        text : str or bytes
            What `to_json` wrote, in this version of the format or one before it. Unknown keys are ignored.

        Raises
        ------
        ValueError
            If the text is not a run summary, is of a newer version, or lacks a value.
        """
        try:
            values: Any = json.loads(text)
        except ValueError as error:
            raise ValueError(
                f"the run summary is not JSON ({error}): run `driftline backtest` again"
            ) from error
        if not isinstance(values, dict) or values.get("format") != "driftline.run":
            raise ValueError("this JSON is not a run summary: expected the run.json that a backtest leaves")
        version = values.get("version")
        if not isinstance(version, int) or not 1 <= version <= FORMAT:
            raise ValueError(
                f"the run summary has format version {version!r}, "
                f"this driftline reads 1 to {FORMAT}: upgrade it"
            )
        names = [each.name for each in fields(cls)]
        required = [
            each.name for each in fields(cls) if each.default is MISSING and each.default_factory is MISSING
        ]
        if missing := [name for name in required if name not in values]:
            raise ValueError(f"the run summary lacks {', '.join(missing)}: run `driftline backtest` again")
        values["labels"] = _labels(values.get("labels", {}))
        return cls(**{name: values[name] for name in names if name in values})


def _labels(values: Any) -> LabelCounts:
    if not isinstance(values, dict):
        raise ValueError(  # noqa: TRY004  (a value in a file)
            "the run summary has labels that are no counts: run `driftline backtest` again"
        )
    return LabelCounts(
        **{each.name: values[each.name] for each in fields(LabelCounts) if each.name in values}
    )
