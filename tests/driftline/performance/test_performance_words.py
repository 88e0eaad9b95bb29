"""Words for what changed in a performance."""

import math
import re

import pytest
from scipy import stats

from driftline.performance.component_comparison import Change, ComponentComparison
from driftline.performance.loss_comparison import Comparison
from driftline.performance.metrics import measure
from driftline.performance.performance_words import performance_words, standardised

from .drawing import LOG, ZERO_ONE, outcomes, profile_of

NAN = math.nan
NORMAL, CURRENT = (measure(profile_of(ZERO_ONE, *outcomes(seed, 500))) for seed in (1, 2))
QUIET = Comparison(0.01, 0.5, 0.5, 0.67)


def test_the_loss_is_in_standard_deviations_too():
    for difference, p in ((0.1, 0.0027), (-0.1, 1e-6)):
        deviations = math.copysign(stats.norm.isf(p / 2), difference)
        found = standardised(Comparison(difference, p, NAN, deviations), ComponentComparison())
        assert found["loss"] == deviations
        assert math.isnan(found["false_positives"])
    assert standardised(Comparison(0.0, 1.0, 1.0, 0.0), ComponentComparison())["loss"] == 0
    assert math.isnan(standardised(Comparison(0.0, NAN, 1.0), ComponentComparison())["loss"])


def test_what_is_farthest_comes_first():
    classes = ComponentComparison(
        1e-9, Change(0.2, 4.0), Change(-0.2, -3.1), Change(0.061, 5.0), Change(-0.104, -3.5)
    )
    found = performance_words(CURRENT, NORMAL, QUIET, classes, 1e-9)
    positives, negatives = (
        f"{100 * getattr(NORMAL, name):.3g} % to {100 * getattr(CURRENT, name):.3g} %"
        for name in ("false_positive_rate", "false_negative_rate")
    )
    assert found == (
        f"calibration gap +0.061, false positives {positives}, scores of the classes 0.1 closer together, "
        f"false negatives {negatives}"
    )


@pytest.mark.parametrize(("loss", "words"), [(ZERO_ONE, "errors .* % to .* %"), (LOG, "mean loss .* to .*")])
def test_a_loss_is_named_as_it_is_counted(loss, words):
    normal, current = (measure(profile_of(loss, *outcomes(seed, 500))) for seed in (1, 2))
    found = performance_words(current, normal, Comparison(0.1, 1e-5, NAN, 4.4), ComponentComparison(), 1e-5)
    assert re.fullmatch(words, found)


def test_where_all_together_is_unusual_the_farthest_is_named():
    classes = ComponentComparison(1e-4, Change(0.1, 2.0), Change(0.1, 1.0), Change(-0.02, -2.5), Change())
    assert performance_words(CURRENT, NORMAL, QUIET, classes, 3e-4) == "calibration gap -0.02"
    assert performance_words(CURRENT, NORMAL, QUIET, classes, 3e-3) is None
    assert performance_words(CURRENT, NORMAL, Comparison(0.1, NAN, NAN), ComponentComparison(), NAN) is None
