"""Give each peer a venv of its own under .cache/peers, away from driftline's dependencies.

Usage: environments.py [NAME ...]; without names all. A venv whose requirements have not changed is kept.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VENVS = HERE.parents[1] / ".cache" / "peers"
NAMES = ("whylogs", "evidently", "nannyml")


def python(name: str) -> Path:
    """Interpreter of a peer's venv, made where it is missing or its requirements have changed."""
    requirements = HERE / f"requirements-{name}.txt"
    venv, wanted = VENVS / name, hashlib.sha256(requirements.read_bytes()).hexdigest()
    interpreter, stamp = venv / "bin" / "python", venv / ".requirements"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"{name}: installing {requirements.name} into {venv}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip = [interpreter, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "-r", requirements], check=True)
        stamp.write_text(wanted)
    return interpreter


if __name__ == "__main__":
    for peer in sys.argv[1:] or NAMES:
        print(f"{peer}: {python(peer)}")
