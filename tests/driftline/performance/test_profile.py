"""The performance profile: any split, any order, any bytes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.performance import Loss, PerformanceProfile
from driftline.performance.label_delays import count_delays
from driftline.performance.score_grid import bins_of
from tests.driftline.profiles.harness import merged, splits

from .drawing import ABSOLUTE, LOG, SECOND, SQUARED, ZERO_ONE, outcomes, profile_of

DATA = Path(__file__).parent / "data"
LOSSES = [ZERO_ONE, Loss("zero_one", 0.37), LOG, ABSOLUTE, SQUARED]


def assert_same(profile, loss, predictions, scores, labels, delays):
    """Everything recomputed from the raw outcomes."""
    assert (profile.loss, profile.n_predictions, profile.n) == (loss, len(predictions), len(scores))
    near = {"rel": 1e-9, "abs": 1e-12}
    losses = loss.of(scores, labels)
    if len(losses):
        assert profile.losses.mean == pytest.approx(losses.mean(), **near)
        assert profile.losses.m2 == pytest.approx(((losses - losses.mean()) ** 2).sum(), **near)
    assert profile.absolute_sum == pytest.approx(np.abs(scores - labels).sum(), **near)
    assert profile.squared_sum == pytest.approx(((scores - labels) ** 2).sum(), **near)
    assert profile.delays.tolist() == count_delays(delays).tolist()
    signed = 0 if loss.binary else (scores - labels).sum()
    assert profile.signed_sum == pytest.approx(signed, rel=1e-9, abs=1e-9)
    if not loss.binary:
        assert len(profile.predicted) == len(profile.positives) == profile.errors == 0
        return
    assert profile.errors == ((scores >= loss.threshold) != labels).sum()
    assert profile.log_loss_sum == pytest.approx(LOG.of(scores, labels).sum(), **near)
    B = len(profile.predicted)
    bins, all_bins = bins_of(scores, loss.threshold), bins_of(predictions, loss.threshold)
    assert profile.predicted.tolist() == np.bincount(all_bins, minlength=B).tolist()
    assert profile.positives.tolist() == np.bincount(bins[labels == 1], minlength=B).tolist()
    assert profile.negatives.tolist() == np.bincount(bins[labels == 0], minlength=B).tolist()
    np.testing.assert_allclose(profile.predicted_sums, np.bincount(all_bins, predictions, B), rtol=1e-9)
    np.testing.assert_allclose(profile.outcome_sums, np.bincount(bins, scores, B), rtol=1e-9)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_split_any_order_same_result(data):
    loss = data.draw(st.sampled_from(LOSSES))
    size = data.draw(st.sampled_from([0, 1, 2, 30, 300]))
    split = data.draw(splits(2 * size))
    scores, labels, delays = outcomes(data.draw(st.integers(0, 50)), size, binary=loss.binary)
    with_label = np.arange(size) % 3 > 0  # of a third no label ever comes

    def profile(rows):
        """Row i below `size` is a prediction, above it the outcome of one: they come apart."""
        rows = np.array(rows, int)
        come = rows[rows >= size] - size
        come = come[with_label[come]]
        made = PerformanceProfile.of_predictions(loss, scores[rows[rows < size]])
        return made.add_outcomes(scores[come], labels[come], delays[come])

    result = merged(split, 2 * size, profile, PerformanceProfile.merge_all)
    assert_same(result, loss, scores, scores[with_label], labels[with_label], delays[with_label])
    assert_same(
        PerformanceProfile.from_bytes(result.to_bytes()),
        *(loss, scores, scores[with_label], labels[with_label], delays[with_label]),
    )


def test_many_profiles_merge_in_groups():
    scores, labels, delays = outcomes(1, 600)
    parts = [
        profile_of(ZERO_ONE, scores[i : i + 1], labels[i : i + 1], delays[i : i + 1]) for i in range(600)
    ]
    merge = PerformanceProfile.merge_all([part.to_bytes() if i % 2 else part for i, part in enumerate(parts)])
    assert_same(merge, ZERO_ONE, scores, scores, labels, delays)


def test_an_empty_profile_changes_nothing():
    profile = profile_of(LOG, *outcomes(2, 50))
    empty = PerformanceProfile.empty(LOG)
    assert profile.merge(empty).to_bytes() == empty.merge(profile).to_bytes() == profile.to_bytes()
    assert PerformanceProfile.from_bytes(empty.to_bytes()).to_bytes() == empty.to_bytes()


def test_few_outcomes_take_few_bytes_and_many_a_bounded_number():
    def size(n):
        return len(profile_of(ZERO_ONE, *outcomes(3, n)).to_bytes())

    assert len(PerformanceProfile.empty(ZERO_ONE).to_bytes()) == 32
    assert size(1) < 150
    assert size(5) < 300
    assert size(100_000) < 8_000  # grows only with the digits of the counts
    assert len(profile_of(SQUARED, *outcomes(3, 1, binary=False)).to_bytes()) < 100


def test_a_merge_can_not_change_its_inputs():
    profile = profile_of(ZERO_ONE, *outcomes(4, 10))
    for array in (profile.predicted, profile.outcome_sums, profile.delays):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def golden(name):
    loss = {"zero_one": Loss("zero_one", 0.25), "squared": SQUARED}[name]
    scores = np.array([0.0, 0.25, 0.5, 0.5, 1.0]) * (1 if loss.binary else 8)
    labels = np.array([0.0, 0.0, 1.0, 0.0, 1.0])
    delays = np.array([0, 1_500, 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND])
    return profile_of(loss, scores, labels, delays, unlabelled=np.array([0.125, 0.75]))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["zero_one", "squared"])
def test_profiles_of_versions_1_and_2_are_read(name, version):
    data = (DATA / f"performance_{name}_v{version}.bin").read_bytes()
    profile = PerformanceProfile.from_bytes(data)
    if version == 2:
        assert profile.to_bytes() == data
    same = golden(name)
    for part in ("predicted", "outcome_sums", "delays"):  # a logarithm's last bit depends on the processor
        np.testing.assert_allclose(getattr(profile, part), getattr(same, part), rtol=1e-15)
    assert (profile.n_predictions, profile.n, profile.delays.sum()) == (7, 5, 5)
    if name == "zero_one":
        assert (profile.errors, profile.losses.mean) == (2, 0.4)
        assert profile.log_loss_sum == pytest.approx(-np.log(0.75) - 2 * np.log(0.5), abs=1e-9)
    else:
        assert profile.squared_sum == 4 + 9 + 16 + 49
    if name == "squared" and version == 1:
        assert np.isnan([profile.signed_sum, profile.merge(same).signed_sum]).all()
        assert np.isnan(PerformanceProfile.from_bytes(profile.to_bytes()).signed_sum)
        assert PerformanceProfile.empty(same.loss).merge(same).signed_sum == same.signed_sum
    else:
        assert profile.signed_sum == same.signed_sum == (0 if name == "zero_one" else 2 + 3 + 4 + 7)


DAMAGED = golden("zero_one").to_bytes()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(4, len(DAMAGED) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_bytes_are_refused_or_a_profile_that_agrees_with_itself(changes):
    data = bytearray(DAMAGED)
    for at, value in changes:
        data[at] = value
    try:
        profile = PerformanceProfile.from_bytes(bytes(data))
    except ValueError as error:
        assert "performance profile of" in str(error)  # noqa: PT017
    else:
        assert profile.merge(profile).n == 2 * profile.n


@pytest.mark.parametrize("length", range(len(DAMAGED)))
def test_bytes_that_were_cut_short_are_refused(length):
    with pytest.raises(ValueError, match=r"not a performance profile|cut short"):
        PerformanceProfile.from_bytes(DAMAGED[:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"dNP" + DAMAGED[3:], "not a performance profile"),
        (b"dPF\x04" + DAMAGED[4:], "upgrade driftline"),
        (DAMAGED + b"x", "1 bytes too many"),
        (DAMAGED[:4] + b"\x09" + DAMAGED[5:], "damaged"),
        (DAMAGED[:16] + b"\x08" + DAMAGED[17:], "contradict"),
    ],
)
def test_what_is_no_profile_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        PerformanceProfile.from_bytes(data)


def test_profiles_of_two_losses_do_not_merge():
    with pytest.raises(ValueError, match="profile the outcomes again with one loss and threshold"):
        PerformanceProfile.empty(ZERO_ONE).merge(PerformanceProfile.empty(Loss("zero_one", 0.6)))
    with pytest.raises(ValueError, match="no performance profiles to merge"):
        PerformanceProfile.merge_all([])


@pytest.mark.parametrize(
    ("loss", "score", "label", "message"),
    [
        (ZERO_ONE, np.nan, 0, r"score nan in row 1 is not in \[0, 1\], as loss 'zero_one' needs"),
        (LOG, 1.01, 0, r"score 1.01 in row 1 is not in \[0, 1\]"),
        (LOG, 0.5, 2, "label 2.0 in row 1 is not 0 or 1"),
        (SQUARED, np.inf, 0, "score inf in row 1 is not a finite number"),
        (SQUARED, 0, np.nan, "label nan in row 1 is not a finite number"),
    ],
)
def test_what_is_no_outcome_is_refused(loss, score, label, message):
    scores, labels = np.array([0.5, score]), np.array([1.0, label])
    with pytest.raises(ValueError, match=message):
        PerformanceProfile.of_outcomes(loss, scores, labels, np.zeros(2, int))
    if message.startswith("score"):
        with pytest.raises(ValueError, match=message):
            PerformanceProfile.of_predictions(loss, scores)


def test_errors_without_bounds_leave_finite_sums():
    scores, labels = np.array([1.7e308, -1.7e308, 0.0]), np.array([-1.7e308, 1.7e308, 0.0])
    profile = profile_of(SQUARED, scores, labels)
    together = profile.merge(PerformanceProfile.from_bytes(profile.to_bytes()))
    assert np.isfinite([*together.losses, together.squared_sum]).all()
