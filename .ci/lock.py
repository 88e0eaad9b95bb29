"""Write requirements-lock.txt: what a clean venv gets today, on Python 3.11 and on 3.10.

Run through `make lock`. PYTHON310 and PYTHON311 name the two interpreters where they are not on the PATH.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[1]
BEAM = "apache-beam==2.77.0"
HEADER = """\
# Written by `make lock`: pip freeze of clean venvs with the dependencies and extra `dev`.
"""


def wanted() -> list[str]:
    """Requirements of the project and of its extra `dev`, with the Beam that the tests are run on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["dev"]
    return [BEAM if name.startswith("apache-beam") else name for name in requirements]


def frozen(python: str, requirements: list[str]) -> list[str]:
    """Lines of `pip freeze` after an install into an empty venv."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--use-pep517", *requirements], check=True)
        freeze = subprocess.run(
            [*pip, "freeze", "--all", "--exclude", "pip"], check=True, stdout=subprocess.PIPE
        )
    return freeze.stdout.decode().split()


def merged(old: list[str], new: list[str]) -> list[str]:
    """One list; a pin that only one side has gets a marker."""
    only_old = [f'{pin} ; python_version < "3.11"' for pin in old if pin not in new]
    only_new = [f'{pin} ; python_version >= "3.11"' for pin in new if pin not in old]
    return sorted([pin for pin in new if pin in old] + only_old + only_new, key=str.lower)


if __name__ == "__main__":
    names = wanted()
    old = frozen(os.environ.get("PYTHON310", "python3.10"), names)
    new = frozen(os.environ.get("PYTHON311", "python3.11"), names)
    (ROOT / "requirements-lock.txt").write_text(HEADER + "\n".join(merged(old, new)) + "\n")
