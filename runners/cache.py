"""Where this repository keeps what it fetches and builds."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "DRIFTLINE_CACHE"


def cache_folder() -> Path:
    """Where downloads are kept: ``$DRIFTLINE_CACHE``, else ``.cache`` in the working folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or ".cache").resolve()


def built_program(name: str, version: str) -> Path:
    """Where a program of some version lies, if it was ever built."""
    return cache_folder() / "bin" / f"{name}-{version}"
