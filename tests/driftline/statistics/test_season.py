"""What is usual of a time: learned from the windows of a reference, and taken off what is tested."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    NumericCounts,
    NumericReference,
    compare_categorical,
    compare_numeric,
    fit_categorical,
    fit_numeric,
)
from driftline.statistics.null import lookup_grid
from driftline.statistics.null.fit import fit_rate
from driftline.statistics.null.runs import KNOTS
from driftline.statistics.null.season_arrays import RANK, expected, expected_bins, stored_bins, stored_season
from driftline.statistics.null.season_model import SeasonModel, _by_tenths, choose_season
from driftline.statistics.null.season_of_bins import season_of_bins
from driftline.statistics.null.whitening import fit_whitening
from driftline.statistics.rates import arcsine_difference
from driftline.statistics.season import DAY, HOUR, WEEK, Season, season_for, waves

EDGES = special.ndtri(np.arange(1, 16) / 16)
GAP = np.full(15, 0.25)


def of(days=14, size=HOUR, cycles=(DAY,), *, chosen=True):
    starts = np.arange(days * DAY // size) * size
    return starts, Season(cycles, chosen).of(starts, size)


def hours(starts):
    return 2 * np.pi * ((starts + HOUR // 2) % DAY) / DAY


def windows(seed, starts, cycle, n=400):
    """Counts, missing rows and categories of windows; the same rows, moved by the hour."""
    rng = np.random.default_rng(seed)
    rows, chance = rng.standard_normal((len(starts), n)), rng.random((len(starts), n))
    x = rows + (cycle * np.sin(hours(starts)) + 0.05 * rng.standard_normal(len(starts)))[:, None]
    absent = chance < 0.1 * np.exp(cycle * np.cos(hours(starts)))[:, None]
    bins = np.where(absent, 16, np.searchsorted(EDGES, x)) + 17 * np.arange(len(starts))[:, None]
    counts = np.bincount(bins.ravel(), minlength=17 * len(starts)).reshape(-1, 17)
    values, missing = counts[:, :16], counts[:, 16]
    return values, missing, values.reshape(-1, 4, 4).sum(2)


# --- waves


@pytest.mark.parametrize(("columns", "cycle"), [(4, DAY), (6, WEEK), (10, WEEK)])
def test_waves_come_again_and_average_out(columns, cycle):
    times = np.arange(0, cycle, HOUR) + 12345
    found = waves(times, columns)
    assert found.shape == (len(times), columns)
    np.testing.assert_allclose(waves(times + 52 * cycle, columns), found, atol=1e-9)
    np.testing.assert_allclose(found.sum(0), 0, atol=1e-8)
    np.testing.assert_allclose(found.T @ found, np.eye(columns) * len(times) / 2, atol=1e-6)


def test_there_is_no_season_of_other_columns():
    with pytest.raises(ValueError, match="no season has 5 columns: rebuild"):
        waves(np.zeros(1, np.int64), 5)


@pytest.mark.parametrize(
    ("asked", "size", "count", "cycles", "remark"),
    [
        ("none", HOUR, 1000, None, None),
        ("auto", HOUR, 24 * 21, (DAY, WEEK), None),
        # the first and the last window of a reference are often cut off
        ("auto", HOUR, 24 * 21 - 1, (DAY, WEEK), None),
        ("auto", HOUR, 24 * 20, (DAY,), "too short for a weekly season, which takes 21; it has a daily"),
        ("day", HOUR, 71, (DAY,), None),
        ("day", HOUR, 69, None, "too short for a daily season, which takes 3; it has none"),
        ("day", HOUR, 0, None, "the reference covers 0 days: too short for a daily season"),
        ("week", DAY, 21, (WEEK,), None),
        ("week", DAY, 20, None, "the reference covers 20 days: too short for a weekly season"),
        ("day", DAY, 99, None, "windows of 1d are not shorter than a day: there is no season"),
        ("day", 2 * DAY, 99, None, "windows of 2d are not shorter than a day"),
        ("auto", WEEK, 99, None, "windows of 7d are not shorter than a week"),
        ("day", HOUR * 12, 99, None, "windows of 12h are longer than a third of a day: there is no season"),
        ("day", HOUR * 8, 9, (DAY,), None),
        ("week", HOUR * 12, 99, (WEEK,), "windows of 12h are too long for a daily season"),
        ("auto", HOUR * 12, 99, (WEEK,), None),
        ("week", DAY * 7 // 2, 99, None, "windows of 84h are longer than a third of a week"),
    ],
)
def test_which_cycles_a_reference_is_long_enough_for(asked, size, count, cycles, remark):
    season, said = season_for(asked, size=size, starts=np.arange(count) * size)
    assert (season and season.cycles) == cycles
    assert season is None or season.chosen == (asked == "auto")
    assert said is None if remark is None else remark in said


HALF = HOUR // 2
NIGHTS_OFF = (np.arange(21)[:, None] * DAY + 8 * HOUR + np.arange(12) * HALF).ravel()
GAPS = np.r_[np.arange(7 * 24), 24 * 7 * 3, 24 * 7 * 5] * HOUR


@pytest.mark.parametrize(
    ("asked", "starts", "cycles", "remark"),
    [
        ("week", NIGHTS_OFF, (DAY, WEEK), None),
        ("day", NIGHTS_OFF[: 2 * 12], None, "the reference covers 1.25 days: too short for a daily season"),
        ("day", NIGHTS_OFF[: 3 * 12], (DAY,), None),
        ("day", np.delete(np.arange(72), 30) * HOUR, (DAY,), None),
        (
            "week",
            GAPS,
            (DAY,),
            "covers 35 days with too many gaps for a weekly season, which takes 21 without",
        ),
    ],
    ids=["nights", "two short days", "three short days", "one missing", "stray windows"],
)
def test_cycles_are_counted_by_what_was_seen_of_them(asked, starts, cycles, remark):
    season, said = season_for(asked, size=int(np.diff(starts).min()), starts=starts)
    assert (season and season.cycles) == cycles
    assert said is None if remark is None else remark in said


@pytest.mark.parametrize(
    ("size", "cycles", "used"),
    [
        (HOUR, (DAY, WEEK), 10),
        (4 * HOUR, (DAY,), 4),
        (6 * HOUR, (DAY,), 2),
        (8 * HOUR, (DAY, WEEK), 8),
        (DAY, (WEEK,), 6),
        (DAY + 1, (WEEK,), 4),
        (2 * DAY, (WEEK,), 2),
    ],
)
def test_waves_that_windows_cannot_tell_apart_are_not_used(size, cycles, used):
    starts = np.arange(10 * WEEK // size) * size
    found = Season(cycles, chosen=True).of(starts, size)
    design = np.c_[np.ones(len(starts)), found.waves]
    assert found.waves.any(0).sum() == used
    assert np.linalg.matrix_rank(design, tol=1e-6) == used + 1
    assert found.choices[-1] == found.waves.shape[1]
    x = np.random.default_rng(0).standard_normal((len(starts), 2))
    coefficients = SeasonModel(design, np.ones(len(starts)), 1e-4).coefficients(x)
    assert (coefficients[1:][~found.waves.any(0)] == 0).all()


# --- the regression


def test_it_is_a_weighted_ridge_regression():
    starts, season = of(days=3)
    rng = np.random.default_rng(0)
    design = np.c_[np.ones(len(starts)), season.waves]
    weights, x = rng.uniform(0.5, 2, len(starts)), rng.standard_normal((len(starts), 3))
    model = SeasonModel(design, weights, 0.03)
    penalty = np.diag([0, *[np.sqrt(0.03 * weights.sum())] * 4])
    root = np.sqrt(weights)[:, None]
    by_hand = np.linalg.lstsq(np.r_[root * design, penalty], np.r_[root * x, np.zeros((5, 3))], rcond=None)[0]
    np.testing.assert_allclose(model.coefficients(x), by_hand, atol=1e-10)
    kept = np.arange(len(starts)) % 3 > 0
    some = SeasonModel(design[kept], weights[kept], 0.03)
    np.testing.assert_allclose(model.coefficients(x, kept), some.coefficients(x[kept]))
    np.testing.assert_allclose(model.leverage(kept), some.leverage())
    # the leverage of a window is what its own number adds to what is expected of it
    for window in (0, 40):
        one = np.zeros((len(starts), 1))
        one[window] = 1.0
        fitted = (design @ model.coefficients(one))[window, 0]
        assert model.leverage()[window] == pytest.approx(fitted)


def test_what_is_left_of_many_bins_is_the_nearest_of_its_rank():
    starts, season = of(days=3)
    design, weights = np.c_[np.ones(len(starts)), season.waves], np.linspace(1, 2, len(starts))
    model = SeasonModel(design, weights, 1e-4)
    coefficients = np.random.default_rng(1).standard_normal((5, 9))
    left, right = model.low_rank(coefficients, 3)
    fitted = np.sqrt(weights)[:, None] * (design @ coefficients)
    u, s, v = np.linalg.svd(fitted, full_matrices=False)
    np.testing.assert_allclose(
        np.sqrt(weights)[:, None] * (design @ left @ right), (u[:, :3] * s[:3]) @ v[:3], atol=1e-8
    )
    thin, directions = model.low_rank(coefficients[:, :2], 3)
    assert (thin.shape, directions.shape) == ((5, 3), (3, 2))
    np.testing.assert_allclose(design @ thin @ directions, design @ coefficients[:, :2], atol=1e-8)


def test_a_season_is_chosen_where_there_is_one():
    starts, season = of(days=28, cycles=(DAY, WEEK))
    rng = np.random.default_rng(2)
    noise, n = rng.standard_normal((len(starts), 2)), np.full(len(starts), 500.0)
    assert choose_season(noise, n, None, 1.0) is None
    assert choose_season(noise, n, season, 1.0) is None
    daily = noise + np.sin(hours(starts))[:, None]
    found = choose_season(daily, n, season, 1.0)
    assert found is not None
    assert found.design.any(0).sum() == 1 + 4
    weekly = daily + ((starts // DAY) % 7 >= 5)[:, None]
    both = choose_season(weekly, n, season, 1.0)
    assert both is not None
    assert both.design.any(0).sum() == 1 + 10
    asked = choose_season(noise, n, Season((DAY,), chosen=False).of(starts, HOUR), 1.0)
    assert asked is not None, "who asks for a season has it"


@pytest.mark.parametrize("overlap", [1.0, 4.0])
@pytest.mark.parametrize("count", [3, 5, 12])
def test_few_windows_do_no_harm(count, overlap):
    starts = np.arange(count) * 6 * HOUR
    x, n = np.random.default_rng(count).standard_normal((count, 2)), np.arange(1.0, count + 1)
    for chosen in (True, False):
        model = choose_season(x, n, Season((DAY,), chosen).of(starts, 6 * HOUR), overlap)
        if model is not None:
            assert np.isfinite(model.coefficients(x)).all()
            assert (model.leverage() <= 1 + 1e-9).all()


beta = st.lists(st.floats(-5, 5), min_size=4, max_size=4)


@settings(max_examples=15, deadline=None)
@given(beta, beta, st.integers(0, 5))
def test_a_cycle_that_adds_to_the_components_is_taken_off_exactly(one, other, seed):
    _, season = of(days=6, size=2 * HOUR, chosen=False)
    rng = np.random.default_rng(seed)
    n = rng.uniform(100, 300, len(season.waves))
    plain = rng.standard_normal((len(n), 2)) / np.sqrt(n)[:, None]
    model = SeasonModel(np.c_[np.ones(len(n)), season.waves], n, 1e-12)
    table, whitening = fit_whitening(plain, n, 1.0, model)
    cycling = plain + season.waves @ np.array([one, other]).T
    found, same = fit_whitening(cycling, n, 1.0, model)
    np.testing.assert_allclose(found.quantiles, table.quantiles, atol=1e-4)
    np.testing.assert_allclose(same.variances(n), whitening.variances(n), rtol=1e-5)
    usual = model.design @ model.coefficients(cycling)
    np.testing.assert_allclose(
        same.squares(cycling - usual, n),
        whitening.squares(plain - model.design @ model.coefficients(plain), n),
        rtol=1e-4,
        atol=1e-6,
    )


@settings(max_examples=15, deadline=None)
@given(beta, st.booleans())
def test_bins_that_move_together_are_taken_off(one, ordered):
    starts, season = of(days=6, chosen=False)
    rng = np.random.default_rng(3)
    residual = rng.multinomial(500, np.full(8, 1 / 8), len(starts)) / 500 - 1 / 8
    direction = np.array([1, -1, 0.5, -0.5, 0, 0, 0.2, -0.2]) / 50
    moved = residual + (season.waves @ np.array(one))[:, None] * direction
    unit = None if ordered else np.full(8, np.sqrt(1 / 8))

    def left(of_bins):
        found = season_of_bins(
            of_bins, np.full(len(starts), 500.0), season, unit=unit, overlap=1.0, places=np.arange(8), bins=8
        )
        return of_bins - found.fitted

    far = np.abs(np.array(one)).max() / 50
    assert np.abs(left(moved) - left(residual)).max() < 0.01 + 0.03 * far


# --- the choice


def test_an_average_that_waves_hardly_beat_is_kept():
    """Of noise, some waves predict better by luck, but not surely."""
    starts, season = of(days=10)
    n = np.full(len(starts), 300.0)
    found = [
        choose_season(np.random.default_rng(seed).standard_normal((len(starts), 1)), n, season, 1.0)
        for seed in range(60)
    ]
    assert sum(each is not None for each in found) <= 4
    cycle = np.sin(hours(starts))[:, None]
    x = cycle + np.random.default_rng(0).standard_normal((len(starts), 1))
    assert choose_season(x, n, season, 1.0) is not None


@pytest.mark.parametrize("overlap", [1.0, 2.0, 2.5, 8.0])
def test_windows_that_share_rows_with_a_tenth_do_not_predict_it(overlap):
    rng = np.random.default_rng(1)
    design, x = rng.standard_normal((100, 3)), rng.standard_normal((100, 2))
    weights = rng.uniform(0.5, 2, 100)
    tenths = _by_tenths(x, design, weights, overlap)
    assert len(tenths.square) == 10
    place = np.arange(100)
    for number in range(10):
        first, last = 10 * number, 10 * number + 9
        apart = (place <= first - overlap) | (place >= last + overlap)
        weighted = design[apart] * weights[apart, None]
        np.testing.assert_allclose(tenths.square[number], weighted.T @ design[apart])
        np.testing.assert_allclose(tenths.product[number], weighted.T @ x[apart])


def test_a_window_weighs_what_its_rows_and_its_own_wobble_leave():
    starts, season = of(chosen=False)
    n = np.random.default_rng(2).integers(50, 5000, len(starts)).astype(float)
    x = np.sin(hours(starts))[:, None]
    found = choose_season(x, n, season, 1.0)
    np.testing.assert_allclose(found.weights, 1 / (1 / n + (1 / n).mean()))


# --- arrays of a null


def test_arrays_give_at_any_time_what_was_fitted():
    starts, season = of(days=4)
    design = np.c_[np.ones(len(starts)), season.waves]
    coefficients = np.random.default_rng(4).standard_normal((5, 3))
    arrays = {name: each[None] for name, each in stored_season(coefficients).items()}
    when = starts + HOUR // 2
    for place in (0, 17, 50):
        found = expected(arrays, when[place : place + 1], 3)
        np.testing.assert_allclose(found, (design @ coefficients)[place : place + 1], atol=1e-5)
    directions = np.random.default_rng(5).standard_normal((RANK, 2))
    bins = {
        name: each[None] for name, each in stored_bins(coefficients, directions, np.array([1, 3]), 4).items()
    }
    found = expected_bins(bins, when[7:8], 6)
    np.testing.assert_allclose(found[0, [1, 3]], (design @ coefficients @ directions)[7], atol=1e-5)
    assert (found[0, [0, 2, 4, 5]] == 0).all()
    assert not expected({}, when[:1], 3).any()
    assert not expected(arrays, None, 3).any()
    none = {name: each[:0] for name, each in bins.items()}
    assert expected_bins(none, when[:0], 6).shape == (0, 6)


def fitted(seed, cycle, asked="auto", days=14):
    starts, _ = of(days)
    season, _ = season_for(asked, size=HOUR, starts=starts)
    season = season and season.of(starts, HOUR)
    values, missing, categories = windows(seed, starts, cycle)
    mean = values @ np.arange(16.0) / values.sum(1)
    variance = values @ np.arange(16.0) ** 2 / values.sum(1) - mean**2
    return (
        fit_numeric(values, missing, 0 * missing, GAP, mean=mean, variance=variance, season=season),
        fit_categorical(categories, missing, season=season),
    )


def test_a_null_without_a_cycle_is_what_it_is_without_a_season():
    for plain, timed in zip(fitted(1, 0.0, "none"), fitted(1, 0.0, "auto"), strict=True):
        assert BlockNull.stack([plain]).to_bytes() == BlockNull.stack([timed]).to_bytes()


@pytest.mark.parametrize("kind", [0, 1])
def test_features_with_a_season_and_without_lie_side_by_side(kind):
    nulls = [fitted(1, cycle)[kind] for cycle in (0.0, 0.5)]
    block = BlockNull.from_bytes(BlockNull.stack(nulls).to_bytes())
    seasonal = [name for name, arrays in block.arrays.items() if "season" in arrays]
    assert {"missing", ("smooth", "chi2")[kind]} <= set(seasonal)
    when = np.array([6 * HOUR])
    assert not expected(block.arrays["missing"], when, 1)[0].any()
    assert expected(block.arrays["missing"], when, 1)[1].any()


def test_the_null_of_a_number_stays_below_nine_kilobytes():
    starts, _ = of(42)
    season = Season((DAY, WEEK), chosen=False).of(starts, HOUR)
    rng = np.random.default_rng(6)
    values = rng.multinomial(500, np.full(66, 1 / 66), len(starts))
    nothing = np.zeros(len(starts), int)
    null = fit_numeric(
        values, nothing, nothing, np.ones(65), mean=nothing, variance=nothing + 1, season=season
    )
    assert len(BlockNull.stack([null] * 64).to_bytes()) / 64 < 9_500


# --- windows


def compared(nulls, starts, values, missing, categories, reference, when):
    count = len(starts)
    numeric, categorical = (BlockNull.stack([null]).repeated(0, count) for null in nulls)
    base, absent, others = (np.broadcast_to(each.sum(0), (count, *each.shape[1:])) for each in reference)
    zero, ones = np.zeros(count, int), np.ones(count)
    known = NumericReference(NumericCounts(base, absent, zero), np.broadcast_to(GAP, (count, 15)), ones, ones)
    return (
        compare_numeric(NumericCounts(values, missing, zero), known, numeric, when),
        compare_categorical(
            CategoricalCounts(categories, missing),
            CategoricalReference(CategoricalCounts(others, absent)),
            categorical,
            when,
        ),
    )


def test_with_a_season_a_cycle_is_as_if_it_were_not_there():
    starts, _ = of(14)
    live = starts[: 7 * 24] + 14 * DAY
    p = {}
    for cycle, asked in ((0.0, "none"), (0.4, "auto"), (0.4, "none")):
        reference = windows(7, starts, cycle)
        found, other = compared(
            fitted(7, cycle, asked), live, *windows(8, live, cycle), reference, live + HOUR // 2
        )
        p[cycle, asked] = {
            **{name: found.columns[f"{name}_p"] for name in ("smooth", "ks", "psi", "missing")},
            "chi2": other.chi2_p,
        }
    for name, still in p[0.0, "none"].items():
        cycling, blunt = p[0.4, "auto"][name], p[0.4, "none"][name]
        assert (cycling < 0.05).mean() < 0.1, name
        # the same rows: what is unusual without the cycle is unusual with it
        alike, before = (np.corrcoef(np.log(each), np.log(still))[0, 1] for each in (cycling, blunt))
        assert alike > 0.6, name
        assert alike > before, name


def test_with_a_season_neighbouring_windows_go_together_as_without_a_cycle():
    """So that trends see a change and not the evening."""
    runs = {
        (cycle, asked): [
            null["run_variances"].reshape(-1, len(KNOTS))[:, 1].max()
            for nulls in [fitted(7, cycle, asked)]
            for null in (nulls[0]["smooth"].arrays, nulls[1]["chi2"].arrays, nulls[0]["missing"].arrays)
        ]
        for cycle, asked in ((0.0, "none"), (0.4, "auto"), (0.4, "none"))
    }
    still, cycling, blunt = (np.array(each) for each in runs.values())
    assert (cycling < 1.5 * still).all()
    assert (blunt > 2 * cycling).all()


def test_a_window_without_a_time_is_of_the_hour_that_it_fits_best():
    starts, _ = of(14)
    nulls, reference, live = fitted(7, 0.4), windows(7, starts, 0.4), starts[:3]
    counts = windows(9, live, 0.4)
    untimed = compared(nulls, live, *counts, reference, None)
    hourly = [
        compared(nulls, live, *counts, reference, np.array([hour * HOUR + HOUR // 2])) for hour in range(24)
    ]
    for kind, name in ((0, "smooth_p"), (0, "ks_p"), (0, "missing_p"), (1, "chi2_p"), (1, "missing_p")):
        most = np.max([each[kind].columns[name] for each in hourly], axis=0)
        np.testing.assert_allclose(untimed[kind].columns[name], most)


@pytest.mark.parametrize("statistic", ["components", "rate"])
def test_few_windows_pay_for_the_waves_that_are_fitted_to_them(statistic):
    """Where nothing drifts, with a season that is asked for and is not there: five numbers of 24 windows."""
    starts = np.arange(24) * 6 * HOUR
    season = Season((DAY,), chosen=False).of(starts, 6 * HOUR)
    later = np.c_[np.ones(200), waves(np.arange(200) * 6 * HOUR + 3 * HOUR, 4)]
    n, many = np.full(24, 400.0), np.full(200, 400.0)
    shares = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        if statistic == "components":
            old, new = rng.standard_normal((24, 2)) / 20, rng.standard_normal((200, 2)) / 20
            model = choose_season(old, n, season, 1.0)
            table, whitening = fit_whitening(old, n, 1.0, model)
            squares = whitening.squares(new - later @ model.coefficients(old), many)
        else:
            old, new = rng.binomial(400, 0.2, 24), rng.binomial(400, 0.2, 200)
            table, arrays = fit_rate(old.astype(float), n, 1.0, season)
            usual = later @ arrays["season"].reshape(5, 1)
            squares = (arcsine_difference(new, many, old.sum() / 9600) - usual[:, 0]) ** 2
        tables = np.broadcast_to(table.quantiles, (200, *table.quantiles.shape))
        p = lookup_grid.p_values(tables, np.full(200, table.typical_n), squares, many)
        shares.append(np.mean(p <= 0.05))
        assert table.df < 22.5
    assert 0.015 < np.mean(shares) < 0.07
