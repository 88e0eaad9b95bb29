"""The area under the ROC curve of few outcomes, and its null."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from driftline.losses import Loss
from driftline.performance import LossNull, LossPeriods, PerformanceProfile
from driftline.performance.class_cells import CELLS, cells_of_profile, cells_of_rows
from driftline.performance.loss_comparison import compare
from driftline.performance.metric_comparison import compare_metrics
from driftline.performance.outcome_sums import sums_of_outcomes
from driftline.performance.performance_reference import PerformanceReference
from driftline.performance.placements import Placements

LOSS = Loss("zero_one")


def rare(rng, n):
    risk = rng.beta(0.15, 60, n)
    return np.clip(risk * rng.lognormal(0, 0.3, n), 0, 1), (rng.random(n) < risk).astype(float)


def counted(scores, labels):
    return np.bincount(cells_of_rows(LOSS, scores, labels), minlength=CELLS)


def profile_of(scores, labels):
    made = PerformanceProfile.of_predictions(LOSS, scores)
    return made.add_outcomes(scores, labels, np.zeros(len(scores), np.int64))


def test_cells_of_rows_and_of_profiles_agree_and_hold_the_area():
    scores, labels = rare(np.random.default_rng(1), 200_000)
    cells = counted(scores, labels)
    assert cells.tolist() == cells_of_profile(profile_of(scores, labels)).tolist()
    assert Placements.of(cells).area == pytest.approx(roc_auc_score(labels, scores), abs=0.01)


def test_areas_of_few_positives_are_as_far_as_a_normal_variable():
    rng = np.random.default_rng(2)
    normal = Placements.of(counted(*rare(rng, 400_000)))
    windows = np.array([counted(*rare(rng, 1500)) for _ in range(2000)])
    far, size, change = normal.distances(windows)
    known = np.isfinite(far)
    assert known.mean() == pytest.approx(1 - np.exp(-1500 * 0.15 / 60.15), abs=0.03)
    standard = (far * np.sqrt(size))[known]
    assert standard.mean() == pytest.approx(0, abs=0.08)
    assert standard.std() == pytest.approx(1, abs=0.08)
    for level in (0.05, 0.01):
        assert (2 * stats.norm.sf(np.abs(standard)) < level).mean() == pytest.approx(
            level, abs=0.6 * level + 0.002
        )
    assert np.nanmean(change) == pytest.approx(0, abs=0.01)


def test_what_tells_nothing_apart_has_none():
    assert Placements.of(counted(np.full(9, 0.5), np.arange(9) % 2.0)) is None
    assert Placements.of(counted(np.full(9, 0.5), np.zeros(9))) is None


def reference(rng, make, windows=60, n=1500):
    scores, labels = np.array([make(rng, n) for _ in range(windows)]).transpose(1, 0, 2)
    times, scores, labels = np.repeat(np.arange(windows), n), scores.ravel(), labels.ravel()
    sums, cells = sums_of_outcomes(LOSS, scores, labels), cells_of_rows(LOSS, scores, labels)
    outcomes = LossPeriods.of(times, LOSS.of(scores, labels), 1, sums, cells)
    periods = LossPeriods.merge_all([outcomes.to_bytes(), LossPeriods.of_predictions(times, 1).to_bytes()])
    whole = profile_of(scores, labels)
    null = LossNull.fit(whole, periods, np.arange(windows), size=1, min_n=200)
    return PerformanceReference.of(whole, LossNull.from_bytes(null.to_bytes()))


def clustered(rng, n):
    risk = np.repeat(1 / (1 + np.exp(3 - rng.normal(size=n // 10))), 10)
    same = np.repeat(rng.random(n // 10), 10)
    return risk, (np.where(rng.random(n) < 0.7, same, rng.random(n)) < risk).astype(float)


@pytest.mark.parametrize("make", [rare, clustered])
def test_normal_windows_are_rarely_called_changed_and_blind_ones_are(make):
    rng = np.random.default_rng(3)
    found = {}
    for _ in range(4):
        normal = reference(rng, make)
        for _ in range(100):
            compared = compare_metrics(profile_of(*make(rng, 1500)), normal)
            for name, each in compared.items():
                found.setdefault(name, []).append(each.p_value)
    assert set(found) == {"auc", "log_loss", "calibration"}
    for p in found.values():
        assert (np.array(p) < 0.05).mean() <= 0.085
        assert (np.array(p) < 0.01).mean() <= 0.03
    blind = []
    for _ in range(40):
        scores, labels = make(rng, 1500)
        blind.append(compare_metrics(profile_of(rng.permutation(scores), labels), normal).get("auc"))
    z = np.array([each.deviations for each in blind if each is not None])
    assert z.mean() < -2
    assert compare(profile_of(scores, labels), normal.profile, normal.null).spread > 0


def test_deviations_beyond_the_last_quantile_grow_on():
    normal = reference(np.random.default_rng(4), clustered)
    z = [normal.null.deviations(distance, 1500) for distance in (20.0, 40.0, 80.0)]
    assert normal.null.p_value(40.0, 1500) == normal.null.p_value(80.0, 1500) == pytest.approx(1e-9)
    assert z[2] == pytest.approx(2 * z[1])
    assert z[1] == pytest.approx(2 * z[0], rel=0.3)
    assert normal.null.deviations(-40.0, 1500) == -z[1]
