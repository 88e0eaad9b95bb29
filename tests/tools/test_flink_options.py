"""The options are ones that driftline's own check lets through, and the settings add up."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from apache_beam.options.pipeline_options import PortableOptions, StandardOptions, WorkerOptions
from click.testing import CliRunner

from driftline.pipelines.beam_options import beam_options
from driftline.runners.flink.options import overridden, streaming_options
from tools.flink.__main__ import main
from tools.flink.cluster import FlinkCluster
from tools.flink.settings import Memory, flink_config
from tools.processes import ServerError


def test_driftline_accepts_every_option():
    given = streaming_options(
        job_endpoint="127.0.0.1:8099",
        artifact_endpoint="127.0.0.1:8098",
        worker_pool="127.0.0.1:50000",
        parallelism=4,
        workers=3,
        state_cache_mb=64,
        unaligned=True,
    )
    options = beam_options(given)
    assert options.view_as(StandardOptions).streaming
    assert options.view_as(PortableOptions).job_endpoint == "127.0.0.1:8099"
    assert options.view_as(PortableOptions).environment_config == "127.0.0.1:50000"
    assert options.view_as(PortableOptions).sdk_worker_parallelism == "3"
    assert options.view_as(WorkerOptions).max_cache_memory_usage_mb == 64


def test_later_options_win_by_name():
    assert overridden(["--a=1", "--b", "--c=2"], ["--c=3", "--d"]) == ["--a=1", "--b", "--c=3", "--d"]


def test_a_cluster_s_options_can_be_overridden(tmp_path):
    cluster = FlinkCluster(tmp_path, task_managers=2, slots=3, workers=1, checkpoint_seconds=2.5)
    options = cluster.options("--max_bundle_size=7", parallelism=5)
    assert "--parallelism=5" in options
    assert "--checkpointing_interval=2500" in options
    assert [option for option in options if option.startswith("--max_bundle_size")] == ["--max_bundle_size=7"]
    assert "--parallelism=6" in cluster.options()


def test_flink_s_settings_survive_yaml_and_agree_with_java_s_flags(tmp_path):
    memory = Memory(heap=100, off_heap=50, network=30, managed=20, metaspace=10)
    settings = flink_config(
        tmp_path,
        rpc_port=1,
        rest_port=2,
        metric_ports=[3, 4],
        slots=2,
        state_backend="rocksdb",
        memory=memory,
    )
    read = yaml.safe_load(yaml.safe_dump({key: str(value) for key, value in settings.items()}))
    assert read["metrics.reporter.prom.port"] == "3,4"
    assert read["state.checkpoints.dir"] == (tmp_path / "checkpoints").as_uri()
    assert read["taskmanager.memory.network.min"] == read["taskmanager.memory.network.max"] == "30m"
    assert memory.java_flags == ["-Xmx228m", "-XX:MaxDirectMemorySize=208m", "-XX:MaxMetaspaceSize=10m"]


def test_a_port_in_use_is_named(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} is in use"):
            FlinkCluster(tmp_path, rest_port=port).start()


@pytest.mark.parametrize("command", [["status"], ["submit", "config.yaml"]], ids=["status", "submit"])
def test_commands_say_when_no_cluster_is_up(tmp_path, monkeypatch, command):
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("model: flights\n")
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 1
    assert "no cluster is up: start one with: python -m tools.flink up" in answer.output


def test_down_without_a_cluster_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFTLINE_CACHE", str(tmp_path))
    answer = CliRunner().invoke(main, ["down"])
    assert (answer.exit_code, answer.output) == (0, "No cluster was up.\n")
