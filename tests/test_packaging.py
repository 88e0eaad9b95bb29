"""The wheel and the sdist hold one package, whole; Beam's stager builds the same sdist."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from apache_beam.runners.portability.stager import Stager

ROOT = Path(__file__).parents[1]
PACKAGES = ("driftline", "transforms", "pipelines", "runners")
"""The last three are linked below the first, and ship there only."""
TOP = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")


def source_files(root: Path) -> set[str]:
    """All files of the package, as paths in what is built."""
    return {
        (Path(*("driftline",)[: package != "driftline"]) / path.relative_to(root)).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the tree as a clone has it: no egg-info of an earlier build decides what ships."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in (*PACKAGES, "tools", "tests", "benchmarks", "examples", "docs"):
        if (ROOT / folder).exists():
            left_out = shutil.ignore_patterns("__pycache__", "data", "out")
            shutil.copytree(ROOT / folder, root / folder, symlinks=True, ignore=left_out)
    for name in (*TOP, "CHANGELOG.md", "CONTRIBUTING.md", "conftest.py", "Makefile", "requirements-lock.txt"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """The wheel and the sdist, built without a network."""
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--sdist",
        "--wheel",
        "--outdir",
        out,
        checkout,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def sdist_files(path: Path) -> set[str]:
    """Files in an sdist, without the folder named after the release."""
    with tarfile.open(path) as archive:
        return {member.name.split("/", 1)[1] for member in archive if member.isfile()}


def test_wheel_holds_the_packages_and_nothing_else(built, checkout):
    wheel, _ = built
    names = set(zipfile.ZipFile(wheel).namelist())
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - metadata == source_files(checkout)
    assert {name.split("/", 1)[1] for name in metadata} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt",
    }  # fmt: skip
    assert "driftline/py.typed" in names


def test_wheel_metadata(built):
    wheel, _ = built
    archive = zipfile.ZipFile(wheel)
    info = next(name.split("/")[0] for name in archive.namelist() if name.endswith("/METADATA"))
    metadata = HeaderParser().parsestr(archive.read(f"{info}/METADATA").decode())
    assert metadata["Name"] == "driftline"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == "<3.14,>=3.10"
    assert "driftline = driftline.pipelines.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
    licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_sdist_holds_the_packages_and_what_builds_them(built, checkout):
    _, sdist = built
    names = sdist_files(sdist)
    generated = {name for name in names if name.startswith("driftline.egg-info/")} | {"PKG-INFO", "setup.cfg"}
    changelog = {"CHANGELOG.md"} & {path.name for path in checkout.iterdir()}
    assert names - generated == source_files(checkout) | set(TOP) | changelog


def test_the_stager_ships_the_same_sdist(built, checkout, tmp_path):
    _, sdist = built
    shipped = Stager._build_setup_package(str(checkout / "setup.py"), str(tmp_path))
    assert sdist_files(Path(shipped)) == sdist_files(sdist)


def test_the_stager_s_fallback_without_build_ships_the_same_sdist(built, checkout, tmp_path):
    _, sdist = built
    fallback = ["setup.py", "-q", "sdist", "--dist-dir", tmp_path]
    subprocess.run([sys.executable, *fallback], cwd=checkout, check=True, capture_output=True)
    (shipped,) = tmp_path.glob("*.tar.gz")
    assert sdist_files(shipped) == sdist_files(sdist)


def test_lock_pins_every_dependency_exactly():
    lines = (ROOT / "requirements-lock.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all("==" in pin.split(";")[0] for pin in pins), [pin for pin in pins if "==" not in pin]
    assert any(pin.startswith("apache-beam==2.77.0") for pin in pins)
    assert not any("://" in pin or pin.startswith("-") for pin in pins)
