"""The null of a mean loss: against Student's t and random effects by hand, on streams that do not change."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.performance_calibration import noise, spells, users, weather
from driftline.performance import LossNull, LossPeriods, PerformanceProfile, compare
from driftline.performance.class_null import LENGTHS, ClassNull
from driftline.performance.component_runs import FOLLOWED, ComponentRuns
from driftline.statistics.null import NullTable
from driftline.statistics.null.lookup_grid import P_GRID, SIZE_GRID

from .drawing import ABSOLUTE, LOG, SQUARED, ZERO_ONE, profile_of

DATA = Path(__file__).parent / "data"
DAY = 1_000


def reference_of(loss, windows):
    """Profile and null of a reference, from (scores, labels) of its windows."""
    scores, labels = (np.concatenate(column) for column in zip(*windows, strict=True))
    times = DAY * np.repeat(np.arange(len(windows)), [len(part) for part, _ in windows])
    whole = profile_of(loss, scores, labels)
    periods = LossPeriods.of(times, loss.of(scores, labels), DAY)
    return whole, LossNull.fit(whole, periods, DAY * np.arange(len(windows)), size=DAY, min_n=50)


def numbers(losses):
    """Scores and labels whose absolute errors are these."""
    return np.asarray(losses, float), np.zeros(len(losses))


def around(mean, n=100):
    """Losses of one window with this mean exactly, and standard deviation .5."""
    return numbers(mean + 0.5 * np.resize([1, -1], n))


# Equal windows of which each is as far above or below: their squares do not vary, neighbours do not agree.
SWING = [around(2 + 0.3 * sign) for sign in np.resize([1, -1], 20)]


def test_for_equal_windows_it_is_near_students_t_with_a_longer_tail():
    """Of one more window; the tail is averaged over what twenty windows leave possible."""
    ratios = []
    for seed in range(10):
        means = 2 + 0.3 * np.random.default_rng(seed).standard_normal(20)
        whole, null = reference_of(ABSOLUTE, [around(mean) for mean in means])
        error = means.std(ddof=1) * np.sqrt(1 + 1 / len(means))
        far = means.mean() + error * stats.t.isf(P_GRID / 2, len(means) - 1)
        p = np.array([compare(profile_of(ABSOLUTE, *around(mean)), whole, null).p_value for mean in far])
        ratios.append(p / P_GRID)
        assert compare(profile_of(ABSOLUTE, *around(means.mean())), whole, null).p_value == 1
    ratio = np.exp(np.log(ratios).mean(0))
    body = P_GRID >= 0.05
    assert ratio[body] == pytest.approx(np.ones(body.sum()), rel=0.3)
    assert (ratio[P_GRID <= 0.01] > 1.5).all()
    assert (np.diff(ratio[~body]) > 0).all()


def test_it_is_never_narrower_than_independent_outcomes():
    """Windows that agree better than chance lets them: their sampling error is what counts."""
    whole, null = reference_of(ABSOLUTE, [around(2)] * 20)
    sd = np.sqrt(whole.losses.m2 / (whole.n - 1))
    found = compare(profile_of(ABSOLUTE, *around(2 + 2 * sd / 10)), whole, null)
    assert 2 * stats.norm.sf(2) < found.p_value < 1.5 * 2 * stats.t.sf(2, 19)
    errors = [(np.zeros(100), np.repeat([1.0, 0.0], [10, 90]))] * 20
    whole, null = reference_of(ZERO_ONE, errors)
    found = compare(profile_of(ZERO_ONE, np.zeros(100), np.repeat([1.0, 0.0], [17, 83])), whole, null)
    z = 2 * (np.arcsin(np.sqrt(17.375 / 100.75)) - np.arcsin(np.sqrt(10.375 / 100.75))) * 10
    assert 2 * stats.norm.sf(z) < found.p_value < 1.5 * 2 * stats.t.sf(z, 19)


def random_effects(means, n, sd):
    """DerSimonian and Laird (1986) by hand: mean, variance between windows, variance of the mean."""
    w = n / sd**2
    mean = (w * means).sum() / w.sum()
    q = (w * (means - mean) ** 2).sum()
    between = max(0.0, (q - (len(n) - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    return mean, between, 1 / (1 / (between + sd**2 / n)).sum()


@pytest.mark.parametrize("between", [0.0, 0.05, 0.3])
def test_for_windows_of_any_size_it_is_near_the_random_effects_model(between):
    """Where windows are independent and normal, which that model asks for."""
    ratios = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n = (200 * 10 ** rng.uniform(0, 1, 150)).astype(int)
        windows = [numbers(9 + between * rng.normal() + rng.normal(size=k)) for k in n]
        whole, null = reference_of(ABSOLUTE, windows)
        means = np.array([scores.mean() for scores, _ in windows])
        mean, variance, error = random_effects(means, n, 1.0)
        for k in (300, 1000, 1800):
            sd = np.sqrt(variance + 1 / k + error)
            for far in (1.5, 2, 3):
                new = profile_of(ABSOLUTE, *numbers(mean + far * sd + np.resize([1, -1], k)))
                p = compare(new, whole, null).p_value
                ratios.append(p / (2 * stats.t.sf(far, len(n) - 1)))
    ratios = np.log(ratios)
    assert abs(ratios.mean()) < 0.4
    assert np.abs(ratios).max() < 1.7


def test_overlapping_windows_do_not_count_twice():
    rng = np.random.default_rng(5)
    losses = [rng.normal(5 + 0.3 * rng.normal(), 1, 100) for _ in range(48)]
    scores, labels = numbers(np.concatenate(losses))
    whole = profile_of(ABSOLUTE, scores, labels)
    quarter = LossPeriods.of(np.repeat(np.arange(48), 100) * DAY // 4, scores, DAY // 4)
    starts = DAY // 4 * np.arange(45)
    null = LossNull.fit(whole, quarter, starts, size=DAY, min_n=50)
    assert null.table.windows == 12
    assert null.table.df < 44 / 2
    assert LossNull.fit(whole, quarter, starts[:36], size=DAY, min_n=50) is None  # nine and three quarters


STREAMS = [
    pytest.param(weather, ZERO_ONE, 2.0, id="weather"),
    pytest.param(spells, LOG, 2.0, id="spells of weather"),
    pytest.param(users, ZERO_ONE, 2.0, id="users"),
    pytest.param(noise, ABSOLUTE, 0.7, id="noise"),
    pytest.param(noise, SQUARED, 0.7, id="noise, squared"),
]


@pytest.mark.parametrize(("stream", "loss", "rise"), STREAMS)
def test_normal_windows_are_rarely_called_worse_and_worse_ones_are(stream, loss, rise):
    p, iid, worse = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        windows = stream(rng, 40 + 60)  # the days after the reference go on where it ends
        whole, null = reference_of(loss, windows[:40])
        for scores, labels in windows[40:]:
            _, p_value, p_iid, *_ = compare(profile_of(loss, scores, labels), whole, null)
            p.append(p_value)
            iid.append(p_iid)
        for scores, labels in stream(rng, 20, rise):
            worse.append(compare(profile_of(loss, scores, labels), whole, null).p_value)
    p, iid, worse = np.array(p), np.array(iid), np.array(worse)
    assert 0.02 < (p < 0.05).mean() < 0.07
    assert 0.002 < (p < 0.01).mean() < 0.022
    assert (iid < 0.01).mean() > 0.15
    assert (worse < 0.01).mean() > 0.6


def test_windows_with_few_outcomes_are_left_out():
    """Two hundred windows of five outcomes would say of a window of a hundred what they do not know."""
    whole, null = reference_of(ABSOLUTE, SWING)
    rng = np.random.default_rng(0)
    small = [numbers(rng.exponential(2, 49)) for _ in range(200)]
    mixed, with_small = reference_of(ABSOLUTE, [*SWING, *small])
    assert with_small.table.windows == null.table.windows == 20
    assert with_small.table.n_min == 100
    assert mixed.n == whole.n + 200 * 49


def test_where_it_cannot_tell_there_is_none():
    assert reference_of(ABSOLUTE, SWING[:9])[1] is None
    assert reference_of(ABSOLUTE, SWING[:10])[1] is not None
    assert reference_of(ABSOLUTE, [numbers([1.0] * 60)] * 20)[1] is None  # no loss was ever another
    never_wrong = [(np.zeros(100), np.zeros(100))] * 20
    whole, null = reference_of(ZERO_ONE, never_wrong)
    assert compare(profile_of(ZERO_ONE, *never_wrong[0]), whole, null).p_value == 1
    one = compare(profile_of(ZERO_ONE, np.zeros(100), np.arange(100) == 0), whole, null)
    assert 0.2 < one.p_value < 0.5  # of 2,000 right ones one more in a hundred is no surprise
    assert (
        LossNull.fit(whole, LossPeriods.of(*np.zeros((2, 0), int), DAY), np.array([0]), size=DAY, min_n=1)
        is None
    )
    assert np.isnan(compare(profile_of(ZERO_ONE, *never_wrong[0]), whole).p_value)


def test_losses_of_any_size_have_a_p_value():
    whole, null = reference_of(SQUARED, [numbers(scores * 1e-150) for scores, _ in SWING])
    assert null is None  # their squares are 0
    whole, null = reference_of(SQUARED, [numbers(scores * 1e-70) for scores, _ in SWING])
    assert compare(profile_of(SQUARED, *numbers([1e70] * 80)), whole, null).p_value == pytest.approx(1e-9)
    whole, null = reference_of(SQUARED, [numbers(scores * 1e60) for scores, _ in SWING])
    assert 1e-9 < compare(profile_of(SQUARED, *numbers(2.4e60 + np.zeros(100))), whole, null).p_value < 1


TABLE = NullTable(
    np.arange(len(SIZE_GRID) * len(P_GRID), dtype=np.float32).reshape(len(SIZE_GRID), len(P_GRID)),
    typical_n=812.5,
    n_min=200,
    n_max=3000,
    windows=90,
    df=61.5,
)
CLASSES = ClassNull(
    np.arange(len(P_GRID), dtype=np.float32),
    {name: np.arange(length, dtype=np.float32) for name, length in LENGTHS.items()},
)
RUNS_OF_GOLDEN = ComponentRuns(np.arange(7 * len(FOLLOWED), dtype=np.float32).reshape(-1, 7))
GOLDEN = LossNull(TABLE, CLASSES, runs=RUNS_OF_GOLDEN, metrics={"auc": TABLE, "calibration": TABLE})


def same(found, expected):
    assert found.table.quantiles.tolist() == expected.table.quantiles.tolist()
    for name in ("typical_n", "n_min", "n_max", "windows", "df"):
        assert getattr(found.table, name) == getattr(expected.table, name)


def has_the_golden_classes(found):
    assert found.classes.quantiles.tolist() == CLASSES.quantiles.tolist()
    for name in LENGTHS:
        assert found.classes.arrays[name].tolist() == CLASSES.arrays[name].tolist()


def test_format_version_4_is_read():
    data = (DATA / "loss_null_v4.bin").read_bytes()
    assert GOLDEN.to_bytes() == data
    found = LossNull.from_bytes(data)
    same(found, GOLDEN)
    has_the_golden_classes(found)
    assert found.runs.numbers.tolist() == RUNS_OF_GOLDEN.numbers.tolist()
    assert found.runs.statistics == FOLLOWED
    assert list(found.metrics) == ["auc", "calibration"]
    same(LossNull(found.metrics["calibration"]), GOLDEN)


def test_of_format_version_3_there_are_no_metrics():
    found = LossNull.from_bytes((DATA / "loss_null_v3.bin").read_bytes())
    same(found, GOLDEN)
    has_the_golden_classes(found)
    assert found.runs.numbers.tolist() == RUNS_OF_GOLDEN.numbers[:5].tolist()
    assert not found.metrics


def test_format_version_3_of_numbers_is_read():
    null = LossNull(TABLE, bias=TABLE, runs=RUNS_OF_GOLDEN)
    data = (DATA / "loss_null_of_numbers_v3.bin").read_bytes()
    found = LossNull.from_bytes(data)
    same(found, null)
    same(LossNull(found.bias), null)
    assert found.classes is None
    assert found.runs.numbers.tolist() == RUNS_OF_GOLDEN.numbers[:5].tolist()
    same(LossNull(LossNull.from_bytes(null.to_bytes()).bias), null)


def test_of_format_version_2_windows_are_not_known_to_follow_each_other():
    found = LossNull.from_bytes((DATA / "loss_null_v2.bin").read_bytes())
    same(found, GOLDEN)
    has_the_golden_classes(found)
    assert found.runs is None
    numbers = LossNull.from_bytes((DATA / "loss_null_of_numbers_v2.bin").read_bytes())
    same(LossNull(numbers.bias), GOLDEN)
    assert numbers.classes is numbers.runs is None


def test_of_format_version_1_there_is_the_mean_loss():
    data = (DATA / "loss_null_v1.bin").read_bytes()
    assert len(data) == 804
    found = LossNull.from_bytes(data)
    same(found, GOLDEN)
    assert found.classes is found.bias is found.runs is None
    assert np.isnan(found.bias_p(1.0, 100))


def test_a_null_comes_back_as_it_was():
    whole, null = reference_of(ABSOLUTE, SWING)
    again = LossNull.from_bytes(null.to_bytes())
    assert again.runs.numbers.tolist() == null.runs.numbers.tolist()
    window = profile_of(ABSOLUTE, *around(2.7))
    assert compare(window, whole, again) == compare(window, whole, null)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a null of a mean loss"),
        (b"dLN\x05" + GOLDEN.to_bytes()[4:], "upgrade driftline"),
        (LossNull(TABLE).to_bytes()[:-1], "803 bytes instead of 804; build the baseline again"),
        (GOLDEN.to_bytes()[:-1], "cut short or too long: .*; build the baseline again"),
        (GOLDEN.to_bytes() + b"0", "cut short or too long: .*; build the baseline again"),
        (LossNull(TABLE).to_bytes() + b"0", "not a null of error kinds"),
        (GOLDEN.to_bytes()[:4] + b"\x08" + GOLDEN.to_bytes()[5:], "its head says what cannot be"),
    ],
)
def test_what_is_no_null_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        LossNull.from_bytes(data)


def test_a_reference_without_outcomes_has_none():
    silent = PerformanceProfile.of_predictions(ZERO_ONE, np.array([0.9]))
    periods = LossPeriods.of(*np.zeros((2, 0), int), DAY)
    assert LossNull.fit(silent, periods, DAY * np.arange(20), size=DAY, min_n=1) is None
