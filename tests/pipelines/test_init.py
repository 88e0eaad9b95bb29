"""From data to a configuration that runs as it is, and what is said of data that does not fit one."""

from __future__ import annotations

import re

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

DAY = 86_400_000_000
FIRST = 19_723 * DAY  # 2024


def requests(rows=6_000, *, days=60, seed=3):
    """Make a log as people have it: times as text, a label, text that is no feature."""
    rng = np.random.default_rng(seed)
    times = FIRST + np.sort(rng.integers(0, days * DAY, rows))
    score = rng.random(rows)
    return pa.table(
        {
            "request_id": [f"r{i:x}" for i in range(rows)],
            "when": pa.array(times, pa.timestamp("us")).cast(pa.timestamp("s"), safe=False),
            "amount": rng.lognormal(3, 1, rows),
            "country": rng.choice(["DE", "FR"], rows),
            "plan": rng.choice(list("abcdefghijklmnop"), rows),
            "token": [f"{rng.integers(1 << 60):x}" for _ in range(rows)],
            "score": score,
            "label": (rng.random(rows) < score).astype(int),
        }
    )


def written(table, form):
    """The same log with times as text."""
    texts = [time.strftime(form) for time in table["when"].to_pylist()]
    return table.set_column(1, "when", pa.array(texts))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def features_of(folder, name="out"):
    return set(pq.read_table(folder / name / "results.parquet")["feature"].to_pylist())


def test_from_nothing_to_a_report_in_four_commands(here, driftline):
    table = written(requests(), "%d.%m.%Y %H:%M:%S")
    rows = [orjson.dumps(row) for row in table.to_pylist()]
    (here / "log.jsonl").write_bytes(b"\n".join(rows))
    for command in (
        ["init", "log.jsonl"],
        ["baseline", "driftline.yaml"],
        ["backtest", "driftline.yaml"],
        ["report", "out/"],
    ):
        ran = driftline(*command)
        assert ran.code == 0, ran.err
        assert "fewer than 10" not in ran.out
    config = yaml.safe_load((here / "driftline.yaml").read_text())
    assert config["event_time"] == {"column": "when", "format": "%d.%m.%Y %H:%M:%S"}
    assert features_of(here) == {"amount", "plan", "country", "prediction"}
    assert (here / "out" / "report.html").exists()
    ran = driftline("validate", "driftline.yaml")
    assert ran.code == 0, ran.err
    assert "every configured column is there" in ran.out
    ran = driftline("init", "log.jsonl")
    assert ran.code == 2
    assert "is there already" in ran.err


def test_csv_with_semicolons_and_decimal_commas_needs_no_edits(here, driftline):
    rows = written(requests(), "%d.%m.%Y %H:%M").select(["when", "amount", "country"]).to_pylist()
    lines = [f"{row['when']};{row['amount']:.2f};{row['country']}".replace(".", ",") for row in rows]
    lines = [line.replace(",", ".", 2) for line in lines]  # those of the date
    (here / "log.csv").write_text("\n".join(["when;amount;country", *lines]))
    for command in ("init log.csv", "validate driftline.yaml", "baseline driftline.yaml"):
        ran = driftline(*command.split())
        assert ran.code == 0, ran.err
    text = (here / "driftline.yaml").read_text()
    assert '{pattern: log.csv, delimiter: ";", decimal: ","}' in text
    assert "  amount: numeric" in text
    assert "invalid" not in ran.out
    (here / "c.yaml").write_text(text.replace(', delimiter: ";", decimal: ","', ""))
    ran = driftline("validate", "c.yaml")
    assert ran.code == 2
    assert 'delimiter: ";"' in ran.err


def test_data_without_a_time_is_told_what_compares_it(here, driftline):
    pq.write_table(requests().drop_columns(["when"]), here / "log.parquet")
    ran = driftline("init", "log.parquet")
    assert ran.code == 2
    assert "no column holds times" in ran.err
    assert "driftline compare REFERENCE CURRENT" in ran.err
    assert not (here / "driftline.yaml").exists()


@pytest.mark.parametrize("data", ["nothing.parquet", "broken.parquet", "empty.jsonl", "log.xyz"])
def test_data_that_cannot_be_read_is_an_error(here, driftline, data):
    (here / "broken.parquet").write_bytes(bytes(1_000))
    (here / "empty.jsonl").write_bytes(b"")
    (here / "log.xyz").write_bytes(b"?")
    ran = driftline("init", data)
    assert ran.code == 2
    assert "DATA" in ran.err


CONFIG = """\
model: shop
event_time: {time}
request_id: request_id
features: {features}
windows: {{size: 1d, every: 1d}}
source: {{files: {{pattern: log.parquet}}}}
baseline: {{path: b.avro}}
tests: {{min_n: 30}}
sinks: [files: {{path: out/}}]
"""


