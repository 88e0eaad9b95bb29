"""The join of a shard: the same as a batch join, however the rows come; and what it keeps meanwhile."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.outcomes import LABELS, PREDICTIONS, MatchRule, settle, waiting
from driftline.outcomes.packed_rows import encode_labels, encode_predictions
from driftline.outcomes.row_arrays import Labels, Predictions
from tests.driftline.outcomes import brute_force

END = 1 << 62
WAIT = 10
RULE = MatchRule(WAIT, 6)


def key(number):
    """Ids that share one half or the other."""
    return number // 3, number % 3


def number_of(row):
    return row["id_high"] * 3 + row["id_low"]


def predictions_of(rows):
    """(id, time, segment, score) as a batch."""
    high, low = ([key(row[0])[half] for row in rows] for half in (0, 1))
    columns = [high, low, *([row[n] for row in rows] for n in (1, 2, 3))]
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, PREDICTIONS, strict=True)], schema=PREDICTIONS
    )


def labels_of(rows, where=None):
    """(id, time, label) as a batch."""
    high, low = ([key(row[0])[half] for row in rows] for half in (0, 1))
    columns = [
        high,
        low,
        [row[1] for row in rows],
        [row[2] for row in rows],
        [f"at {row[1]}" for row in rows] if where is None else where,
    ]
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, LABELS, strict=True)], schema=LABELS
    )


def block(row):
    if len(row) == 4:
        return encode_predictions(Predictions.of(predictions_of([row])))
    return encode_labels(Labels.of(labels_of([row])))


class Shard:
    """A shard as a runner would hold it, with all that it ever said."""

    def __init__(self, rule=RULE, span=None):
        self.rule, self.span = rule, span
        self.held, self.arrived, self.later = [], [], []
        self.outcomes, self.unmatched, self.looks = [], [], []
        self.expired = self.duplicate_predictions = self.duplicate_labels = self.waiting = 0

    def add(self, *rows):
        self.arrived += [block(row) for row in rows]

    def look(self, cut):
        horizon = None if self.span is None else cut + self.span
        found = settle(self.held, self.arrived + self.later, cut, self.rule, horizon)
        self.held = found.blocks if found.instead else self.held + found.blocks
        self.arrived, self.later = [], found.later
        outcomes = found.outcomes.to_pylist()
        self.outcomes += [
            (number_of(row), *(row[n] for n in ("time", "segment", "score", "label", "known")))
            for row in outcomes
        ]
        self.unmatched += [
            (number_of(row), row["time"], row["label"], row["reason"]) for row in found.unmatched.to_pylist()
        ]
        self.expired += found.expired
        self.duplicate_predictions += found.duplicate_predictions
        self.duplicate_labels += found.duplicate_labels
        self.waiting = found.waiting
        return found


def check_counts(shard, predictions, labels):
    """All that came is accounted for."""
    arrived = len(shard.arrived) + len(shard.later)
    assert arrived == 0
    assert len(shard.outcomes) + shard.expired + shard.waiting + shard.duplicate_predictions == len(
        predictions
    )
    waiting = settle(shard.held, [], END, shard.rule)
    labels_left = len(labels) - len(shard.outcomes) - len(shard.unmatched) - shard.duplicate_labels
    ends = waiting.outcomes.num_rows + waiting.unmatched.num_rows + waiting.duplicate_labels
    assert labels_left == ends


ids = st.integers(0, 7)
times = st.integers(-20, 60)
prediction_rows = st.tuples(
    ids, times, st.sampled_from(["*", "s=a", "s=b"]), st.sampled_from([0.0, 0.5, 1.0])
)
label_rows = st.tuples(ids, times, st.sampled_from([0.0, 1.0]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(prediction_rows, max_size=40),
    st.lists(label_rows, max_size=40),
    st.integers(1, 25),
    st.randoms(use_true_random=False),
    st.sampled_from([None, 1, 15]),
)
def test_any_interleaving_equals_a_batch_join(predictions, labels, slice_length, random, span):
    """Rows come in any order, each some time before the watermark passes it."""
    shard = Shard(span=span)
    rows = [*predictions, *labels]
    random.shuffle(rows)
    left = [(row, row[1] - random.randint(0, 40)) for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "_SPARE", random.choice([0, 1 << 20]))
        patch.setattr(waiting, "MOST_BLOCKS", random.choice([3, 1000]))
        patch.setattr(waiting, "_ROWS_A_BLOCK", random.choice([2, 1000]))
        for cut in range(-20, 110, slice_length):
            shard.add(*(row for row, at in left if at < cut))
            left = [(row, at) for row, at in left if at >= cut]
            so_far = len(shard.outcomes)
            shard.look(cut)
            known = [row[5] for row in shard.outcomes[so_far:]]
            assert all(cut - slice_length <= k < cut for k in known)
            check = brute_force.join(
                [p for p in predictions if p[1] < cut], [x for x in labels if x[1] < cut], WAIT, RULE.remember
            )
            assert shard.outcomes == check.outcomes  # in order: what is said is final
    found = brute_force.join(predictions, labels, WAIT, RULE.remember)
    shard.look(END)
    assert shard.outcomes == found.outcomes
    assert sorted(shard.unmatched) == found.unmatched
    assert shard.expired == len(found.expired)
    assert shard.duplicate_predictions == found.duplicate_predictions
    assert shard.duplicate_labels == found.duplicate_labels
    assert shard.waiting == 0
    assert shard.held == []


placed_labels = st.tuples(label_rows, st.sampled_from([None, "a", "a\t1", "a\t2", "b"]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(prediction_rows, max_size=8),
    st.lists(placed_labels, max_size=40),
    st.integers(1, 25),
    st.randoms(use_true_random=False),
)
def test_which_of_equal_labels_is_unmatched_does_not_depend_on_arrival(
    predictions, labels, slice_length, random
):
    first = {}
    for row, where in labels:
        first[row] = min(first.get(row, where), where, key=lambda where: (where is None, where or ""))
    found = brute_force.join(predictions, [row for row, _ in labels], WAIT, RULE.remember)
    shard, unmatched = Shard(), []
    left = [(block(row), row[1] - random.randint(0, 40)) for row in predictions]
    for row, where in random.sample(labels, len(labels)):
        one_label = encode_labels(Labels.of(labels_of([row], [where])))
        left.append((one_label, row[1] - random.randint(0, 40)))
    for cut in (*range(-20, 110, slice_length), END):
        shard.arrived = [data for data, at in left if at < cut]
        left = [(data, at) for data, at in left if at >= cut]
        unmatched += shard.look(cut).unmatched.to_pylist()
    assert sorted(
        ((number_of(row), row["time"], row["label"], row["reason"], row["where"]) for row in unmatched),
        key=lambda row: row[:3],
    ) == [(*row, first[row[:3]]) for row in found.unmatched]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(prediction_rows | label_rows, max_size=60),
    st.lists(st.integers(1, 6), min_size=1),
    st.lists(st.integers(-20, 80), min_size=1, max_size=12),
)
def test_counts_add_up_however_late_rows_come(rows, sizes, cuts):
    """Rows come in any order, many of them long after their time was looked at."""
    shard = Shard()
    predictions = [row for row in rows if len(row) == 4]
    labels = [row for row in rows if len(row) == 3]
    left, come_p, come_l = list(rows), [], []
    for index, cut in enumerate(sorted(cuts)):
        some, left = left[: sizes[index % len(sizes)]], left[sizes[index % len(sizes)] :]
        shard.add(*some)
        come_p += [row for row in some if len(row) == 4]
        come_l += [row for row in some if len(row) == 3]
        shard.look(cut)
        check_counts(shard, come_p, come_l)
    shard.add(*left)
    shard.look(END)
    check_counts(shard, predictions, labels)
    assert shard.waiting == 0
    pairs = [(row[0], row[1]) for row in shard.outcomes]
    assert len(pairs) == len(set(pairs))
    for row in shard.outcomes:
        assert row[:4] in predictions
        assert any(x[0] == row[0] and x[2] == row[4] and max(x[1], row[1]) == row[5] for x in labels)
        assert row[5] - row[1] <= WAIT


def one(*rows, looks=(), rule=RULE):
    """All rows at once, then looks, the last at the end of time."""
    shard = Shard(rule)
    shard.add(*rows)
    for cut in (*looks, END):
        shard.look(cut)
    return shard


def test_the_deadline_itself_is_in_time():
    assert one((1, 0, "*", 0.5), (1, WAIT, 1.0)).outcomes == [(1, 0, "*", 0.5, 1.0, WAIT)]
    assert one((1, 0, "*", 0.5), (1, -WAIT, 1.0)).outcomes == [(1, 0, "*", 0.5, 1.0, 0)]
    late = one((1, 0, "*", 0.5), (1, WAIT + 1, 1.0))
    assert (late.outcomes, late.unmatched, late.expired) == ([], [(1, WAIT + 1, 1.0, "after_deadline")], 1)
    early = one((1, 0, "*", 0.5), (1, -WAIT - 1, 1.0))
    assert (early.outcomes, early.unmatched, early.expired) == ([], [(1, -WAIT - 1, 1.0, "no_prediction")], 1)


def test_a_prediction_expires_when_no_label_can_come_any_more():
    shard = Shard()
    shard.add((1, 0, "*", 0.5))
    assert (shard.look(WAIT).expired, shard.waiting) == (0, 1)
    assert (shard.look(WAIT + 1).expired, shard.waiting) == (1, 0)
    assert shard.look(WAIT + 2).expired == 0


def test_a_label_that_comes_when_its_prediction_has_expired():
    """Its time is before the deadline, but it came behind the watermark."""
    shard = Shard()
    shard.add((1, 0, "*", 0.5))
    shard.look(WAIT + 1)
    shard.add((1, 3, 1.0))
    shard.look(WAIT + 2)
    assert (shard.outcomes, shard.unmatched) == ([], [(1, 3, 1.0, "after_deadline")])


def test_how_long_a_prediction_is_remembered():
    for rule, after, reason in [
        (MatchRule(10, 6), 16, "after_deadline"),
        (MatchRule(10, 6), 17, "no_prediction"),
        (MatchRule(10, 0), 11, "no_prediction"),
    ]:
        for looks in [(), range(0, 40, 3)]:
            shard = one((1, 0, "*", 0.5), (1, after, 1.0), looks=looks, rule=rule)
            assert shard.unmatched == [(1, after, 1.0, reason)]


def test_a_duplicate_is_known_after_the_match_until_the_deadline():
    shard = Shard()
    shard.add((1, 0, "*", 0.5), (1, 1, 1.0))
    shard.look(2)
    shard.add((1, 5, "*", 0.5), (1, WAIT, 0.0))
    shard.look(WAIT + 1)
    assert (shard.duplicate_predictions, shard.duplicate_labels, len(shard.outcomes)) == (1, 1, 1)
    shard.add((1, WAIT + 1, "*", 0.7))  # by now another request
    shard.look(END)
    assert (shard.duplicate_predictions, shard.expired) == (1, 1)


def test_of_differing_duplicates_the_smaller_one_stands():
    rows = [(1, 5, "*", 0.5), (1, 5, "*", 0.4), (1, 4, "b", 0.9), (1, 4, "a", 0.9)]
    labels = [(1, 7, 1.0), (1, 7, 0.0), (1, 8, 0.0)]
    for order in (rows, rows[::-1]):
        shard = one(*order, *labels)
        assert shard.outcomes == [(1, 4, "a", 0.9, 0.0, 7)]
        assert (shard.duplicate_predictions, shard.duplicate_labels) == (3, 2)


def test_ids_that_share_half_of_their_hash_are_different():
    shard = one((0, 0, "*", 0.1), (1, 0, "*", 0.2), (3, 0, "*", 0.3), (1, 1, 1.0))
    assert shard.outcomes == [(1, 0, "*", 0.2, 1.0, 1)]
    assert (shard.expired, shard.duplicate_predictions) == (2, 0)


def test_days_apart_are_unmatched():
    day = 86_400_000_000
    shard = one((1, 0, "*", 0.1), (1, day, 1.0), (2, 0, "*", 0.1), (2, -day, 0.0), looks=[100, 1000])
    assert shard.unmatched == [(2, -day, 0.0, "no_prediction"), (1, day, 1.0, "no_prediction")]
    assert shard.expired == 2


def test_one_id_for_all_requests():
    """Many predictions under one id, further apart than the wait: each is one of its own."""
    n = 2000
    shard = Shard(MatchRule(1, 0))
    rows = [(5, 3 * t, "*", 0.5) for t in range(n)]
    shard.arrived = [encode_predictions(Predictions.of(predictions_of(rows)))]
    shard.look(END)
    assert shard.expired == n


def test_what_is_to_be_done_next():
    shard = Shard()
    shard.add((1, 5, "*", 0.5), (2, 7, 1.0), (3, 30, 1.0))
    assert shard.look(0).next == 5
    assert shard.look(6).next == 7
    assert shard.look(8).next == 15
    assert shard.look(16).next == 17
    assert shard.look(18).next == 30
    assert shard.look(31).next == 40
    found = shard.look(41)
    assert (found.next, found.blocks, found.instead) == (None, [], True)


def test_a_matched_prediction_is_forgotten_in_the_end():
    shard = Shard()
    shard.add((1, 5, "*", 0.5), (1, 6, 1.0))
    assert shard.look(7).next == 5 + WAIT + RULE.remember
    assert len(shard.held) == 1
    shard.look(22)
    assert shard.held == []


def test_rows_beyond_the_horizon_are_given_back():
    shard = Shard(span=100)
    shard.add((1, 5, "*", 0.5), (1, 120, 1.0), (2, 110, "*", 0.5))
    found = shard.look(6)
    assert len(found.later) == 2
    assert found.waiting == 1


def test_state_does_not_grow_with_what_is_over():
    """Held bytes stay below one and a half times what is needed, and are not rewritten at every look."""
    rng = np.random.default_rng(5)
    shard, written, rows, most = Shard(MatchRule(1000, 0)), 0, 0, 0
    for cut in range(100, 6000, 100):
        n = 2000
        high = rng.integers(0, 2**63, n).astype(np.uint64)
        time = np.sort(rng.integers(cut - 100, cut, n))
        batch = pa.RecordBatch.from_arrays(
            [pa.array(c) for c in (high, high, time, np.array(["*"] * n), rng.random(n))], schema=PREDICTIONS
        )
        shard.arrived = [encode_predictions(Predictions.of(batch))]
        found = shard.look(cut)
        written += sum(map(len, found.blocks))
        rows += n
        most = max(most, sum(map(len, shard.held)))
    assert most < 1.5 * 30 * 22_000 + (64 << 10)
    assert written / rows < 100


def test_a_missing_block_is_an_error():
    shard = Shard()
    shard.add((1, 5, "*", 0.5))
    shard.look(6)
    shard.add((2, 7, "*", 0.5))
    shard.look(8)
    with pytest.raises(ValueError, match="starts at row 1, expected 0"):
        settle(shard.held[1:], [], 9, RULE)
