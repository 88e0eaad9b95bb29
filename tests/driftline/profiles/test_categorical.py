import time
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.encoding import Encoding
from driftline.profiles.hashing import hash_text
from driftline.profiles.hyperloglog import estimate, positions
from driftline.profiles.layout import Layout

from .harness import merged, splits

ARRAYS = ("missing", "counts", "unknown", "registers")
CATEGORIES = ("UA", "DL", "", "é")
KNOWN = ("UA", "DL", "", "é", "HA", "OO")


def hashes_of(texts) -> np.ndarray:
    return np.unique(hash_text(pa.array(list(texts), pa.string())))


def block_of(*features: CategoricalFeature):
    return Layout.of(features).blocks[0]


BLOCK = block_of(
    CategoricalFeature("told", CATEGORIES, hashes_of(KNOWN)),
    CategoricalFeature("untold", CATEGORIES[:2], None),
    CategoricalFeature("none", (), hashes_of([])),
)
# Fewer new values than a sketch holds, so that frequent items are exact too.
VALUE = st.none() | st.sampled_from([*KNOWN, "new", "日本", "x,y"]) | st.text("ab\0", max_size=3)
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=60)


def columns_of(rows) -> list[pa.Array]:
    return [pa.array([row[f] for row in rows], pa.string()) for f in range(3)]


def profile_of(rows) -> CategoricalProfile:
    return CategoricalProfile.of(BLOCK, columns_of(rows))


def assert_equal(one: CategoricalProfile, two: CategoricalProfile) -> None:
    assert (one.fingerprint, one.rows) == (two.fingerprint, two.rows)
    for name in ARRAYS:
        left, right = getattr(one, name), getattr(two, name)
        assert left.dtype == right.dtype
        assert np.array_equal(left, right), name
    for f in range(len(one.frequent)):
        assert one.top(f, 100) == two.top(f, 100)


@given(ROWS)
def test_counts_are_those_of_counting(rows):
    profile = profile_of(rows)
    assert profile.rows == len(rows)
    for f, feature in enumerate(BLOCK.features):
        values = [row[f] for row in rows if row[f] is not None]
        counted = Counter(values)
        own = [counted[category] for category in feature.categories]
        assert profile.missing[f] == len(rows) - len(values)
        assert profile.counts[f].tolist()[: feature.bins] == [*own, len(values) - sum(own)]
        assert not profile.counts[f, feature.bins :].any()
        others = {text: n for text, n in counted.items() if text not in feature.categories}
        if f == 0:
            others = {text: n for text, n in others.items() if text not in KNOWN}
        expected = sorted(others.items(), key=lambda item: (-item[1], item[0]))
        assert profile.top(f, 1000) == expected[:1000]
        if feature.known is None:
            assert profile.unknown[f] == 0
            assert profile.new_categories(BLOCK, f, 5) == []
        else:
            assert profile.unknown[f] == sum(others.values())
            assert profile.new_categories(BLOCK, f, 5) == [text for text, _ in expected[:5]]
        registers = np.zeros(1024, np.uint8)
        np.maximum.at(registers, *positions(hash_text(pa.array(values, pa.string()))))
        assert np.array_equal(profile.registers[f], registers)
    assert np.array_equal(profile.cardinality, estimate(profile.registers))


@given(st.data(), ROWS)
def test_any_split_any_order_same_result(data, rows):
    def profile(numbers):
        return profile_of([rows[i] for i in numbers])

    def merge_all(items):
        return CategoricalProfile.merge_all(items)

    split = data.draw(splits(len(rows)))
    assert_equal(merged(split, len(rows), profile, merge_all), profile_of(rows))


@given(st.lists(ROWS, max_size=4))
def test_merging_and_adding_one_by_one_give_the_same(parts):
    whole = profile_of([row for part in parts for row in part])
    one_by_one = added = CategoricalProfile.empty(BLOCK)
    for part in parts:
        one_by_one = one_by_one.merge(profile_of(part))
        added = added.add(BLOCK, columns_of(part))
    assert_equal(one_by_one, whole)
    assert_equal(added, whole)


@given(ROWS)
def test_bytes_round_trip(rows):
    profile = profile_of(rows)
    assert_equal(CategoricalProfile.from_bytes(profile.to_bytes()), profile)


@pytest.mark.parametrize("n", [1, 255, 256, 70_000])
def test_bytes_round_trip_of_any_size(n):
    texts = [f"v{i % 3000}" for i in range(n)]
    profile = profile_of([(text, "UA", None) for text in texts])
    assert_equal(CategoricalProfile.from_bytes(profile.to_bytes()), profile)
    assert CategoricalProfile.merge_all([profile] * 5).counts.sum() == 2 * n * 5


