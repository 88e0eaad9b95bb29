"""The layers of the packages: `driftline` below `transforms` below `pipelines`, and no Beam at the bottom."""

from __future__ import annotations

import graphlib
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from driftline.config.sinks import SINKS
from driftline.config.sources import SOURCES

ROOT = Path(__file__).parents[1]
ABOVE = ("transforms", "pipelines", "runners")
"""Folders at the top of the repository that are linked below the package."""
IMPORT_ALL = f"""
import importlib, pkgutil, sys
import driftline
def core(folder, prefix):
    for module in pkgutil.iter_modules(folder, prefix):
        if module.name.split(".")[1] not in {ABOVE}:
            found = importlib.import_module(module.name)
            if module.ispkg:
                core(found.__path__, module.name + ".")
core(driftline.__path__, "driftline.")
above = ("apache_beam", "confluent_kafka", *("driftline." + name for name in {ABOVE}))
print(*sorted(name for name in sys.modules if name.startswith(above)))
"""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--config", "pyproject.toml", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_layers_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("driftline/profiles.py", "import apache_beam"),
        ("driftline/profiles.py", "from driftline.transforms import reading"),
        ("driftline/report.py", "import driftline.pipelines.monitor"),
        ("driftline/profiles.py", "from driftline import judging"),
        ("transforms/new.py", "import driftline.pipelines.monitor"),
        ("pipelines/new.py", "import tools.a"),
    ],
)
def test_the_contracts_see_an_import_across_the_layers(tmp_path, file, line):
    contracts = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(contracts)
    named = re.findall(r"\bdriftline\.(\w+)", contracts[contracts.index("[tool.importlinter]") :])
    for package, names in (
        ("driftline", sorted({*named} - {*ABOVE})),
        ("transforms", ["reading"]),
        ("pipelines", ["monitor"]),
        ("runners", ["a"]),
        ("tools", ["a"]),
    ):
        (tmp_path / package).mkdir()
        for name in ("__init__", *names):
            (tmp_path / package / f"{name}.py").write_text("")
        if package in ABOVE:
            (tmp_path / "driftline" / package).symlink_to(tmp_path / package)
    assert lint_imports(tmp_path).returncode == 0
    (tmp_path / file).write_text(f"{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert file.removesuffix(".py").replace("/", ".") in done.stdout


def test_no_files_import_each_other_in_a_circle():
    graph = grimp.build_graph("driftline", "tools")
    # commands run as modules too: `python -m driftline.pipelines.monitor` hands over to the command line
    cli = {"driftline.pipelines.cli"}
    imports = {module: graph.find_modules_directly_imported_by(module) - cli for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()


def test_the_contracts_name_every_part_of_driftline():
    contracts = (ROOT / "pyproject.toml").read_text()
    layers = contracts[contracts.index("[tool.importlinter]") :]
    parts = {path.parent.name for path in (ROOT / "driftline").glob("*/__init__.py")}
    parts |= {path.stem for path in (ROOT / "driftline").glob("*.py")} - {"__init__"}
    assert parts == {*re.findall(r"\bdriftline\.(\w+)", layers)}


def ports():
    """Modules of sources and sinks, which say what keys a configuration has, and what they lie in."""
    modules = {"driftline.transforms.sources.source", "driftline.transforms.sinks.sink"}
    places = (*SOURCES.built_in.values(), *SINKS.built_in.values())
    modules |= {place.partition(":")[0] for place in places}
    parts = [module.split(".") for module in modules]
    return {".".join(names[:n]) for names in parts for n in range(2, len(names) + 1)}


def test_importing_driftline_loads_no_beam():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == ports()
