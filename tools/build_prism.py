"""Prism, built where this machine does not have it."""

from __future__ import annotations

from driftline.runners.prism import PRISM_PACKAGE, PRISM_VERSION, prism_location
from tools.golang import go_program


def install_prism() -> str:
    """Path of the program, built into the cache (needs Go, about two minutes) where there is none."""
    return prism_location() or str(go_program(PRISM_PACKAGE, PRISM_VERSION, "prism"))
