"""How CSV is written is found out from its begin."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.suggest.written_csv import dialect_of

WORDS = st.text("abcXYZ ,;|\t\"'.", max_size=8)


@given(
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([".", ","]),
    st.lists(st.tuples(WORDS, st.floats(-1e6, 1e6)), min_size=5, max_size=40),
)
def test_what_a_writer_did_is_found(delimiter, decimal, rows):
    """Columns that always have the quotes they need leave one way to read them."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["when", "note", "price"])
    for note, price in rows:
        writer.writerow(["31.12.2024", note, f"{price:.2f}".replace(".", decimal)])
    found = dialect_of(file.getvalue().encode())
    assert (found.delimiter, found.decimal) == (delimiter, decimal)


@pytest.mark.parametrize(
    ("text", "delimiter", "decimal"),
    [
        ("a;b\n1;2,5\n", ";", ","),
        ("a;b\n1;1.234,5\n2;7\n", ";", ","),
        ("a;b\n1;1,234\n", ";", ","),  # between semicolons a comma is a fraction's
        ('a,b\n1,"1,234"\n', ",", "."),  # between commas it may be a thousand
        ('a,b\n1,"1,23"\n', ",", ","),
        ("a;b;c\n1;2,5;2.5\n", ";", "."),  # both: no reading is right for all
        ("a;b;c\n1;2,5;01.02.2024\n", ";", ","),
        ("a,b\n1,x;y;z\n2,x;y;z\n", ",", "."),
        ("only\n1\n2\n", ",", "."),
        ("", ",", "."),
        ("\ufeffa|b\n1|2\n", "|", "."),
        ("\x00\x01\x02", ",", "."),
    ],
)
def test_cases(text, delimiter, decimal):
    found = dialect_of(text.encode())
    assert (found.delimiter, found.decimal) == (delimiter, decimal)


def test_a_tsv_file_may_hold_commas():
    assert dialect_of(b"a,b\n1,2\n", "\t").delimiter == ","
    assert dialect_of(b"only\n1\n", "\t").delimiter == "\t"
