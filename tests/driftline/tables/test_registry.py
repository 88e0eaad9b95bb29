"""What follows from a table that is registered: who writes it, its identities, which row stands."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from driftline.registry import NotInstalledError
from driftline.tables import TABLES, all_tables, standing_rows, table_named, tables_of
from driftline.tables.results import TABLE as RESULTS

OURS = pytest.mark.parametrize("table", all_tables(), ids=lambda table: table.name)


def written(labels=None, detectors=()):
    return [table.name for table in tables_of(SimpleNamespace(labels=labels, detectors=detectors))]


def test_a_job_writes_what_its_configuration_asks_for():
    assert written() == ["results", "trends", "dead_letters"]
    assert written(labels="some") == ["results", "performance", "trends", "dead_letters"]
    assert written(detectors=("one",)) == ["results", "trends", "detections", "dead_letters"]


def test_a_table_that_is_not_installed_is_refused_with_what_is():
    with pytest.raises(
        NotInstalledError, match="there are results, performance, trends, detections, dead_letters"
    ):
        table_named("verdicts")


def test_a_table_is_registered_under_its_own_name():
    assert tuple(table.name for table in all_tables()) == TABLES.names


def test_the_ranks_are_those_that_readers_were_told():
    assert {table.name: table.rank for table in all_tables()} == {
        "results": ("n", "emitted_at", "pane_index"),
        "performance": ("n", "emitted_at"),
        "trends": ("emitted_at",),
        "detections": ("emitted_at",),
        "dead_letters": ("emitted_at",),
    }


@OURS
def test_what_names_and_ranks_rows_are_columns_that_every_row_has(table):
    required = {field.name for field in table.schema.fields if field.mode == "required"}
    assert required.issuperset({"row_id", "model", "emitted_at", *table.identity, *table.rank})


def test_no_two_tables_mark_their_rows_alike():
    assert len({table.marks for table in all_tables()}) == len(TABLES.names)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("m", "*", "f", 0), {}),
        (("m", "*", "f", 0, 1, 2), {}),
        (("m", "*", "f", 0, 1), {"window_end": 1}),
        (("m", "*", "f", 0), {"window_stop": 1}),
    ],
)
def test_an_identity_has_each_of_its_values_once(values, named):
    with pytest.raises(ValueError, match="made of model, segment, feature, window_start, window_end, each"):
        RESULTS.row_id(*values, **named)


def test_values_of_an_identity_may_be_named():
    named = {"window_end": 9, "window_start": 0}
    assert RESULTS.row_id("m", "*", "f", **named) == RESULTS.row_id("m", "*", "f", 0, 9)


VALUES = {"string": "a", "int64": 1, "float64": 1.0, "timestamp": 1, "bool": True}


@OURS
@pytest.mark.parametrize("given", [True, False], ids=["given", "told by the columns"])
def test_the_row_that_stands_has_the_highest_rank(table, given):
    """Rows that differ in one column of the rank, with the columns behind it the other way round."""
    row = {field.name: VALUES[field.type] for field in table.schema.fields if field.mode == "required"}
    for place, column in enumerate(table.rank):
        low = row | dict.fromkeys(table.rank[place + 1 :], 5)
        rows = pa.Table.from_pylist([low, row | {column: 2}, low], schema=table.schema.arrow)
        stands = standing_rows(rows, table) if given else standing_rows(rows)
        assert stands.num_rows == 1
        assert stands[column].cast(pa.int64()).to_pylist() == [2]
