"""Columns by path: a field of a struct (``request.user.age``), the length of a list (``length(tags)``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline.arrays import flat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_LENGTH: Final = re.compile(r"length\((.+)\)")
_ABSENT: Final = object()


def is_path(column: str) -> bool:
    """Say whether the name of a column may be a path.

    Examples
    --------
    >>> is_path("user.age"), is_path("length(tags)"), is_path("age")
    (True, True, False)
    """
    return "." in column or _LENGTH.fullmatch(column) is not None


def root_of(column: str, names: Collection[str]) -> str | None:
    """Tell which column holds what is named: the longest name, so that one with dots comes before a path.

    Parameters
    ----------
    column : str
        Name or path.
    names : collection of str
        The columns there are.

    Examples
    --------
    >>> root_of("user.age", ["user"]), root_of("user.age", ["user", "user.age"]), root_of("length(a)", ["a"])
    ('user', 'user.age', 'a')
    """
    if column in names:
        return column
    length = _LENGTH.fullmatch(column)
    if length is not None:
        return root_of(length[1], names)
    return next((name for name in _heads(column) if name in names), None)


def at_paths(records: pa.Table, columns: Iterable[str]) -> pa.Table:
    """Give what paths name as columns of those names.

    Parameters
    ----------
    records : pyarrow.Table or pyarrow.RecordBatch
        The columns as they came.
    columns : iterable of str
        The configured names and paths.

    Returns
    -------
    pyarrow.Table or pyarrow.RecordBatch
        The same records if none of the names is a path in them. Otherwise the configured columns that are
        there. A null on the way gives null.

    Examples
    --------
    >>> table = pa.table({"user": [{"age": 5}, None], "tags": [["a", "b"], []]})
    >>> at_paths(table, ["user.age", "length(tags)"]).to_pylist()
    [{'user.age': 5, 'length(tags)': 2}, {'user.age': None, 'length(tags)': 0}]
    """
    columns = list(dict.fromkeys(columns))
    names = records.schema.names
    roots = {column: root_of(column, names) for column in columns}
    if all(root in (None, column) for column, root in roots.items()):
        return records
    found: dict[str, Any] = {}
    for column, root in roots.items():
        if root is not None:
            values = records.column(names.index(root))
            values = values if root == column else _values(flat(values), root, column)
            if values is not None:
                found[column] = values
    if not found:
        return pa.Table.from_arrays([pa.nulls(records.num_rows)], names=[""])
    return pa.table(found)


def kind_at(kinds: Mapping[str, Any], column: str) -> Any:
    """Tell the type of what a path names.

    Parameters
    ----------
    kinds : mapping of str to pyarrow.DataType
        Types of the columns by name.

    Returns
    -------
    pyarrow.DataType or None
        The type; null where only the values can tell; None if there is no such thing.

    Examples
    --------
    >>> user = pa.struct([("age", pa.int64()), ("tags", pa.list_(pa.string()))])
    >>> [kind_at({"user": user}, path) for path in ("user.age", "length(user.tags)", "user.name")]
    [DataType(int64), DataType(int32), None]
    """
    root = root_of(column, kinds)
    if root is None or root == column:
        return kinds.get(column)
    kind = kinds[root]
    length = _LENGTH.fullmatch(column)
    if length is not None:
        inner = kind_at(kinds, length[1])
        return inner if inner is None or pa.types.is_null(inner) else _length_kind(inner)
    if pa.types.is_struct(kind):
        return kind_at({field.name: field.type for field in kind}, column[len(root) + 1 :])
    if _has_text_keys(kind):
        return kind.item_type
    return pa.null() if pa.types.is_null(kind) or pa.types.is_union(kind) else None


def paths_of(columns: Iterable[tuple[str, Any]]) -> list[str]:
    """Name all that can be configured: columns, and the fields of structs.

    Examples
    --------
    >>> paths_of([("at", pa.int64()), ("user", pa.struct([("age", pa.int64())]))])
    ['at', 'user.age']
    """
    names = []
    for name, kind in columns:
        if pa.types.is_struct(kind) and kind.num_fields:
            names += [f"{name}.{inner}" for inner in paths_of((field.name, field.type) for field in kind)]
        else:
            names.append(name)
    return names


def is_list(kind: Any) -> bool:
    """Say whether values of an Arrow type have a number of elements: lists and maps."""
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
        or pa.types.is_map(kind)
    )


def parquet_paths(file: Any, columns: Iterable[str]) -> list[str]:
    """Tell which columns of a Parquet file to read: of a struct only the fields that are named.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        The open file.
    columns : iterable of str
        The configured names and paths.

    Returns
    -------
    list of str
        For the ``columns`` of its readers, which take a path as well.
    """
    kinds = {field.name: field.type for field in file.schema_arrow}
    wanted = [_stored(kinds, column) for column in columns]
    return list(dict.fromkeys(path for path in wanted if path is not None))


def value_at_path(row: Mapping[str, Any], column: str) -> Any:
    """Read what a path names in a record of Python values.

    Returns
    -------
    object
        The value; None where it is absent or null. What lies where an object or a list should be is returned
        inside a list, so that it is of the wrong type for everything.

    Examples
    --------
    >>> row = {"user": {"age": 5, "tags": ["a"]}, "user.name": "x", "n": 7}
    >>> [value_at_path(row, path) for path in ("user.age", "length(user.tags)", "user.name", "n.x")]
    [5, 1, 'x', [7]]
    """
    found = _inside(row, column)
    return None if found is _ABSENT else found


def _inside(row: Mapping[str, Any], column: str) -> Any:
    if column in row:
        return row[column]
    length = _LENGTH.fullmatch(column)
    if length is not None:
        value = _inside(row, length[1])
        if value is None or value is _ABSENT:
            return value
        return len(value) if isinstance(value, (list, dict)) else [value]
    for head in _heads(column):
        if head in row:
            value = row[head]
            if isinstance(value, dict):
                return _inside(value, column[len(head) + 1 :])
            return None if value is None else [value]
    return _ABSENT


def _heads(column: str) -> Sequence[str]:
    """Everything before a dot, the longest first."""
    parts = column.split(".")
    return [".".join(parts[:stop]) for stop in range(len(parts) - 1, 0, -1)]


def _values(column: Any, root: str, path: str) -> Any:
    """Go from a column to what a path names in it; None if there is no such thing."""
    length = _LENGTH.fullmatch(path)
    if length is not None:
        inner = column if length[1] == root else _values(column, root, length[1])
        return None if inner is None else _lengths(flat(inner))
    rest = path[len(root) + 1 :]
    kind = column.type
    if _has_text_keys(kind):
        return pc.map_lookup(column, pa.scalar(rest, kind.key_type), "last")
    if not pa.types.is_struct(kind):
        return pa.nulls(len(column)) if pa.types.is_null(kind) else None
    names = [field.name for field in kind]
    head = root_of(rest, names)
    if head is None:
        return None
    inner = flat(pc.struct_field(column, [names.index(head)]))
    return inner if head == rest else _values(inner, head, rest)


def _stored(kinds: Mapping[str, Any], column: str) -> str | None:
    """Go along a path as far as structs do."""
    root = root_of(column, kinds)
    length = None if root == column else _LENGTH.fullmatch(column)
    if length is not None:
        return _stored(kinds, length[1])
    if root is None or root == column or not pa.types.is_struct(kinds[root]):
        return root
    inside = _stored({field.name: field.type for field in kinds[root]}, column[len(root) + 1 :])
    return root if inside is None else f"{root}.{inside}"


def _has_text_keys(kind: Any) -> bool:
    return bool(pa.types.is_map(kind) and pa.types.is_string(kind.key_type))


def _length_kind(kind: Any) -> Any:
    return pa.int32() if is_list(kind) else pa.list_(kind)


def _lengths(column: Any) -> Any:
    """Count the elements; what has none becomes a list, which is of the wrong type for everything."""
    kind = column.type
    if pa.types.is_map(kind):
        column = column.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
    if is_list(kind):
        return pc.list_value_length(column)
    if pa.types.is_null(kind):
        return column
    offsets = pa.array(range(len(column) + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, column, mask=column.is_null())