@given(ROWS, st.integers(0, 60), st.integers(0, 60), st.integers(0, 2**32))
def test_a_group_of_a_flush_is_profiled_as_if_alone(rows, a, b, seed):
    start, end = sorted((min(a, len(rows)), min(b, len(rows))))
    order = np.random.default_rng(seed).permutation(len(rows))
    columns = columns_of(rows)
    chunked = [pa.chunked_array([c.slice(0, 7), c.slice(7)]) for c in columns]
    encoding = Encoding.of(BLOCK, chunked, order)
    group = CategoricalProfile.of_rows(encoding, start, end)
    assert_equal(group, profile_of([rows[i] for i in order[start:end]]))


def test_a_small_group_of_a_flush_with_many_values():
    rows = [(f"v{i}", f"w{i % 7}", None) for i in range(5000)]
    encoding = Encoding.of(BLOCK, columns_of(rows))
    assert_equal(CategoricalProfile.of_rows(encoding, 70, 90), profile_of(rows[70:90]))


def test_a_category_with_a_bin_is_never_unknown():
    block = block_of(CategoricalFeature("f", ("a",), hashes_of(["b"])))
    profile = CategoricalProfile.of(block, [pa.array(["a", "b", "c", "c"])])
    assert profile.unknown.tolist() == [2]
    assert profile.new_categories(block, 0, 5) == ["c"]


