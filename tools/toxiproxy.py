"""Toxiproxy: a proxy for one connection that can be slowed, cut and restored. For tests and benchmarks."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from tools.golang import go_program
from tools.processes import Server, Service, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

PACKAGE = "github.com/Shopify/toxiproxy/v2/cmd/server"
VERSION = "v2.12.0"
HOST = "127.0.0.1"


class Toxiproxy(Service):
    """A server with any number of named proxies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.server: Server | None = None

    def start(self, seconds: float = 30.0) -> Self:
        """Start the server; it is built first (needs Go, a minute) if the cache does not have it."""
        command = [str(go_program(PACKAGE, VERSION, "toxiproxy")), "-host", HOST, "-port", str(self.port)]
        self.server = Server("toxiproxy", command, self.folder)
        self.server.start()
        self.server.wait_for_port(self.port, seconds)
        return self

    def stop(self) -> None:
        """Stop the server, and all connections through it."""
        if self.server:
            self.server.stop()

    def add(self, name: str, upstream: str, port: int = 0) -> str:
        """Make a proxy.

        Parameters
        ----------
        upstream
            ``host:port`` that it forwards to.
        port
            Where it listens; 0 takes a free port.

        Returns
        -------
        str
            ``host:port`` where it listens.
        """
        listen = f"{HOST}:{port or free_port()}"
        self._ask("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream, "enabled": True})
        return listen

    def cut(self, name: str) -> None:
        """Close all connections of a proxy and refuse new ones."""
        self._ask("POST", f"/proxies/{name}", {"enabled": False})

    def restore(self, name: str) -> None:
        """Let connections through again, at full speed."""
        self._ask("POST", f"/proxies/{name}", {"enabled": True})
        for toxic in self._ask("GET", f"/proxies/{name}/toxics"):
            self._ask("DELETE", f"/proxies/{name}/toxics/{toxic['name']}")

    def hang(self, name: str) -> None:
        """Keep connections open but let nothing through, as a network that loses every packet."""
        for stream in ("upstream", "downstream"):
            toxic = {
                "name": f"hang-{stream}",
                "type": "timeout",
                "stream": stream,
                "attributes": {"timeout": 0},
            }
            self._ask("POST", f"/proxies/{name}/toxics", toxic)

    def slow(self, name: str, *, latency_ms: int = 0, kilobytes_per_second: int = 0) -> None:
        """Delay what comes from the server, or let only so much of it through."""
        if latency_ms:
            toxic = {"name": "latency", "type": "latency", "attributes": {"latency": latency_ms}}
            self._ask("POST", f"/proxies/{name}/toxics", toxic)
        if kilobytes_per_second:
            toxic = {"name": "bandwidth", "type": "bandwidth", "attributes": {"rate": kilobytes_per_second}}
            self._ask("POST", f"/proxies/{name}/toxics", toxic)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None
