import struct

import numpy as np
import pytest

from driftline.framing import Arrays, Head, frame, unframe

HEAD = Head(b"dlx", 2, "example", "IB7xqd", "make it again")
FIELDS = (3, 7, -5, 0.5)
DATA = HEAD.pack(*FIELDS) + np.arange(3, dtype="<i8").tobytes() + b"\x01\x02\x03"


def read(data):
    (n, *fields), arrays = HEAD.unpack(data)
    wide, narrow = arrays.take("<i8", n), arrays.take("u1", n)
    arrays.done()
    return (n, *fields), wide.tolist(), narrow.tolist()


def test_a_head_is_tag_version_and_fields_in_order_without_gaps():
    assert HEAD.pack(*FIELDS) == struct.pack("<3sBIB7xqd", b"dlx", 2, *FIELDS)
    assert read(DATA) == (FIELDS, [0, 1, 2], [1, 2, 3])


def test_arrays_are_views_that_cannot_be_written():
    _, arrays = HEAD.unpack(DATA)
    assert not arrays.take("<i8", 3).flags.writeable


def test_an_older_version_is_read_by_the_same_fields():
    assert read(b"dlx\x01" + DATA[4:]) == read(DATA)


def test_every_cut_and_every_byte_too_many_is_refused():
    for end in range(8, len(DATA)):
        with pytest.raises(
            ValueError,
            match=rf"example of {end} bytes is damaged, .*: {end} bytes instead of \d+; make it again",
        ):
            read(DATA[:end])
    with pytest.raises(
        ValueError, match=r"example of \d+ bytes is damaged, .*: 1 bytes too many; make it again"
    ):
        read(DATA + b"\0")
    with pytest.raises(ValueError, match="not a example"):
        read(DATA[:7])


def test_something_else_and_something_newer_are_refused():
    with pytest.raises(ValueError, match=r"not a example: the bytes start with b'dly\\x02', expected b'dlx'"):
        read(b"dly" + DATA[3:])
    for version in (0, 3):
        with pytest.raises(ValueError, match=f"version {version}: this release reads versions up to 2"):
            read(b"dlx" + bytes([version]) + DATA[4:])


def test_arrays_may_begin_anywhere_and_say_where_they_end():
    arrays = Arrays(b"abcd", "letters", at=1)
    assert arrays.take("u1", 2).tobytes() == b"bc"
    assert arrays.at == 3
    with pytest.raises(ValueError, match="start from an older savepoint, or anew"):
        arrays.take("<u2", 1)
    with pytest.raises(ValueError, match="letters of 4 bytes is damaged"):
        Arrays(b"abcd", "letters").take("u1", -1)


@pytest.mark.parametrize("head", [b"[1]", b"{", b"\xff"])
def test_a_head_that_is_no_json_object_is_refused(head):
    data = frame(b"dlx", 1, {}, b"")[:4] + len(head).to_bytes(4, "little") + head
    with pytest.raises(ValueError, match="example with a damaged head"):
        unframe(b"dlx", 1, "example", data)
