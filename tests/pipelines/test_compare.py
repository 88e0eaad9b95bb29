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
