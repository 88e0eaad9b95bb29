"""What is remembered can be stopped, and nothing else is."""

from __future__ import annotations

import json

import pytest

from tools.background import Background
from tools.processes import Server, ServerError


@pytest.fixture
def background(tmp_path):
    return Background(tmp_path / "cluster.json")


@pytest.fixture
def servers(tmp_path):
    """Two servers that outlive their parent."""
    both = [Server(name, ["sleep", "300"], tmp_path, detached=True) for name in ("first", "second")]
    for server in both:
        server.start()
    yield both
    for server in both:
        server.kill()


def test_nothing_is_up_at_first(background):
    assert background.load() is None
    assert background.dead() == []
    assert background.stop() == []


def test_what_was_saved_is_stopped_last_first(background, servers):
    background.save(servers, {"rest": "http://127.0.0.1:8081"})
    assert background.load()["about"] == {"rest": "http://127.0.0.1:8081"}
    assert background.dead() == []
    assert background.stop() == ["second", "first"]
    assert not any(server.running for server in servers)
    assert background.load() is None


def test_one_that_ended_is_named_with_its_log(background, servers):
    background.save(servers, {})
    servers[0].kill()
    assert background.dead() == [f"first ({servers[0].log})"]
    assert background.stop() == ["second"]


def test_a_process_that_took_over_the_id_is_left_alone(background, servers):
    background.save(servers, {})
    state = json.loads(background.file.read_text())
    state["processes"][0]["began"] = "Thu Jan  1 00:00:00 1970"
    background.file.write_text(json.dumps(state))
    assert background.stop() == ["second"]
    assert servers[0].running


def test_another_version_is_refused(background):
    background.file.write_text('{"version": 99}')
    with pytest.raises(ServerError, match="of version 99, not 1: stop the processes that it names"):
        background.load()
