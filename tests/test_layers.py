"""The layers of the packages: `driftline` below `transforms` below `pipelines`, and no Beam at the bottom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMPORT_ALL = """
import importlib, pkgutil, sys
import driftline
for module in pkgutil.walk_packages(driftline.__path__, "driftline."):
    importlib.import_module(module.name)
print(sorted(m for m in sys.modules if m.split(".")[0] in ("apache_beam", "transforms", "pipelines")))
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
        ("driftline/new.py", "import apache_beam"),
        ("driftline/new.py", "from transforms import reading"),
        ("driftline/new.py", "import pipelines.monitor"),
        ("driftline/profiles.py", "from driftline import judging"),
        ("transforms/new.py", "import pipelines.monitor"),
    ],
)
def test_the_contracts_see_an_import_across_the_layers(tmp_path, file, line):
    contracts = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(contracts)
    layers = re.findall(r"\bdriftline\.(\w+)", contracts[contracts.index("[tool.importlinter]") :])
    for package, names in (
        ("driftline", layers),
        ("transforms", ["reading"]),
        ("pipelines", ["monitor"]),
        ("runners", ["a"]),
    ):
        (tmp_path / package).mkdir()
        for name in ("__init__", *names):
            (tmp_path / package / f"{name}.py").write_text("")
    assert lint_imports(tmp_path).returncode == 0
    (tmp_path / file).write_text(f"{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert file.removesuffix(".py").replace("/", ".") in done.stdout


def test_importing_driftline_loads_no_beam():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
