"""The baseline file: what it keeps, what it refuses, and that version 1 stays readable."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import fastavro
import numpy as np
import orjson
import pytest

from driftline.baseline import Baseline, BaselineError, decode_baseline, encode_baseline
from driftline.baseline.file import FORMAT_VERSION
from driftline.baseline.windows_file import decode_windows, encode_windows, windows_record
from driftline.measures.measure_registry import measure
from driftline.measures.window_histograms import WindowHistograms
from driftline.performance import Loss, LossNull, LossPeriods, PerformanceProfile
from driftline.performance.performance_measure import PART, performance_record
from driftline.profiles.categorical import CategoricalProfile
from driftline.profiles.numeric import NumericProfile
from tests.transforms.timelines import encoded_baseline, reference_events

DATA = Path(__file__).parent / "data"
HEAD = "driftline.baseline"


@pytest.fixture(scope="module")
def encoded():
    return encoded_baseline(reference_events(windows=12, rows=100))


@pytest.fixture(scope="module")
def baseline(encoded):
    return decode_baseline(encoded, "b.avro")


def records_of(baseline):
    return [
        {
            "segment": segment,
            "part": part,
            "profile": entry.profile.to_bytes(),
            "null": None if entry.null is None else entry.null.to_bytes(),
        }
        for (segment, part), entry in baseline.entries.items()
    ]


def encode(baseline, records=None, **changes):
    fields = {
        "model": baseline.model,
        "size": baseline.size,
        "every": baseline.every,
        "segment_columns": baseline.segment_columns,
        "windows": baseline.windows,
        "created_at": baseline.created_at,
        "min_n": baseline.min_n,
    }
    return encode_baseline(
        records_of(baseline) if records is None else records, baseline.layout, **fields | changes
    )


def version(data):
    return decode_baseline(data, "b").version


def rewritten(data, **changes):
    """The same file with other values in its header."""
    reader = fastavro.reader(io.BytesIO(data))
    head = orjson.loads(reader.metadata[HEAD]) | changes
    head = {key: value for key, value in head.items() if value is not ...}
    out = io.BytesIO()
    fastavro.writer(
        out,
        reader.writer_schema,
        list(reader),
        codec="deflate",
        metadata={HEAD: orjson.dumps(head).decode()},
    )
    return out.getvalue()


# --- what it keeps


def test_a_baseline_comes_back_as_it_was(encoded, baseline):
    assert encode(baseline) == encoded
    assert (baseline.model, baseline.size, baseline.every) == ("m", 1_800_000_000, 900_000_000)
    assert baseline.segment_columns == ("s",)
    assert baseline.segments == ("*", "s=A", "s=B")
    assert baseline.monitored == {"s=A", "s=B"}
    assert baseline.windows == 21
    assert set(baseline.entries) == {
        (segment, block) for segment in ("*", "s=A", "s=B") for block in ("numeric/0", "categorical/0")
    }


def test_null_calibrations_come_back_bit_for_bit(encoded, baseline):
    again = decode_baseline(encode(baseline), "again")
    for key, entry in baseline.entries.items():
        assert again.entries[key].null.to_bytes() == entry.null.to_bytes()
        assert again.entries[key].profile.to_bytes() == entry.profile.to_bytes()


def test_an_entry_without_a_null_calibration_keeps_none(baseline):
    records = [record | {"null": None} for record in records_of(baseline)]
    again = decode_baseline(encode(baseline, records), "b")
    assert {entry.null for entry in again.entries.values()} == {None}


def test_segment_labels_of_any_text_come_back(baseline):
    labels = ["*", "(other)", "s=", "s=~", "s=%2C%3D%25", "s=Zürich 東京 🛫", "s=" + "x" * 10_000]
    entry = records_of(baseline)[0]
    again = decode_baseline(encode(baseline, [entry | {"segment": label} for label in labels]), "b")
    assert set(again.segments) == set(labels)
    assert (again.segments[0], again.segments[-1]) == ("*", "(other)")


# --- its version


def test_the_order_of_entries_and_the_time_of_writing_do_not_enter_the_file_s_version(baseline, encoded):
    records = records_of(baseline)
    assert encode(baseline, records[::-1]) == encoded
    later = encode(baseline, created_at=1_795_000_000_000_000)
    assert later != encoded
    assert version(later) == baseline.version
    assert decode_baseline(later, "b").created_at == 1_795_000_000_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "n"},
        {"size": 3_600_000_000},
        {"every": 1_800_000_000},
        {"segment_columns": ("r",)},
        {"windows": 7},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_that_decides_enters_the_version(baseline, changes):
    assert version(encode(baseline, **changes)) != baseline.version


def test_profiles_nulls_and_segments_enter_the_version(baseline):
    first, *rest = records_of(baseline)
    other = next(record for record in rest if record["part"] == first["part"])
    seen = {
        version(encode(baseline, records))
        for records in (
            [first, *rest],
            rest,
            [first | {"null": None}, *rest],
            [first | {"segment": "s=Z"}, *rest],
            [first | {"profile": other["profile"]}, *rest],
        )
    }
    assert len(seen) == 5


def test_the_same_reference_gives_the_same_version_twice():
    reference = reference_events(windows=4, rows=50)
    assert version(encoded_baseline(reference)) == version(encoded_baseline(reference))


# --- what it refuses


def test_cut_short_at_any_length_it_is_refused_by_name_with_a_remedy():
    data = encoded_baseline(reference_events(windows=4, rows=30))
    for length in range(len(data)):
        with pytest.raises(BaselineError) as caught:
            decode_baseline(data[:length], "gs://bucket/b.avro")
        assert "gs://bucket/b.avro" in str(caught.value), length
        assert "driftline baseline" in str(caught.value), length


def test_a_changed_byte_is_refused_or_harmless(encoded, baseline):
    harmless, messages = 0, set()
    rng = np.random.default_rng(1)
    places = np.concatenate([np.arange(0, 600), rng.integers(0, len(encoded), 600)])
    for place in places:
        damaged = bytearray(encoded)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            again = decode_baseline(bytes(damaged), "b.avro")
        except BaselineError as error:
            messages.add("b.avro" in str(error))
        else:
            harmless += 1
            assert again.version == baseline.version
            assert records_of(again) == records_of(baseline)
            assert again.layout.fingerprint == baseline.layout.fingerprint
    assert messages == {True}
    assert harmless < 100  # the schema's names and the time of writing


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"PAR1", b"Obj\x01", b"Obj\x01" + bytes(50), bytes(1000), b"\xff" * 1000]
)
def test_what_is_no_avro_file_is_refused(data):
    with pytest.raises(BaselineError, match=r"x\.avro is not a driftline baseline.*driftline baseline"):
        decode_baseline(data, "x.avro")


def test_another_avro_file_is_refused():
    out = io.BytesIO()
    fastavro.writer(
        out, {"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]}, [{"a": 1}]
    )
    with pytest.raises(BaselineError, match=r"x\.avro is an Avro file but not a driftline baseline"):
        decode_baseline(out.getvalue(), "x.avro")


def test_a_newer_format_is_refused_with_its_number(encoded):
    data = rewritten(encoded, format_version=FORMAT_VERSION + 1)
    with pytest.raises(
        BaselineError,
        match=rf"b\.avro has baseline format {FORMAT_VERSION + 1}.*up to {FORMAT_VERSION}: upgrade driftline",
    ):
        decode_baseline(data, "b.avro")


def test_a_newer_format_may_lack_everything_else(encoded):
    keys = orjson.loads(fastavro.reader(io.BytesIO(encoded)).metadata[HEAD]).keys()
    data = rewritten(encoded, **dict.fromkeys(keys, ...) | {"format_version": 9})
    with pytest.raises(BaselineError, match="format 9"):
        decode_baseline(data, "b.avro")


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": ...},
        {"layout": ...},
        {"layout": "AAAA"},
        {"layout": "not base64"},
        {"entries": 5},
        {"entries": ...},
        {"size": 60_000_000},
        {"model": "another"},
    ],
    ids=str,
)
def test_a_header_that_does_not_belong_to_its_entries_is_refused(encoded, changes):
    with pytest.raises(BaselineError, match=r"b\.avro.*driftline baseline"):
        decode_baseline(rewritten(encoded, **changes), "b.avro")


@pytest.mark.parametrize("head", ["null", "[]", "{", '"text"', ""])
def test_a_header_that_is_no_object_is_refused(encoded, head):
    reader = fastavro.reader(io.BytesIO(encoded))
    out = io.BytesIO()
    fastavro.writer(out, reader.writer_schema, list(reader), metadata={HEAD: head})
    with pytest.raises(BaselineError, match=r"b\.avro"):
        decode_baseline(out.getvalue(), "b.avro")


def test_a_damaged_profile_is_refused(baseline):
    first, *rest = records_of(baseline)
    data = encode(baseline, [first | {"profile": first["profile"][:-3]}, *rest])
    with pytest.raises(
        BaselineError, match=r"b\.avro is cut short.*; found: categorical profile of 57 bytes"
    ):
        decode_baseline(data, "b.avro")


# --- the references it gives


def test_a_reference_of_a_segment_it_lacks_is_an_error_with_a_remedy(baseline):
    with pytest.raises(BaselineError, match=r"no segment 's=Z' with part 'numeric/0'.*driftline baseline"):
        baseline.reference("s=Z", baseline.layout.block("numeric/0"))


def test_references_are_made_once(baseline):
    block = baseline.layout.block("numeric/0")
    assert baseline.reference("*", block) is baseline.reference("*", block)


def test_references_hold_the_counts_of_the_whole_reference():
    reference = reference_events(windows=12, rows=100)
    baseline = decode_baseline(encoded_baseline(reference), "b")
    block = baseline.layout.block("numeric/0")
    x = reference["feature.x"].to_numpy()
    mine = np.array(reference["segment.s"].to_pylist()) == "A"
    found = baseline.reference("s=A", block)
    edges = block.numeric[0].edges
    expected = np.bincount(np.searchsorted(edges, x[mine], side="right"), minlength=len(edges) + 1)
    assert found.counts.values[0].tolist() == expected.tolist()
    low, high = np.quantile(x[mine], [0.25, 0.75])
    assert found.iqr[0] == pytest.approx(high - low, rel=0.03)
    assert found.sd[0] == pytest.approx(x[mine].std(), rel=1e-12)


# --- version 1, for ever


@pytest.fixture(scope="module")
def version_1() -> Baseline:
    return decode_baseline((DATA / "baseline_v1.avro").read_bytes(), "baseline_v1.avro")


def test_version_1_is_readable(version_1):
    assert version_1.model == "m"
    assert (version_1.size, version_1.every) == (1_800_000_000, 900_000_000)
    assert version_1.segment_columns == ("s",)
    assert version_1.segments == ("*", "s=A", "s=B")
    assert version_1.windows == 37
    assert version_1.created_at == 0
    assert version_1.version == "925f899e28abc40f"
    assert [(block.name, block.names) for block in version_1.layout.blocks] == [
        ("numeric/0", ("x",)),
        ("categorical/0", ("c",)),
    ]
    assert version_1.layout.fingerprint.hex() == "643dc534652c6eca"


def test_profiles_of_version_1_say_what_they_said(version_1):
    numeric = version_1.entries["s=A", "numeric/0"].profile
    assert isinstance(numeric, NumericProfile)
    assert numeric.rows == 1022
    assert numeric.missing.tolist() == [0]
    assert numeric.minimum.tolist() == [-2.8346457150856743]
    assert numeric.maximum.tolist() == [3.257199074716764]
    assert numeric.mean[0] == pytest.approx(0.06181374479929654, rel=1e-12)
    assert numeric.counts[0, :8].tolist() == [17, 17, 12, 11, 19, 21, 14, 10]
    assert numeric.quantiles([0.5])[0, 0] == pytest.approx(0.04992852578776713, rel=1e-9)
    categorical = version_1.entries["*", "categorical/0"].profile
    assert isinstance(categorical, CategoricalProfile)
    assert categorical.rows == 2000
    assert categorical.counts[0].tolist() == [1023, 589, 388, 0]
    block = version_1.layout.block("categorical/0")
    assert block.categorical[0].categories == ("a", "b", "c")


def test_p_values_of_version_1_say_what_they_said(version_1):
    null = version_1.entries["*", "numeric/0"].null
    squared = np.array([[0.02, 0.02, 0.02, 0.0005]])
    p = null.p_values(squared, np.full((1, 4), 60.0))
    assert p[0] == pytest.approx([0.13366025771165288, 1.0, 0.6190180793359753, 0.839564737329455], rel=1e-6)
    assert null.statuses() == ["calibrated"]


def test_windows_of_version_1_are_readable():
    windows = decode_windows((DATA / "baseline_v1.avro.windows").read_bytes())
    assert len(windows) == 6
    found = windows["s=B", "numeric/0"]
    assert found.starts[:2].tolist() == [-35_100_000_000, -34_200_000_000]
    assert found.counts.shape == (37, 1, 64)
    assert found.counts.sum((1, 2))[:5].tolist() == [34, 44, 51, 49, 47]
    assert found.mean is found.variance is None


WINDOWS_2 = (
    "T2JqAQYiZHJpZnRsaW5lLndpbmRvd3MCMhRhdnJvLmNvZGVjDmRlZmxhdGUWYXZyby5zY2hlbWGIB3sidHlwZSI6ICJyZWNvcmQiLCAi"
    "bmFtZSI6ICJkcmlmdGxpbmUuUmVmZXJlbmNlV2luZG93cyIsICJmaWVsZHMiOiBbeyJuYW1lIjogInNlZ21lbnQiLCAidHlwZSI6ICJz"
    "dHJpbmcifSwgeyJuYW1lIjogImJsb2NrIiwgInR5cGUiOiAic3RyaW5nIn0sIHsibmFtZSI6ICJzdGFydHMiLCAidHlwZSI6IHsidHlw"
    "ZSI6ICJhcnJheSIsICJpdGVtcyI6ICJsb25nIn19LCB7Im5hbWUiOiAid2lkdGgiLCAidHlwZSI6ICJsb25nIn0sIHsibmFtZSI6ICJj"
    "b3VudHMiLCAidHlwZSI6ICJieXRlcyJ9LCB7Im5hbWUiOiAibWlzc2luZyIsICJ0eXBlIjogImJ5dGVzIn0sIHsibmFtZSI6ICJub25m"
    "aW5pdGUiLCAidHlwZSI6ICJieXRlcyJ9LCB7Im5hbWUiOiAibWVhbiIsICJ0eXBlIjogWyJudWxsIiwgImJ5dGVzIl19LCB7Im5hbWUi"
    "OiAidmFyaWFuY2UiLCAidHlwZSI6IFsibnVsbCIsICJieXRlcyJdfV19AFbxR3cv1+3ZHP5PXW1zmfwErgFj0pJKTixJTc8vykxOzNE3"
    "YGFoWLL8FhsDWwIzAwQwMqACJjQ+C5RWQFeowIABmLSE8kpzU4F2IWxicUC3CWYD8SYzQUUe2EPoH/YwEQYHCMXhAAB/wxJW8Ud3L9ft"
    "2Rz+T11tc5n8"
)


def test_windows_of_version_2_are_readable():
    windows = decode_windows(base64.b64decode(WINDOWS_2))
    categories, numbers = windows["*", "categorical/0"], windows["*", "numeric/0"]
    assert categories.starts.tolist() == [0, 900_000_000]
    assert categories.counts.tolist() == [[[3, 1, 0]], [[2, 0, 4]]]
    assert categories.cardinality is categories.coincidences is numbers.cardinality is None
    assert (numbers.mean.tolist(), numbers.variance.tolist()) == ([[0.5], [1.5]], [[2.0], [3.0]])


# --- the windows beside it


def test_windows_come_back_as_they_were():
    rng = np.random.default_rng(0)
    histograms = {
        (segment, block): WindowHistograms(
            np.arange(-5, 2) * 900_000_000,
            rng.integers(0, 2**40, (7, 3, 5)),
            rng.integers(0, 9, (7, 3)),
            rng.integers(0, 9, (7, 3)),
            *(rng.normal(size=(2, 7, 3)) if block == "numeric/0" else (None, None)),
            *(rng.normal(size=(2, 7, 3)) if block == "categorical/0" else ()),
        )
        for segment in ("*", "s=é")
        for block in ("numeric/0", "categorical/0")
    }
    records = [windows_record(*key, windows) for key, windows in histograms.items()]
    again = decode_windows(encode_windows(records[::-1]))
    assert list(again) == sorted(histograms)
    for key, windows in histograms.items():
        for name in ("starts", "counts", "missing", "nonfinite"):
            assert getattr(again[key], name).tolist() == getattr(windows, name).tolist()
        for name in ("mean", "variance", "cardinality", "coincidences"):
            found, written = getattr(again[key], name), getattr(windows, name)
            of_numbers = name in {"mean", "variance"}
            assert (found is None) == (written is None) == ((key[1] == "numeric/0") != of_numbers)
            assert written is None or found.tolist() == written.tolist()


def test_no_windows_at_all_come_back():
    none = WindowHistograms(
        np.zeros(0, np.int64), np.zeros((0, 2, 4), int), np.zeros((0, 2), int), np.zeros((0, 2), int)
    )
    again = decode_windows(encode_windows([windows_record("*", "numeric/0", none)]))["*", "numeric/0"]
    assert again.counts.shape[0] == len(again.starts) == 0
    assert again.counts.shape[2] == 4


def test_windows_from_the_sidecar_refit_to_nearly_the_same_null(version_1):
    windows = decode_windows((DATA / "baseline_v1.avro.windows").read_bytes())["*", "numeric/0"]
    block = version_1.layout.block("numeric/0")
    entry = version_1.entries["*", "numeric/0"]
    again = measure("numeric").null_of(block, entry.profile, windows, overlap=2, min_n=50)
    again, squared, n = again.only(entry.null.statistics), np.full((1, 4), 0.01), np.full((1, 4), 80.0)
    assert again.p_values(squared, n)[0] == pytest.approx(entry.null.p_values(squared, n)[0], rel=0.25)


def test_performance_of_the_reference_is_an_entry_like_any_other(baseline):
    profile = PerformanceProfile.of_outcomes(
        Loss("zero_one"), np.array([0.9, 0.2]), np.array([1.0, 1.0]), np.array([0, 5])
    )
    null = LossNull.fit(
        profile,
        LossPeriods(1, np.arange(12), np.full(12, 9), np.full(12, 0.5), np.full(12, 9)),
        np.arange(12),
        size=1,
        min_n=1,
    )
    entries = [performance_record("*", profile.to_bytes(), null)]
    entries.append(performance_record("a=c", profile.to_bytes(), None))
    read = decode_baseline(encode(baseline, entries), "b.avro")
    assert set(read.entries) == {("*", "performance"), ("a=c", "performance")}
    assert set(read.of_part("performance")) == {"*", "a=c"}
    assert not read.segments  # none of them is profiled
    reference = read.reference("*", PART)
    assert reference.metrics.error_rate == 0.5
    assert reference.null.to_bytes() == null.to_bytes()
    assert read.reference("a=c", PART).null is None
    assert reference is read.reference("*", PART)
    assert read.version != decode_baseline(encode(baseline, []), "b.avro").version


def test_format_4_is_written(encoded):
    assert orjson.loads(fastavro.reader(io.BytesIO(encoded)).metadata[HEAD])["format_version"] == 4


def test_entries_and_nulls_of_unknown_names_are_absent(baseline):
    """As a file from a machine with more measures and statistics installed."""
    first, *rest = records_of(baseline)
    entry = baseline.entries[first["segment"], first["part"]]
    names = tuple("unknown" if name == "psi" else name for name in entry.null.statistics)
    arrays = {"unknown" if name == "psi" else name: its for name, its in entry.null.arrays.items()}
    renamed = replace(entry.null, statistics=names, arrays=arrays)
    foreign = {"segment": "*", "part": "foreign", "profile": b"xyz\x01", "null": b"?"}
    read = decode_baseline(encode(baseline, [first | {"null": renamed.to_bytes()}, *rest, foreign]), "b")
    assert set(read.entries) == set(baseline.entries)
    null = read.entries[first["segment"], first["part"]].null
    assert "unknown" not in null.statistics
    assert "psi" not in null.statistics
    assert set(null.statistics) == {*entry.null.statistics} - {"psi"}
    same = [entry.null.statistics.index(name) for name in null.statistics]
    assert null.quantiles.tolist() == entry.null.quantiles[:, same].tolist()
