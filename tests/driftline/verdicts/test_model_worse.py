"""Whether the model got worse: by a margin and a level without a detector, by standard errors with one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from driftline.verdicts.model_worse import LossChange, LossWindows, Worse, WorseRule, model_worse

RULE = WorseRule(alpha=0.01)
NAN = float("nan")
BARELY_WORSE = float(np.nextafter(1.1, 2))
"""Above a normal of 1 and a margin of .1."""


def windows(losses, *, p=1e-6, normal=1.0, size=10, every=10, n=100.0, width=0.2, **changes):
    """One window a loss, 10 apart; None is one without labels."""
    number = len(losses)
    loss = np.array([NAN if each is None else each for each in losses], float)
    starts = np.arange(number, dtype=np.int64) * every
    made = LossWindows(
        starts=starts,
        ends=starts + size,
        enough=np.isfinite(loss),
        n=np.where(np.isfinite(loss), n, 0.0),
        mean_loss=loss,
        low=loss - width / 2,
        high=loss + width / 2,
        difference=loss - normal,
        p_value=np.where(np.isfinite(loss), p, NAN),
        normal=normal,
    )
    return replace(made, **{name: np.array(value) for name, value in changes.items()})


def found(at, *, known=None, before=1.0, after=2.0, detector="adwin"):
    return LossChange(detector, at, at if known is None else known, before, after)


def ask(of, changes=(), *, rule=RULE, segments=1):
    return model_worse(of, list(changes), rule, segments=segments)


def since(of, changes=(), **options):
    worse = ask(of, changes, **options)
    return None if worse is None else worse.since


def test_a_rule_has_the_level_of_the_run_and_defaults():
    assert WorseRule(alpha=0.01, margin=0.1, standard_errors=3.0) == RULE


# --- without a detector


def test_two_windows_that_do_not_overlap_are_needed():
    assert ask(windows([1, 1, 2])) is None
    assert since(windows([1, 2, 2])) == 10
    assert since(windows([1, 2, 2], size=20)) is None
    assert since(windows([2, 2, 2], size=20)) == 0
    assert since(windows([2, 2, 2], size=21)) is None


def test_the_newest_judged_window_must_be_worse():
    assert since(windows([2, 2, 1])) is None
    assert since(windows([2, 1, 2, 2])) == 20
    assert since(windows([2, 2, None])) == 0
    assert since(windows([2, None, 2])) == 0
    assert since(windows([None, None])) is None


@pytest.mark.parametrize(
    ("normal", "loss", "worse"),
    [
        (1.0, 1.1, False),
        (1.0, BARELY_WORSE, True),
        (-1.0, -0.9, False),
        (-1.0, -0.89, True),
        (0.0, 0.0, False),
        (0.0, 1e-9, True),
        (NAN, 9.0, False),
    ],
)
def test_a_loss_within_the_margin_is_not_worse(normal, loss, worse):
    assert (ask(windows([loss] * 2, normal=normal)) is not None) is worse


def test_the_margin_can_be_chosen():
    assert ask(windows([1.15] * 2), rule=WorseRule(0.01, margin=0.2)) is None
    assert ask(windows([1.05] * 2), rule=WorseRule(0.01, margin=0.0)) is not None


@pytest.mark.parametrize(
    ("alpha", "segments", "p", "worse"),
    [
        (0.01, 1, 0.01, False),
        (0.01, 1, np.nextafter(0.01, 0), True),
        (0.05, 1, 0.04, True),
        (0.001, 1, 0.004, False),
        (0.01, 4, 0.0025, False),
        (0.01, 4, 0.0024, True),
        (0.01, 1, NAN, False),
    ],
)
def test_every_window_must_be_significant_at_the_level_of_the_run(alpha, segments, p, worse):
    assert (ask(windows([2, 2], p=p), rule=WorseRule(alpha), segments=segments) is not None) is worse


def test_one_window_that_is_not_significant_ends_the_stretch():
    assert since(windows([2, 2, 2, 2], p_value=[1e-6, 0.5, 1e-6, 1e-6])) == 20
    assert since(windows([2, 2, 2], p_value=[1e-6, 1e-6, 0.5])) is None


def test_windows_without_enough_labels_or_without_p_value_say_nothing():
    assert since(windows([2, 1, 2], enough=[True, False, True])) == 0
    assert since(windows([2, 1, 2], p_value=[1e-6, NAN, 1e-6])) == 0
    assert since(windows([2, 2, 1], enough=[True, False, True])) is None


def test_what_is_said_of_a_worse_model():
    worse = ask(windows([1, 2, 4], n=np.array([10.0, 100.0, 300.0])))
    assert worse == Worse(10, 3.5, 1.0, True, worse.strength)
    assert worse.strength == pytest.approx(-math.sqrt(2) * special.ndtri(5e-7))


# --- with a detector


def test_a_rise_that_lasts_is_worse_although_no_window_is_significant_alone():
    of = windows([1, 1, *[1.05] * 8], p=0.1)
    assert since(of) is None
    assert since(of, [found(20)]) == 20


def test_it_must_be_clear_by_the_standard_errors_of_the_rule():
    of = windows([1, 1, 1.05, 1.05], p=0.02)
    strength = ask(of, [found(20)]).strength
    assert strength == pytest.approx(-math.sqrt(2) * special.ndtri(0.01))
    assert since(of, [found(20)], rule=replace(RULE, standard_errors=strength)) == 20
    above = replace(RULE, standard_errors=float(np.nextafter(strength, 9)))
    assert since(of, [found(20)], rule=above) is None


@pytest.mark.parametrize(
    ("p", "worse"), [(2 * special.ndtr(-3.0001), True), (2 * special.ndtr(-2.9999), False)]
)
def test_by_default_three_standard_errors_are_clear(p, worse):
    assert (ask(windows([1, 1.05], p=p), [found(10)]) is not None) is worse


def test_better_windows_count_against_it():
    of = windows([1, 2, 0.5, 2], p=1e-6)
    assert ask(of, [found(10)]) is None  # two for and one against: 4.9 / sqrt(3)
    of = windows([1, 2, 2, 2], p=1e-6, difference=[0.0, 1.0, 0.0, 1.0])
    assert ask(of, [found(10)]).strength == pytest.approx(2 * 4.8916 / math.sqrt(3), rel=1e-4)


def test_only_windows_that_do_not_overlap_are_pooled():
    apart = ask(windows([1, 2, 2]), [found(10)]).strength
    of = windows([1, 2, 2, 2, 2], size=20, every=10)
    assert ask(of, [found(10)]).strength == pytest.approx(apart)


def test_a_p_value_of_nothing_is_finite():
    assert ask(windows([1, 2], p=0.0), [found(10)]).strength == pytest.approx(37.06, abs=0.05)


@pytest.mark.parametrize(("loss", "worse"), [(2.0, False), (2.0001, True)])
def test_a_loss_at_what_is_normal_is_not_worse(loss, worse):
    changes = [found(0, before=1.0, after=loss)]
    alone = replace(LossWindows.none(), normal=2.0)
    assert (ask(alone, changes) is not None) is worse
    assert ask(alone, []) is None


def test_without_windows_it_is_compared_with_before():
    worse = ask(LossWindows.none(), [found(5, before=0.1, after=0.3)])
    assert worse == Worse(5, 0.3, 0.1, False, 0.0, first=0)


def test_without_p_values_the_larger_of_two_standard_errors_counts():
    independent = ask(windows([1, 2, 2], p=NAN, width=2 * 1.96 * 0.3), [found(10)])
    assert independent.strength == pytest.approx(1 / (0.3 / math.sqrt(2)))
    varying = ask(windows([1, 2, 4], p=NAN, width=0.01), [found(10)], rule=replace(RULE, standard_errors=2.0))
    assert varying.strength == pytest.approx(2 / math.sqrt(0.5))
    assert ask(windows([1, 2], p=NAN, width=0.0), [found(10)]).strength == 0
    weighed = ask(windows([1, 2, 2], p=NAN, width=2 * 1.96 * 0.2, n=np.array([1, 1, 3.0])), [found(10)])
    assert weighed.strength == pytest.approx(1 / (0.2 * math.sqrt(0.25**2 + 0.75**2)))


def test_windows_that_began_before_the_change_count_if_there_are_no_others():
    of = windows([1, 2])
    assert ask(of, [found(11)]).now == 2
    assert ask(of, [found(10)]).now == 2
    assert ask(of, [found(5)]).now == 2
    assert ask(windows([1, 2, None]), [found(19)]).now == 2
    assert ask(windows([1, None, None]), [found(10)]).now == 2  # that of the detector
    assert ask(windows([1, None]), [found(10, after=1.5)]).now == 1.5


@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0), (2.0, 1.0), (NAN, 2.0), (1.0, NAN)])
def test_what_did_not_rise_is_no_sign(before, after):
    assert ask(windows([1, 1.05], p=1e-9), [found(10, before=before, after=after)]) is None


def test_a_fall_to_what_is_normal_ends_it():
    of = windows([1, 2, 1, 1], p=1e-6)
    assert since(of, [found(20, before=2, after=1), found(10)]) is None
    # not if no judged window shows it: then it was one of hours
    of = windows([1, 2, 2, 2], p=1e-6)
    assert since(of, [found(25, before=2, after=1), found(10)]) == 10
    # not if it fell to more than is normal
    assert since(of, [found(25, before=2, after=1.2), found(10)]) == 10
    of = windows([1, 2, 1.3, 1.3], p=1e-6)
    assert since(of, [found(20, before=2, after=BARELY_WORSE), found(10)]) == 10
    # a fall behind which no window is judged ends it too
    of = windows([1, 2, None, None], p=1e-6)
    assert since(of, [found(20, before=2, after=1.1), found(10)]) is None


def test_a_rise_behind_which_windows_were_normal_is_another():
    of = windows([2, 1, 2, 2], p=[1e-6, 0.5, 1e-6, 1e-6])
    assert since(of, [found(20), found(0)]) == 20
    of = windows([2, BARELY_WORSE, 2, 2], p=1e-6)
    assert since(of, [found(20), found(0, known=20)]) == 0
    of = windows([2, 1.1, 2, 2], p=1e-6)
    assert since(of, [found(20), found(0, known=20)]) == 20


def test_of_one_change_the_detection_known_first_counts_and_the_others_are_named():
    of = windows([1] * 2 + [2] * 6)
    changes = [
        found(24, known=70, detector="kswin"),
        found(22, known=60, detector="ddm"),
        found(20, known=50),
        found(23, known=50, detector="hddm_a"),
    ]
    worse = ask(of, changes)
    assert (worse.since, worse.first, worse.others) == (20, 2, ("ddm", "hddm_a", "kswin"))


@pytest.mark.parametrize(
    ("later", "known", "first", "others"),
    [
        (50, 60, 1, ("ddm",)),  # the change is as old as the other's detection
        (51, 60, 1, ()),  # it is of another change
        (30, 49, 0, ("adwin",)),
    ],
)
def test_what_happened_after_the_oldest_was_known_is_another_change(later, known, first, others):
    of = windows([1] * 2 + [2] * 6)
    worse = ask(of, [found(later, known=known, detector="ddm"), found(20, known=50)])
    assert (worse.first, worse.others) == (first, others)


def test_what_no_detector_makes_clear_may_still_be_clear_without():
    of = windows([1, 1, 2, 2])
    rule = replace(RULE, standard_errors=99.0)
    worse = ask(of, [found(20)], rule=rule)
    assert (worse.since, worse.first) == (20, None)
