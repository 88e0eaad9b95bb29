import base64

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.feature_spec import FeatureSpec
from driftline.measures.categorical.categorical_survey import CategoricalSurvey
from driftline.measures.survey import Survey, merge_surveys
from driftline.profiles.bins import BINS
from driftline.profiles.hashing import hash_text

FEATURES = [
    FeatureSpec("age", "numeric", "age"),
    FeatureSpec("carrier", "categorical", "carrier", 2),
    FeatureSpec("distance", "numeric", "distance", 8),
    FeatureSpec("fare", "categorical", "fare"),
]
SCHEMA = pa.schema(
    [("time", pa.int64())]
    + [(f"feature.{f.name}", pa.float64() if f.kind == "numeric" else pa.string()) for f in FEATURES]
)
NUMBER = st.none() | st.sampled_from([np.nan, np.inf, -np.inf]) | st.integers(-5, 5).map(float)
EVENT = st.fixed_dictionaries(
    {
        "time": st.just(0),
        "feature.age": NUMBER,
        "feature.carrier": st.none() | st.sampled_from(["UA", "DL", "AA", ""]),
        "feature.distance": NUMBER,
        "feature.fare": st.none() | st.text(max_size=1),
    }
)


def table_of(rows) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def reference(n: int = 20_000, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns = {
        "time": np.zeros(n, np.int64),
        "feature.age": rng.normal(40, 10, n),
        "feature.carrier": rng.choice(["UA", "DL", "AA"], n, p=[0.2, 0.5, 0.3]),
        "feature.distance": np.where(rng.random(n) < 0.3, 0.0, rng.lognormal(0, 1, n)),
        "feature.fare": rng.integers(0, 200, n).astype(str),
    }
    return pa.table(columns, SCHEMA)


@settings(max_examples=40)
@given(st.lists(st.lists(EVENT, max_size=15), min_size=1, max_size=5), st.randoms())
def test_any_split_any_order_same_layout(parts, random):
    whole = Survey.of(table_of([row for part in parts for row in part]), FEATURES)
    surveys = [Survey.of(table_of(part), FEATURES) for part in parts]
    random.shuffle(surveys)
    merged = Survey.merge_all([s if random.random() < 0.5 else s.to_bytes() for s in surveys])
    assert merged.rows == whole.rows
    assert merged.layout(FEATURES).to_bytes() == whole.layout(FEATURES).to_bytes()


def test_a_layout_has_the_quantiles_and_the_largest_categories():
    events = reference()
    chunks = pa.concat_tables([events.slice(i, 3000) for i in range(0, 20_000, 3000)])
    layout = Survey.of(chunks, FEATURES).layout(FEATURES)
    assert [block.names for block in layout.blocks] == [("age", "distance"), ("carrier", "fare")]
    age, distance = layout.block("numeric/0").features
    ages = events["feature.age"].to_numpy()
    shares = np.histogram(ages, np.concatenate([[-np.inf], age.edges, [np.inf]]))[0] / len(ages)
    assert BINS + 2 <= age.bins <= BINS + 8  # of a tail that is halved
    assert shares[0] == shares[-1] == 0  # nothing of the reference is beyond its range
    assert np.abs(shares[5:-5] - 1 / BINS).max() < 0.004
    at = np.searchsorted(distance.edges, 0.0)
    assert distance.edges[at] - distance.edges[at - 1] < 1e-3  # an atom
    carrier, fare = layout.block("categorical/0").features
    assert carrier.categories == ("DL", "AA")
    assert carrier.known.tolist() == np.unique(hash_text(pa.array(["AA", "DL", "UA"]))).tolist()
    assert len(fare.categories) == BINS
    assert len(fare.known) == 200


def test_ten_pieces_give_the_exact_categories_and_near_quantiles():
    pieces = [reference(2000, seed) for seed in range(10)]
    merged = merge_surveys([Survey.of(piece, FEATURES).to_bytes() for piece in pieces])
    found = Survey.from_bytes(merged).layout(FEATURES)
    wanted = Survey.of(pa.concat_tables(pieces), FEATURES).layout(FEATURES)
    for one, two in zip(
        found.block("categorical/0").features, wanted.block("categorical/0").features, strict=True
    ):
        assert one.categories == two.categories
        assert np.array_equal(one.known, two.known)
    ages = np.sort(pa.concat_tables(pieces)["feature.age"].to_numpy())
    ranks = [
        np.searchsorted(ages, layout.block("numeric/0").features[0].edges) / len(ages)
        for layout in (found, wanted)
    ]
    assert np.abs(ranks[0] - ranks[1]).max() < 0.005


def test_more_features_than_a_block_holds():
    features = [FeatureSpec(f"f{i}", "numeric", f"f{i}") for i in range(130)]
    rng = np.random.default_rng(1)
    events = pa.table({f"feature.f{i}": rng.normal(i, 1, 500) for i in range(130)})
    surveys = [Survey.of(events.slice(i, 100), features).to_bytes() for i in range(0, 500, 100)]
    layout = Survey.from_bytes(merge_surveys(surveys)).layout(features)
    assert [len(block) for block in layout.blocks] == [64, 64, 2]
    for i in (0, 63, 64, 129):
        assert np.median(layout.features[i].edges) == pytest.approx(i, abs=0.3)


def test_constant_and_empty_features_have_a_layout():
    rows = [{"time": 0, "feature.age": 3.0, "feature.carrier": None, "feature.distance": None}] * 50
    age, distance, carrier, fare = Survey.of(table_of(rows), FEATURES).layout(FEATURES).features
    assert age.edges == pytest.approx([3.0, 3.0], abs=1e-5)
    assert age.edges[0] < 3.0 < age.edges[1]
    assert distance.bins >= 1
    assert carrier.categories == fare.categories == ()


def test_no_rows_have_a_layout():
    survey = Survey.of(SCHEMA.empty_table(), FEATURES)
    assert survey.rows == 0
    assert len(survey.layout(FEATURES).features) == 4
    assert Survey.merge_all([survey, Survey.of(reference(500), FEATURES)]).rows == 500


def test_a_feature_that_was_not_surveyed_is_named():
    survey = Survey.of(reference(100), FEATURES[:2])
    with pytest.raises(ValueError, match="not surveyed for: distance, fare"):
        survey.layout(FEATURES)


def test_surveys_of_different_features_do_not_merge():
    surveys = [Survey.of(reference(100), FEATURES), Survey.of(reference(100), FEATURES[:2])]
    with pytest.raises(ValueError, match="one configuration"):
        Survey.merge_all(surveys)
    with pytest.raises(ValueError, match="0 surveys"):
        Survey.merge_all([])


ROWS = [
    {
        "time": 0,
        "feature.age": float(i % 4),
        "feature.carrier": "DL" if i % 3 else None,
        "feature.distance": None,
        "feature.fare": "日本",
    }
    for i in range(12)
]
WHOLE = Survey.of(table_of(ROWS), FEATURES).to_bytes()


@given(st.integers(0, len(WHOLE) - 1))
def test_bytes_cut_short_are_refused(length):
    with pytest.raises(ValueError, match=r"cut short|not a|damaged|bytes|head"):
        Survey.from_bytes(WHOLE[:length])


CATEGORIES_1 = (
    "ZFNDARcAAAB7ImZlYXR1cmVzIjpbWyJjIiw1OF1dfQQBCg4DAAAAAgAAAAAAAAADAAAAAAAAAAAAAAAA"
    "AAAAAQAAAAAAAAACAAAAAAAAAAEAAABiAQAAAGE="
)


def test_categories_of_version_1_are_read_and_have_no_values():
    survey = CategoricalSurvey.from_bytes(base64.b64decode(CATEGORIES_1))
    assert survey.features["c"].counts() == {"a": 2, "b": 1}
    assert survey.features["c"].values is None
    again = CategoricalSurvey.from_bytes(survey.to_bytes())
    assert (again.features["c"].counts(), again.features["c"].values) == ({"a": 2, "b": 1}, None)
    today = CategoricalSurvey.of(pa.table({"feature.c": pa.array(["a", "c"])}), ["c"])
    assert today.to_bytes()[3] == 2
    both = CategoricalSurvey.merge_all([survey, CategoricalSurvey.from_bytes(today.to_bytes())])
    assert both.features["c"].values is None
    assert len(today.features["c"].values.known) == 2


def test_foreign_and_newer_bytes_are_refused():
    with pytest.raises(ValueError, match="not a survey"):
        Survey.from_bytes(b"not a survey")
    with pytest.raises(ValueError, match="version 9"):
        Survey.from_bytes(WHOLE[:3] + b"\x09" + WHOLE[4:])
