"""JSON files: an object or array a line, or documents over many lines and arrays of any length."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow as pa

from driftline.decoding.decoded import Decoded, Part
from driftline.decoding.json_documents import DocumentSplitter, is_spread
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.python_rows import column_of
from driftline.decoding.rejects import MAX_PAYLOAD, Reason, Reject
from driftline.transforms.sources.decode import SourceBatch
from driftline.transforms.sources.files.damage import cut_short, damaged
from driftline.transforms.sources.files.text_blocks import CutShortError, TextBlocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from driftline.decoding.event_schema import EventSchema
    from driftline.decoding.json_documents import Document

_ROWS: Final = 65_536
_LONGEST_LINE: Final = 64 << 20
_PEEKED_ROWS: Final = 1_000


def read_json(file: Any, path: str, schema: EventSchema, constants: dict[str, Any]) -> Iterator[SourceBatch]:
    """Read records of a JSON file.

    Parameters
    ----------
    file
        Binary file, not decompressed.
    path
        Its name, for positions and the compression.
    constants
        Values of what a record lacks.

    Yields
    ------
    SourceBatch
        At most 65,536 documents; one that is not JSON is a reject.
    """
    decoder = JsonDecoder(schema, constants)
    blocks = TextBlocks(file, path)
    if is_spread(blocks.peek()):
        yield from _read_documents(blocks, path, decoder)
        return
    for lines, positions, fault in _lines(blocks, path):
        for start in range(0, len(lines), _ROWS):
            some = lines[start : start + _ROWS]
            yield SourceBatch(decoder.decode(some), path, positions[start : start + _ROWS], "line", some)
        if fault is not None:
            yield fault


def json_columns(file: Any, path: str) -> list[tuple[str, Any]] | None:
    """Look at the columns of the first 1,000 documents; None if there are none."""
    blocks = TextBlocks(file, path)
    texts: Iterator[bytes]
    if is_spread(blocks.peek()):
        texts = (document.text for some, _ in _documents(blocks, path) for document in some)
    else:
        texts = (line for some, _, _ in _lines(blocks, path) for line in some)
    rows: list[dict[str, Any]] = []
    for text in islice(texts, _PEEKED_ROWS):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        rows += [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict)]
    return kinds_of(rows) or None


def kinds_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Tell the types of the values of records; objects are structs.

    Examples
    --------
    >>> kinds_of([{"a": 1}, {"a": None, "b": {"c": "x"}}])
    [('a', DataType(double)), ('b', StructType(struct<c: string>))]
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, _kind([row.get(name) for row in rows])) for name in names]


def _kind(values: list[Any]) -> Any:
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return pa.null()
    if kinds == {dict}:
        return pa.struct(kinds_of([value for value in values if value is not None]))
    if kinds == {list}:
        return pa.list_(pa.null())
    if kinds <= {int, float, bool}:
        return column_of(values, numeric=bool not in kinds).type
    return column_of(values, numeric=False).type


def _read_documents(blocks: TextBlocks, path: str, decoder: JsonDecoder) -> Iterator[SourceBatch]:
    for documents, fault in _documents(blocks, path):
        for start in range(0, len(documents), _ROWS):
            some = documents[start : start + _ROWS]
            texts = [document.text for document in some]
            elements = np.array([document.element for document in some], np.int64)
            lines = [document.line for document in some]
            yield SourceBatch(_placed(decoder.decode(texts), elements), path, lines, "line", texts)
        if fault is not None:
            yield fault


def _placed(decoded: Decoded, elements: Any) -> Decoded:
    """Number the elements of an array as the events of a message, which they are."""
    if (elements < 0).all():
        return decoded
    parts = (Part(part.records, part.message, _event(part, elements)) for part in decoded.parts)
    rejects = (
        Reject(each.reason, each.detail, each.message, int(elements[each.message]), each.payload)
        if elements[each.message] >= 0
        else each
        for each in decoded.rejects
    )
    return Decoded(tuple(parts), tuple(rejects))


def _event(part: Part, elements: Any) -> Any:
    own = np.full(len(part.message), -1, np.int64) if part.event is None else part.event
    return np.where(elements[part.message] >= 0, elements[part.message], own)


def _documents(blocks: TextBlocks, path: str) -> Iterator[tuple[list[Document], SourceBatch | None]]:
    splitter = DocumentSplitter()
    while True:
        try:
            data = blocks.read()
        except CutShortError as error:
            line, rest = splitter.rest
            yield [], cut_short(path, line, error, rest[:MAX_PAYLOAD])
            return
        yield splitter.split(data, last=not data), None
        if not data:
            return


def _lines(blocks: TextBlocks, path: str) -> Iterator[tuple[list[bytes], list[int], SourceBatch | None]]:
    """Yield lines that are not blank with their numbers, and what is wrong behind them."""
    rest = b""
    number = 1
    while True:
        try:
            data = blocks.read()
        except CutShortError as error:
            yield [], [], cut_short(path, number, error, rest[:MAX_PAYLOAD])
            return
        pieces = (rest + data).split(b"\n")
        rest = pieces.pop() if data else b""
        kept = [(line, place) for place, line in enumerate(pieces, number) if line and not line.isspace()]
        number += len(pieces)
        fault = None
        if len(rest) > _LONGEST_LINE:
            detail = f"a line of more than {_LONGEST_LINE} bytes"
            fault = damaged(path, "line", number, detail, reason=Reason.OVERSIZED, payload=rest[:MAX_PAYLOAD])
            rest = blocks.skip_line()
            number += 1
        yield [line for line, _ in kept], [place for _, place in kept], fault
        if not data:
            return
