"""The source of docs/extending.md, from a package of its own, through the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.extensions.toy_package import CLI, FILES, ROOT, python

HOUR = 3_600_000_000
FIRST = 480_000 * HOUR
CONFIG = FILES["toy.yaml"]


def events(seed, hours, first):
    rng = np.random.default_rng(seed)
    rows = hours * 60
    return {
        "id": [f"{seed}-{i}" for i in range(rows)],
        "at": np.sort(rng.integers(first, first + hours * HOUR, rows)).tolist(),
        "x": rng.normal(size=rows).tolist(),
        "c": rng.choice(["a", "b"], rows).tolist(),
        "score": rng.beta(2, 2, rows).tolist(),
    }


def labels_of(columns):
    labels = [int(score > 0.4) for score in columns["score"]]
    return {"id": columns["id"], "y": labels, "known": [at + HOUR // 2 for at in columns["at"]]}


def write(folder, name, columns):
    """The same rows as a table of a database and as a file."""
    rows = list(zip(*columns.values(), strict=True))
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in rows)
    (folder / f"{name}.jsonl").write_text("\n".join(lines))
    with closing(sqlite3.connect(folder / f"{name}.db")) as database:
        database.execute(f"create table events ({', '.join(columns)})")
        database.executemany(f"insert into events values ({', '.join('?' * len(columns))})", rows)
        database.commit()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, site):
    """A folder with events, labels, the configuration of the page and its baseline."""
    folder = tmp_path_factory.mktemp("shop")
    past, now = events(1, 40, FIRST), events(2, 3, FIRST + 40 * HOUR)
    write(folder, "past", past)
    write(folder, "past_labels", labels_of(past))
    write(folder, "labels", labels_of(now))
    now["at"][7] = None
    write(folder, "shop", now)
    (folder / "toy.yaml").write_text(CONFIG)
    args = ("baseline", "toy.yaml", "--input", "past.jsonl", "--labels", "past_labels.jsonl")
    done = python(*CLI, *args, site=site, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def rows(folder, table):
    found = pq.read_table(folder / f"{table}.parquet")
    return found.drop_columns(["emitted_at"]).sort_by("row_id")


@pytest.fixture(scope="module")
def out(shop, site):
    """What a backtest of both databases says and leaves."""
    done = python(*CLI, "backtest", "toy.yaml", "--output", "out", site=site, cwd=shop)
    assert done.returncode == 0, done.stderr
    return done.stdout, shop / "out"


def test_rows_are_those_of_the_same_events_in_files(shop, site, out):
    args = ("--input", "shop.jsonl", "--labels", "labels.jsonl", "--output", "files")
    done = python(*CLI, "backtest", "toy.yaml", *args, site=site, cwd=shop)
    assert done.returncode == 0, done.stderr
    for table in ("results", "performance"):
        found = rows(out[1], table)
        assert found.num_rows > 0
        assert found.equals(rows(shop / "files", table)), table


def test_what_it_cannot_use_is_a_dead_letter(out):
    said, folder = out
    assert "180 decoded = 179 profiled + 1 rejected (missing_event_time 1)" in said
    letters = rows(folder, "dead_letters").to_pylist()
    assert sorted((each["source"], each["position"], each["reason"]) for each in letters) == [
        ("labels.db", "row 7", "no_prediction"),
        ("shop.db", "row 7", "missing_event_time"),
    ]


def validated(folder, site, *change):
    (folder / "changed.yaml").write_text(CONFIG.replace(*change))
    return python(*CLI, "validate", "changed.yaml", site=site, cwd=folder)


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (("{path: labels.db}", "{path: nowhere.db}"), "labels.source.toy.path: nowhere.db", "does not exist"),
        (("{path: labels.db}", "{path: shop.db}"), "labels.column", "the data has no column 'y'"),
        (("column: known", "column: knwn"), "labels.time", "did you mean 'known'?"),
        (("select * from", "select * frm"), "source.toy.query: select * frm events", "is refused"),
        (("{x: numeric", "{y: numeric"), "features.y", "the data has no column 'y'"),
        (
            ("{path: labels.db}", "{pth: labels.db}"),
            "labels.source.toy.pth: labels.db",
            "did you mean `path`?",
        ),
    ],
)
def test_mistakes_are_named_by_the_key_they_came_from(shop, site, change, key, message):
    done = validated(shop, site, *change)
    assert done.returncode == 2
    assert f"  {key}" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_checked_is_said(shop, site):
    done = validated(shop, site, "", "")
    assert done.returncode == 0, done.stderr
    assert "  toy shop.db: every configured column is there\n" in done.stdout
    assert "  labels: toy labels.db: every configured column is there\n" in done.stdout
    assert "  toy later.db: does not exist yet\n" in validated(shop, site, "shop.db", "later.db").stdout


def test_a_source_that_is_not_installed_is_refused_with_what_is(shop, tmp_path):
    done = validated(shop, tmp_path, "", "")
    assert done.returncode == 2
    assert "source.toy" in done.stderr
    assert "is not a source that is installed" in done.stderr
    assert "there are files, kafka, pubsub: install the package that brings it" in done.stderr


def test_the_reference_page_is_of_what_comes_with_driftline(site):
    done = python("-m", "driftline.config.configuration_page", site=site, cwd=ROOT)
    assert done.stdout == (ROOT / "docs" / "configuration.md").read_text()


def test_a_configuration_is_read_without_beam(shop, site):
    code = "import sys, driftline.config as c; c.load_config('toy.yaml'); print('apache_beam' in sys.modules)"
    (site / "loads.py").write_text(code)
    assert python("-m", "loads", site=site, cwd=shop).stdout.strip() == "False"
