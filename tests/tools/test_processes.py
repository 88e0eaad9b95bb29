"""Servers start, say why they do not, and never outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.processes import Server, ServerError, free_ports, port_open, wait_until

ROOT = Path(__file__).parents[2]
SLEEP = ["sleep", "300"]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_runs_until_it_is_stopped(tmp_path):
    with Server("sleeper", SLEEP, tmp_path) as server:
        assert server.running
        assert os.getsid(server.pid) != os.getsid(0)
        pid = server.pid
    assert not server.running
    assert not alive(pid)


def test_stopping_ends_the_children_too(tmp_path):
    server = Server("parent", ["sh", "-c", "sleep 300 & echo $!; wait"], tmp_path)
    server.start()
    wait_until(lambda: server.log.exists() and server.log.read_text().strip(), 10, "the child's id")
    child = int(server.log.read_text())
    server.stop()
    wait_until(lambda: not alive(child), 30, "the child's end")


def test_one_that_ignores_the_request_is_killed(tmp_path):
    server = Server("stubborn", ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"], tmp_path)
    server.start()
    wait_until(lambda: "up" in server.tail(), 10, "the trap")
    server.stop(seconds=0.3)
    assert not server.running


def test_a_killed_server_starts_again_and_keeps_its_log(tmp_path):
    server = Server("sleeper", ["sh", "-c", "echo started; sleep 300"], tmp_path)
    for times in (1, 2):
        server.start()
        wait_until(lambda: server.log.read_text().count("started") == times, 10, "its output")  # noqa: B023
        server.kill()
        assert not server.running


def test_one_that_ends_at_once_shows_its_log(tmp_path):
    server = Server("broken", ["sh", "-c", "echo the disk is full; exit 3"], tmp_path)
    server.start()
    with pytest.raises(ServerError, match=r"(?s)broken ended before port \d+ was open.*the disk is full"):
        server.wait_for_port(free_ports(1)[0])


def test_one_that_never_listens_is_given_up(tmp_path):
    with (
        Server("deaf", SLEEP, tmp_path) as server,
        pytest.raises(ServerError, match="deaf: still waiting for port"),
    ):
        server.wait_for_port(free_ports(1)[0], seconds=0.2)


def test_a_server_never_started_says_so(tmp_path):
    server = Server("sleeper", SLEEP, tmp_path)
    server.stop()
    server.kill()
    with pytest.raises(ServerError, match="sleeper was not started"):
        _ = server.pid


def test_it_outlives_the_thread_that_started_it(tmp_path):
    server = Server("sleeper", SLEEP, tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert server.running
    server.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux ends children with their parent")
def test_it_ends_with_a_parent_that_is_killed(tmp_path):
    program = (
        "import pathlib, time\n"
        "from tools.processes import Server\n"
        f"server = Server('sleeper', {SLEEP!r}, pathlib.Path({str(tmp_path)!r}))\n"
        "server.start(); print(server.pid, flush=True); time.sleep(300)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        # setpriv has bound the child to its parent by the time it becomes the command
        wait_until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", 30, "the command")
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(child), 30, "the child's end")


def test_a_detached_one_outlives_its_parent(tmp_path):
    program = (
        "import pathlib\n"
        "from tools.processes import Server\n"
        f"server = Server('sleeper', {SLEEP!r}, pathlib.Path({str(tmp_path)!r}), detached=True)\n"
        "server.start(); print(server.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pid = int(done.stdout)
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_free_ports_differ_and_are_free():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert not any(port_open(port) for port in ports)


def test_waiting_ends():
    with pytest.raises(TimeoutError, match="still waiting for rain"):
        wait_until(lambda: False, 0.1, "rain")
