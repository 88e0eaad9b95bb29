"""Real servers, started when the first test asks for them and stopped with the session."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import pytest

from driftline.runners.cache import CACHE_VARIABLE, built_program
from driftline.runners.prism import prism_location
from tools import toxiproxy as toxiproxy_module
from tools.build_prism import install_prism
from tools.flink.cluster import FlinkCluster
from tools.kafka.broker import KafkaBroker, Login
from tools.processes import wait_until

ROOT = Path(__file__).parents[2]
LOGIN = Login("ann", "open sesame")
os.environ.setdefault(CACHE_VARIABLE, str(ROOT / ".cache"))  # wherever the tests are started
# servers that live for minutes are not worth the second compiler's time
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


def need(*programs: str) -> None:
    """Skip where a program is not installed (CI fails a skip)."""
    for name in programs:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """One Kafka broker for the session. Tests that kill or stop a broker start one of their own."""
    need("java", "mvn")
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def guarded_broker(tmp_path_factory):
    """One that asks for the password `LOGIN` and encrypts."""
    need("java", "mvn")
    with KafkaBroker(tmp_path_factory.mktemp("guarded"), login=LOGIN, tls=True) as broker:
        yield broker


@pytest.fixture(scope="session")
def admin(broker):
    """A client that makes and deletes topics."""
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": broker.bootstrap})


def partition_count(admin, topic: str) -> int:
    """How many partitions the broker says a topic has; its answers trail what it has accepted."""
    return len(admin.list_topics(topic, timeout=10).topics[topic].partitions)


@pytest.fixture
def topic(admin):
    """Make a topic with a name of its own: ``topic(partitions=4, name="flights", **config) -> name``."""
    from confluent_kafka.admin import NewTopic

    def make(partitions: int = 1, name: str = "events", **config: object) -> str:
        full = f"{name}-{uuid.uuid4().hex[:8]}"
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        (made,) = admin.create_topics([NewTopic(full, partitions, config=settings)]).values()
        made.result(20)
        wait_until(lambda: partition_count(admin, full) == partitions, 30, f"topic {full}")
        return full

    return make


@pytest.fixture
def add_partitions(admin):
    """Raise a topic's partitions to a total: ``add_partitions(topic, 6)``."""
    from confluent_kafka.admin import NewPartitions

    def add(name: str, total: int) -> None:
        (done,) = admin.create_partitions([NewPartitions(name, total)]).values()
        done.result(20)
        wait_until(lambda: partition_count(admin, name) == total, 30, f"{total} partitions of {name}")

    return add


@pytest.fixture
def delete_topic(admin):
    """Delete a topic: ``delete_topic(topic)``."""

    def delete(name: str) -> None:
        (done,) = admin.delete_topics([name]).values()
        done.result(20)
        wait_until(lambda: partition_count(admin, name) == 0, 30, f"the end of {name}")

    return delete


@pytest.fixture(scope="session")
def session_cluster(tmp_path_factory):
    """One Flink cluster (1 task manager, 2 slots) for the session; tests that kill parts heal it again."""
    need("java", "mvn")
    with FlinkCluster(
        tmp_path_factory.mktemp("flink"), checkpoint_seconds=3, worker_environment={"PYTHONPATH": str(ROOT)}
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def flink(session_cluster):
    """The cluster of the session with all its slots free: the jobs of a module end with it."""
    yield session_cluster
    for job in session_cluster.rest.running_jobs():
        session_cluster.rest.cancel(job)


@pytest.fixture(scope="session")
def toxiproxy(tmp_path_factory):
    """Proxies that can be cut, see `tools.toxiproxy`."""
    if not built_program("toxiproxy", toxiproxy_module.VERSION).exists():
        need("go")
    with toxiproxy_module.Toxiproxy(tmp_path_factory.mktemp("toxiproxy")) as server:
        yield server


@pytest.fixture(scope="session")
def prism():
    """Path of Beam's local streaming runner."""
    if prism_location() is None:
        need("go")
    return install_prism()
