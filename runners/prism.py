"""Prism, Beam's local streaming runner: the one that fires windows while a source keeps going."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from driftline.runners.cache import built_program

PRISM_PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism"
PRISM_VERSION = "v2.77.0"
INSTALL_PRISM = f"go install {PRISM_PACKAGE}@{PRISM_VERSION}"
"""What a user runs to have it."""


def prism_location() -> str | None:
    """Path of the program: on the ``PATH``, where ``go install`` puts it, or in the cache; or nothing."""
    places = [
        shutil.which("prism"),
        Path(os.environ["GOBIN"]) / "prism" if os.environ.get("GOBIN") else None,
        Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin" / "prism",
        built_program("prism", PRISM_VERSION),
    ]
    return next((str(place) for place in places if place and Path(place).is_file()), None)
