from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles import frequent
from driftline.profiles.frequent import CAPACITY, top
from driftline.profiles.hashing import hash_text

FEW = st.dictionaries(st.text(max_size=6), st.integers(1, 50), max_size=12)


def sketch(counts: dict[str, int]) -> bytes:
    texts = list(counts)
    asked = []

    def give(at):
        asked.extend(at)
        return [texts[i] for i in at]

    made = frequent.sketch(
        give, np.array(list(counts.values()), np.int64), hash_text(pa.array(texts, pa.string()))
    )
    assert len(asked) <= CAPACITY
    return made


def ordered(counts: dict[str, int], k: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:k]


@given(st.lists(FEW, max_size=4), st.integers(0, 60))
def test_few_values_are_counted_exactly_in_any_order(parts, k):
    total = sum((Counter(part) for part in parts), Counter())
    forward = frequent.merge([sketch(part) for part in parts])
    back = frequent.merge([frequent.merge([sketch(part)]) for part in reversed(parts)])
    assert top(forward, k) == top(back, k) == ordered(total, k)


def test_nothing_is_no_bytes():
    assert sketch({}) == b""
    assert frequent.merge([]) == frequent.merge([b"", b""]) == b""
    assert top(b"", 5) == []


@pytest.mark.parametrize("seed", range(5))
def test_heavy_values_survive_any_number_of_rare_ones(seed):
    rng = np.random.default_rng(seed)
    total, parts = Counter(), []
    for _ in range(50):
        part = Counter({f"rare-{i}": 1 for i in rng.integers(0, 10**6, 400)})
        part["heavy"], part["second"] = 60, 40
        total += part
        parts.append(sketch(part))
    rng.shuffle(parts)
    merged = frequent.merge([frequent.merge(parts[i : i + 7]) for i in range(0, 50, 7)])
    assert [text for text, _ in top(merged, 2)] == ["heavy", "second"]
    for text, count in top(merged, 2):
        assert total[text] - sum(total.values()) / CAPACITY * 3 <= count <= total[text]
    assert len(merged) < 2000


def test_of_too_many_values_those_of_equal_count_are_kept_the_same_everywhere():
    counts = {f"v{i}": 1 for i in range(500)}
    names = [name for name, _ in top(sketch(counts), 100)]
    assert len(names) == CAPACITY
    again = [name for name, _ in top(sketch(dict(reversed(counts.items()))), 100)]
    assert names == again


def test_a_million_values_make_few_strings():
    assert top(sketch({f"v{i}": 1 + (i == 77) for i in range(1_000_000)}), 1) == [("v77", 2)]


VERSION_1 = bytes.fromhex(
    "04010a060300000003000000000000000d00000000000000000000000000000001000000000000000300000000000000090000000000000000000000010000006106000000e697a5e69cac"
)


def test_bytes_of_version_1_are_read():
    assert top(VERSION_1, 5) == [("日本", 9), ("a", 3), ("", 1)]


@given(st.integers(0, len(VERSION_1) - 1))
def test_bytes_cut_short_are_refused(length):
    with pytest.raises(ValueError, match="cannot be read"):
        frequent.merge([VERSION_1, VERSION_1[:length] or b"\x01"])


def test_foreign_bytes_are_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        top(b"not a sketch at all, but long enough", 1)
