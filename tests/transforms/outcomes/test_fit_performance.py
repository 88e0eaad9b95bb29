"""What a baseline says of outcomes, laid out in Beam, agrees with the same done without."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
import numpy as np
import orjson
import pytest

from driftline.performance import Loss, LossNull, LossPeriods, PerformanceProfile
from driftline.performance.class_sums import sums_of_rows
from driftline.performance.performance_measure import PART
from driftline.profiles.coverage import Coverage
from driftline.transforms.outcomes.fit_performance import FitPerformance
from driftline.transforms.outcomes.profile_outcomes import ProfileReference
from tests.driftline.performance.outcome_rows import outcomes, predictions

SECOND = 1_000_000
SIZE, STRIDE = 40 * SECOND, 20 * SECOND
LOSS = Loss("log")


@pytest.fixture(scope="module")
def rows():
    """Twenty-five windows of predictions in two segments; only one of them ever has labels."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(0, 1_000 * SECOND, 4_000))
    segment = np.where(rng.random(len(time)) < 0.7, "s=a", "s=b")
    score = rng.random(len(time))
    made = predictions(time, score, segment)
    own = segment == "s=a"
    label = (rng.random(own.sum()) < score[own]).astype(float)
    return made, outcomes(time[own], time[own] + SECOND, score[own], label, segment[own])


@pytest.fixture(scope="module")
def entries(rows):
    """Entries of the baseline by segment."""
    made, known = rows
    coverage = Coverage.of(made["time"].to_numpy(), STRIDE)
    with TemporaryDirectory() as folder:
        with beam.Pipeline("FnApiRunner") as pipeline:
            parts = [
                pipeline | name >> beam.Create([table.slice(i, 700) for i in range(0, table.num_rows, 700)])
                for name, table in (("P", made), ("O", known))
            ]
            encoded = pipeline | "C" >> beam.Create([coverage.to_bytes()])
            fit = FitPerformance(encoded, SIZE, STRIDE, min_n=50, min_coverage=0.5)
            _ = tuple(parts) | ProfileReference(LOSS, STRIDE) | fit | beam.Map(_keep, folder)
        found = [path.read_bytes() for path in Path(folder).iterdir()]
    names = ("segment", "part", "profile", "null")
    pieces = [dict(zip(names, (bytes.fromhex(x) for x in orjson.loads(data)), strict=True)) for data in found]
    return {piece["segment"].decode(): piece for piece in pieces}


def _keep(entry, folder):
    packed = [
        value.encode() if isinstance(value, str) else value or b""
        for value in (entry[name] for name in ("segment", "part", "profile", "null"))
    ]
    name = entry["segment"].replace("*", "all")
    Path(folder, name).write_bytes(orjson.dumps([value.hex() for value in packed]))


def test_every_segment_has_an_entry(entries):
    assert set(entries) == {"*", "s=a", "s=b"}
    assert {entry["part"].decode() for entry in entries.values()} == {PART.name}
    counted = {name: PerformanceProfile.from_bytes(entry["profile"]) for name, entry in entries.items()}
    assert counted["*"].n_predictions == 4_000
    assert counted["*"].n == counted["s=a"].n == counted["s=a"].n_predictions
    assert counted["s=b"].n == 0


def test_nulls_are_those_of_the_windows(rows, entries):
    _, known = rows
    time, score, label = (known[name].to_numpy() for name in ("time", "score", "label"))
    whole = PerformanceProfile.of_outcomes(LOSS, score, label, np.zeros(len(time), np.int64))
    periods = LossPeriods.of(time, LOSS.of(score, label), STRIDE, sums_of_rows(LOSS, score, label))
    expected = LossNull.fit(whole, periods, STRIDE * np.arange(49), size=SIZE, min_n=50)
    assert expected.table.windows == 25
    for segment in ("*", "s=a"):
        null = LossNull.from_bytes(entries[segment]["null"])
        assert null.classes.to_bytes() == expected.classes.to_bytes()  # of whole numbers: to the bit
        found = null.table
        np.testing.assert_allclose(found.quantiles, expected.table.quantiles, rtol=1e-5, atol=1e-6)
        assert (found.windows, found.n_min, found.n_max) == (
            expected.table.windows,
            expected.table.n_min,
            expected.table.n_max,
        )


def test_without_outcomes_there_is_no_null(entries):
    assert entries["s=b"]["null"] == b""
