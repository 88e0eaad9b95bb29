"""The package of docs/extending.md, written out and on the path as if it were installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = re.compile(r"^<!-- file: (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENTRY_POINTS = re.compile(
    r'^\[project\.entry-points\."([\w.]+)"\]\n(.*?)(?=^\[|\Z)', re.MULTILINE | re.DOTALL
)


@dataclass
class Toy:
    """A folder with the modules of the package and what `pip install` notes of it."""

    folder: Path

    def python(self, *args, cwd):
        """Run Python where the package is installed, and give what it prints."""
        path = os.pathsep.join([str(ROOT), str(self.folder)])
        done = subprocess.run(
            [sys.executable, *map(str, args)],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": path},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    files = dict(FILES.findall((ROOT / "docs" / "extending.md").read_text()))
    for name, text in files.items():
        (folder / name).write_text(text)
    info = folder / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    groups = ENTRY_POINTS.findall(files["pyproject.toml"])
    lines = [f"[{group}]\n{body.replace(chr(34), '')}" for group, body in groups]
    (info / "entry_points.txt").write_text("".join(lines))
    return Toy(folder)
