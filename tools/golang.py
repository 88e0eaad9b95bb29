"""Programs written in Go, built once into the cache folder."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from driftline.runners.cache import built_program
from tools.maven import program


def go_program(package: str, version: str, name: str) -> Path:
    """Path of a program, built with ``go install`` if the cache does not have it.

    Parameters
    ----------
    package
        Import path of its main package.
    version
        Which release, ``v2.12.0``. Part of the file's name, so that another version is built anew.

    Raises
    ------
    MissingProgramError
        If Go is not installed and the program is not there yet.
    RuntimeError
        If it cannot be built; with Go's output.
    """
    path = built_program(name, version)
    if path.exists():
        return path
    go = program("go", "install Go 1.23 or newer, for example with apt-get install golang")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as partial:
        done = subprocess.run(
            [go, "install", f"{package}@{version}"],
            env={**os.environ, "GOBIN": partial, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"go install {package}@{version} failed:\n{done.stderr}")
        (built,) = Path(partial).iterdir()
        built.replace(path)
    return path
