"""``driftline compare``: any format, columns in one batch only, what is left and what the report shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest


def batch(seed, shift=0.0, users=300):
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), 5)
    return pd.DataFrame(
        {
            "user": [f"u{seed}-{each}" for each in user],
            "x": rng.normal(shift, 1, users)[user] + 0.3 * rng.normal(size=len(user)),
            "colour": rng.choice(["red", "green"], len(user)),
        }
    )


WRITERS = {
    "a.csv": lambda frame, path: frame.to_csv(path, index=False),
    "a.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "a.jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "a.parquet": lambda frame, path: frame.to_parquet(path),
    "a.feather": lambda frame, path: frame.to_feather(path),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_format_in_folders_is_compared(here, driftline, name):
    for folder, frame in (("before", batch(1)), ("after", batch(2, 1.5))):
        (here / folder).mkdir()
        WRITERS[name](frame, here / folder / name)
    ran = driftline("compare", "before", "after", "--group", "user", "--output", "out")
    assert ran.code == 0
    assert "1 of 2 features drifted: 1,500 rows against 1,500" in ran.out
    assert "there is no time" in ran.out
    rows = pq.read_table(here / "out" / "results.parquet").to_pylist()
    assert {row["feature"]: row["drifted"] for row in rows} == {"x": True, "colour": False}
    assert driftline("report", "out").code == 0


def test_what_is_in_one_batch_only_and_of_other_types_is_said(here, driftline):
    before, after = batch(1).assign(old=2.5, k=1), batch(2).assign(fresh=1, k="one")
    before.to_parquet("a.parquet")
    after.to_parquet("b.parquet")
    ran = driftline("compare", "a.parquet", "b.parquet")
    assert ran.code == 0
    assert "only in the reference: old" in ran.out
    assert "only in the current batch, nothing to compare: fresh" in ran.out
    assert "'k' is int64 in the reference" in ran.out
    assert "--group COLUMN" in ran.out


def test_a_group_that_is_no_column_is_wrong_usage(here, driftline):
    batch(1).to_parquet("a.parquet")
    ran = driftline("compare", "a.parquet", "a.parquet", "--group", "usr")
    assert ran.code == 2
    assert "did you mean 'user'?" in ran.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nope.csv", None, "no file matches nope.csv"),
        ("nope", None, "is no file and no folder"),
        ("x.txt", b"hello", "does not tell its format by its suffix"),
        ("empty.csv", b"", "holds no rows, or cannot be read"),
        ("head.csv", b"user,x,colour\n", "holds no rows, or cannot be read"),
        ("empty.parquet", b"", "empty.parquet"),
        ("bad.parquet", b"PAR1 and no more", "bad.parquet cannot be read as parquet"),
        ("other.csv", b"y\n1\n2\n", "has none of the features of REFERENCE; it has y"),
    ],
)
def test_a_batch_that_cannot_be_compared_is_wrong_usage(here, driftline, name, content, words):
    batch(1).to_parquet("a.parquet")
    if content is not None:
        (here / name).write_bytes(content)
    for pair, key in ((("a.parquet", name), "CURRENT"), ((name, "a.parquet"), "REFERENCE")):
        ran = driftline("compare", *pair)
        assert ran.code == 2
        if name != "other.csv" or key == "CURRENT":
            assert f"{key}: {name}" in ran.err
            assert words in ran.err


def test_an_output_that_is_a_file_is_wrong_usage(here, driftline):
    batch(1).to_parquet("a.parquet")
    ran = driftline("compare", "a.parquet", "a.parquet", "--output", "a.parquet")
    assert ran.code == 2
    assert "name a folder" in ran.err
    assert len(pq.read_table("a.parquet")) == 1_500


def test_values_of_another_type_and_the_same_meaning_are_no_drift(here, driftline):
    frame = batch(1)
    frame["flag"] = np.random.default_rng(0).random(len(frame)) < 0.3
    frame.to_parquet("a.parquet")
    frame.assign(flag=frame["flag"].astype(int), x=frame["x"].astype(str)).to_parquet("b.parquet")
    frame.to_csv("c.csv", index=False)
    for other in ("b.parquet", "c.csv"):
        ran = driftline("compare", "a.parquet", other)
        assert ran.code == 0
        assert ran.out.startswith("0 of ")


def test_few_groups_are_said(here, driftline):
    batch(1, users=8).to_parquet("few.parquet")
    batch(2).to_parquet("b.parquet")
    ran = driftline("compare", "few.parquet", "b.parquet", "--group", "user")
    assert ran.code == 0
    assert "p-values are not calibrated and nothing is called drifted" in ran.out
