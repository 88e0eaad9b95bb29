"""Messages that become far larger than they are: refused before they do."""

import bz2
import io
import json
import lzma
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding.arrow_messages import ArrowDecoder, read_batches
from driftline.decoding.avro_container import AvroContainerDecoder
from driftline.decoding.avro_messages import AvroDecoder
from driftline.decoding.avro_schema import AvroSchemaError
from driftline.decoding.bounded_decompression import decompress
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.limits import TooLargeError
from driftline.decoding.plain_size import plain_bytes
from driftline.decoding.rejects import Reason
from driftline.transforms.sources.files.file_formats import read_file

SCHEMA = EventSchema("at", "ms", ("t",))
LIMIT = 1 << 20
AVRO = {
    "type": "record",
    "name": "E",
    "fields": [{"name": "at", "type": "long"}, {"name": "t", "type": "string"}],
}
PACK = {
    "deflate": lambda data: zlib.compress(data, 9)[2:-4],
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstandard.compress,
    "snappy": lambda data: (
        pa.Codec("snappy").compress(data, asbytes=True) + zlib.crc32(data).to_bytes(4, "big")
    ),
}


def zigzag(value):
    value <<= 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def container(codec, *blocks, schema=AVRO):
    def text(value):
        return zigzag(len(value)) + value

    head = b"Obj\x01" + zigzag(2) + text(b"avro.schema") + text(json.dumps(schema).encode())
    head += text(b"avro.codec") + text(codec.encode()) + b"\x00" + bytes(16)
    return head + b"".join(zigzag(count) + text(block) + bytes(16) for count, block in blocks)


def record(size):
    return zigzag(5) + zigzag(size) + b"x" * size


def ipc(batch, *, compression=None, file=False):
    sink = pa.BufferOutputStream()
    new = pa.ipc.new_file if file else pa.ipc.new_stream
    with new(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("codec", PACK)
def test_an_avro_block_is_decompressed_up_to_the_limit(codec):
    fits, large = record(LIMIT - 10), record(LIMIT)
    decoder = AvroContainerDecoder(SCHEMA, LIMIT)
    decoded = decoder.decode(
        [container(codec, (1, PACK[codec](fits))), container(codec, (1, PACK[codec](large)))]
    )
    assert [part.records.num_rows for part in decoded.parts] == [1]
    (reject,) = decoded.rejects
    assert (reject.message, reject.reason) == (1, Reason.TOO_LARGE)
    assert "max_expanded_mb" in reject.detail
    with pytest.raises(TooLargeError):
        decompress(codec, PACK[codec](bytes(LIMIT + 1)), LIMIT)


@pytest.mark.parametrize("codec", PACK)
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=3_000), cut=st.integers(0, 60))
def test_what_fits_is_read_and_what_is_cut_is_not(codec, data, cut):
    packed = PACK[codec](data)
    assert decompress(codec, packed, 3_000) == data
    if 0 < cut < len(packed):
        with pytest.raises((ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)):
            decompress(codec, packed[:-cut], 3_000)


