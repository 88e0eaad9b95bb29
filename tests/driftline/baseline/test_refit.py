"""A refit gives a baseline the tests of this release, without its events."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from driftline.baseline import BaselineError, decode_baseline
from driftline.baseline.reference_windows import calibration_stride, disjoint
from driftline.baseline.refit import refit
from driftline.baseline.windows_file import decode_windows, encode_windows, windows_record

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module", params=[1, 2])
def old(request):
    name = f"baseline_v{request.param}.avro"
    return (DATA / name).read_bytes(), (DATA / f"{name}.windows").read_bytes()


def whole(old):
    """Windows that do not overlap, of all that were kept."""
    known = decode_baseline(old[0], "b")
    stride = calibration_stride(known.size, known.every)
    return max(disjoint(each.starts, known.size, stride) for each in decode_windows(old[1]).values())


def test_an_old_baseline_gets_the_tests_it_lacks(old):
    before = decode_baseline(old[0], "b.avro")
    done = refit(*old, "b.avro", min_n=50)
    after = decode_baseline(done.data, "b.avro")
    assert set(after.entries) == set(before.entries)
    assert after.layout.to_bytes() == before.layout.to_bytes()
    assert (after.windows, after.created_at, after.min_n) == (whole(old), before.created_at, 50)
    assert done.fitted == sum(part != "performance" for _, part in before.entries)
    assert done.kept == len(before.entries) - done.fitted
    for (segment, part), entry in after.entries.items():
        if part == "performance":
            continue
        was = before.entries[segment, part]
        assert set(entry.null.statistics) > set(was.null.statistics)
        assert entry.profile.to_bytes() == was.profile.to_bytes()
        if "smooth" in entry.null.statistics:
            smooth = entry.null.statistics.index("smooth")
            assert (entry.null.windows[:, smooth] > 10).all()


def test_what_is_no_file_of_windows_is_refused(old):
    for wrong in (b"", old[0][:50], old[0]):
        with pytest.raises(BaselineError, match=r"b\.avro\.windows is damaged or holds no windows"):
            refit(old[0], wrong, "b.avro", min_n=50)


def test_windows_of_another_baseline_are_refused(old):
    found = decode_windows(old[1])
    strange = encode_windows([windows_record("s=nowhere", "numeric/0", next(iter(found.values())))])
    with pytest.raises(BaselineError, match=r"of segment s=nowhere, which b\.avro lacks"):
        refit(old[0], strange, "b.avro", min_n=50)


def test_windows_that_begin_elsewhere_are_of_another_baseline(old):
    """Those of a baseline with shorter windows would give nulls that are far too narrow."""
    found = decode_windows(old[1])
    moved = [
        windows_record(segment, part, replace(each, starts=each.starts + 60_000_000))
        for (segment, part), each in found.items()
    ]
    with pytest.raises(BaselineError, match=r"begin where those of b\.avro do not"):
        refit(old[0], encode_windows(moved), "b.avro", min_n=50)


def test_without_windows_a_null_stays(old):
    done = refit(old[0], encode_windows([]), "b.avro", min_n=50)
    assert done.fitted == 0
    before, after = (decode_baseline(each, "b") for each in (old[0], done.data))
    for place, entry in after.entries.items():
        null = before.entries[place].null
        if hasattr(null, "quantiles"):
            np.testing.assert_array_equal(entry.null.quantiles, null.quantiles)


def test_windows_that_are_excluded_are_out_of_the_nulls(old):
    found = decode_windows(old[1])
    starts = next(iter(found.values())).starts
    middle = int(starts[len(starts) // 2])
    done = refit(*old, "b", min_n=50, excluded=[(middle, middle + 1)])
    after = decode_baseline(done.data, "b")
    assert 0 < after.windows < whole(old)
    again = decode_baseline(refit(done.data, old[1], "b", min_n=50).data, "b")
    assert again.windows == whole(old)
    with pytest.raises(BaselineError, match=r"baseline\.exclude leaves none of the windows of b"):
        refit(*old, "b", min_n=50, excluded=[(int(starts[0]) - 1, int(starts[-1]) + 1)])


def test_a_segment_whose_windows_are_all_excluded_has_no_null(old):
    """The one that it has was fitted to the incident."""
    found = decode_windows(old[1])
    place = ("s=A", "numeric/0")
    start = int(found[place].starts[0])
    found[place] = found[place].only(found[place].starts == start)
    sidecar = encode_windows([windows_record(*at, each) for at, each in found.items()])
    done = refit(old[0], sidecar, "b", min_n=50, excluded=[(start, start + 1)])
    after = decode_baseline(done.data, "b").entries
    assert after[place].null is None
    assert after["s=A", "categorical/0"].null.windows.any()
    assert (done.fitted, done.kept, done.emptied) == (len(found) - 1, len(after) - len(found), 1)
