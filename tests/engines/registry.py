"""A schema registry that speaks Confluent's protocol: Apicurio, in memory, unpacked once into the cache."""

from __future__ import annotations

import tarfile
import tempfile
import urllib.request
from pathlib import Path

from tools.maven import jars, java
from tools.processes import Server, free_port

POM = Path(__file__).with_name("registry.xml")


class SchemaRegistry:
    """A registry that forgets everything when it ends; ids begin at 1."""

    def __init__(self, folder):
        self.port = free_port()
        options = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "java.io.tmpdir": folder,
        }
        settings = [f"-D{name}={value}" for name, value in options.items()]
        (program,) = _unpacked().glob("*-runner.jar")
        self.server = Server(
            "registry",
            [java(), "-Xmx256m", "-XX:TieredStopAtLevel=1", *settings, "-jar", str(program)],
            folder,
        )

    @property
    def url(self):
        """What clients are given."""
        return f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def __enter__(self):
        self.server.start()
        self.server.wait_until(self._answers, 60, "it answered")
        return self

    def __exit__(self, *exc):
        self.server.kill()

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def _unpacked():
    """Folder of the program, complete or an error."""
    folder = jars(POM)
    program = folder.with_name(f"{folder.name}-unpacked")
    if not program.is_dir():
        (archive,) = folder.glob("*.tar.gz")
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial, tarfile.open(archive) as tar:
            tar.extractall(partial, filter="data")
            Path(partial).chmod(0o755)
            try:
                Path(partial).rename(program)
                Path(partial).mkdir()
            except OSError:
                if not program.is_dir():  # else another process was faster
                    raise
    return program
