"""What was said of a window's rows: enough to say later only what changed."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftline.framing import Head, refuses_damage

_HEAD = Head(b"dWE", 1, "record of an emitted window", "I")  # how often the window was said
_IDENTITY = pa.binary(16)

#: columns that make a row new to a reader when they change
DECIDED = ("n", "status", "coverage", "p_adjusted", "drifted")
_SCHEMA = pa.schema(
    [
        ("row_id", _IDENTITY),
        ("pane_index", pa.int64()),
        ("n", pa.int64()),
        ("status", pa.string()),
        ("coverage", pa.float64()),
        ("p_adjusted", pa.float64()),
        ("drifted", pa.bool_()),
    ]
)


@dataclass(frozen=True, eq=False)
class Emitted:
    """By row, the pane that was emitted last and what it decided.

    Parameters
    ----------
    rows
        One row a `row_id`.
    times
        How often the window was said.
    """

    rows: pa.Table
    times: int = 0

    @staticmethod
    def nothing() -> Emitted:
        """Begin before anything is emitted."""
        return Emitted(_SCHEMA.empty_table())

    def following(self, rows: pa.Table) -> tuple[pa.Array, pa.Array]:
        """Number the panes of rows, and find those a reader must hear of.

        Parameters
        ----------
        rows
            Decided rows of the result schema, R of them, one a `row_id`.

        Returns
        -------
        pane_index : pyarrow.Array
            (R,) int64: one more than before where a row changed.
        changed : pyarrow.Array
            (R,) bool: whether a row is new or was decided otherwise.
        """
        before = self.rows.take(pc.index_in(_identities(rows), self.rows["row_id"].combine_chunks()))
        same = pc.is_valid(before["row_id"])
        for name in DECIDED:
            old, new = before[name], rows[name]
            equal = pc.if_else(pc.is_null(new), pc.is_null(old), pc.fill_null(pc.equal(old, new), False))
            same = pc.and_(same, equal)
        changed = pc.invert(same)
        index = pc.fill_null(before["pane_index"], -1)
        pane_index = pc.add(index, pc.cast(changed, pa.int64()))
        return pane_index.combine_chunks(), changed.combine_chunks()

    def updated(self, rows: pa.Table) -> Emitted:
        """Take note of what rows say now.

        Parameters
        ----------
        rows
            Decided rows with their `pane_index`, one a `row_id`.

        Returns
        -------
        Emitted
            With these rows, those that it had of others, and said once more.
        """
        identities = _identities(rows)
        columns = [identities, *(rows[name] for name in _SCHEMA.names[1:])]
        others = self.rows.filter(pc.invert(pc.is_in(self.rows["row_id"], identities)))
        rows_now = pa.concat_tables([pa.table(columns, _SCHEMA), others]).combine_chunks()
        return Emitted(rows_now, self.times + 1)

    def to_bytes(self) -> bytes:
        """Encode.

        Returns
        -------
        bytes
            A head with how often it was said, then a compressed Arrow stream.
        """
        sink = pa.BufferOutputStream()
        sink.write(_HEAD.pack(self.times))
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, _SCHEMA, options=options) as writer:
            writer.write_table(self.rows)
        return bytes(sink.getvalue().to_pybytes())

    @staticmethod
    @refuses_damage("what was said of a window")
    def from_bytes(data: bytes) -> Emitted:
        """Decode what `to_bytes` gave, in this or an earlier version.

        Raises
        ------
        UnreadableBytesError
            If the bytes are something else, or a newer release wrote them.
        """
        (times,), rest = _HEAD.unpack(data)
        with pa.ipc.open_stream(pa.py_buffer(data)[rest.at :]) as reader:
            if not reader.schema.equals(_SCHEMA):
                raise rest.damaged("its rows have other columns")
            return Emitted(reader.read_all().combine_chunks(), times)


def _identities(rows: pa.Table) -> pa.Array:
    """Row ids (R,) as 16 bytes each, half of what their digits take."""
    packed = bytes.fromhex("".join(rows["row_id"].to_pylist()))
    return pa.Array.from_buffers(_IDENTITY, len(rows), [None, pa.py_buffer(packed)])
