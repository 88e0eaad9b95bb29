"""What the jobs need to know about one feature."""

from __future__ import annotations

from dataclasses import dataclass

PREDICTION = "prediction"
"""Name of the feature that holds the model's output."""


def probability_of(name: str) -> str:
    """Name the feature that holds the probability of a class.

    Examples
    --------
    >>> probability_of("setosa")
    'probability.setosa'
    """
    return f"probability.{name}"


@dataclass(frozen=True)
class FeatureSpec:
    """One monitored feature.

    Parameters
    ----------
    name : str
        Name in result rows.
    kind : str
        ``numeric`` or ``categorical``.
    column : str
        Column of the feature log that holds it.
    bins : int or None
        Numeric: how many value bins the baseline cuts. Categorical: how many categories it counts by
        name. None is the default of the kind.
    """

    name: str
    kind: str
    column: str
    bins: int | None = None
