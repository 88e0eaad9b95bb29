"""Do error kinds, calibration or bias differ from the reference's: what cancels in the loss is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline.performance.class_changes import class_changes
from driftline.performance.class_sums import sums_of_profile
from driftline.performance.labelled import labels_are_in, usual_share
from driftline.performance.loss_null import bias_distances
from driftline.performance.null_deviations import null_deviations
from driftline.statistics.multiple import cauchy_combination

if TYPE_CHECKING:
    from driftline.performance.class_components import ClassComponents
    from driftline.performance.class_null import ClassNull
    from driftline.performance.loss_null import LossNull
    from driftline.performance.performance_reference import PerformanceReference
    from driftline.performance.profile import PerformanceProfile

_LOSS_WEIGHT: Final = 2.0
"""How much the mean loss counts against 1 of what is beside it: most changes are of it."""


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


class ComponentComparison(NamedTuple):
    """A window beside its mean loss, against normal windows; nan where nothing can be told.

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
    bias
        Of numbers: mean prediction minus mean label.
    """

    p_value: float = math.nan
    false_positives: Change = Change()
    false_negatives: Change = Change()
    calibration_gap: Change = Change()
    separation: Change = Change()
    bias: Change = Change()


def compare_components(current: PerformanceProfile, reference: PerformanceReference) -> ComponentComparison:
    """Compare the outcomes of a window with those of normal windows: of classes given the true one.

    Parameters
    ----------
    current
        Profile of the window, of the loss of the reference.

    Returns
    -------
    ComponentComparison
        Of nan without a null, and while fewer labels have come than is usual.
    """
    null = usable_null(current, reference)
    if null is None:
        return ComponentComparison()
    if null.classes is not None and reference.classes is not None:
        return _of_classes(current, reference.classes, null.classes)
    return _of_numbers(current, reference.profile, null)


def usable_null(current: PerformanceProfile, reference: PerformanceReference) -> LossNull | None:
    """Null of the reference, once a window has as many labels as is usual."""
    usual = usual_share([reference.profile.n], [reference.profile.n_predictions])
    comes = current.n and labels_are_in(current.n, current.n_predictions, usual)
    return reference.null if comes else None


def _of_numbers(
    current: PerformanceProfile, reference: PerformanceProfile, null: LossNull
) -> ComponentComparison:
    found = bias_distances(reference, np.array([float(current.n)]), np.array([current.signed_sum]))
    if null.bias is None or found is None or np.isnan(found[0]):
        return ComponentComparison()
    p_value = null.bias_p(float(found[0]), current.n)
    change = current.signed_sum / current.n - reference.signed_sum / reference.n
    [standard] = null_deviations(null.bias, found, np.array([float(current.n)])).tolist()
    return ComponentComparison(p_value, bias=Change(change, standard))


def _of_classes(current: PerformanceProfile, normal: ClassComponents, null: ClassNull) -> ComponentComparison:
    sums, n = sums_of_profile(current)[None], np.array([float(current.n)])
    changes = {
        name: Change(float(change[0]), float(standardised[0]))
        for name, (change, standardised) in class_changes(normal, null, sums).items()
    }
    return ComponentComparison(float(null.p_value(normal.of_windows(sums), n)[0]), **changes)


def performance_p(loss: float, classes: float) -> float:
    """Combine the p-values of the mean loss and of what is beside it; nan without either.

    Examples
    --------
    >>> round(performance_p(0.3, 0.001), 4), performance_p(0.2, float("nan"))
    (0.003, 0.2)
    """
    return float(cauchy_combination([[loss], [classes]], [_LOSS_WEIGHT, 1.0])[0])
