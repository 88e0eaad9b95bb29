"""Whether a baseline fits a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.baseline.errors import BaselineError
from driftline.config.durations import format_duration

if TYPE_CHECKING:
    from driftline.baseline.artefact import Baseline
    from driftline.config import Config


def misfits(baseline: Baseline, config: Config) -> list[str]:
    """List what keeps a baseline from judging this configuration's events.

    Parameters
    ----------
    baseline
        The baseline.
    config
        The configuration.

    Returns
    -------
    list of str
        One sentence each, naming both values; empty if it fits.
    """
    problems = []
    if baseline.model != config.model:
        problems.append(
            f"it was built for model {baseline.model!r}, the configuration is for {config.model!r}"
        )
    have = {feature.name: block.kind for block in baseline.layout.blocks for feature in block.features}
    want = {spec.name: spec.kind for spec in config.feature_specs}
    for name, kind in want.items():
        if name not in have:
            problems.append(f"feature {name!r} is not in it")
        elif have[name] != kind:
            problems.append(f"feature {name!r} is {have[name]} in it and {kind} in the configuration")
    problems += [
        f"it has feature {name!r}, which the configuration lacks" for name in have if name not in want
    ]
    for name, built, asked in (
        ("size", baseline.size, config.windows.size),
        ("every", baseline.every, config.windows.every),
    ):
        if built != asked:
            problems.append(
                f"its windows.{name} is {format_duration(built)}, the configuration's is "
                f"{format_duration(asked)}: p-values are calibrated for one window length"
            )
    if config.tests.min_n < baseline.min_n:
        problems.append(
            f"it was calibrated for windows of {baseline.min_n} rows and more, "
            f"tests.min_n is {config.tests.min_n}"
        )
    if baseline.segment_columns != tuple(config.segments):
        problems.append(
            f"its segments are {list(baseline.segment_columns)}, "
            f"the configuration's are {list(config.segments)}"
        )
    return problems


def check_fits(baseline: Baseline, config: Config, name: str) -> None:
    """Refuse a baseline that does not fit.

    Parameters
    ----------
    baseline, config
        What must fit.
    name
        The baseline's path, for the message.

    Raises
    ------
    BaselineError
        Naming everything that does not fit, and the remedy.
    """
    problems = misfits(baseline, config)
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        msg = (
            f"the baseline {name} does not fit the configuration:\n{listed}\n"
            "Build a new one with `driftline baseline CONFIG`, or point baseline.path at the one that fits."
        )
        raise BaselineError(msg)
