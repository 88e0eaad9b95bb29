"""Benchmarks and examples that no other test starts: what they import is there, and the small ones run."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import norm

from driftline.config import load_config
from driftline.decoding.event_schema import EventSchema
from driftline.decoding.events import decode_events
from driftline.decoding.formats import MessageFormat
from driftline.pipelines import cli
from driftline.statistics import (
    BlockNull,
    CategoricalCounts,
    CategoricalReference,
    compare_categorical,
    fit_categorical,
)
from driftline.transforms.outcomes import join_labels

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
SCRIPTS = sorted(path for name in ("benchmarks", "examples") for path in (ROOT / name).rglob("*.py"))
OURS = {"driftline", "tools", "tests", "benchmarks"}
PEERS = {"evidently", "nannyml", "whylogs"}
"""Packages that only a venv of their own has."""
NOT_IN_THE_PEERS_VENV = ("click", "confluent_kafka", "datasketches", "pydantic", "rich", "scipy")
"""Of what driftline depends on."""
AGAIN = {"benchmarks", "peers", "tests", "tools", *(path.stem for path in SCRIPTS)}
TINY = {
    "calibration": (
        "--replicates 1 --live 3 --streams 0,4 --sizes 200 --windows 200",
        {"Pool": ThreadPool},
        r"AR\(1\) \.95 +200( +\d\.\d\d[! ]\| \d\.\d\d){16}",
    ),
    "season": (
        "--replicates 1 --live 1 --days 4 --rows 300 --seasons auto",
        {},
        r"daily cycle +auto +numeric p_value( +[01]\.\d{4}){3} +\+\.25 sd [01]\.\d{3}",
    ),
    "performance_calibration": (
        "",
        {"WINDOWS": (10,), "REPLICATES": 2, "LIVE": 3, "WORSE": 2},
        r"\| few users send most \| zero_one \| 10 \| \d\.\d{3} \|.*\|",
    ),
    "performance_trends": (
        "",
        {"WINDOWS": (12,), "REPLICATES": 1, "LIVE": 3, "WORSE": 4},
        r"\| noise of numbers by window \| 12 \| \d+\.\d\d( \| (\d|-)){2} \|",
    ),
    "error_kinds": (
        "",
        {"WINDOWS": (12,), "SIZES": (200,), "REPLICATES": 1, "LIVE": 3, "CHANGED": 2},
        r"\| days that differ in all \| 12 \| 200 (\|( \d\.\d+,?){2,3} ){5}\|",
    ),
    "iid_agreement": ("--trials 2", {}, r"Wasserstein, 300 rows( +[01]\.\d{3}){4}"),
    "sketches": (
        "--values 200 --merges 2 --features 2",
        {},
        r"worst rank error after 2 merges: 0\.\d{5} .*",
    ),
    "detectors": (
        "--runs 1 --shifts 1 --values 1000",
        {"LENGTH": 2_000, "SHORT": 200, "HISTORY": 500, "PATIENCE": 1_000},
        r"Bernoulli \.05( +\d+\.\d){6}",
    ),
    "detector_alarms": (
        "--replicates 1",
        {"REFERENCE": 50, "LIVE": 5},
        r"AR\(1\) days( +\d+\.\d\d){8}",
    ),
    "online_learning": (
        "--rows 300 --seeds 1",
        {"SHAPES": ((3, 1, 3),), "STREAMS": ((5, 0.0),)},
        r" +3 +1 +3( +[\d,]+){3}",
    ),
    "outcomes_on_the_spine": (
        "--rate 0.1",
        {"WAIT": 2 * 3_600_000_000},
        r"in its own engine +\d+ +\d\.\d +\d+ +\d+\.\d\d",
    ),
    "join": (
        "--rate 20 --wait 1 --bundle 10 --slices 1",
        {},
        r".*\bmatched [\d,]+,.* predictions [\d,]+\b.*",
    ),
    "duplicates": (
        "--rate 500 --seconds 2 --bundles 100 --features 2",
        {},
        r" +100( +\d+\.\d\d){4} +[\d,]+ +8\.\d\d +1\.0",
    ),
}
"""Options, what else is made small, and a line of what is printed."""
IMPORT = f"""
import runpy, sys, traceback
from pathlib import Path
installed, failed = sys.path[1:], False
for script in sys.argv[1:]:
    sys.path[:] = [str(Path(script).parent), *installed]
    try:
        runpy.run_path(script, run_name="imported")
    except BaseException:
        failed = True
        print(script, traceback.format_exc(), file=sys.stderr)
    for name in [name for name in sys.modules if name.partition(".")[0] in {AGAIN}]:
        del sys.modules[name]
