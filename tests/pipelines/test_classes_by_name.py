"""More than two classes, from files to rows, with labels of the events and from a source of their own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, log_loss

from driftline.pipelines.cli import main

NAMES = ["setosa", "versicolor", "virginica"]


def outcomes(seed, start, days, *, swapped):
    rng, n = np.random.default_rng(seed), 300 * days
    labels = rng.integers(0, 3, n)
    odds = rng.normal(size=(n, 3))
    odds[np.arange(n), labels] += 2
    odds[(labels == 2) & (rng.random(n) < swapped), 1] += 4
    given = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    at = pd.date_range(start, periods=n, freq="288s", tz="UTC")
    names = np.array(NAMES)
    columns = {"at": at, "id": np.arange(n), "said": names[given.argmax(1)], "species": names[labels]}
    return pd.DataFrame({**columns, **{f"p_{name}": given[:, k] for k, name in enumerate(NAMES)}})


@pytest.mark.parametrize("apart", [False, True])
def test_confusion_and_log_loss_are_those_of_scikit_learn(tmp_path, monkeypatch, apart):
    monkeypatch.chdir(tmp_path)
    past, live = outcomes(1, "2026-01-01", 30, swapped=0), outcomes(2, "2026-02-01", 4, swapped=0.5)
    for name, rows in (("past", past), ("live", live)):
        labels = rows[["at", "id", "species"]]
        (rows.drop(columns="species") if apart else rows).to_parquet(f"{name}.parquet", index=False)
        labels.to_parquet(f"{name}_labels.parquet", index=False)
    source = ", source: {files: {pattern: live_labels.parquet}}, time: at" if apart else ""
    classes = ", ".join(f"{name}: p_{name}" for name in NAMES)
    (tmp_path / "iris.yaml").write_text(
        "model: iris\nevent_time: at\nrequest_id: id\nwindows: {size: 1d, every: 1d}\n"
        "source: {files: {pattern: live.parquet}}\n"
        f"labels: {{column: species, loss: log, probabilities: {{{classes}}}{source}}}\n"
        "detectors: [{signal: loss, detector: adwin}]\n"
        "baseline: {path: iris.avro}\nsinks: [files: {path: out/}]\n"
    )
    extra = ["--labels", "past_labels.parquet"] if apart else []
    for command in (["baseline", "iris.yaml", "--input", "past.parquet", *extra], ["backtest", "iris.yaml"]):
        assert main(command) == 0
    rows = pd.read_parquet("out/performance.parquet").sort_values("window_start")
    assert len(rows) == 4
    assert rows["p_value"].max() < 0.001
    assert rows["change"].str.contains("virginica taken for versicolor").all()
    for _, row in rows.iterrows():
        day = live[(live["at"] >= row["window_start"]) & (live["at"] < row["window_end"])]
        assert (
            list(row["confusion"]) == confusion_matrix(day.species, day.said, labels=NAMES).ravel().tolist()
        )
        given = day[[f"p_{name}" for name in NAMES]].to_numpy()
        expected = log_loss(day.species, given, labels=NAMES)
        assert [row["log_loss"], row["mean_loss"]] == pytest.approx([expected, expected])
