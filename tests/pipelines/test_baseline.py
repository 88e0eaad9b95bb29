"""The baseline job: what it learns, against the same done without Beam."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from driftline.baseline import decode_baseline
from driftline.baseline.windows_file import decode_windows
from driftline.measures.survey import Survey
from driftline.profiles.coverage import Coverage
from driftline.statistics.ks import atom_bins
from tests.pipelines.conftest import DAY, EVERY, LABELS, log


def read(path):
    return decode_baseline(path.read_bytes(), str(path))


@pytest.fixture(scope="module")
def baseline(shop):
    return read(shop.folder / "baseline.avro")


@pytest.fixture(scope="module")
def windows(shop):
    return decode_windows((shop.folder / "baseline.avro.windows").read_bytes())


def column(reference, name, segment="*"):
    """Values of a feature, numpy floats with nan for null, or a list."""
    if segment != "*":
        s = reference["s"].to_pylist()
        value = next(value for value, label in LABELS.items() if label == segment)
        reference = reference.filter(pa.array([v == value for v in s]))
    return reference[{"prediction": "score"}.get(name, name)]


def test_it_says_what_it_was_built_for(baseline):
    assert (baseline.model, baseline.size, baseline.every) == ("shop", DAY, EVERY)
    assert baseline.segment_columns == ("s",)
    assert set(baseline.segments) == {"*", *LABELS.values()}
    assert [feature.name for block in baseline.layout.blocks for feature in block.features] == [
        "x",
        "k",
        "prediction",
        "c",
    ]


def test_the_counts_of_every_segment_are_exact(baseline, reference):
    for (segment, name), entry in baseline.entries.items():
        block = baseline.layout.block(name)
        for row, feature in enumerate(block.features):
            values = column(reference, feature.name, segment)
            profile = entry.profile
            assert profile.rows == len(values)
            assert profile.missing[row] == values.null_count
            if block.kind == "categorical":
                present = values.drop_null().to_pylist()
                expected = [present.count(category) for category in feature.categories]
                assert profile.counts[row].tolist() == [*expected, len(present) - sum(expected)]
                continue
            present = values.drop_null().to_numpy().astype(float)
            finite = present[np.isfinite(present)]
            bins = np.searchsorted(feature.edges, finite, side="right")
            assert profile.nonfinite[row] == len(present) - len(finite)
            assert profile.counts[row, : feature.bins].tolist() == (
                np.bincount(bins, minlength=feature.bins).tolist()
            )
            assert (profile.minimum[row], profile.maximum[row]) == (finite.min(), finite.max())
            assert profile.mean[row] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9)


def test_small_counts_are_atoms_with_bins_of_their_own(baseline, reference):
    k = column(reference, "k").to_numpy()
    feature = next(f for f in baseline.layout.blocks[0].features if f.name == "k")
    atoms = atom_bins(feature.edges)
    for value in range(7):  # each holds more than a 64th of the rows
        assert (k == value).mean() > 1 / 64
        place = np.searchsorted(feature.edges, [value, np.float32(value)], side="right")
        assert atoms[place].all()


def test_the_layout_is_that_of_one_survey_of_everything(baseline, reference):
    from driftline.feature_spec import FeatureSpec

    specs = [
        FeatureSpec("x", "numeric", "x"),
        FeatureSpec("k", "numeric", "k"),
        FeatureSpec("prediction", "numeric", "score"),
        FeatureSpec("c", "categorical", "c"),
    ]
    events = pa.table(
        {
            "time": reference["at"],
            "feature.x": reference["x"],
            "feature.k": reference["k"].cast(pa.float64()),
            "feature.prediction": reference["score"],
            "feature.c": reference["c"],
        }
    )
    assert Survey.of(events, specs).layout(specs).fingerprint == baseline.layout.fingerprint


def test_the_windows_beside_it_hold_every_row_of_their_window(windows, baseline, reference):
    at = reference["at"].to_numpy()
    covered = Coverage.of(at, EVERY // 4)
    for (segment, name), found in windows.items():
        block = baseline.layout.block(name)
        values = [column(reference, feature.name, segment) for feature in block.features]
        times = column(reference, "at", segment).to_numpy()
        assert (found.starts % EVERY == 0).all()
        assert found.starts[0] >= covered.first[0] * covered.unit
        assert found.starts[-1] + DAY <= covered.last[-1] * covered.unit
        assert np.diff(found.starts).tolist() == [EVERY] * (len(found.starts) - 1)
        for w, start in enumerate(found.starts):
            inside = (times >= start) & (times < start + DAY)
            total = found.counts[w].sum(1) + found.missing[w] + found.nonfinite[w]
            assert set(total.tolist()) == {int(inside.sum())}
            nulls = [sum(v is None for v in np.array(c.to_pylist(), object)[inside]) for c in values]
            assert found.missing[w].tolist() == nulls


def test_every_entry_is_calibrated(baseline):
    assert {tuple(entry.null.statuses()) for entry in baseline.entries.values()} <= {
        ("calibrated",),
        ("calibrated",) * 3,
    }


def test_from_files_in_any_order_it_counts_the_same(shop, desk, driftline, reference, baseline):
    order = np.random.default_rng(0).permutation(reference.num_rows)
    shuffled = reference.take(pa.array(order))
    for i in range(3):
        desk.write(shuffled.slice(i * 3_000, 3_000), f"r{2 - i}.parquet")
    ran = driftline(
        "baseline",
        shop.folder / "drift.yaml",
        "--input",
        desk.folder / "r*.parquet",
        "--output",
        desk.folder / "b.avro",
    )
    assert ran.counts["profiled"] == 8_000
    again = read(desk.folder / "b.avro")
    assert again.layout.fingerprint == baseline.layout.fingerprint
    assert again.windows == baseline.windows
    assert set(again.entries) == set(baseline.entries)
    for key, entry in baseline.entries.items():
        assert again.entries[key].profile.counts.tolist() == entry.profile.counts.tolist()


def test_of_the_same_file_it_is_the_same_version(shop, desk, driftline, baseline):
    for name in ("one", "two"):
        assert driftline("baseline", shop.folder / "drift.yaml", "--output", desk.folder / name).code == 0
    assert read(desk.folder / "one").version == read(desk.folder / "two").version == baseline.version
    assert desk.left_behind() == []


def test_the_old_one_stays_until_the_new_one_is_whole(shop, desk, driftline, monkeypatch):
    path = desk.folder / "b.avro"
    path.write_bytes((shop.folder / "baseline.avro").read_bytes())
    monkeypatch.setattr("driftline.transforms.spine.fit_baseline.encode_baseline", None)
    ran = driftline("baseline", shop.folder / "drift.yaml", "--output", path)
    assert ran.code == 1
    assert path.read_bytes() == (shop.folder / "baseline.avro").read_bytes()
    assert [path.name for path in desk.folder.iterdir()] == ["b.avro"]


def test_into_a_folder_that_is_not_there_yet(desk, driftline):
    desk.write(log(1, 500, days=5), "ref.parquet")
    assert driftline("baseline", desk.config(), "--output", desk.folder / "new" / "deep" / "b.avro").code == 0
    assert read(desk.folder / "new" / "deep" / "b.avro").entries


def test_rejected_rows_of_a_reference_are_counted_once(desk, driftline):
    table = log(1, 500, days=5)
    at = table["at"].to_pylist()
    at[10] = at[20] = None
    desk.write(table.set_column(1, "at", pa.array(at, pa.int64())), "ref.parquet")
    ran = driftline("baseline", desk.config())
    assert ran.counts == {"decoded": 500, "profiled": 498, "rejected": 2, "dropped": 0}


def test_too_short_a_reference_makes_a_baseline_that_judges_nothing(desk, driftline):
    desk.write(log(1, 500, days=1), "ref.parquet")
    assert driftline("baseline", desk.config(windows="{size: 2d, every: 1d}")).code == 0
    baseline = read(desk.folder / "baseline.avro")
    assert baseline.windows == 0
    assert {entry.null for entry in baseline.entries.values()} == {None}


def test_a_baseline_that_is_replaced_is_kept_for_streams_that_run(desk, driftline):
    desk.write(log(1, 500, days=5), "ref.parquet")
    path = desk.folder / "baseline.avro"
    assert driftline("baseline", desk.config()).code == 0
    first = path.read_bytes()
    desk.write(log(2, 500, days=5), "ref.parquet")
    assert driftline("baseline", desk.config()).code == 0
    assert path.read_bytes() != first
    assert (desk.folder / "baseline.avro.previous").read_bytes() == first


def test_a_refit_of_a_new_baseline_changes_nothing(desk, driftline):
    desk.write(log(7, 3_000, days=20), "ref.parquet")
    config = desk.config()
    assert driftline("baseline", config).code == 0
    path = desk.folder / "baseline.avro"
    built = path.read_bytes()
    ran = driftline("baseline", config, "--refit")
    assert ran.code == 0, ran.err
    assert "nulls fitted anew" in ran.out
    assert read(path).version == decode_baseline(built, "built").version
    assert (desk.folder / "baseline.avro.previous").read_bytes() == built


def test_a_refit_says_what_it_lacks(desk, driftline):
    config = desk.config()
    ran = driftline("baseline", config, "--refit")
    assert (ran.code, "no file" in ran.err, "driftline baseline" in ran.err) == (2, True, True), ran.err
    assert driftline("baseline", config, "--refit", "--input", "x.parquet").code == 2
