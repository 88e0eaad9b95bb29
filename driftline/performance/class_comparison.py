"""Do error kinds and calibration differ from the reference's: errors of two kinds that cancel are seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.performance.class_components import COMPONENTS
from driftline.performance.class_sums import sums_of_profile
from driftline.performance.labelled import labels_are_in, usual_share
from driftline.statistics.multiple import cauchy_combination

if TYPE_CHECKING:
    from driftline.performance.performance_reference import PerformanceReference
    from driftline.performance.profile import PerformanceProfile

_LOSS_WEIGHT: Final = 2.0
"""How much the mean loss counts against 1 of error kinds and calibration: most changes are of it."""


class Change(NamedTuple):
    """One component of a window against normal windows.

    Parameters
    ----------
    change
        Of a rate on the arcsine scale, of scores as a number.
    standardised
        The same in standard deviations of normal windows; nan where that is not known.
    """

    change: float = math.nan
    standardised: float = math.nan


class ClassComparison(NamedTuple):
    """Error kinds and calibration of a window against normal windows; nan where nothing can be told.

    Parameters
    ----------
    p_value
        How often those of a normal window differ as much, all together.
    false_positives, false_negatives
        Among negatives, among positives.
    calibration_gap
        Mean score minus share of positives, at the reference's share of positives.
    separation
        Mean score of positives minus that of negatives.
    """

    p_value: float = math.nan
    false_positives: Change = Change()
    false_negatives: Change = Change()
    calibration_gap: Change = Change()
    separation: Change = Change()


def compare_classes(current: PerformanceProfile, reference: PerformanceReference) -> ClassComparison:
    """Compare the outcomes of a window with those of normal windows, given the true class.

    Parameters
    ----------
    current
        Profile of the window, of the loss of the reference.

    Returns
    -------
    ClassComparison
        Of nan for numbers, without a null, and while fewer labels have come than is usual.
    """
    null = reference.null.classes if reference.null is not None else None
    normal, profile = reference.classes, reference.profile
    usual = usual_share([profile.n], [profile.n_predictions])
    if null is None or normal is None or not current.n:
        return ClassComparison()
    if not labels_are_in(current.n, current.n_predictions, usual):
        return ClassComparison()
    sums, n = sums_of_profile(current)[None], np.array([float(current.n)])
    found, weight = normal.of_windows(sums), normal.scale(sums)
    wrong = np.where(weight > 0, 1.0, np.nan)[0]
    added = np.zeros((2, COMPONENTS))
    added[[0, 1], [0, 1]] = wrong
    added = np.concatenate([added, normal.gap(weight), normal.separation(weight)])
    each = len(added)
    changes = null.changes(np.repeat(found, each, axis=0), added, np.repeat(n, each))
    return ClassComparison(
        float(null.p_value(found, n)[0]), *(Change(*map(float, pair)) for pair in zip(*changes, strict=True))
    )


def performance_p(loss: float, classes: float) -> float:
    """Combine the p-values of the mean loss and of error kinds and calibration; nan without either.

    Examples
    --------
    >>> round(performance_p(0.3, 0.001), 4), performance_p(0.2, float("nan"))
    (0.003, 0.2)
    """
    return float(cauchy_combination([[loss], [classes]], [_LOSS_WEIGHT, 1.0])[0])
