from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from tdigest import TDigest

from driftline import DriftDetector
from driftline.baseline import BaselineError, decode_baseline
from driftline.baseline.digests import import_digests
from driftline.config import parse_config

CONFIG = parse_config("""
model: m
event_time: t
features: {x: numeric, y: numeric}
source: {files: {pattern: "*.parquet"}}
baseline: {path: b.avro}
""")


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    return {"x": rng.lognormal(size=3000), "y": rng.normal(100, 5, 3000)}


@pytest.fixture(scope="module")
def digests(samples):
    found = {}
    for name, values in samples.items():
        digest = TDigest()
        digest.batch_update(values)
        found[name] = digest.to_dict()
    return found


def test_imported_quantiles_are_those_of_the_values_the_digest_saw(samples, digests):
    baseline = decode_baseline(import_digests(json.dumps(digests).encode(), CONFIG, created_at=0), "b")
    profile = baseline.entries["*", "numeric/0"].profile
    ranks = [0.05, 0.25, 0.5, 0.75, 0.95]
    for row, values in enumerate(samples.values()):
        found = np.searchsorted(np.sort(values), profile.quantiles(ranks)[row]) / len(values)
        assert np.abs(found - ranks).max() < 0.01


def test_an_imported_baseline_gives_effect_sizes_and_never_decides(samples, digests):
    baseline = decode_baseline(import_digests(json.dumps(digests).encode(), CONFIG, created_at=0), "b")
    detector = DriftDetector(baseline)
    shifted = pa.table({"x": samples["x"] * 3, "y": samples["y"]})
    x, y = detector.detect_all(shifted)
    assert (x.p_value, x.drifted, x.calibration) == (1.0, False, "uncalibrated")
    assert baseline.entries["*", "numeric/0"].profile.rows == 3000
    assert x.psi > 0.5
    assert y.psi < 0.05


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"x": {"centroids": [{"m": 1, "c": 1}]}}', "no digest for y"),
        (b'{"x": {"centroids": []}, "y": {"centroids": []}}', "'x' is empty"),
        (b'{"x": {"centroids": [{"m": 1}]}, "y": 1}', "'x' has no list"),
        (b'{"x": 1, "y": 1}', "'x' has no list"),
    ],
)
def test_what_is_no_digest_is_refused(text, says):
    with pytest.raises(BaselineError, match=says):
        import_digests(text, CONFIG, created_at=0)