def test_blocks_that_fit_one_by_one_are_too_large_together():
    block = (1, zlib.compress(record(LIMIT // 2), 9)[2:-4])
    decoded = AvroContainerDecoder(SCHEMA, LIMIT).decode([container("deflate", *[block] * 100)])
    assert [reject.reason for reject in decoded.rejects] == [Reason.TOO_LARGE]
    assert decoded.parts == ()


def test_records_of_one_byte_count_as_what_they_become():
    schema = {"type": "record", "name": "E", "fields": [{"name": "at", "type": "boolean"}]}
    payload = container("deflate", (LIMIT // 2, zlib.compress(bytes(LIMIT // 2), 9)[2:-4]), schema=schema)
    (reject,) = AvroContainerDecoder(SCHEMA, LIMIT).decode([payload]).rejects
    assert reject.reason is Reason.TOO_LARGE


def test_an_array_of_records_without_bytes_is_no_schema():
    empty = {"type": "record", "name": "E", "fields": [{"name": "at", "type": "null"}]}
    with pytest.raises(AvroSchemaError, match="array of null or of empty records"):
        AvroDecoder(SCHEMA, {"type": "array", "items": empty})


@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_compressed_arrow_is_refused_before_it_is_read(file, compression):
    fits = pa.record_batch({"at": np.zeros(LIMIT // 8 - 200, np.int64)})
    large = pa.record_batch({"at": np.zeros(LIMIT // 8 + 1, np.int64)})
    options = {"compression": compression, "file": file}
    decoded = ArrowDecoder(SCHEMA, LIMIT).decode([ipc(fits, **options), ipc(large, **options)])
    assert [part.records.num_rows for part in decoded.parts] == [fits.num_rows]
    assert [(reject.message, reject.reason) for reject in decoded.rejects] == [(1, Reason.TOO_LARGE)]
    with pytest.raises(TooLargeError):
        next(read_batches(ipc(large, **options), LIMIT))


WORD = "x" * 50_000
REPEATED = {
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int8()), [WORD]),
    "dictionary of views": pa.DictionaryArray.from_arrays(
        pa.array([0] * 1_000, pa.int8()), pa.array([WORD], pa.string_view())
    ),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([1_000], pa.int32()), [WORD]),
    "views": pa.Array.from_buffers(
        pa.string_view(),
        1_000,
        [
            None,
            pa.py_buffer(np.tile(np.array([50_000, 0x78787878, 0, 0], np.int32), 1_000)),
            pa.py_buffer(WORD.encode()),
        ],
    ),
}


@pytest.mark.parametrize("name", REPEATED)
@pytest.mark.parametrize("column", ["at", "t"])
def test_arrow_that_repeats_a_value_is_as_large_as_it_becomes(name, column):
    batch = pa.record_batch(
        {"at": pa.array(range(1_000)), "t": pa.array(["a"] * 1_000), column: REPEATED[name]}
    )
    assert plain_bytes(batch.select([column])) == 1_000 * len(WORD)
    payload = ipc(batch)
    assert len(payload) < LIMIT
    (reject,) = ArrowDecoder(SCHEMA, LIMIT).decode([payload]).rejects
    assert reject.reason is Reason.TOO_LARGE


def test_rows_without_bytes_count_as_events():
    (reject,) = ArrowDecoder(SCHEMA, LIMIT).decode([ipc(pa.record_batch({"at": pa.nulls(2**24)}))]).rejects
    assert reject.reason is Reason.TOO_LARGE


def test_one_batch_of_a_file_is_refused_and_what_is_before_it_read(monkeypatch):
    monkeypatch.setattr("driftline.transforms.sources.files.file_formats.MAX_BLOCK", LIMIT)
    batch = pa.record_batch({"at": pa.array(range(1_000)), "t": REPEATED["dictionary"]})
    (damage,) = read_file(io.BytesIO(ipc(batch)), "a.arrow", "arrow", SCHEMA)
    assert [reject.reason for reject in damage.decoded.rejects] == [Reason.TOO_LARGE]


@pytest.mark.parametrize("kind", [*PACK, "arrow"])
def test_a_bomb_leaves_the_memory_of_a_worker_alone(kind):
    """Half a gigabyte of zeros and more, under a limit of address space that it would exceed."""
    script = """
        import resource, sys
        from driftline.decoding.formats import MessageFormat
        from driftline.decoding.event_schema import EventSchema
        message = sys.stdin.buffer.read()
        decoder = MessageFormat(sys.argv[1]).decoder(EventSchema("at", "ms", ("t",)))
        decoder.decode([message[:100]])
        used = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1])
        limit = (used << 10) + (384 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        print([reject.reason.value for reject in decoder.decode([message]).rejects])
    """
    if kind == "arrow":
        message = ipc(pa.record_batch({"at": np.zeros(1 << 27, np.int64)}), compression="zstd")
    elif kind == "snappy":
        message = container(kind, (1, zigzag(1 << 29) + bytes(30)))
    else:
        make = {
            "deflate": lambda: zlib.compressobj(1, zlib.DEFLATED, -15),
            "bzip2": bz2.BZ2Compressor,
            "xz": lambda: lzma.LZMACompressor(preset=0),
            "zstandard": lambda: zstandard.ZstdCompressor(1).compressobj(),
        }[kind]()
        size = 512 << 4  # 64 kB each
        message = container(
            kind, (1, b"".join([*(make.compress(bytes(1 << 16)) for _ in range(size)), make.flush()]))
        )
    name = "arrow" if kind == "arrow" else "avro_container"
    command = [sys.executable, "-c", textwrap.dedent(script), name]
    done = subprocess.run(command, input=message, capture_output=True, timeout=100, check=False)
    assert done.stdout.decode().strip() == "['too_large']", done.stderr.decode()[-500:]
