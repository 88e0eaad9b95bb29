"""The same values are the same whatever type a source gives them, and a real change is still one."""

import decimal
import json
from functools import cache
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.json_messages import JsonDecoder
from driftline.decoding.normalise import normalise
from driftline.feature_spec import FeatureSpec
from driftline.measures.measure import Entry, JudgedWindow
from driftline.measures.measure_registry import decode_profile, measure, merge_encoded
from driftline.measures.slicing import profile_events
from driftline.measures.survey import Survey
from driftline.measures.window_histograms import ReferenceWindows

FEATURES = (FeatureSpec("x", "numeric", "x"), FeatureSpec("c", "categorical", "x"))
SCHEMA = EventSchema("at", "ms", (), FEATURES)
MEMBER = (FeatureSpec("c", "categorical", "x"),)
WINDOWS, ROWS = 20, 400
WINDOW = JudgedWindow("m", "*", 0, 1_000_000, "v", 100)

PRICES = np.array([0.1, 0.2, 0.3, 0.7, 1.1, 19.99, 24.95, 3.0])
SHARES = np.arange(1, 300) / 100
WHOLE = np.array([0.0, 1.0, 2.0, 7.0, 100.0])


def as_decimal(values):
    return pa.array([decimal.Decimal(f"{v:.2f}") for v in values], pa.decimal128(10, 2))


FLOATS = {
    "float64": pa.array,
    "float32": lambda v: pa.array(v.astype(np.float32)),
    "float32 as float64": lambda v: pa.array(v.astype(np.float32).astype(np.float64)),
    "computed": lambda v: pa.array(v / 3 * 3 + np.where(v == 0, 1e-17, 0.0)),
    "1e-12 off": lambda v: pa.array(v + 1e-12),
    "decimal": as_decimal,
    "dictionary": lambda v: pa.array(v).dictionary_encode(),
    "text": lambda v: pa.array([repr(float(x)) for x in v]),
    "padded text": lambda v: pa.array([f"{x:.6f}" for x in v]),
}
INTEGERS = {
    "int8": lambda v: pa.array(v.astype(np.int8)),
    "int64": lambda v: pa.array(v.astype(np.int64)),
    "uint16": lambda v: pa.array(v.astype(np.uint16)),
    "text of integers": lambda v: pa.array([f"{x:.0f}" for x in v]),
    **{name: FLOATS[name] for name in ("float64", "float32", "decimal", "padded text")},
}
BOOLEANS = {
    "bool": lambda v: pa.array(v > 0),
    "int8": lambda v: pa.array((v > 0).astype(np.int8)),
    "float64": lambda v: pa.array((v > 0).astype(float)),
    "true, false": lambda v: pc.cast(pa.array(v > 0), pa.string()),
    "True, False": lambda v: pa.array([str(bool(x)) for x in v]),
    "1, 0": lambda v: pa.array([str(int(x > 0)) for x in v]),
}


def events_of(column, features, times):
    schema = EventSchema("at", "ms", (), features)
    return normalise(pa.table({"at": pa.array(times), "x": column}), schema).events


@cache
def learnt(as_reference, values, features):
    """Values of a reference, its layout, and what it knows of each part."""
    past = np.random.default_rng(0).choice(np.frombuffer(values), WINDOWS * ROWS)
    events = events_of(as_reference(past), features, np.repeat(np.arange(WINDOWS) * 1000, ROWS))
    layout, slices, entries = Survey.of(events, features).layout(features), {}, {}
    for each in profile_events(events, layout, None, 1_000_000):
        slices.setdefault(each.part, {})[each.start] = each.profile
    windows = ReferenceWindows(np.arange(WINDOWS) * 1_000_000, 1_000_000, 1_000_000, 100)
    for name, known in slices.items():
        part, whole = layout.part(name), merge_encoded(list(known.values()))
        of = measure(part.kind)
        null, _ = of.fit(part, whole, known, windows)
        entries[name] = Entry(of.decode(whole), of.read_null(null))
    return past, layout, entries


def judged(as_reference, as_stream, values, moved=None, features=FEATURES):
    rng = np.random.default_rng(0)
    past, layout, entries = learnt(as_reference, values.tobytes(), features)
    now = rng.permutation(past)[:ROWS] if moved is None else rng.choice(moved, ROWS)
    rows = {}
    for each in profile_events(events_of(as_stream(now), features, np.zeros(ROWS, int)), layout, None, 10**6):
        part, entry = layout.part(each.part), entries[each.part]
        of = measure(part.kind)
        batch = of.judge(part, decode_profile(each.profile), entry, of.reference(part, entry), WINDOW)[
            "results"
        ]
        rows |= {row["feature"]: row for row in batch.to_pylist()}
    return rows


TOLD = ("ks", "psi", "chi2", "missing_rate", "invalid_rate", "new_category_rate", "beyond_range", "p_value")


