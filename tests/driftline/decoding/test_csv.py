"""CSV as Python's csv module writes it, and what damage does to the lines around it."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.config.csv_dialect import CsvDialect
from driftline.decoding import csv_records
from driftline.decoding.csv_records import split_records
from driftline.decoding.csv_text import CsvDecoder, header_of
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.text_numbers import numbers_of_text
from driftline.feature_spec import FeatureSpec

NAMES = ("a", "b", "c")
COMMA = CsvDialect(",")


def read(text, dialect=COMMA, schema=None, names=NAMES, size=None):
    """Read text in blocks: rows, and line and bytes of what is none."""
    decoder = CsvDecoder(dialect, names, schema)
    rows, rejects, rest, line = [], [], b"", 1
    size = size or len(text) or 1
    for start in range(0, len(text) + size, size):
        rest += text[start : start + size]
        records = split_records(rest, dialect, last=start >= len(text))
        decoded = decoder.decode(records)
        where = records.lines + line
        found = [
            (int(where[message]), row)
            for part in decoded.parts
            for message, row in zip(part.message, part.records.to_pylist(), strict=True)
        ]
        rows += sorted(found, key=lambda each: each[0])
        rejects += [(int(where[each.message]), records[each.message]) for each in decoded.rejects]
        rest, line = rest[records.used :], line + records.used_lines
    assert rest == b""
    return rows, rejects


fields = st.text(st.sampled_from('a1é,;\t"\n\r |'), max_size=6)
dialects = st.sampled_from(
    [CsvDialect(","), CsvDialect(";"), CsvDialect("\t"), CsvDialect("|", "'"), CsvDialect(",", "'")]
)
quoting = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
ends = st.sampled_from(["\n", "\r\n"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(fields, fields, fields), max_size=6), dialects, quoting, ends, st.integers(1, 40))
def test_what_python_writes_is_read_back(rows, dialect, how, end, size):
    if how == csv.QUOTE_MINIMAL:  # Python leaves such a field without quotes
        rows = [tuple(value.replace("\r", "") for value in row) for row in rows]
    sink = io.StringIO(newline="")
    writer = csv.writer(
        sink, delimiter=dialect.delimiter, quotechar=dialect.quote, quoting=how, lineterminator=end
    )
    writer.writerows(rows)
    found, rejects = read(sink.getvalue().encode(), dialect, size=size)
    assert rejects == []
    quoted = how != csv.QUOTE_MINIMAL
    assert [tuple(row.values()) for _, row in found] == [
        tuple(value if value or quoted else None for value in row) for row in rows
    ]
    # the line of a record is where Python's reader began to read it
    reader = csv.reader(
        io.StringIO(sink.getvalue(), newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote
    )
    lines = io.StringIO(sink.getvalue(), newline="").getvalue()
    assert len(list(reader)) == len(found)
    assert all(1 <= line <= lines.count("\n") for line, _ in found)


BAD = {
    "too few": b"1,2",
    "too many": b"1,2,3,4",
    "a quote that is not closed": b'1,"2,3',
    "a quote that is not closed, at the start": b'"1,2,3',
    "not UTF-8": b"1,caf\xe9,3",
    "not UTF-8 and too many": b"1,caf\xe9,3,4",
    "a carriage return": b"1,2\r2,3,4",
    "literal and opening quote": b'1 " 2,"2,3',
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("around", [b"x,y,z", b'x,"y\ny",z', b'"x","y","z"', b'5" pipe,y,z'])
@pytest.mark.parametrize("size", [None, 7])
def test_a_bad_line_is_one_reject_and_harms_no_other(bad, around, size):
    lines = [around] * 3 + [bad] + [around] * 3
    found, rejects = read(b"\n".join(lines) + b"\n", size=size)
    height = 1 + around.count(b"\n")
    at = 3 * height + 1
    assert rejects == [(at, bad)]
    assert [line for line, _ in found] == [1 + height * k for k in range(3)] + [
        at + 1 + height * k for k in range(3)
    ]


def test_many_bad_lines_cost_no_more_than_good_ones():
    found, rejects = read(b"1,2,3\n1,2\n" * 5000)
    assert len(found) == len(rejects) == 5000
    assert rejects[1] == (4, b"1,2")


def test_a_quote_without_end_ends_somewhere(monkeypatch):
    monkeypatch.setattr(csv_records, "LONGEST_RECORD", 100)
    found, rejects = read(b'1,2,"3\n' + b"1,2,3\n" * 50, size=50)
    assert rejects == [(1, b'1,2,"3')]
    assert len(found) == 50


def test_empty_lines_are_none_and_the_last_line_needs_no_end():
    found, rejects = read(b"\n1,2,3\r\n\r\n\n4,5,6")
    assert ([line for line, _ in found], rejects) == ([2, 5], [])


def test_quotes_may_mean_nothing():
    found, _ = read(b'1,"2,3\n"4",5,6\n', CsvDialect(",", None))
    assert [row["b"] for _, row in found] == ['"2', "5"]
    assert header_of(b'a,"b,c', CsvDialect(",", None)) == ("a", '"b', "c")


def test_numbers_are_numbers_where_they_are_configured():
    schema = EventSchema("a", "s", ("c",), (FeatureSpec("x", "numeric", "b"),))
    found, _ = read(b'1,2.50,007\n1,,\n1,NA,NA\n1,True,true\n1,\xe2\x82\xac5,""\n1, +1e3 ,x\n', schema=schema)
    assert [row["b"] for _, row in found] == [2.5, None, None, 1.0, "€5", 1000.0]
    assert [row["c"] for _, row in found] == ["007", None, "NA", "true", "", "x"]


def test_a_numeric_feature_is_numbers_for_every_use():
    schema = EventSchema("a", "s", ("b",), (FeatureSpec("b", "numeric", "b"),), request_id="c")
    found, _ = read(b"1,07,09\n", schema=schema)
    assert found == [(1, {"a": "1", "b": 7.0, "c": "09"})]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.none()
        | st.floats(allow_nan=False).map(repr)
        | st.integers(-(2**70), 2**70).map(str)
        | st.sampled_from(["", "NA", "x", "1,5", "1_0", "0x1", "True", "--1", "1e", "."])
    )
)
def test_text_is_the_number_python_reads(values):
    def wanted(value):
        if value in (None, "", "NA"):
            return None
        if value == "True":
            return 1.0
        return value if "_" in value else _float(value)

    assert numbers_of_text(pa.array(values, pa.string())).to_pylist() == [wanted(each) for each in values]


def _float(value):
    try:
        return float(value)
    except ValueError:
        return value


def test_columns_do_not_depend_on_the_block():
    schema = EventSchema("a", "s", (), (FeatureSpec("x", "numeric", "b"),))
    text = b"".join(b"1,%s,z\n" % value for value in [b"1", b"", b"x", b"2", b"nan", b"3"])
    whole = read(text, schema=schema)
    for size in (1, 3, 9, 20):
        np.testing.assert_equal(read(text, schema=schema, size=size), whole)
