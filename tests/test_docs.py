"""The documentation is true as far as a machine can tell: links, configurations, snippets, commands."""

import json
import re
import shlex
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.performance_calibration import users
from driftline.config import parse_config
from driftline.config.detector_parameters import parameters_of
from driftline.decoding.rejects import Reason
from driftline.detectors.detector_registry import JOB_DETECTORS
from driftline.pipelines.beam_options import beam_options
from driftline.pipelines.cli import driftline, main
from driftline.tables import DEAD_LETTER, PERFORMANCE, RESULT, Calibration, Status
from driftline.tables.trends import TREND

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
DETECTORS = DOCS / "detectors.md"
HOME = [ROOT / "README.md", DOCS / "index.md"]
FENCE = re.compile(
    r"^(?P<mark><!--[^\n]*-->\n)?[ ]*```(?P<language>\w*)\n(?P<body>.*?)^[ ]*```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """Fenced blocks as (mark above it, text without its indentation)."""
    text = page.read_text()
    return [
        (match["mark"] or "", _dedented(match["body"]))
        for match in FENCE.finditer(re.sub(r"^[ ]+(?=<!--)", "", text, flags=re.MULTILINE))
        if match["language"] == language
    ]


def _dedented(body):
    indent = len(body) - len(body.lstrip(" "))
    return re.sub(rf"^ {{{indent}}}", "", body, flags=re.MULTILINE)


def prose(page):
    return FENCE.sub("", page.read_text())


def anchors(page):
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page):
    for target in LINK.findall(prose(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield target, (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_resolve(page):
    broken = [
        target
        for target, path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert not broken


def test_every_page_is_linked_from_readme_or_index():
    linked = {path for home in HOME for _, path, _ in links(home)}
    assert not [named(page) for page in PAGES if page not in linked and page not in HOME]


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page in PAGES for mark, text in blocks(page, "yaml") if "config" in mark],
    ids=lambda value: named(value) if isinstance(value, Path) else "",
)
def test_configurations_are_valid(page, text):
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "secret")
    assert parse_config(text, environ=secrets).feature_specs


@pytest.mark.parametrize("page", [DETECTORS, *sorted((DOCS / "how-to").glob("*.md"))], ids=named)
def test_configurations_pass_the_command_that_checks_them(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for mark, text in blocks(page, "yaml"):
        for name in re.findall(r"\$\{(\w+)\}", text):
            monkeypatch.setenv(name, "secret:word")
        name = re.search(r"(?:config|file): (\S+)", mark)[1]
        Path(name).write_text(text.replace("gs://", ""))  # for which Beam needs its extra `gcp`
        assert main(["validate", name]) == 0, capsys.readouterr().err


def test_every_yaml_block_of_a_hand_written_page_is_checked():
    pages = [page for page in PAGES if page.name != "configuration.md"]
    unmarked = [named(page) for page in pages for mark, _ in blocks(page, "yaml") if "config" not in mark]
    assert not {*unmarked} - {"docs/extending.md"}  # which tests/extensions run, with a package


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A working directory in which a backtest has been."""
    now = datetime(2026, 1, 2, tzinfo=timezone.utc)
    row = {
        "row_id": "a",
        "model": "m",
        "segment": "*",
        "segment_values": [],
        "feature": "price",
        "kind": "numeric",
        "window_start": datetime(2026, 1, 1, tzinfo=timezone.utc),
        "window_end": now,
        "pane": "on_time",
        "pane_index": 0,
        "emitted_at": now,
        "n": 300,
        "coverage": 1.0,
        "status": "ok",
        "psi": 1.0,
        "p_adjusted": 1e-6,
        "drifted": True,
        "quantiles": {"p50": 3.0},
    }
    rows = [row, row | {"n": 310, "pane": "late", "pane_index": 1}]
    rows.append(row | {"row_id": "b", "segment": "a=b", "n": 0, "drifted": None, "quantiles": None})
    letter = {
        "row_id": "c",
        "model": "m",
        "reason": "wrong_type",
        "detail": "text",
        "source": "f",
        "position": "row 1",
        "payload": json.dumps({"price": "9"}).encode(),
        "emitted_at": now,
    }
    (tmp_path / "out").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, RESULT.arrow), tmp_path / "out" / "results.parquet")
    letters = pa.Table.from_pylist([letter], DEAD_LETTER.arrow)
    pq.write_table(letters, tmp_path / "out" / "dead_letters.parquet")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any("runnable" in mark for mark, _ in blocks(page, "python"))],
    ids=named,
)
def test_runnable_snippets_run(page):
    names = {}
    for mark, text in blocks(page, "python"):
        if "runnable" in mark:
            exec(compile(text, named(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_other_snippets_are_python_at_least(page):
    for _, text in blocks(page, "python"):
        compile(text, named(page), "exec")


def commands():
    """Lines of plain blocks that call driftline, with their page."""
    for page in PAGES:
        for language in ("", "sh", "console"):
            for _, text in blocks(page, language):
                for line in text.splitlines():
                    if line.startswith("driftline "):
                        yield page, line


@pytest.mark.parametrize(
    ("page", "line"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_shown_commands_exist_and_take_what_is_shown(page, line):
    words = shlex.split(line, comments=True)[1:]
    ours, _, beam = " ".join(shlex.quote(word) for word in words).partition(" -- ")
    name, *args = shlex.split(ours)
    command = driftline.commands[name]
    command.make_context(name, args, resilient_parsing=False)
    if "--help" not in beam:
        beam_options(shlex.split(beam))


def test_every_command_is_documented():
    everything = "\n".join(page.read_text() for page in PAGES)
    assert not [name for name in driftline.commands if f"driftline {name}" not in everything]
    assert not [name for name in driftline.commands if f"`driftline {name}" not in HOME[1].read_text()]


@pytest.mark.parametrize(
    ("words", "page"),
    [(Reason, "formats.md"), (Status, "concepts.md"), (Calibration, "statistics.md")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_word_of_a_closed_list_is_explained(words, page):
    text = (DOCS / page).read_text()
    assert not [word.value for word in words if f"`{word.value}`" not in text]


def test_every_table_and_what_feeds_it_has_a_word():
    words = re.findall(r"^\| ([a-z ]+) \|", (DOCS / "concepts.md").read_text(), re.MULTILINE)
    fed_by = ["prediction", "label", "outcome", "signal"]
    assert set(words) >= {"result", "dead letter", "detection", "performance row", *fed_by}


def test_what_other_tools_have_and_driftline_too_is_not_called_missing():
    text = (DOCS / "coming-from.md").read_text()
    assert {"estimated_accuracy", "estimated_error_rate", "estimated_auc", "p_value"} <= set(
        PERFORMANCE.arrow.names
    )
    assert not [
        said
        for said in (
            "no labels",
            "no performance metrics",
            "realised performance,",
            "estimation without labels",
        )
        if said in text
    ]
    assert not re.search(r"`CBPE`[^|]*\| none", text)
    assert all(
        f"`{name}`" in text for name in ("estimated_accuracy", "estimated_error_rate", "estimated_auc")
    )
    assert re.search(r"`DLE`[^|]*\| none \|", text)


def test_each_null_names_the_benchmark_that_measures_it():
    text = (DOCS / "statistics.md").read_text()
    features, _, mean_loss = text.partition("### The mean loss")
    mean_loss = mean_loss.partition("\n## ")[0]
    assert "`benchmarks/calibration.py`" in features
    assert re.findall(r"`benchmarks/(\w+)\.py`", mean_loss) == ["performance_calibration", "error_kinds"]


def test_windows_of_users_vary_as_the_page_says():
    low, high, mean = (
        int(number)
        for number in re.search(
            r"from (\d+) to (\d+) in 95 % of windows \(mean (\d+)\)", (DOCS / "benchmarks.md").read_text()
        ).groups()
    )
    sizes = np.array([len(scores) for scores, _ in users(np.random.default_rng(1), 2_000)])
    assert np.mean((low <= sizes) & (sizes <= high)) == pytest.approx(0.95, abs=0.015)
    assert sizes.mean() == pytest.approx(mean, abs=6)


def test_every_setting_of_a_detector_is_in_the_table():
    found, name = {}, ""
    for detector, key, default in re.findall(
        r"^\| (\S*) ?\| `(\w+)` \| (\S+) \|", DETECTORS.read_text(), re.MULTILINE
    ):
        name = detector.strip("`") or name
        found.setdefault(name, {})[key] = default
    expected = {
        name: {key: str(value).replace("False", "false") for key, value in parameters_of(name).items()}
        for name in JOB_DETECTORS
    }
    assert found == expected


def test_columns_named_in_sql_exist():
    columns = {field.name for schema in (RESULT, DEAD_LETTER, TREND) for field in schema.arrow}
    ordered = [
        column.split(".")[0].removesuffix(",")
        for page in PAGES
        for _, text in blocks(page, "sql")
        for clause in re.findall(r"PARTITION BY ([\w, ]+?)(?: ORDER|\))|WHERE (\w+)", text)
        for column in " ".join(clause).replace(",", " ").split()
    ]
    assert "row_id" in ordered
    assert not set(ordered) - columns - {"true", "episode"}


def test_no_page_names_a_machine_or_an_unfinished_thought():
    found = [
        (named(page), word)
        for page in PAGES
        for word in re.findall(
            r"/(?:home|work|tmp|Users)/\w+|\bTODO\b|\bFIXME\b|\bTBD\b|measured:", page.read_text()
        )
    ]
    assert not found
