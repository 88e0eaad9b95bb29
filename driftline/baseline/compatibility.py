"""Whether a baseline fits a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline.baseline.baseline_error import BaselineError
from driftline.config.durations import format_duration
from driftline.performance.performance_measure import PART
from driftline.windows.calendar import IN_UTC, Calendar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from driftline.baseline.artefact import Baseline
    from driftline.config import Config
    from driftline.losses import Loss


@dataclass(frozen=True)
class Wanted:
    """What a configuration wants of a baseline: this much of it travels to workers, and none of its secrets.

    Parameters
    ----------
    size, every
        Of the windows, microseconds.
    loss
        How predictions are compared with labels; None without labels.
    measures
        Names of the measures that come with no feature.
    calendar
        What windows follow.
    """

    model: str
    kinds: Mapping[str, str]
    size: int
    every: int
    min_n: int
    segments: tuple[str, ...]
    loss: Loss | None = None
    measures: tuple[str, ...] = ()
    calendar: Calendar = IN_UTC

    @classmethod
    def by(cls, config: Config) -> Self:
        """Take it out of a configuration."""
        labels = config.labels
        return cls(
            model=config.model,
            kinds={spec.name: spec.kind for spec in config.feature_specs},
            size=config.windows.size,
            every=config.windows.every,
            min_n=config.tests.min_n,
            segments=tuple(config.segments),
            loss=None if labels is None else labels.measure,
            measures=tuple(config.measures.asked()),
            calendar=config.calendar,
        )


def misfits(baseline: Baseline, wanted: Wanted) -> list[str]:
    """List what keeps a baseline from judging a configuration's events.

    Returns
    -------
    list of str
        One sentence each, naming both values; empty if it fits.
    """
    problems = []
    if baseline.model != wanted.model:
        problems.append(
            f"it was built for model {baseline.model!r}, the configuration is for {wanted.model!r}"
        )
    have = {feature.name: block.kind for block in baseline.layout.blocks for feature in block.features}
    for name, kind in wanted.kinds.items():
        if name not in have:
            problems.append(f"feature {name!r} is not in it")
        elif have[name] != kind:
            problems.append(f"feature {name!r} is {have[name]} in it and {kind} in the configuration")
    problems += [
        f"it has feature {name!r}, which the configuration lacks" for name in have if name not in wanted.kinds
    ]
    riding = {part.kind for part in baseline.layout.wholes}
    problems += [f"measure {name!r} is not in it" for name in wanted.measures if name not in riding]
    problems += [
        f"it has measure {name!r}, which the configuration lacks"
        for name in sorted(riding - {*wanted.measures})
    ]
    problems += _windows_misfit(baseline, wanted)
    if wanted.min_n < baseline.min_n:
        problems.append(
            f"it was calibrated for windows of {baseline.min_n} rows and more, tests.min_n is {wanted.min_n}"
        )
    if baseline.segment_columns != wanted.segments:
        problems.append(
            f"its segments are {list(baseline.segment_columns)}, "
            f"the configuration's are {list(wanted.segments)}"
        )
    measured = next((entry.profile.loss for entry in baseline.of_part(PART.name).values()), None)
    if measured is not None and wanted.loss is not None and measured != wanted.loss:
        problems.append(
            f"its outcomes were measured by {_named(measured)}, labels ask for {_named(wanted.loss)}"
        )
    return problems


def _windows_misfit(baseline: Baseline, wanted: Wanted) -> list[str]:
    problems = [
        f"its windows.{name} is {format_duration(built)}, the configuration's is {format_duration(asked)}: "
        "p-values are calibrated for one window length"
        for name, built, asked in (
            ("size", baseline.size, wanted.size),
            ("every", baseline.every, wanted.every),
        )
        if built != asked
    ]
    if baseline.calendar != wanted.calendar and not (baseline.calendar.is_utc and wanted.calendar.is_utc):
        problems.append(
            f"it was built for {baseline.calendar.text}, the configuration asks for {wanted.calendar.text}: "
            "see timezone, and whether windows.size is in days, weeks (1w) or months (1mo)"
        )
    return problems


def _named(loss: Loss) -> str:
    if loss.classes:
        known = " with probabilities" if loss.probabilities else ""
        return f"{loss.name} of the classes {', '.join(loss.classes)}{known}"
    return f"{loss.name} at threshold {loss.threshold:g}" if loss.binary else loss.name


def check_fits(baseline: Baseline, config: Config, name: str) -> None:
    """Refuse a baseline that does not fit.

    Parameters
    ----------
    name
        The baseline's path, for the message.

    Raises
    ------
    BaselineError
        Naming everything that does not fit, and the remedy.
    """
    problems = misfits(baseline, Wanted.by(config))
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        msg = (
            f"the baseline {name} does not fit the configuration:\n{listed}\n"
            "Build a new one with `driftline baseline CONFIG`, or point baseline.path at the one that fits."
        )
        raise BaselineError(msg)
