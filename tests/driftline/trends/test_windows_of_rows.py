"""From result rows to what is followed: the vectors are those whose p-values the rows have."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from driftline.baseline import decode_baseline
from driftline.judging import judge
from driftline.measures.measure_registry import decode_profile
from driftline.measures.slicing import profile_events
from driftline.statistics.null.runs import RAREST
from driftline.trends import features_followed, followed_windows, reference_runs
from tests.transforms.timelines import MINUTE, encoded_baseline, events, reference_events

SIZE = 30 * MINUTE


@cache
def baseline(windows=60):
    return decode_baseline(encoded_baseline(reference_events(windows=windows), every=30), "b")


def result_rows(window, x, c, *, start=None, segment="*"):
    """Judged rows of one window, as they are once the window is settled."""
    known = baseline()
    start = window * SIZE if start is None else start
    batch = events(np.full(len(x), start / MINUTE + 1), ["A"] * len(x), x, c)
    parts = []
    for part in profile_events(batch, known.layout, None, SIZE):
        profile, block = decode_profile(part.profile), known.layout.part(part.part)
        parts.append(
            judge(profile, segment, block, (start, start + SIZE), baseline=known, min_n=50)["results"]
        )
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def drawn(seed, n=300, shift=0.0, missing=0):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=n) + shift).tolist()
    return [None] * missing + x[missing:], rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])


def taken(rows):
    return {key: windows.statistics for key, windows in followed_windows(rows, baseline())}


def test_vectors_have_the_lengths_of_the_p_values_of_the_rows():
    rows = result_rows(3, *drawn(1, shift=0.2, missing=9))
    found = taken(rows)
    assert set(found) == {("*", "numeric/0"), ("*", "categorical/0")}
    by_feature = {row["feature"]: row for row in rows.to_pylist()}
    for key, feature, df in (
        (("*", "numeric/0"), "x", {"smooth": 4, "missing": 1}),
        (("*", "categorical/0"), "c", {"chi2": 2, "missing": 1}),
    ):
        null = baseline().entries[key].null
        assert set(found[key]) == set(df)
        for name, each in found[key].items():
            freedom = float(null.arrays[name]["run_shape"][0, 0])
            assert freedom == pytest.approx(df[name], rel=0.05)
            p = max(by_feature[feature][f"{name}_p"], RAREST)
            length = (each.vectors[0].astype(float) ** 2).sum()
            assert length == pytest.approx(stats.chi2.isf(p, freedom), abs=1e-3)
            assert (each.place.tolist(), each.start.tolist(), each.n.tolist()) == ([0], [3 * SIZE], [300])


def test_vectors_point_where_the_change_is():
    up = taken(result_rows(0, *drawn(2, shift=1.0)))["*", "numeric/0"]["smooth"].vectors[0]
    more = taken(result_rows(1, *drawn(3, shift=1.0)))["*", "numeric/0"]["smooth"].vectors[0]
    down = taken(result_rows(2, *drawn(4, shift=-1.0)))["*", "numeric/0"]["smooth"].vectors[0]
    assert up @ more / np.sqrt((up @ up) * (more @ more)) > 0.8
    assert up @ down < 0


def test_what_cannot_be_followed_is_left_out():
    whole = result_rows(2, *drawn(5))
    assert taken(whole)
    for name, value in (("status", "partial"), ("status", "insufficient"), ("baseline_version", "other")):
        place = whole.schema.get_field_index(name)
        changed = whole.set_column(place, name, pa.array([value] * whole.num_rows))
        assert not taken(changed)
    assert not taken(result_rows(0, *drawn(6), start=SIZE // 2))  # overlaps the windows that are followed


def test_a_statistic_without_p_value_is_left_out():
    found = taken(result_rows(2, [None] * 300, drawn(7)[1]))
    assert set(found["*", "numeric/0"]) == {"missing"}


def test_features_that_share_the_budget_are_those_with_ten_windows():
    assert features_followed(baseline()) == 6  # two features, of all traffic and two segments
    assert features_followed(baseline(9)) == 0
    runs = reference_runs(baseline().entries["*", "numeric/0"].null)
    assert {name: each.longest.tolist() for name, each in runs.items()} == {"smooth": [16], "missing": [16]}
    assert reference_runs(None) == {}


def test_nulls_of_earlier_releases_cannot_be_followed():
    null = baseline().entries["*", "numeric/0"].null
    old = {
        name: {key: array for key, array in arrays.items() if not key.startswith("run_")}
        for name, arrays in null.arrays.items()
    }
    null = type(null)(**{**{f: getattr(null, f) for f in null.__dataclass_fields__}, "arrays": old})
    assert reference_runs(null) == {}
