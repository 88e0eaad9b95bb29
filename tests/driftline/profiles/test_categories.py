from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.categories import KNOWN, Categories
from driftline.profiles.hashing import hash_text

TEXTS = st.lists(st.none() | st.text(max_size=3), max_size=40)


def of(texts) -> Categories:
    return Categories.of(pa.array(texts, pa.string()))


def ordered(texts) -> list[tuple[str, int]]:
    counted = Counter(text for text in texts if text is not None)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


@given(st.lists(TEXTS, min_size=1, max_size=5), st.randoms())
def test_any_split_any_order_same_counts(parts, random):
    categories = [of(part) for part in parts]
    random.shuffle(categories)
    merged = Categories.merge_all(categories)
    assert list(merged.counts().items()) == ordered([text for part in parts for text in part])
    assert merged.exact


@given(TEXTS, st.integers(1, 10))
def test_the_largest_categories_get_bins_and_all_are_known(texts, bins):
    feature = of(texts).feature("carrier", bins)
    assert feature.categories == tuple(text for text, _ in ordered(texts))[:bins]
    assert feature.known.tolist() == sorted(
        set(hash_text(pa.array([t for t in texts if t is not None], pa.string())).tolist())
    )


@pytest.mark.parametrize(
    ("distinct", "exact", "told"),
    [(KNOWN, True, True), (KNOWN + 1, True, False), (12_288, True, False), (30_000, False, False)],
)
def test_of_many_categories_there_is_a_filter(distinct, exact, told):
    texts = pa.array([f"v{i}" for i in range(distinct)] + ["v7"] * 99)
    categories = Categories.merge_all([Categories.of(texts.slice(i * 5000, 5000)) for i in range(7)])
    assert categories.exact == exact
    feature = categories.feature("user", 64)
    assert isinstance(feature.known, np.ndarray) == told
    assert feature.vocabulary == pytest.approx(distinct, rel=0 if told else 0.03)
    assert not feature.lacked(hash_text(texts)).any()
    assert feature.lacked(hash_text(pa.array([f"w{i}" for i in range(5000)]))).mean() > 0.98
    assert feature.categories[0] == "v7"
    assert len(feature.categories) == 64


def test_a_million_categories_keep_the_heavy_ones():
    rng = np.random.default_rng(0)
    texts = pa.array(np.where(rng.random(1_000_000) < 0.01, 5, rng.permutation(1_000_000)).astype(str))
    feature = Categories.of(texts).feature("user", 3)
    assert feature.categories[0] == "5"
    assert feature.lacked(hash_text(pa.array([f"new {i}" for i in range(5000)]))).mean() > 0.97
    assert feature.vocabulary == pytest.approx(990_000, rel=0.03)


def test_without_the_values_of_all_pieces_many_categories_are_not_known():
    texts = pa.array([f"v{i}" for i in range(2 * KNOWN)])
    old = Categories(Categories.of(texts).sketch, None)  # as an earlier release gathered it
    assert Categories.merge_all([old, of(["a"])]).feature("user", 64).known is None
    assert Categories(of(["a", "b"]).sketch, None).feature("user", 64).known is not None


@pytest.mark.parametrize(("distinct", "buckets"), [(0, 0), (64, 0), (65, 64), (1000, 64)])
def test_only_where_categories_lack_a_bin_are_there_buckets(distinct, buckets):
    assert of([f"v{i}" for i in range(distinct)]).feature("c", 64).buckets == buckets


def test_all_null():
    feature = of([None, None]).feature("carrier", 64)
    assert feature.categories == ()
    assert feature.known.tolist() == []


def test_a_category_of_ten_megabytes():
    assert of(["x" * 10_000_000, "a", "a"]).feature("f", 1).categories == ("a",)


def test_a_sketch_cut_short_is_refused():
    with pytest.raises(ValueError, match="survey the reference again"):
        Categories(of(["a", "b"]).sketch[:-3]).counts()
