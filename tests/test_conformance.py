"""The suites of `make conformance` are those that docs/formats.md lists, with as many cases as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUZZED = "test_fuzz.py"
"""Its cases are as many as there are kinds of state."""


def test_the_table_of_suites_is_right():
    text = (ROOT / "docs" / "formats.md").read_text()
    listed = dict(re.findall(r"^\| `(test_\w+\.py)` \| ([\w ]+) \|", text, re.MULTILINE))
    made = (ROOT / "Makefile").read_text().partition("CONFORMANCE :=")[2].partition("conformance:")[0]
    files = [f"tests/{file}" for file in re.findall(r"[\w/]+\.py", made)]
    command = [sys.executable, "-m", "pytest", "--quiet", "--collect-only", "-p", "no:cacheprovider", *files]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    counts = Counter(Path(line.partition("::")[0]).name for line in ran.stdout.splitlines() if "::" in line)
    assert listed == {name: listed[name] if name == FUZZED else str(cases) for name, cases in counts.items()}
