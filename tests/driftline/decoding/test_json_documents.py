"""JSON documents over lines and in arrays, as Python's json module writes them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.decoding import json_documents
from driftline.decoding.json_documents import DocumentSplitter, is_spread

words = st.text(st.sampled_from('ab{}[],:"\\\n é'), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
records = st.lists(st.dictionaries(words, values, max_size=4), max_size=6)


def split(text, size):
    splitter = DocumentSplitter()
    found = []
    for start in range(0, len(text), size):
        found += splitter.split(text[start : start + size])
    return found + splitter.split(b"", last=True)


@settings(max_examples=200, deadline=None)
@given(records, st.sampled_from([None, 0, 1, 2, "\t"]), st.booleans(), st.booleans(), st.integers(1, 60))
def test_documents_are_those_python_wrote(rows, indent, in_array, plain, size):
    if in_array:
        text = json.dumps(rows, indent=indent, ensure_ascii=plain)
    else:
        text = "\n".join(json.dumps(row, indent=indent, ensure_ascii=plain) for row in rows)
    data = text.encode()
    found = split(data, size)
    assert [json.loads(each.text) for each in found] == rows
    assert [each.element for each in found] == (list(range(len(rows))) if in_array else [-1] * len(rows))
    lines = data.split(b"\n")
    for each in found:
        assert each.text.split(b"\n")[0] in lines[each.line - 1]


GOOD = b'{\n  "a": 1\n}\n'
BAD = {
    "a bracket too few": b'{\n  "a": {\n}\n',
    "text not closed": b'{\n  "a: 1\n}\n',
    "no value": b'{\n  "a": x\n}\n',
    "cut": b'{\n  "a": 1\n',
    "no document": b"}\n",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("size", [5, 1000])
def test_a_bad_document_is_one_and_harms_no_other(bad, size):
    found = split(GOOD * 2 + bad + GOOD * 2, size)
    assert [each.text for each in found] == [GOOD.strip()] * 2 + [bad.strip()] + [GOOD.strip()] * 2
    assert [each.line for each in found][2:4] == [7, 7 + bad.count(b"\n")]


@pytest.mark.parametrize(
    "bad", [b'  {\n    "a": {\n  },\n', b'  {\n    "a: 1\n  },\n', b"  {\n    a\n  },\n"]
)
def test_a_bad_element_is_one_and_harms_no_other(bad):
    good = b'  {\n    "a": 1\n  },\n'
    found = split(b"[\n" + good * 2 + bad + good * 2 + good.rstrip(b",\n") + b"\n]\n", 9)
    assert [each.text for each in found] == [
        bad.strip(b" ,\n") if k == 2 else good.strip(b" ,\n") for k in range(6)
    ]
    assert [each.element for each in found] == list(range(6))


def test_a_document_without_end_ends_somewhere(monkeypatch):
    monkeypatch.setattr(json_documents, "LONGEST_DOCUMENT", 100)
    splitter = DocumentSplitter()
    found = splitter.split(b'{\n "a": {\n' + GOOD * 50)
    assert len(found) == 51
    assert splitter.rest[1].strip() == b""


@pytest.mark.parametrize(
    ("head", "spread"),
    [
        (b"", False),
        (b'{"a": 1}\n{"a": 2}\n', False),
        (b'\n\n{"a": NaN}\n{"a": 2}\n', False),
        (b'{"a": 1,\n{"a": 2}\n', False),  # a line cut short
        (b'{"a": "x\n{"a": 2}\n', False),
        (b'[{"a": 1}, {"a": 2}]\n', False),
        (b'[{"a": 1}, {"a": 2},', True),  # an array longer than what is looked at
        (b'[{"a": 1},\n{"a": 2}]', True),
        (b'[\n{"a": 1}\n]', True),
        (b'{\n"a": 1\n}', True),
        (b'{"a": [\n{"b": 1}\n]}', True),
        (b"5\n{\n", False),
    ],
)
def test_the_beginning_tells_lines_from_documents(head, spread):
    assert is_spread(head) is spread