def same(one, other):
    for feature in one:
        for name in TOLD:
            a, b = one[feature].get(name), other[feature].get(name)
            assert (a is None) is (b is None), (feature, name)
            assert a is None or a == pytest.approx(b, rel=2e-2, abs=2e-3), (feature, name)


@pytest.mark.parametrize("values", [PRICES, SHARES], ids=["prices", "shares"])
@pytest.mark.parametrize("reference", FLOATS)
def test_floats_of_every_type_are_alike(values, reference):
    usual = judged(FLOATS["float64"], FLOATS["float64"], values)
    for stream in FLOATS.values():
        rows = judged(FLOATS[reference], stream, values)
        same(rows, usual)
        assert all(row["p_value"] > 0.01 and row["new_category_rate"] in (0, None) for row in rows.values())


@pytest.mark.parametrize("reference", INTEGERS)
def test_integers_of_every_type_are_alike(reference):
    usual = judged(INTEGERS["int64"], INTEGERS["int64"], WHOLE)
    for stream in INTEGERS.values():
        same(judged(INTEGERS[reference], stream, WHOLE), usual)


@pytest.mark.parametrize(("reference", "stream"), list(product(BOOLEANS, BOOLEANS)))
def test_booleans_of_every_type_are_alike(reference, stream):
    rows = judged(BOOLEANS[reference], BOOLEANS[stream], np.array([0.0, 1.0, 1.0]), features=MEMBER)
    assert (rows["c"]["new_category_rate"], rows["c"]["cardinality"]) == (0, 2)
    assert rows["c"]["p_value"] > 0.01


@pytest.mark.parametrize("stream", FLOATS)
def test_a_real_change_is_seen_in_every_type(stream):
    rows = judged(FLOATS["float64"], FLOATS[stream], PRICES, moved=PRICES + 0.01)
    assert all(row["p_value"] < 1e-4 for row in rows.values())
    assert rows["c"]["new_category_rate"] == pytest.approx(1.0)


def test_codes_keep_the_zeros_in_front():
    rows = judged(
        lambda v: pa.array([f"{int(x):03d}" for x in v]),
        lambda v: pa.array(v.astype(np.int64)),
        WHOLE,
        features=MEMBER,
    )
    assert rows["c"]["new_category_rate"] > 0.7


def test_json_and_parquet_are_alike():
    rng = np.random.default_rng(3)
    values = rng.choice(PRICES, 500)
    messages = [json.dumps({"at": 1, "x": float(v)}).encode() for v in values]
    decoded = decode_events(JsonDecoder(SCHEMA), messages, SCHEMA).events
    for kind in ("float32", "decimal"):
        other = events_of(FLOATS[kind](values), FEATURES, np.ones(500, int))
        assert decoded["feature.c"].to_pylist() == other["feature.c"].to_pylist()
        assert decoded["feature.x"].to_numpy() == pytest.approx(other["feature.x"].to_numpy(), rel=1e-7)


def mixed(share):
    """Numbers of which a share are text that is none."""

    def column(values):
        wrong = np.arange(len(values)) < share * len(values)
        return pa.array(
            [None if w else repr(float(v)) for v, w in zip(values, wrong, strict=True)]
        ).fill_null("n/a")

    return column


def test_invalid_values_are_a_finding_of_their_own():
    rows = judged(FLOATS["float64"], mixed(0.25), PRICES)
    assert (rows["x"]["invalid_rate"], rows["x"]["missing_rate"]) == (0.25, 0)
    assert rows["x"]["invalid_p"] < 1e-3
    assert rows["x"]["p_value"] < 1e-3
    assert rows["x"]["rate_change"] == pytest.approx(0.25)
    assert rows["x"]["change"].startswith("invalid 0 % to 25 %")
    assert rows["c"]["invalid_rate"] == 0  # a category is what it is


def test_what_is_usually_invalid_is_no_finding():
    rows = judged(mixed(0.0), mixed(0.0), PRICES)
    assert rows["x"]["invalid_p"] == pytest.approx(1.0)

    def some(values):
        column = mixed(0)(values).to_pylist()
        wrong = np.random.default_rng(4).random(len(values)) < 0.1
        return pa.array([("n/a" if w else each) for each, w in zip(column, wrong, strict=True)])

    rows = judged(some, some, PRICES)
    assert rows["x"]["invalid_rate"] == pytest.approx(0.1, abs=0.05)
    assert rows["x"]["p_value"] > 0.01


def test_nulls_that_become_text_are_seen():
    def nulls(values):
        return pa.array([None if i % 5 == 0 else float(v) for i, v in enumerate(values)])

    def text(values):
        return pa.array(["n/a" if i % 5 == 0 else repr(float(v)) for i, v in enumerate(values)])

    row = judged(nulls, text, PRICES)["x"]
    assert row["missing_p"] > 0.1  # as many rows as ever have no number
    assert row["invalid_p"] < 1e-3
    assert row["p_value"] < 1e-3
    assert row["change"] == "invalid 0 % to 20 %"
