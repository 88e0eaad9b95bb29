from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import pytest

from driftline.report import headline
from driftline.report import payload as packing
from driftline.report.result_grid import of


def unpack(text):
    """Read a payload as the page's script does."""
    data = gzip.decompress(base64.b64decode(text))
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    columns = {}
    for name, section in header["sections"].items():
        dtype = np.dtype(section["type"])
        size = section["length"] * dtype.itemsize
        planes = np.frombuffer(data, np.uint8, size, 4 + length + section["at"])
        columns[name] = planes.reshape(dtype.itemsize, -1).T.copy().view(dtype).reshape(-1)
    return header, columns


def packed(table, run, references):
    cells = of(table, run)
    return cells, *unpack(packing.payload(cells, run, headline(cells, run, references), references))


def test_statistics_survive_to_a_thousandth(flights):
    cells, header, columns = packed(*flights)
    shape = cells.shape
    for name in ("psi", "ks", "wasserstein_iqr", "missing_rate"):
        np.testing.assert_allclose(columns[name].reshape(shape), cells.columns[name], rtol=3e-4)
    np.testing.assert_allclose(
        10.0 ** -columns["p_adjusted"].reshape(shape), cells.columns["p_adjusted"], rtol=0.01
    )
    medians = columns["p50"].reshape(shape) + np.array(header["origins"])[None, :, None]
    np.testing.assert_allclose(medians, cells.columns["p50"], rtol=1e-6)
    assert columns["n"].reshape(shape).tolist() == cells.columns["n"].tolist()


def test_bin_counts_are_exact_while_they_fit(flights):
    table, run, references = flights
    cells, header, columns = packed(table, run, references)
    counts = table["bin_counts"].to_pylist()
    start = 0
    for cell, width, scale in zip(
        *(columns[name].tolist() for name in ("cells", "widths", "scales")), strict=True
    ):
        expected = counts[cells.row.reshape(-1)[cell]]
        assert scale == 1
        assert columns["counts"][start : start + width].tolist() == expected
        start += width
    assert start == len(columns["counts"])
    assert len(header["axes"]) == len(cells.features)
    assert len(header["references"]) == len(references)


def test_large_counts_are_scaled(made):
    from driftline.report import ReferenceDistribution

    reference = {("*", "distance"): ReferenceDistribution("numeric", np.array([1, 1]), edges=np.array([0.0]))}
    row = made.row(n=4_000_000, bin_counts=[3_000_000, 1_000_000])
    _, _, columns = packed(made.table([row]), made.run(), reference)
    assert (columns["counts"] * columns["scales"]).tolist() == [3_000_000, 1_000_000]
    assert columns["counts"].max() <= packing.COUNT_RESOLUTION


def test_beyond_the_budget_the_worst_and_the_last_stay(flights, monkeypatch):
    monkeypatch.setattr(packing, "DISTRIBUTION_VALUES", 1)
    cells, _, columns = packed(*flights)
    per_series = np.bincount(columns["cells"] // cells.shape[2])
    assert per_series.max() == 4
    kept = set(columns["cells"].tolist())
    for s, f in np.ndindex(cells.shape[:2]):
        severity = cells.severity[s, f]
        worst = np.ravel_multi_index((s, f, int(np.nanargmax(severity))), cells.shape)
        assert worst in kept


def test_bins_that_do_not_fit_the_reference_are_left_out(made):
    from driftline.report import ReferenceDistribution

    reference = {("*", "distance"): ReferenceDistribution("numeric", np.array([1, 1]), edges=np.array([0.0]))}
    rows = [made.row(0, bin_counts=[1, 2, 3]), made.row(1), made.row(2, bin_counts=[4, 5])]
    _, _, columns = packed(made.table(rows), made.run(), reference)
    assert columns["cells"].tolist() == [2]


@pytest.mark.parametrize("p", [0.0, 1e-320, 1.0])
def test_extreme_p_values_stay_finite(made, p):
    _, _, columns = packed(made.table([made.row(p_adjusted=p)]), made.run(), None)
    assert np.isfinite(columns["p_adjusted"]).all()
    assert (columns["p_adjusted"] >= 0).all()


def test_far_from_zero_the_median_keeps_its_digits(made):
    rows = [made.row(day, quantiles={"p50": 1e9 + day * 0.01}) for day in range(3)]
    cells, header, columns = packed(made.table(rows), made.run(), None)
    np.testing.assert_allclose(
        columns["p50"].astype(float) + header["origins"][0],
        cells.columns["p50"].reshape(-1),
        atol=1e-6,
        rtol=0,
    )


def test_the_payload_is_the_same_each_time(flights):
    table, run, references = flights
    cells = of(table, run)
    words = headline(cells, run, references)
    assert packing.payload(cells, run, words, references) == packing.payload(cells, run, words, references)
