import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.hashing import LONG, SEED, hash_text

WORD = (1 << 64) - 1


def murmur(data: bytes) -> int:
    """MurmurHash64A, one byte string at a time."""
    m = 0xC6A4A7935BD1E995
    h = (SEED ^ (len(data) * m)) & WORD
    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        k = int.from_bytes(data[i : i + 8], "little") * m & WORD
        h = ((h ^ ((k ^ (k >> 47)) * m & WORD)) * m) & WORD
    if data[whole:]:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * m) & WORD
    h = (h ^ (h >> 47)) * m & WORD
    return h ^ (h >> 47)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # std::hash<std::string> of g++ on x86-64
        ("", 0x553E93901E462A6E),
        ("a", 0x454DDEE488C1ED6B),
        ("JFK", 0x08168860A4471CBF),
        ("1234567", 0x6D7A4E79E8A2CBF6),
        ("12345678", 0x8C5B90A33A04DCA5),
        ("123456789", 0xAAEB28D3D5F165C0),
        ("driftline, 64 bins", 0x32F10C2579C9816B),
        ("été", 0xC06ADAF473848E7B),
        ("x" * 300, 0x22CA68B5156657BD),
    ],
)
def test_hash_never_changes(text, code):
    assert hash_text(pa.array([text])).tolist() == [code]


def test_hash_of_long_text_never_changes():
    assert hash_text(pa.array(["k" * 5000, "a"])).tolist() == [0x65ECC3BBD7306F15, 0x454DDEE488C1ED6B]


@given(st.lists(st.text(max_size=40)), st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_hash_is_that_of_each_value_alone(texts, skipped, dtype):
    array = pa.array(["skipped, ü"] * skipped + texts, dtype).slice(skipped)
    assert hash_text(array).tolist() == [murmur(text.encode()) for text in texts]


def test_null_hashes_as_the_empty_string():
    nulls = pa.array(["abc", "abc"]).take(pa.array([0, None, 1]))
    assert hash_text(nulls)[1] == murmur(b"")
    # Arrow allows text behind a null.
    valid, offsets, text = pa.array(["abc", "def"]).buffers()
    assert valid is None
    hidden = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x02"), offsets, text])
    assert hash_text(hidden).tolist() == [murmur(b""), murmur(b"def")]


def test_bits_are_spread():
    codes = hash_text(pa.array([f"user-{i}" for i in range(100_000)]))
    assert len(np.unique(codes)) == 100_000
    shares = np.unpackbits(codes.view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(shares - 0.5).max() < 0.01


def test_a_text_of_ten_megabytes_is_hashed_at_once():
    texts = pa.array(["x" * 10_000_000, "x" * 9_999_999, "x" * LONG])
    started = time.perf_counter()
    codes = hash_text(texts)
    assert len(set(codes.tolist())) == 3
    assert time.perf_counter() - started < 2


def test_no_values():
    assert hash_text(pa.array([], pa.string())).shape == (0,)
    assert hash_text(pa.array([""])).tolist() == [murmur(b"")]
