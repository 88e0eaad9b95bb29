"""Java archives by pom, fetched once by Maven into a cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from driftline.runners.cache import cache_folder


class MissingProgramError(RuntimeError):
    """A program that must be installed on this machine is not."""


def program(name: str, remedy: str) -> str:
    """Path of an installed program; MissingProgramError if it is not on the ``PATH``."""
    path = shutil.which(name)
    if path is None:
        raise MissingProgramError(f"{name} is not on the PATH: {remedy}")
    return path


def java() -> str:
    """Path of the Java launcher."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return program("java", "install Java 17, for example with apt-get install openjdk-17-jre-headless")


def jars(pom: Path, below: str = "") -> Path:
    """Folder with everything that a pom depends on.

    Parameters
    ----------
    pom
        A Maven project file. Its content names the folder, so a changed pom is fetched anew.
    below
        Path between ``<cache>/jars`` and the folder.

    Returns
    -------
    Path
        ``<cache>/jars/<below>/<name>-<hash>``: complete, or an error. Any number of processes may
        ask at once.

    Raises
    ------
    MissingProgramError
        If Maven or Java is not installed and the folder is not there yet.
    RuntimeError
        If Maven fails; with its output.
    """
    name = pom.stem if pom.stem != "pom" else pom.parent.name
    folder = cache_folder() / "jars" / below / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    java()
    maven = program("mvn", "install Maven, for example with apt-get install maven")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        done = subprocess.run(
            [
                *(maven, "-q", "-B", "-f", str(pom)),
                *("dependency:copy-dependencies", f"-DoutputDirectory={partial}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"Maven could not fetch what {pom} asks for:\n{done.stdout}{done.stderr}")
        partial.chmod(0o755)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