def configure(folder, time, features="{amount: numeric}", more=""):
    (folder / "c.yaml").write_text(CONFIG.format(time=time, features=features) + more)
    return "c.yaml"


def test_the_advice_of_validate_and_baseline_is_what_makes_them_work(here, driftline):
    pq.write_table(written(requests(), "%m/%d/%Y %I:%M %p"), here / "log.parquet")
    config = configure(here, "when")
    lines = set()
    for command in ("validate", "baseline"):
        ran = driftline(command, config)
        assert ran.code == 2
        assert "6,000 invalid_event_time, such as log.parquet, row 0" in ran.err
        assert "holds '01/01/2024 " in ran.err
        lines.add(re.search(r"write event_time: (\{.*?\})", ran.err)[1])
    (line,) = lines
    configure(here, line)
    assert driftline("validate", config).code == 0
    assert driftline("baseline", config).counts["profiled"] == 6_000


def test_the_warning_of_a_backtest_of_other_files_names_a_case(here, driftline):
    pq.write_table(requests(), here / "log.parquet")
    pq.write_table(written(requests(300), "%d.%m.%Y"), here / "live.parquet")
    config = configure(here, "when")
    assert driftline("baseline", config).code == 0
    ran = driftline("backtest", config, "--input", "live.parquet")
    assert ran.code == 0
    assert 'write event_time: {column: when, format: "%d.%m.%Y"}' in ran.out


@pytest.mark.parametrize(("unit", "factor"), [("s", 1_000_000), ("ms", 1_000)])
def test_a_unit_that_makes_it_1970_is_an_error_of_every_command(here, driftline, unit, factor):
    table = requests(500)
    raw = pa.array(table["when"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() // factor)
    pq.write_table(table.set_column(1, "when", raw), here / "log.parquet")
    config = configure(here, "{column: when, unit: us}")
    for command in ("validate", "baseline", "backtest"):
        ran = driftline(command, config)
        assert ran.code == 2
        assert f"these are {unit}, not us? write event_time: {{column: when, unit: {unit}}}" in ran.err
    configure(here, f"{{column: when, unit: {unit}}}")
    assert driftline("validate", config).code == 0


def test_validate_says_what_the_first_rows_are(here, driftline):
    table = requests(1_000)
    times = table["when"].to_pylist()
    times[::10] = [None] * 100
    pq.write_table(table.set_column(1, "when", pa.array(times)), here / "log.parquet")
    ran = driftline("validate", configure(here, "when", "{amount: numeric, token: categorical}"))
    assert ran.code == 0
    assert "900 are usable and 100 are not; times from 2024-01-01" in ran.out
    assert "warning: 100 missing_event_time, such as log.parquet, row 0" in ran.out
    assert "'token': 900 of 900 values are different" in ran.out


@pytest.mark.parametrize("content", [b"", bytes(4_000), b"PAR1" + bytes(100) + b"PARE"])
def test_what_is_no_whole_file_is_not_valid(here, driftline, content):
    (here / "log.parquet").write_bytes(content)
    config = configure(here, "when")
    for command in ("validate", "baseline"):
        ran = driftline(command, config)
        assert ran.code == 2
        assert ("cannot be read as parquet" if content else "not a whole Parquet file") in ran.err
        assert "there" not in ran.out


def test_auto_features_are_all_that_can_be_and_the_baseline_keeps_the_list(here, driftline):
    table = requests()
    pq.write_table(table, here / "log.parquet")
    config = configure(here, "when", "auto", "exclude: [score]\nsegments: [country]\n")
    ran = driftline("baseline", config)
    assert ran.code == 0, ran.err
    assert "column 'token' is left out: near-unique text" in ran.out
    fewer = table.drop_columns(["token"]).append_column("new", table["amount"]).slice(0, 300)
    pq.write_table(fewer, here / "live.parquet")
    ran = driftline("backtest", config, "--input", "live.parquet")
    assert ran.code == 0, ran.err
    assert features_of(here) == {"amount", "plan", "label"}
    assert driftline("validate", config).code == 0


def test_auto_features_are_checked(here, driftline):
    pq.write_table(requests(500), here / "log.parquet")
    ran = driftline("validate", configure(here, "when", "auto", "exclude: [amuont]\n"))
    assert ran.code == 2
    assert "did you mean 'amount'?" in ran.err
    ran = driftline("validate", configure(here, "when", "{amount: numeric}", "exclude: [score]\n"))
    assert ran.code == 2
    assert "features: auto" in ran.err
    ran = driftline(
        "validate", configure(here, "when", "auto", "detectors: [{signal: feature.x, detector: adwin}]\n")
    )
    assert ran.code == 2
    assert "detectors" in ran.err
