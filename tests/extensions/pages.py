"""The code of docs/extending.md, installed beside driftline as a package of somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title):
    """The files of a section of the page, by name."""
    page = (ROOT / "docs" / "extending.md").read_text()
    text = page[page.index(f"\n## {title}\n") + 1 :]
    return dict(BLOCK.findall(text.partition("\n## ")[0]))


def install(files, folder):
    """Leave what `pip install` leaves: the modules, and what the package announces."""
    for name, text in files.items():
        if name.endswith(".py"):
            (folder / name).write_text(text)
    info = folder / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    announced = re.sub(r'\[project\.entry-points\."(.*)"\]', r"[\1]", files["pyproject.toml"])
    (info / "entry_points.txt").write_text(announced.replace('"', ""))


def run(module, *args, site, cwd):
    """Run a module of driftline with a package installed, outside of its tree."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
