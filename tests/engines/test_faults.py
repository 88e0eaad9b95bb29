"""Kill -9 and cut under load: every result is the bounded backtest's, nothing lost, nothing counted twice.

`benchmarks/faults.py` does the same for longer, at random and with more faults.
"""

from __future__ import annotations

import random
from functools import partial

import pytest

from benchmarks.faults import Scene, cut_network, kill_broker, kill_task_manager, kill_worker
from benchmarks.feature_stream import FeatureStream
from tests.engines.conftest import need

WINDOWS = {"size": "4s", "every": "2s", "allowed_lateness": "10s"}
pytestmark = pytest.mark.long
STREAM = FeatureStream(features=6, segments=3, partitions=3, rate=1_500)


@pytest.fixture(scope="module")
def scene(tmp_path_factory, flink):
    need("java", "mvn", "go")
    with Scene(tmp_path_factory.mktemp("faults"), STREAM, WINDOWS, running=flink) as scene:
        yield scene


@pytest.mark.parametrize(
    "fault",
    [kill_worker, kill_task_manager, kill_broker, partial(cut_network, seconds=5)],
    ids=["worker", "task-manager", "broker", "network"],
)
def test_results_are_exact_behind_a_fault(scene, fault, request):
    scene.tail.follow(random.uniform(0, 2))
    outcome = scene.suffer(request.node.callspec.id, fault)
    print(outcome)  # noqa: T201
    assert outcome.windows >= 2
    assert outcome.differences == []


def test_a_job_with_other_thresholds_and_one_more_sink_goes_on_from_a_savepoint(scene):
    scene.tail.follow(scene.size_ms / 1000)  # some windows more that are decided by the first thresholds
    outcome = scene.suffer("savepoint", Scene.change_job)
    print(outcome)  # noqa: T201
    assert outcome.differences == []
    more = scene.engine.watch("more-results")
    more.wait_for_window(int(max(scene.tail.arrivals)), 60)