def test_merging_changes_no_input_and_arrays_are_read_only():
    profile = profile_of([("UA", "new", None)] * 3)
    before = profile.to_bytes()
    twice = CategoricalProfile.merge_all([profile, profile])
    alone = CategoricalProfile.merge_all([profile])
    assert profile.to_bytes() == before == alone.to_bytes()
    for name in ARRAYS:
        assert not np.shares_memory(getattr(twice, name), getattr(profile, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(profile, name)[...] = 1


def test_profiles_of_different_layouts_do_not_merge():
    other = block_of(*BLOCK.features[:2], CategoricalFeature("none", ("a",), None))
    with pytest.raises(ValueError, match="same baseline"):
        CategoricalProfile.merge_all([CategoricalProfile.empty(BLOCK), CategoricalProfile.empty(other)])
    with pytest.raises(ValueError, match="same baseline"):
        CategoricalProfile.empty(BLOCK).merge(CategoricalProfile.empty(other))


def test_heavy_new_categories_are_named_among_many_rare_ones():
    rng = np.random.default_rng(3)
    parts = []
    for _ in range(30):
        texts = [f"rare-{i}" for i in rng.integers(0, 10**9, 300)] + ["boom"] * 40
        parts.append(profile_of([(text, None, None) for text in texts]).to_bytes())
    whole = CategoricalProfile.merge_all(parts)
    assert whole.new_categories(BLOCK, 0, 1) == ["boom"]
    assert whole.unknown[0] == 30 * 340
    assert whole.cardinality[0] == pytest.approx(9001, rel=0.1)


def test_all_null_and_no_rows():
    nulls = profile_of([(None, None, None)] * 4)
    assert nulls.missing.tolist() == [4, 4, 4]
    assert nulls.cardinality.tolist() == [0, 0, 0]
    assert nulls.counts.sum() == 0
    assert_equal(profile_of([]), CategoricalProfile.empty(BLOCK))


def test_a_category_of_ten_megabytes():
    profile = profile_of([("x" * 10_000_000, "y" * 10_000_000, None), ("UA", None, None)])
    assert profile.counts[:, [0, -1]].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert_equal(CategoricalProfile.from_bytes(profile.to_bytes()), profile)


def test_a_million_categories_take_seconds():
    texts = pa.array(np.arange(1_000_000).astype(str))
    started = time.perf_counter()
    profile = CategoricalProfile.of(BLOCK, [texts, texts, texts])
    assert profile.unknown.tolist() == [1_000_000, 0, 1_000_000]
    assert profile.cardinality == pytest.approx([1_000_000] * 3, rel=0.1)
    assert len(profile.to_bytes()) < 8000
    assert time.perf_counter() - started < 20


def test_few_values_make_few_bytes():
    features = [CategoricalFeature(f"f{i}", tuple("abcdefgh"), None) for i in range(10)]
    block = block_of(*features)
    profile = CategoricalProfile.of(block, [pa.array(list("abcd") * 50)] * 10)
    assert len(profile.to_bytes()) < 10 * 32


VERSION_1 = bytes.fromhex(
    "64435001b9671b3515c592fa04000000000000000300050000000105000000010204010000010000000200010100000000000000b5015f03ef037b05e0060103040401320000002d0000000000000004010a0603000000010000000000000001000000000000000000000000000000010000000000000006000000e697a5e69cac04010a060300000001000000000000000100000000000000000000000000000001000000000000000100000078"
)


def test_bytes_of_version_1_are_read():
    profile = CategoricalProfile.from_bytes(VERSION_1)
    assert profile.fingerprint == bytes.fromhex("b9671b3515c592fa")
    assert profile.rows == 4
    assert profile.missing.tolist() == [1, 2, 4]
    assert profile.counts.tolist() == [[1, 0, 0, 0, 2], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    assert profile.unknown.tolist() == [1, 0, 0]
    assert profile.cardinality.round().tolist() == [3, 2, 0]
    assert profile.top(0, 5) == [("日本", 1)]
    assert profile.top(1, 5) == [("x", 1)]
    again = CategoricalProfile.from_bytes(profile.to_bytes())
    assert (again.registers == profile.registers).all()


def test_earlier_bytes_are_of_the_same_rows():
    rows = [("UA", "DL", None), ("HA", None, None), ("日本", "x", None), (None, None, None)]
    now, before = profile_of(rows), CategoricalProfile.from_bytes(VERSION_1)
    for part in ("fingerprint", "rows", "frequent"):
        assert getattr(now, part) == getattr(before, part)
    assert (now.counts == before.counts).all()
    merged = now.merge(before)  # a window that was open when the release changed
    assert merged.rows == 8
    assert (merged.cardinality <= now.cardinality + before.cardinality + 0.01).all()


def test_dense_bytes_of_version_1_are_read():
    head = VERSION_1[:4] + bytes(8) + (5).to_bytes(8, "little") + b"\x01\x00" + (2).to_bytes(4, "little")
    dense = head + b"\x01" + b"\xff" * 4 + b"\x01\x00\x03\x01" + bytes(range(4)) * 256 + bytes(4)
    profile = CategoricalProfile.from_bytes(dense)
    assert profile.counts.tolist() == [[3, 1]]
    assert profile.registers[0, :6].tolist() == [0, 1, 2, 3, 0, 1]
    assert profile.to_bytes()[-1028:] == dense[-1028:]


@given(st.integers(0, len(VERSION_1) - 1))
def test_bytes_cut_short_are_refused(length):
    with pytest.raises(ValueError, match=r"cut short|not a categorical profile"):
        CategoricalProfile.from_bytes(VERSION_1[:length])


@given(st.binary(max_size=200))
def test_damaged_bytes_are_refused(noise):
    with pytest.raises(ValueError, match=r"damaged|not a|version"):
        CategoricalProfile.from_bytes(VERSION_1[: len(VERSION_1) // 2] + noise + b"end")


BUCKETED = block_of(
    CategoricalFeature("many", ("UA",), hashes_of(KNOWN), 8), CategoricalFeature("few", ("UA", "DL"))
)
PAIRS = st.lists(st.tuples(VALUE, VALUE), max_size=30)


@given(st.lists(PAIRS, min_size=1, max_size=4), st.randoms())
def test_hash_buckets_count_every_value_in_any_split_and_order(parts, random):
    columns = [[pa.array([row[f] for row in part], pa.string()) for f in range(2)] for part in parts]
    profiles = [CategoricalProfile.of(BUCKETED, part) for part in columns]
    random.shuffle(profiles)
    merged = CategoricalProfile.merge_all([each.to_bytes() for each in profiles])
    values = [row[0] for part in parts for row in part if row[0] is not None]
    expected = [0] * 8
    for text in values:
        expected[(int(hashes_of([text])[0]) * 0x9E3779B97F4A7C15 % 2**64 >> 32) % 8] += 1
    assert merged.buckets.tolist() == [expected, [0] * 8]
    again = CategoricalProfile.from_bytes(merged.to_bytes())
    assert again.to_bytes() == merged.to_bytes()
    assert again.buckets.tolist() == merged.buckets.tolist()
    empty = CategoricalProfile.empty(BUCKETED)
    assert empty.merge(merged).buckets.tolist() == merged.buckets.tolist()


def test_foreign_and_newer_bytes_are_refused():
    with pytest.raises(ValueError, match="not a categorical profile"):
        CategoricalProfile.from_bytes(Layout.of([NumericFeature("a", np.array([1.0]))]).to_bytes())
    with pytest.raises(ValueError, match="version 5"):
        CategoricalProfile.from_bytes(VERSION_1[:3] + b"\x05" + VERSION_1[4:])
