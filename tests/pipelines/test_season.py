"""A reference with a daily cycle and an incident: the season, what is named, and what is left out."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest

from driftline import DriftDetector
from driftline.baseline import decode_baseline
from driftline.baseline.windows_file import decode_windows
from driftline.pipelines.cli import main
from tests.pipelines.conftest import DAY, Desk

HOUR = DAY // 24
FIRST = 15_000 * DAY
DAYS = 12
INCIDENT = (FIRST + 5 * DAY, FIRST + 5 * DAY + 4 * HOUR)

CONFIG = """\
model: shop
event_time: {column: at, unit: us}
features: {x: numeric, c: categorical}
windows: {size: 2h, every: 2h}
source: {files: {pattern: ref.parquet}}
baseline: {path: baseline.avro}
tests: {min_n: 50}
sinks: [files: {path: out}]
"""


def log(seed, first, days, *, shift=0.0, incident=None):
    """Events whose mean, categories and missing values follow the hour."""
    rng = np.random.default_rng(seed)
    rows = days * 12 * 150
    at = first + rng.integers(0, days * DAY, rows)
    hour = 2 * np.pi * (at % DAY) / DAY
    x = rng.normal(np.sin(hour) + shift, 1.0)
    if incident is not None:
        x[(at >= incident[0]) & (at < incident[1])] += 2.5
    c = np.where(rng.random(rows) < 0.5 + 0.25 * np.cos(hour), "a", rng.choice(["b", "d"], rows))
    return pa.table({"at": at, "x": pa.array(x, mask=rng.random(rows) < 0.1 + 0.08 * np.sin(hour)), "c": c})


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("season"))
    desk.write(log(1, FIRST, DAYS, incident=INCIDENT), "ref.parquet")
    desk.write(log(2, FIRST + DAYS * DAY, 4), "same.parquet")
    desk.write(log(3, FIRST + DAYS * DAY, 4, shift=0.5), "moved.parquet")
    return desk


def config(desk, name, season="none", exclude="[]"):
    return desk.config(
        CONFIG,
        f"{name}.yaml",
        baseline=f"{{path: {desk.folder}/{name}.avro, season: {season}, exclude: {exclude}}}",
    )


def said(*args):
    out = StringIO()
    with redirect_stdout(out):
        assert main([str(arg) for arg in args]) == 0
    return out.getvalue()


SPAN = "[{from: 2011-01-31, to: 2011-01-31T04:00, reason: outage}]"
ASKED = {"plain": (), "day": ("auto",), "clean": ("auto", SPAN)}


@pytest.fixture(scope="module")
def built(desk):
    """What the command says of each configuration."""
    return {name: said("baseline", config(desk, name, *asked)) for name, asked in ASKED.items()}


@pytest.fixture(scope="module")
def p_values(desk, built):
    """p-values of every window by configuration, data and feature, in time order."""
    found = {}
    for name in built:
        for data in ("same", "moved"):
            out = desk.folder / f"{name}_{data}"
            settings = str(desk.folder / f"{name}.yaml")
            said("backtest", settings, "--input", desk.folder / f"{data}.parquet", "--output", out)
            rows = pq.read_table(out / "results.parquet").sort_by("window_start")
            for feature in ("x", "c"):
                of = rows.filter(pa.compute.equal(rows["feature"], feature))
                found[name, data, feature] = of["p_value"].to_numpy()
    return found


def read(desk, name):
    path = desk.folder / f"{name}.avro"
    return decode_baseline(path.read_bytes(), name)


def test_a_window_is_compared_with_what_its_hour_usually_is(p_values):
    for feature in ("x", "c"):
        assert (p_values["clean", "same", feature] < 0.01).mean() <= 0.05
    assert (p_values["plain", "moved", "x"] < 0.01).mean() < 0.2
    assert (p_values["clean", "moved", "x"] < 0.01).mean() > 0.9


def test_windows_of_all_hours_are_judged_alike(p_values):
    """Without a season the hours at the ends of the cycle have small p-values, day after day."""
    hours = np.arange(4 * 12) % 12

    def spread(p):
        return np.ptp([np.mean(np.log10(p[hours == hour])) for hour in range(12)])

    assert spread(p_values["clean", "same", "x"]) < spread(p_values["plain", "same", "x"])


def test_an_incident_in_the_reference_is_named_with_the_line_that_leaves_it_out(built):
    [line] = [line for line in built["day"].splitlines() if "is unlike the rest" in line]
    assert "from 2011-01-31 to 2011-01-31T04:00" in line
    assert "x shift +" in line
    assert "`baseline: {exclude: [{from: 2011-01-31, to: 2011-01-31T04:00}]}`" in line


def test_what_is_excluded_is_counted_and_in_nothing(desk, built):
    at = log(1, FIRST, DAYS)["at"].to_numpy()
    inside = int(((at >= INCIDENT[0]) & (at < INCIDENT[1])).sum())
    assert f"+ {inside:,} excluded" in built["clean"]
    assert "UNACCOUNTED" not in built["clean"]
    assert f"{inside:,} rows of 1 span of baseline.exclude are left out" in built["clean"]
    assert "is unlike the rest" not in built["clean"]
    baseline = read(desk, "clean")
    assert {entry.profile.rows for entry in baseline.entries.values()} == {len(at) - inside}
    assert baseline.windows == read(desk, "day").windows - 2
    for found in decode_windows((desk.folder / "clean.avro.windows").read_bytes()).values():
        assert not ((found.starts < INCIDENT[1]) & (found.starts + 2 * HOUR > INCIDENT[0])).any()


def test_a_season_too_long_for_the_reference_is_said(built):
    [line] = [line for line in built["day"].splitlines() if "too short" in line]
    assert "the reference covers 12 days: too short for a weekly season, which takes 21" in line
    assert "too short" not in built["plain"]


def test_a_refit_knows_when_the_windows_were(desk, built):
    """From the windows of a baseline without a season."""
    name = "refitted"
    for end in (".avro", ".avro.windows"):
        (desk.folder / f"{name}{end}").write_bytes((desk.folder / f"plain{end}").read_bytes())
    out = said("baseline", config(desk, name, "auto", SPAN), "--refit")
    assert "bins and profiles still have their rows" in out
    assert "too short for a weekly season" in out
    fitted, built_anew = read(desk, name), read(desk, "clean")
    assert fitted.windows == built_anew.windows
    for place, entry in fitted.entries.items():
        assert entry.profile.rows == read(desk, "plain").entries[place].profile.rows
        for statistic, arrays in entry.null.arrays.items():
            assert ("season" in arrays) == ("season" in built_anew.entries[place].null.arrays[statistic])


def test_a_table_without_times_is_of_the_hour_that_it_fits_best(desk, built):
    at = FIRST + DAYS * DAY + 6 * HOUR
    table = log(4, at // DAY * DAY, 1)
    hour = (table["at"].to_numpy() - at) // HOUR
    noon, night = (table.filter(pa.array((hour >= low) & (hour < low + 2))) for low in (-1, 11))
    path = desk.folder / "clean.avro"

    def p(detector, data):
        return next(each.p_value for each in detector.detect_all(data) if each.feature == "x")

    untimed, timed = DriftDetector.from_baseline(path), DriftDetector.from_baseline(path, time="at")
    assert min(p(untimed, noon), p(untimed, night)) > 0.01
    assert p(timed, noon) > 0.01
    # the values of noon at midnight
    assert p(timed, noon.set_column(0, "at", pa.compute.add(noon["at"], 12 * HOUR))) < 1e-4
    whole_day = pa.table(table)
    assert p(timed, whole_day) == p(untimed, whole_day)
    with pytest.raises(ValueError, match="time='when' is not a column of the current data"):
        DriftDetector.from_baseline(path, time="when").detect_all(noon)


def test_excluding_everything_or_nothing_is_said(desk):
    everything = config(desk, "everything", "none", "[{from: 2000-01-01, to: 2030-01-01}]")
    assert main(["baseline", everything]) != 0
    nothing = config(desk, "nothing", "none", "[{from: 2000-01-01, to: 2000-01-02}]")
    assert "no row lies in the 1 span of baseline.exclude: are the times in UTC?" in said("baseline", nothing)
