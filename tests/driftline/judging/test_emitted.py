"""What was said of a window: compared with what is to be said, and as bytes a later release must read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.judging import Emitted
from driftline.judging.emitted import DECIDED
from driftline.tables import row_id
from tests.driftline.judging.test_settle import WINDOW, batch, row

DATA = Path(__file__).parent / "data"


def table(*rows):
    return pa.Table.from_batches([batch(*rows)])


def said(rows):
    index, _ = Emitted.nothing().following(rows)
    at = rows.schema.get_field_index("pane_index")
    return Emitted.nothing().updated(rows.set_column(at, rows.schema.field(at), index))


DECISIONS = st.fixed_dictionaries(
    {
        "n": st.integers(0, 3),
        "status": st.sampled_from(["ok", "no_data"]),
        "coverage": st.sampled_from([0.0, 0.5, 1.0]),
        "p_adjusted": st.none() | st.sampled_from([0.0, 1e-300, 0.1]),
        "drifted": st.none() | st.booleans(),
    }
)


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(st.integers(0, 6), st.tuples(DECISIONS, st.integers(0, 3)), max_size=6),
    st.dictionaries(st.integers(0, 6), DECISIONS, min_size=1, max_size=6),
)
def test_rows_that_are_new_or_decided_otherwise_are_said_with_the_next_pane(before, now):
    def ids(number):
        return {"segment": f"s={number}", "row_id": row_id("m", f"s={number}", "x", *WINDOW)}

    old = [row(**ids(i), **decided, pane_index=pane) for i, (decided, pane) in before.items()]
    emitted = Emitted.nothing().updated(table(*old)) if old else Emitted.nothing()
    emitted = Emitted.from_bytes(emitted.to_bytes())
    index, changed = emitted.following(table(*(row(**ids(i), **decided) for i, decided in now.items())))
    expected = [
        i not in before or any(before[i][0][name] != decided[name] for name in DECIDED)
        for i, decided in now.items()
    ]
    assert changed.to_pylist() == expected
    assert index.to_pylist() == [
        (before[i][1] if i in before else -1) + is_changed
        for i, is_changed in zip(now, expected, strict=True)
    ]


def test_taking_note_replaces_what_was_said_of_a_row_and_keeps_the_rest():
    emitted = said(table(row(n=1), row("s=A", n=2)))
    again = emitted.updated(table(row(n=5, pane_index=1), row("s=B", n=3, pane_index=0)))
    assert sorted(zip(again.rows["n"].to_pylist(), again.rows["pane_index"].to_pylist(), strict=True)) == [
        (2, 0),
        (3, 0),
        (5, 1),
    ]


def test_it_is_small():
    rows = [row(f"s={i}", p_adjusted=i / 7, coverage=1.0, drifted=False, pane_index=0) for i in range(2_000)]
    assert len(Emitted.nothing().updated(table(*rows)).to_bytes()) < 40 * 2_000


def test_a_newer_version_is_refused():
    data = Emitted.nothing().to_bytes()
    with pytest.raises(ValueError, match="version 2: this release reads versions up to 1; upgrade driftline"):
        Emitted.from_bytes(data[:3] + b"\x02" + data[4:])
    with pytest.raises(ValueError, match="not a record of an emitted window"):
        Emitted.from_bytes(b"other bytes")


def test_version_1_is_readable():
    emitted = Emitted.from_bytes((DATA / "emitted_v1.bin").read_bytes())
    assert emitted.times == 4
    assert emitted.rows.to_pylist() == [
        {
            "row_id": bytes.fromhex(row_id("m", segment, "x", *WINDOW)),
            "pane_index": pane,
            "n": n,
            "status": status,
            "coverage": 0.875,
            "p_adjusted": p,
            "drifted": drifted,
        }
        for segment, pane, n, status, p, drifted in [
            ("*", 3, 100, "ok", 0.25, False),
            ("s=A", 0, 0, "no_data", None, None),
        ]
    ]


def test_how_often_a_window_was_said_comes_back():
    once = Emitted.nothing().updated(table(row()))
    twice = Emitted.from_bytes(once.to_bytes()).updated(table(row()))
    assert (once.times, twice.times, Emitted.from_bytes(twice.to_bytes()).times) == (1, 2, 2)
