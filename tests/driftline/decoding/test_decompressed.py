"""Compressed text, cut, padded and damaged at any place: every line before the damage is read."""

import bz2
import gzip
import io
import random
import zlib

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.decompressed import DecompressedFile

RANDOM = random.Random(3)
TEXT = b"".join(b'{"at": %d, "x": %d}\n' % (at, RANDOM.randrange(10**9)) for at in range(20_000))


def lz4(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACK = {
    "gzip": gzip.compress,
    "bz2": lambda data: bz2.compress(data, 1),
    "zstd": zstandard.compress,
    "lz4": lz4,
}
WHOLE = {name: pack(TEXT) for name, pack in PACK.items()}
PADDED = ("gzip", "bz2", "zstd")


def read(data, compression, size=1 << 22):
    file = DecompressedFile(io.BytesIO(data), compression)
    pieces = []
    while piece := file.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces), file.damage


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("size", [700, 1 << 22])
def test_whole_files_of_one_and_several_members(compression, size):
    whole = WHOLE[compression]
    assert read(whole, compression, size) == (TEXT, None)
    if compression in PADDED:
        assert read(whole + PACK[compression](b"") + whole, compression, size) == (TEXT * 2, None)
    assert read(b"", compression)[0] == b""


@pytest.mark.parametrize("compression", PADDED)
@pytest.mark.parametrize("zeros", [1, 511, 300_000])
def test_zeros_behind_the_data_are_no_damage(compression, zeros):
    assert read(WHOLE[compression] + bytes(zeros), compression) == (TEXT, None)


def all_that_is_whole(data, compression):
    """What the library itself gives of the beginning of a file."""
    make = {
        "gzip": lambda: zlib.decompressobj(31),
        "bz2": bz2.BZ2Decompressor,
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    }[compression]
    return make().decompress(data)


@pytest.mark.parametrize("compression", PADDED)
@settings(max_examples=15, deadline=None)
@given(place=st.floats(0.0, 0.999), behind=st.sampled_from([b"", bytes(5_000), b"U" * 5_000]))
def test_a_cut_file_gives_what_is_before_the_cut(compression, place, behind):
    whole = WHOLE[compression]
    cut = max(1, int(len(whole) * place))
    text, damage = read(whole[:cut] + behind, compression)
    assert damage is not None
    assert text.startswith(all_that_is_whole(whole[:cut], compression))
    if not behind:
        assert TEXT.startswith(text)


@pytest.mark.parametrize("behind", [b"", bytes(5_000)])
def test_cut_lz4_loses_some_blocks_before_the_cut(behind):
    whole = WHOLE["lz4"]
    text, damage = read(whole[: len(whole) * 9 // 10] + behind, "lz4")
    assert damage is not None
    assert TEXT.startswith(text)
    assert len(text) > len(TEXT) // 2


@pytest.mark.parametrize("compression", PACK)
def test_other_bytes_behind_the_data_are_damage(compression):
    text, damage = read(WHOLE[compression] + b"garbage", compression)
    assert (text, damage is not None) == (TEXT, True)


def test_a_file_system_that_fails_is_not_damage():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError(104, "reset")

    with pytest.raises(ConnectionResetError):
        DecompressedFile(Failing(b"x"), "gzip").read(10)


@pytest.mark.parametrize("compression", PADDED)
def test_memory_stays_bounded(compression):
    zeros = 200 << 20
    if compression == "zstd":
        packed = zstandard.compress(bytes(zeros))
    else:
        packed = {
            "gzip": lambda: gzip.compress(bytes(zeros), 1),
            "bz2": lambda: bz2.compress(bytes(1 << 20)) * 200,
        }[compression]()
    file = DecompressedFile(io.BytesIO(packed), compression)
    total = largest = 0
    while piece := file.read(1 << 20):
        total += len(piece)
        largest = max(largest, len(file._rest))
    assert (total, file.damage) == (zeros, None)
    assert largest <= 33 << 20
