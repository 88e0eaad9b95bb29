import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.profiles.binned_features import CategoricalFeature, NumericFeature
from driftline.profiles.layout import Block, Layout, WholeRows
from driftline.profiles.value_filter import ValueFilter

VERSION_1 = (Path(__file__).parent / "data" / "layout.1").read_text()


def example():
    return Layout.of(
        [
            CategoricalFeature("carrier", ("UA", "DL", "ü,="), np.array([3, 2**64 - 1], np.uint64)),
            NumericFeature("distance", np.array([-1.5, 0.0, np.nextafter(0.0, 1.0), 1e308])),
            CategoricalFeature("origin", (), None),
            NumericFeature("empty", np.empty(0)),
        ]
    )


def assert_equal(a, b):
    assert [(x.name, x.kind, x.names) for x in a.blocks] == [(x.name, x.kind, x.names) for x in b.blocks]
    for x, y in zip(a.features, b.features, strict=True):
        if x.kind == "numeric":
            assert x.edges.tobytes() == y.edges.tobytes()
        else:
            assert x.categories == y.categories
            assert (x.known is None) == (y.known is None)
            assert x.known is None or (x.known.dtype == np.uint64 and x.known.tolist() == y.known.tolist())


def test_groups_by_kind_in_blocks_of_64():
    features = [NumericFeature(f"n{i}", np.arange(i % 3)) for i in range(130)]
    features.insert(5, CategoricalFeature("c", ("a",), None))
    layout = Layout.of(features)
    assert [(b.name, len(b)) for b in layout.blocks] == [
        ("numeric/0", 64),
        ("numeric/1", 64),
        ("numeric/2", 2),
        ("categorical/0", 1),
    ]
    assert layout.block("numeric/1").names == tuple(f"n{i}" for i in range(64, 128))
    assert layout.block("numeric/0").width == 3
    assert layout.block("numeric/0").edges[1].tolist() == [0, np.inf]


def test_reads_its_own_bytes():
    layout = example()
    again = Layout.from_bytes(layout.to_bytes())
    assert_equal(layout, again)
    assert again.fingerprint == layout.fingerprint
    assert again.to_bytes() == layout.to_bytes()


def test_reads_version_1():
    assert_equal(Layout.from_bytes(base64.b64decode(VERSION_1)), example())


VERSION_2 = (
    "ZExZAuQAAAB7ImJsb2NrcyI6W3siZmVhdHVyZXMiOlt7ImNhdGVnb3JpZXMiOlsiVUEiLCJETCJdLCJrbm93biI6MiwibmFtZSI6ImNh"
    "cnJpZXIifSx7ImNhdGVnb3JpZXMiOltdLCJrbm93biI6bnVsbCwibmFtZSI6Im9yaWdpbiJ9XSwia2luZCI6ImNhdGVnb3JpY2FsIiwi"
    "bmFtZSI6ImNhdGVnb3JpY2FsLzAifV0sIndob2xlcyI6W3siYnl0ZXMiOjMsImtpbmQiOiJzcGVjdHJhbCIsIm5hbWUiOiJkcmlmdCJ9"
    "XX0DAAAAAAAAAAkAAAAAAAAAeHl6"
)


def test_reads_version_2_and_writes_it_where_it_is_enough():
    data = base64.b64decode(VERSION_2)
    layout = Layout.from_bytes(data)
    carrier, origin = layout.features
    assert (carrier.known.tolist(), origin.known, carrier.buckets) == ([3, 9], None, 0)
    assert layout.wholes[0].data == b"xyz"
    assert layout.to_bytes() == data
    assert layout.fingerprint.hex() == "b36eda785bcb0dd2"


def test_filters_and_buckets_come_back_and_change_the_fingerprint():
    hashes = np.random.default_rng(0).integers(0, 2**64, 60, dtype=np.uint64)
    known = ValueFilter.of(hashes, 64)
    layout = Layout.of(
        [
            NumericFeature("x", np.array([0.5])),
            CategoricalFeature("user", ("u",), known, 64),
            CategoricalFeature("sku", ("a", "b"), np.array([1, 2], np.uint64), 64),
            CategoricalFeature("origin", ("JFK",)),
        ]
    )
    data = layout.to_bytes()
    assert data[3] == 3
    again = Layout.from_bytes(data)
    assert again.to_bytes() == data
    _, user, sku, origin = again.features
    assert user.known.bits.tolist() == known.bits.tolist()
    assert (user.buckets, sku.buckets, origin.buckets, again.blocks[1].buckets) == (64, 64, 0, 64)
    assert (sku.known.tolist(), origin.known) == ([1, 2], None)
    assert not user.lacked(hashes).any()
    fingerprints = {
        Layout.of([CategoricalFeature("user", ("u",), of, buckets)]).fingerprint
        for of in (known, ValueFilter.of(hashes[1:], 64), None)
        for buckets in (0, 64)
    }
    assert len(fingerprints) == 6
    with pytest.raises(ValueError, match="cut short"):
        Layout.from_bytes(data[:-1])


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9)))
def test_what_the_reference_lacked_is_what_is_not_known(known, asked):
    feature = CategoricalFeature("c", (), np.array(sorted(known), np.uint64))
    assert feature.lacked(np.array(asked, np.uint64)).tolist() == [each not in known for each in asked]
    assert feature.vocabulary == len(known)
    nothing = CategoricalFeature("c", ())
    assert (nothing.vocabulary, nothing.lacked(np.array(asked, np.uint64)).any()) == (None, False)