sys.exit(failed)
"""


def named(path):
    return str(path.relative_to(ROOT))


def imports_of(path):
    """All (module, name), also inside functions and for types only; name is None for a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def top(module):
    return module.partition(".")[0]


def python(*words, folder):
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_every_name_that_is_imported_from_this_repository_exists(script, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    for module, name in imports_of(script):
        if top(module) in OURS:
            found = importlib.import_module(module)
            assert name is None or hasattr(found, name) or find_spec(f"{module}.{name}"), f"{module}: {name}"


def test_every_script_imports_in_a_fresh_interpreter(tmp_path):
    runs = [path for path in SCRIPTS if "__main__" in path.read_text()]
    here = [path for path in runs if not PEERS & {top(module) for module, _ in imports_of(path)}]
    done = python("-c", IMPORT, *here, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_peer_of_our_kafka_source_needs_no_more_than_its_venv_has(tmp_path):
    installed = (BENCHMARKS / "peers" / "requirements-read_from_kafka.txt").read_text()
    assert not [name for name in NOT_IN_THE_PEERS_VENV if re.search(f"^{name}", installed, re.MULTILINE)]
    lines = (
        "import sys",
        f"sys.path[:0] = [{str(ROOT)!r}]",
        f"sys.modules.update(dict.fromkeys({NOT_IN_THE_PEERS_VENV}))",
        "import benchmarks.peers.read_from_kafka, driftline.runners.flink.worker",
    )
    done = python("-c", "\n".join(lines), folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def load(monkeypatch):
    """Import a benchmark as its own command does; forgotten afterwards."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    mine = {"peers", "peers.environments", *(path.stem for path in BENCHMARKS.glob("*.py"))}
    others = {name: sys.modules.pop(name) for name in mine & sys.modules.keys()}
    yield importlib.import_module
    for name in mine:
        sys.modules.pop(name, None)
    sys.modules.update(others)


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_without_servers_runs(name, load, monkeypatch, capsys):
    options, constants, line = TINY[name]
    monkeypatch.setattr(join_labels, "settle", join_labels.settle)  # the benchmark puts a clock around it
    monkeypatch.setattr(sys, "argv", [name, *options.split()])
    benchmark = load(name)
    for constant, value in constants.items():
        monkeypatch.setattr(benchmark, constant, value)
    benchmark.main()
    shown = capsys.readouterr().out
    assert re.search(f"^{line}$", shown, re.MULTILINE), shown


def test_a_family_of_tests_is_calibrated_on_every_stream(load):
    shares = load("calibration").family(30, 3, seed=1, n=200, tests=16)
    assert shares.keys() == {"ours", "plain"}
    assert all(0 <= drifted <= significant <= 1 for significant, drifted in shares.values())


@pytest.fixture
def flights(tmp_path):
    """A folder with the flights of thirty days."""
    rng = np.random.default_rng(1)
    rows = [
        f"{month},{day},{origin},{delay:.0f},NA,{100 + delay:.0f}"
        for month in (1, 2)
        for day in range(1, 16)
        for origin in ("EWR", "JFK", "LGA")
        for delay in rng.normal(10, 20, 20)
    ]
    rows = [row.replace("NA", str(number % 50)) for number, row in enumerate(rows)]
    (tmp_path / "flights.csv").write_text("\n".join(["month,day,origin,dep_delay,arr_delay,air_time", *rows]))
    return tmp_path


def test_flights_with_their_days_shuffled_are_judged(load, monkeypatch, flights, capsys):
    shuffled = load("shuffled_flights")
    monkeypatch.setattr(shuffled, "REFERENCE_DAYS", 20)
    shuffled.print_flights(flights, shuffles=1)
    shown = capsys.readouterr().out
    assert re.search(r"^LGA +air_time( +\d\.\d{4} \(\d\.\d{3}-\d\.\d{3}\)){5}$", shown, re.MULTILINE), shown


@pytest.fixture
def rows_of_a_shop():
    """40 windows of 250 rows and a short one: a number and words that are sometimes missing, many items."""
    rng = np.random.default_rng(4)
    label = np.repeat(np.arange(41), 250)[: 40 * 250 + 199]
    rows = pd.DataFrame(
        {"price": rng.gamma(2, 10, len(label)), "size": rng.choice(["S", "M", None], len(label))}
    )
    rows.loc[::50, "price"] = None
    rows["item"] = np.minimum(rng.zipf(1.5, len(label)), 90)
    order = rng.permutation(len(label))  # a table need not be in order of time
    return pd.Series(label)[order], rows.loc[order, ["price"]], rows.loc[order, ["size", "item"]]


def test_foreign_data_are_judged_before_and_after(load, monkeypatch, rows_of_a_shop, capsys):
    foreign = load("foreign_data")
    monkeypatch.setattr(foreign, "TABLES", {"shop": lambda: rows_of_a_shop})
    monkeypatch.setattr(sys, "argv", ["foreign_data", "--shuffles", "2"])
    foreign.main()
    shown = capsys.readouterr().out
    assert "shop: 40 windows, 20 of them the reference, shuffled 2 times" in shown
    three = r" \| ([\d.]+) / [\d.]+ / ([\d.]+)"
    row = re.search(rf"^\| shop \| `price`{three}{three}{three} \|$", shown, re.MULTILINE)
    none_before, none_after, *_, spread_before, spread_after = map(float, row.groups())
    assert max(none_before, none_after) <= 10
    assert spread_after >= max(spread_before, 90)
    assert (
        len(re.findall(r"^\| shop \| `(?:size|item)`(?: \| [\d.]+ / [\d.]+){2} \|$", shown, re.MULTILINE))
        == 2
    )


def test_windows_of_foreign_data_hold_all_their_rows(load, rows_of_a_shop):
    label, numbers, words = rows_of_a_shop
    windows, counts = load("foreign_tables").windows_of(rows_of_a_shop)
    assert [len(each["price"]) for each in windows] == [250] * 40
    item, none = counts["item"]
    assert not none.any()
    for place, window in enumerate(windows):
        inside = (label == place).to_numpy()
        np.testing.assert_array_equal(window["price"], numbers["price"][inside])
        assert counts["size"][1][place] == words["size"][inside].isna().sum()
        expected = words["item"][inside].value_counts().reindex(np.sort(words["item"].unique()), fill_value=0)
        np.testing.assert_array_equal(item[place], expected)


def test_foreign_numbers_are_judged_as_the_flights_are(load, rows_of_a_shop):
    foreign, shuffled = load("foreign_data"), load("shuffled_flights")
    windows, _ = load("foreign_tables").windows_of(rows_of_a_shop)
    windows[-1]["price"][:125] = np.nan
    split = shuffled.Shuffled(windows[:20], windows[20:])
    found = foreign.numbers_judged(split, "price")
    reference = shuffled.feature_of(split, "price")[2]
    centred = -0.25 * reference.counts.mean[0] / reference.sd[0]
    moved = {foreign.NONE: (0.0, 1.0), "+.25 sd": (0.25, 1.0), "spread x 1.25": (centred, 1.25)}
    for change, by in moved.items():
        one_by_one = shuffled.judge_flights(split, "price", *by)
        np.testing.assert_allclose(found[change]["after"], one_by_one["ours p_value"])
        np.testing.assert_allclose(found[change]["smooth_p"], one_by_one["ours smooth"])
        twice = np.minimum(2 * one_by_one["ours ks"], 1)
        np.testing.assert_allclose(found[change]["before"][:-1], twice[:-1])
        assert found[change]["before"][-1] < min(1e-4, twice[-1])


def test_before_is_what_chi_square_and_missing_decide(load, rows_of_a_shop):
    _, counts = load("foreign_tables").windows_of(rows_of_a_shop)
    known, live = np.arange(0, 40, 2), np.arange(1, 40, 2)
    for name in counts:
        rows, missing = counts[name]
        found = load("foreign_data").categories_judged(rows, missing, known, live)
        named = np.argsort(-rows[known].sum(0), kind="stable")[:64]
        table = np.column_stack([rows[:, named], rows.sum(1) - rows[:, named].sum(1)])
        null = BlockNull.stack([fit_categorical(table[known], missing[known])]).only({"chi2", "missing"})
        whole = CategoricalCounts(table[known].sum(0)[None], missing[known].sum()[None])
        for place, window in enumerate(live):
            one = CategoricalCounts(table[[window]], missing[[window]])
            compared = compare_categorical(one, CategoricalReference(whole), null)
            p = min(1.0, 2 * min(compared.chi2_p[0], compared.missing_p[0]))
            assert found["no drift"]["before"][place] == pytest.approx(p)
    assert len(named) == 64 < rows.shape[1]


def test_points_are_swapped_as_far_as_there_are_rows(load):
    changed = load("foreign_data").swapped(np.array([[50, 30, 10], [2, 98, 0]]), np.array([10, 0]))
    assert changed.tolist() == [[45, 35, 10], [0, 100, 0]]


def test_a_package_of_foreign_data_with_other_bytes_is_refused(load, monkeypatch, tmp_path):
    tables = load("foreign_tables")
    monkeypatch.setattr(tables, "CACHE", tmp_path)
    (tmp_path / "obp-0.4.1-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(SystemExit, match=r"obp-0.4.1.*sha256 differs.*remove it"):
        tables.recommendations()


DELAY = r" (-|[\d.]+) / (-|[\d.]+) \|"


def test_delays_on_streams_are_measured(load, monkeypatch, capsys):
    delays = load("delays")
    plan = delays.Plan(delays.DAY, 1, 20, 40, range(10, 31, 10), 10, 10)
    half_hours = dataclasses.replace(plan, size=delays.DAY // 48)
    (iid, rows, _), *_, (cycle, *_) = delays.STREAMS
    monkeypatch.setattr(delays, "STREAMS", ((iid, rows, plan), (cycle, 200, half_hours)))
    monkeypatch.setattr(sys, "argv", ["delays"])
    delays.main()
    shown = capsys.readouterr().out
    alarms = r"\d+\.\d\d( / \d+\.\d\d)?"
    assert len(re.findall(rf"^\| .* \| .* \| {alarms} \|({DELAY}){{5}}.*$", shown, re.MULTILINE)) == 12, shown
    for rule, windows in (("trends", 2), ("p_value", 1)):  # half a standard deviation is seen at once
        row = rf"^\| independent \| `{rule}` \| {alarms} \|({DELAY}){{2}} {windows} / {windows} \|"
        assert re.search(row, shown, re.MULTILINE), shown


def test_delays_on_flights_are_measured(load, monkeypatch, flights, capsys):
    delays, shuffled = load("delays"), load("shuffled_flights")
    monkeypatch.setattr(shuffled, "REFERENCE_DAYS", 20)
    monkeypatch.setattr(delays, "FLIGHTS", delays.Plan(delays.DAY, 1, 20, 10, range(5, 6), 5, 5))
    monkeypatch.setattr(sys, "argv", ["delays", "--flights", str(flights)])
    delays.main()
    shown = capsys.readouterr().out
    assert len(re.findall(rf"^\| `\w+` \| .* \| \d+\.\d\d \|({DELAY}){{4}}$", shown, re.MULTILINE)) == 18, (
        shown
    )


@pytest.mark.parametrize("alarms", [0, 1, 2, 5])
def test_a_threshold_has_as_many_false_alarms_as_are_allowed(load, alarms):
    rules, rng = load("alarm_rules"), np.random.default_rng(3)
    for _ in range(50):
        scores = [rng.integers(0, 12, 9).astype(float), rng.normal(6, 3, 8)]
        begun = {
            each: sum(rules.bouts(series > each) for series in scores) for each in np.concatenate(scores)
        }
        tried = sorted(begun, reverse=True)
        allowed = [begun[each] <= alarms for each in tried]
        if not all(allowed):  # the last threshold before the first that has too many
            assert rules.threshold_of_scores(scores, alarms) == tried[allowed.index(False) - 1]


def test_bins_that_are_moved_have_the_shares_of_the_moved_normal(load):
    cases, streams = load("delay_cases"), load("streams")
    even = np.full(streams.BINS, 1 / streams.BINS)
    edges = norm.ppf(np.arange(1, streams.BINS) / streams.BINS)
    for shift, times in cases.CHANGES.values():
        wanted = np.diff(norm.cdf((edges - shift) / times), prepend=0.0, append=1.0)
        np.testing.assert_allclose(even @ cases.bins_moved(shift, times), wanted, atol=1e-12)


def test_an_alarm_of_trends_begins_once_and_ends(load):
    rules, streams, cases = load("alarm_rules"), load("streams"), load("delay_cases")
    plan = cases.Plan(86_400_000_000, 1, 60, 80, range(40, 41), 40, 40)
    (case,), _ = cases.cases_of_stream(streams.Stream("independent", streams.normal_numbers()), 500, plan)
    (run,) = case.runs("+.5 sd", plan)
    p, begins = rules.trends(case.feature.runs, [run, case.usual], 1e-6)
    assert np.flatnonzero(begins[0]).tolist() == [rules.first_at(p[0] <= 1e-6, 0) - 1]
    assert begins[0].argmax() >= plan.before
    assert not begins[1].any()


@pytest.fixture
def small(load, monkeypatch, tmp_path):
    """A scenario of a minute in place of the usual one."""
    scenario = load("scenario")
    monkeypatch.setattr(scenario, "CACHE", tmp_path)
    made = scenario.Scenario(features=3, segments=1, rate=40, minutes=1, reference_rows=3_000)
    for name in ("driftline_pipeline", "naive_pipeline", "throughput"):
        monkeypatch.setattr(load(name), "Scenario", lambda: made)

    def run(command, **_):
        assert cli.main([str(word) for word in command[1:]]) == 0

    monkeypatch.setattr(load("driftline_pipeline"), "subprocess", SimpleNamespace(run=run))
    return made


def test_pipelines_run_and_their_costs_are_printed(small, load, monkeypatch, capsys):
    throughput, scaling = load("throughput"), load("scaling")
    whylogs = {"rows": 10, "chunked_s": (1, 1), "one_piece_s": (1, 1), "version": "1"}

    def alone(cpu, program, script, argument):
        if script == "peers/whylogs_throughput.py":
            return whylogs
        load(Path(script).stem).main(int(argument))
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    monkeypatch.setattr(sys, "argv", ["throughput", "--rounds", "2", "--naive-rows", "100"])
    monkeypatch.setattr(throughput, "python", str)
    monkeypatch.setattr(throughput, "alone", alone)
    throughput.main()
    shown = capsys.readouterr().out
    assert re.search(r"^driftline: 4,800 rows to \d+ result rows", shown, re.MULTILINE), shown
    assert re.search(r"^  decode and normalise +\d+\.\d\d +[\d,]+$", shown, re.MULTILINE), shown

    scaling.print_costs("segments", {"1 segment": (small, {})}, 2)
    scaling.print_profiles(small)
    shown = capsys.readouterr().out
    assert re.search(r"^  1 segment +4,800 +\d+ +-?\d+\.\d\d +1\.00$", shown, re.MULTILINE), shown
    assert re.search(r"^  1,000 rows, 3 features +[\d,]+ \([\d,]+ merged\) +\d", shown, re.MULTILINE), shown


def test_every_place_where_time_goes_is_a_file_of_this_repository(load):
    places = [place for _, places in load("sampling").PARTS for place in places if "apache_beam" not in place]
    assert len(places) > 20
    for place in places:
        assert list(ROOT.glob(f"{place}*")), place


def test_the_peer_of_our_kafka_source_decodes_what_ours_does(load, tmp_path):
    feature_stream, peer = load("benchmarks.feature_stream"), load("benchmarks.peers.read_from_kafka")
    stream = feature_stream.FeatureStream(features=3, pool=1_000)
    (tmp_path / "event.avsc").write_text(json.dumps(stream.avro_schema))
    kafka = {"brokers": ["localhost:9092"], "topic": "t", "format": "avro", "schema": "event.avsc"}
    config = stream.config(tmp_path, source={"kafka": kafka | {"group": "g", "disorder": "2s"}})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    engine = SimpleNamespace(stream=stream, broker=SimpleNamespace(bootstrap="localhost:9092"))
    ours = load_config(tmp_path / "config.yaml")
    source = json.loads(json.dumps(load("benchmarks.kafka_readers").plain_source(engine, ours)))

    features = tuple(peer.Feature(*each) for each in source["columns"].pop("features"))
    schema = EventSchema(**source["columns"], features=features)
    decode = peer.DecodeBatches(schema, MessageFormat("avro", source["avro"]))
    decode.setup()
    decode.start_bundle()
    messages = stream.avro(0, 0, 100)
    assert not [found for message in messages for found in decode.process((None, message))]
    (decoded,) = decode.finish_bundle()
    assert decoded.value.num_rows == 100
    expected = MessageFormat("avro", source["avro"]).decoder(EventSchema.of(ours))
    assert decoded.value.equals(decode_events(expected, messages, EventSchema.of(ours)).events)
