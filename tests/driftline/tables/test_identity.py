"""Row identities never change: tables that exist are full of them."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from driftline.tables import dead_letter_id, detection_id, performance_id, row_id

texts = st.text()
times = st.integers(-(2**63), 2**63 - 1)
keys = st.tuples(texts, texts, texts, times, times)


def test_result_identities_are_those_of_version_1():
    hour = 3_600_000_000
    assert row_id("flights", "*", "distance", 0, hour) == "0f60847ffd67900a708e4f4c337d2f12"
    assert row_id("flights", "origin=JFK", "distance", 0, hour) == "3c1a54227979c588adc778f5af25bff0"
    assert row_id("modèle", "(other)", "prediction", -hour, 0) == "a80225554c36e9732fd7eb699f3a8700"


def test_dead_letter_identities_are_those_of_version_1():
    assert dead_letter_id("flights", "data/a.jsonl", "17") == "9b154ec6f78435ef39a75bcb0c220245"
    assert dead_letter_id("flights", "events/3", "9000000000") == "e0341ee824d247b6be026c5543303492"


def test_performance_and_detection_identities_are_those_of_version_1():
    hour = 3_600_000_000
    assert performance_id("flights", "*", 0, hour) == "e91fbe38565be0cac9bb8f6d4566ea7c"
    assert (
        detection_id("flights", "*", "feature.distance", "page_hinkley", at=-1, detected_at=hour)
        == "3a9176ea8e4636db41be61ebb4ea4015"
    )


def test_a_feature_named_like_a_table_does_not_take_its_identities():
    assert row_id("m", "*", "performance", 0, 1) != performance_id("m", "*", 0, 1)
    assert row_id("table", "performance", "m", 0, 1) != performance_id("m", "*", 0, 1)


@given(keys, keys)
def test_only_equal_detections_share_an_identity(one, other):
    ids = [detection_id("m", *key[:3], at=key[3], detected_at=key[4]) for key in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


def test_anyone_can_compute_the_identity():
    text = b"1:m,1:*,1:f,1:0,8:60000000,"
    assert row_id("m", "*", "f", 0, 60_000_000) == hashlib.sha256(text).hexdigest()[:32]


@given(keys, keys)
def test_only_equal_keys_share_an_identity(one, other):
    assert (row_id(*one) == row_id(*other)) == (one == other)


def test_values_do_not_run_together():
    assert row_id("a", "b,1:c", "d", 0, 1) != row_id("a", "b", "c,1:d", 0, 1)
    assert dead_letter_id("a", "b1", "2") != dead_letter_id("a", "b", "12")


def test_a_lone_surrogate_does_not_stop_the_job():
    assert len(row_id("\ud800", "*", "f", 0, 1)) == 32
