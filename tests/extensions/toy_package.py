"""The code of docs/extending.md, installed beside driftline as a package of somebody else's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENTRY_POINTS = re.compile(
    r'^\[project\.entry-points\."([\w.]+)"\]\n(.*?)(?=^\[|\Z)', re.MULTILINE | re.DOTALL
)
FILES = dict(BLOCK.findall((ROOT / "docs" / "extending.md").read_text()))
CLI = ("-m", "driftline.pipelines.cli")


def install(files, folder, name="toy"):
    """Leave what `pip install` leaves: the modules, and what the package announces."""
    for file, text in files.items():
        if file.endswith(".py"):
            (folder / file).write_text(text)
    if "pyproject.toml" not in files:
        return
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = ENTRY_POINTS.findall(files["pyproject.toml"])
    lines = [f"[{group}]\n{body.replace(chr(34), '')}" for group, body in groups]
    (info / "entry_points.txt").write_text("".join(lines))


def python(*args, site, cwd):
    """Run Python with a package installed, outside of the tree."""
    job = python_started(*args, site=site, cwd=cwd)
    out, err = job.communicate()
    return subprocess.CompletedProcess(job.args, job.returncode, out, err)


def python_started(*args, site, cwd):
    """Start it."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