@pytest.mark.parametrize(
    "other",
    [
        [NumericFeature("a", np.array([1.0]))],
        [NumericFeature("b", np.array([1.0, 2.0]))],
        [NumericFeature("a", np.array([1.0, np.nextafter(2.0, 3.0)]))],
        [CategoricalFeature("a", ("1",), None)],
    ],
)
def test_fingerprint_covers_everything(other):
    first = Layout.of([NumericFeature("a", np.array([1.0, 2.0]))])
    assert first.fingerprint != Layout.of(other).fingerprint
    assert len(first.fingerprint) == len(first.blocks[0].fingerprint) == 8
    assert first.fingerprint == Layout.of([NumericFeature("a", np.array([1.0, 2.0]))]).fingerprint


def test_fingerprint_covers_categories_and_known():
    prints = {
        Layout.of([feature]).blocks[0].fingerprint
        for feature in (
            CategoricalFeature("a", ("x", "y"), None),
            CategoricalFeature("a", ("y", "x"), None),
            CategoricalFeature("a", ("x", "y"), np.empty(0, np.uint64)),
            CategoricalFeature("a", ("x", "y"), np.array([1], np.uint64)),
        )
    }
    assert len(prints) == 4


@pytest.mark.parametrize("edges", [[1.0, 1.0], [2.0, 1.0], [np.nan], [0.0, np.inf], [[1.0]], [-0.0, 0.0]])
def test_refuses_bad_edges(edges):
    with pytest.raises(ValueError, match=r"'x'.*strictly increasing"):
        NumericFeature("x", np.array(edges))


def test_refuses_nonsense():
    with pytest.raises(ValueError, match=r"given twice: \['UA'\]"):
        CategoricalFeature("c", ("UA", "UA"), None)
    with pytest.raises(ValueError, match="sorted row"):
        CategoricalFeature("c", (), np.array([2, 1], np.uint64))
    with pytest.raises(ValueError, match=r"given twice: .*'x'"):
        Layout.of([NumericFeature("x", np.empty(0)), CategoricalFeature("x", (), None)])
    with pytest.raises(ValueError, match="of 65 features"):
        Block("numeric/0", "numeric", tuple(NumericFeature(str(i), np.empty(0)) for i in range(65)))
    with pytest.raises(ValueError, match="feature 'x' is numeric"):
        Block("categorical/0", "categorical", (NumericFeature("x", np.empty(0)),))
    with pytest.raises(KeyError, match=r"no block 'numeric/7'.*numeric/0"):
        example().block("numeric/7")
    with pytest.raises(ValueError, match="has no bin edges"):
        _ = example().block("categorical/0").edges


def test_cannot_be_changed_from_outside():
    edges = np.array([1.0, 2.0])
    feature = NumericFeature("x", edges)
    edges[0] = 9
    assert feature.edges.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        feature.edges[0] = 3


@given(st.data())
def test_damaged_bytes_are_a_clear_error(data):
    good = example().to_bytes()
    cut = data.draw(st.integers(0, len(good) - 1))
    with pytest.raises(ValueError, match="layout"):
        Layout.from_bytes(good[:cut])
    with pytest.raises(ValueError, match="format version 4: this release reads versions up to 3"):
        Layout.from_bytes(good[:3] + b"\x04" + good[4:])
    with pytest.raises(ValueError, match="layout"):
        Layout.from_bytes(good[:3] + b"\x02" + good[4:])
    with pytest.raises(ValueError, match="its head describes"):
        Layout.from_bytes(good + b"!")


def test_parts_of_whole_rows_come_back_and_change_the_fingerprint():
    blocks = example()
    with_rows = Layout.of_parts([*blocks.blocks, WholeRows("order", "order", b"\x00any bytes")])
    again = Layout.from_bytes(with_rows.to_bytes())
    assert again.wholes == with_rows.wholes
    assert again.part("order").data == b"\x00any bytes"
    assert [part.name for part in again.parts] == [*(block.name for block in blocks.blocks), "order"]
    assert again.fingerprint == with_rows.fingerprint != blocks.fingerprint
    assert Layout.from_bytes(blocks.to_bytes()).to_bytes()[3] == 1  # as every release wrote it
    for length in range(len(with_rows.to_bytes())):
        with pytest.raises(ValueError, match="layout"):
            Layout.from_bytes(with_rows.to_bytes()[:length])
