"""One Kafka broker (KRaft, no ZooKeeper) without Kafka's shell scripts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.maven import jars, java, program
from tools.processes import Server, ServerError, Service, free_port, port_open

if TYPE_CHECKING:
    from typing_extensions import Self

POM = Path(__file__).with_name("pom.xml")
HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Login:
    """A user that the SASL listener lets in."""

    user: str
    password: str


class KafkaBroker(Service):
    """A broker that keeps its data and its ports over restarts.

    Parameters
    ----------
    folder
        Where data, settings and the log live; made if missing. Data found there is served again.
    port
        Port of the plain listener; 0 takes a free one, the same one over restarts of this object.
    advertised
        ``host:port`` that clients of a *second* plain listener are told to come back to: the address of
        a proxy in front of it. See `proxied`.
    login
        Opens a third listener that asks for this user by SASL/PLAIN, see `sasl_bootstrap`.
    tls
        Opens a listener with a self-signed certificate, see `tls_bootstrap` and `certificate`. It asks for
        `login` too where one is given.
    detached
        Whether the broker outlives this process.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        advertised: str | None = None,
        login: Login | None = None,
        tls: bool = False,
        heap: str = "512m",
        detached: bool = False,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.controller_port = free_port()
        self.proxied_port = free_port() if advertised else 0
        self.sasl_port = free_port() if login else 0
        self.tls_port = free_port() if tls else 0
        self.advertised = advertised
        self.login = login
        self.heap = heap
        self.detached = detached
        self.server: Server | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients on this machine."""
        return f"{HOST}:{self.port}"

    @property
    def proxied(self) -> str:
        """Where a proxy must forward to; its own address is `advertised`."""
        return f"{HOST}:{self.proxied_port}"

    @property
    def sasl_bootstrap(self) -> str:
        """Address of the listener that asks for a password."""
        return f"{HOST}:{self.sasl_port}"

    @property
    def tls_bootstrap(self) -> str:
        """Address of the encrypted listener."""
        return f"{HOST}:{self.tls_port}"

    @property
    def certificate(self) -> Path:
        """The certificate (PEM) that clients of the encrypted listener must trust: ``ssl.ca.location``."""
        return self.folder / "tls" / "certificate.pem"

    def start(self, seconds: float = 120.0) -> Self:
        """Start the broker and wait until it serves.

        Raises
        ------
        ServerError
            If it does not; with the last lines of its log.
        """
        if port_open(self.port):
            raise ServerError(f"port {self.port} is in use: choose another for Kafka, or stop what uses it")
        classpath = f"{jars(POM)}/*"
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.tls_port and not self.certificate.exists():
            self._make_certificate()
        settings = self.folder / "server.properties"
        settings.write_text(self._settings())
        logging = self.folder / "log4j2.properties"
        logging.write_text(_LOGGING)
        if not (self.folder / "data" / "meta.properties").exists():
            self._tool(classpath, "format", "-t", self._tool(classpath, "random-uuid"), "-c", str(settings))
        self.server = Server(
            "kafka",
            [
                *(java(), f"-Xmx{self.heap}", "-XX:+UseSerialGC"),
                *(f"-Dlog4j2.configurationFile={logging}", "-cp", classpath, "kafka.Kafka", str(settings)),
            ],
            self.folder,
            detached=self.detached,
        )
        self.server.start()
        try:
            self.server.wait_for_port(self.port, seconds)
        except BaseException:
            self.server.kill()
            raise
        return self

    def stop(self) -> None:
        """Shut the broker down cleanly."""
        if self.server:
            self.server.stop(seconds=30)

    def kill(self) -> None:
        """Kill it as a crash would (SIGKILL); `start` brings it back with its data."""
        if self.server:
            self.server.kill()

    def _tool(self, classpath: str, *args: str) -> str:
        command = [java(), "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool", *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(
                f"Kafka's storage could not be made: {' '.join(args)}\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip().splitlines()[-1]

    def _settings(self) -> str:
        listeners = {"PLAIN": (self.port, "PLAINTEXT", self.bootstrap)}
        if self.advertised:
            listeners["PROXIED"] = (self.proxied_port, "PLAINTEXT", self.advertised)
        if self.sasl_port:
            listeners["LOGIN"] = (self.sasl_port, "SASL_PLAINTEXT", self.sasl_bootstrap)
        if self.tls_port:
            listeners["TLS"] = (self.tls_port, "SASL_SSL" if self.login else "SSL", self.tls_bootstrap)
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": ",".join(
                [f"{name}://{HOST}:{port}" for name, (port, _, _) in listeners.items()]
                + [f"CONTROLLER://{HOST}:{self.controller_port}"]
            ),
            "advertised.listeners": ",".join(f"{name}://{to}" for name, (_, _, to) in listeners.items()),
            "listener.security.protocol.map": ",".join(
                [f"{name}:{protocol}" for name, (_, protocol, _) in listeners.items()]
                + ["CONTROLLER:PLAINTEXT"]
            ),
            "log.dirs": self.folder / "data",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # after a kill the broker may come back only when its old session has ended
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "num.partitions": 1,
            "auto.create.topics.enable": "false",
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "socket.request.max.bytes": 10 * MAX_MESSAGE_BYTES,
            "log.retention.ms": -1,  # events are replayed with old times, and retention works on those
            "log.segment.bytes": 256 * 1024 * 1024,
        }
        if self.login:
            name, password = self.login.user, self.login.password
            for listener in ("login", "tls")[: 1 + bool(self.tls_port)]:
                settings[f"listener.name.{listener}.sasl.enabled.mechanisms"] = "PLAIN"
                settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.plain.PlainLoginModule required "
                    f'username="{name}" password="{password}" user_{name}="{password}";'
                )
        if self.tls_port:
            settings["ssl.keystore.type"] = "PEM"
            settings["ssl.keystore.location"] = self.folder / "tls" / "keystore.pem"
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _make_certificate(self) -> None:
        folder = self.certificate.parent
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "key.pem"
        openssl = program("openssl", "install OpenSSL")
        command = [
            *(
                openssl,
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "30",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", f"subjectAltName=DNS:localhost,IP:{HOST}"),
            *("-keyout", str(key), "-out", str(self.certificate)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"no certificate could be made: {done.stderr}")
        (folder / "keystore.pem").write_text(key.read_text() + self.certificate.read_text())


_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
"""
