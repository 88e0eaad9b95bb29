"""Change the code that decides, one small thing at a time, and see whether a test notices.

Run through `make mutants`; names of files limit a run to them. cosmic-ray makes the mutants. Their tests run
in forks of this process, which has loaded already what all of them import: processes of their own would spend
most of an hour on starting. A survivor that tests/mutants.md does not explain fails the run.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import os
import re
import signal
import sys
import time
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / ".cache" / "mutants"))  # at the end: the tests see no other package than usual

from cosmic_ray.ast import ast_nodes, get_ast  # noqa: E402
from cosmic_ray.mutating import mutate_code  # noqa: E402
from cosmic_ray.plugins import get_operator  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPLAINED = ROOT / "tests" / "mutants.md"
TESTS = {
    "driftline/statistics/**/*.py": ["tests/driftline/statistics"],
    "driftline/judging/**/*.py": ["tests/driftline/judging"],
    "driftline/measures/result_rows.py": ["tests/driftline/measures", "tests/driftline/judging"],
    "driftline/verdicts/**/*.py": ["tests/driftline/verdicts"],
}
"""Tests that must notice a mutant, by where it is."""

# One replacement for each operator: cosmic-ray's other eleven for a `+` die of the same tests.
OPERATORS = (
    "NumberReplacer",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_Invert",
)
SHARED = ("numpy", "scipy.special", "scipy.stats", "pyarrow.compute", "pyarrow.parquet", "pandas", "pydantic")
"""What tests import that no mutant is in."""

PASSED, FAILED, INTERRUPTED = 0, 1, 2  # exit codes of pytest; the last one where a module does not import


@dataclass(frozen=True)
class Mutant:
    """One change of one line."""

    path: str
    line: int
    was: str
    becomes: str
    code: str

    def __str__(self) -> str:
        """Write it as in the list, under its place."""
        return f"{self.path}:{self.line}\n- `{self.was}` → `{self.becomes}`"

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by though the lines around it change."""
        return self.path, self.was, self.becomes


def mutants(path: Path) -> Iterator[Mutant]:
    """Mutants of one file, without those that only change what is written about types."""
    code = path.read_text()
    meaning, seen = _meaning(code), set()
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        nodes = ast_nodes(get_ast(code))
        places = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        for place in range(0, places, 2 if name == "NumberReplacer" else 1):  # every other one is n - 1
            changed = mutate_code(code, operator, place)
            if changed is None or _meaning(changed) == meaning:
                continue
            pairs = zip(itertools.count(1), code.splitlines(), changed.splitlines(), strict=False)
            line, was, becomes = next(each for each in pairs if each[1] != each[2])
            found = Mutant(str(path.relative_to(ROOT)), line, was.strip(), becomes.strip(), changed)
            if (line, becomes) not in seen:
                seen.add((line, becomes))
                yield found


def _meaning(code: str) -> str | None:
    """The code without what decides nothing; None where it cannot be read."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AnnAssign, ast.arg)):
            node.__dict__.pop("returns", None)
            node.__dict__.pop("annotation", None)
        if isinstance(node, ast.ClassDef):
            node.decorator_list = []  # whether a dataclass is frozen decides nothing
        if isinstance(node, ast.Raise):
            node.exc = None  # nor does what an error says
        if isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "strict"]
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.test = ast.Constant(value=False)
    return ast.dump(tree)


def folders_of(path: str) -> list[str]:
    """Tests that must notice a mutant of a file."""
    return next(tests for pattern, tests in TESTS.items() if Path(path) in {*Path().glob(pattern)})


def tests_of(path: str) -> list[str]:
    """Arguments of pytest: the file's own tests first, since most mutants die there."""
    own = [found for folder in folders_of(path) for found in Path(folder).rglob(f"test_{Path(path).stem}.py")]
    doctests = str(Path(path).parent)
    return [*map(str, own), doctests, *folders_of(path)]


def run_tests(path: str, code: str | None) -> int:
    """Exit code of pytest in this process, in which a file reads otherwise."""
    load = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> object:
        if code is not None and Path(loader.path) == ROOT / path:
            return compile(code, loader.path, "exec", dont_inherit=True)
        return load(loader, name)

    SourceFileLoader.get_code = get_code
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # nobody looks for the smallest example
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, deadline=None, database=None, phases=phases
    )
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain"]
    return int(pytest.main([*quiet, "--hypothesis-profile=mutants", *tests_of(path)]))


def start(path: str, code: str | None) -> int:
    """Process id of a fork that runs the tests of a file, and ends with pytest's exit code."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        status = run_tests(path, code)
    finally:
        os._exit(status)


def usual_seconds(path: str) -> float:
    """How long the tests of a file take; they must pass."""
    begin = time.monotonic()
    _, status = os.waitpid(start(path, None), 0)
    if os.waitstatus_to_exitcode(status) != PASSED:
        raise SystemExit(f"the tests of {path} fail as it is: pytest {' '.join(tests_of(path))}")
    return time.monotonic() - begin


def survivors(found: list[Mutant]) -> Iterator[Mutant]:
    """Mutants whose tests pass, as many at once as there are cores."""
    first = {str(folders_of(mutant.path)): mutant.path for mutant in found}
    limits = {folders: 10 * usual_seconds(path) + 20 for folders, path in first.items()}
    waiting, running, done = list(reversed(found)), {}, 0
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop()
            end = time.monotonic() + limits[str(folders_of(mutant.path))]
            running[start(mutant.path, mutant.code)] = mutant, end
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            for late in [pid for pid, (_, end) in running.items() if time.monotonic() > end]:
                os.killpg(late, signal.SIGKILL)  # endless, so noticed
            time.sleep(0.01)
            continue
        mutant, _ = running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code not in (PASSED, FAILED, INTERRUPTED, -signal.SIGKILL):
            raise SystemExit(f"pytest ended with {code} for {mutant}")
        done += 1
        if done % 50 == 0:
            print(f"{done} of {len(found)}", file=sys.stderr, flush=True)
        if code == PASSED:
            yield mutant


def explained() -> set[tuple[str, str, str]]:
    """Survivors that the list explains: under the name of a file, ``- `was` → `becomes`: why``."""
    keys, path = set(), ""
    for line in EXPLAINED.read_text().splitlines():
        path = line.removeprefix("## ") if line.startswith("## ") else path
        if found := re.match(r"- `(.+?)` → `(.+?)`: \S", line):
            keys.add((path, *found.groups()))
    return keys


def main(names: list[str]) -> int:
    """Say which mutants live; 1 if one of them is not explained."""
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    files = sorted({path for pattern in TESTS for path in ROOT.glob(pattern) if path.name != "__init__.py"})
    files = [path for path in files if not names or str(path.relative_to(ROOT)) in names]
    for name in SHARED:
        importlib.import_module(name)
    found = [mutant for path in files for mutant in mutants(path)]
    print(f"{len(found)} mutants of {len(files)} files", flush=True)
    known = explained()
    lived, new = set(), 0
    for mutant in survivors(found):
        lived.add(mutant.key)
        if mutant.key not in known:
            new += 1
            print(f"survives: {mutant}", flush=True)
    looked_at = {str(path.relative_to(ROOT)) for path in files}
    for path, was, becomes in sorted(key for key in known - lived if key[0] in looked_at):
        print(f"no longer survives, take it out of {EXPLAINED.name}: {path}\n- `{was}` → `{becomes}`")
    print(f"{len(found)} mutants, {len(lived)} survive, {new} of them not explained in {EXPLAINED.name}")
    return bool(new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
