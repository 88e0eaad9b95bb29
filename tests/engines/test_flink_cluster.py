"""The local Flink cluster runs a streaming job, loses parts of itself, and goes on."""

from __future__ import annotations

import re
import urllib.request
from collections import defaultdict

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from tests.engines.ticking import read_diary, tick
from tools.processes import port_open, wait_until

ELEMENTS = 4


@pytest.fixture(scope="module")
def job(flink, tmp_path_factory):
    """A running job and the diary that it writes."""
    diary = tmp_path_factory.mktemp("ticking") / "diary"
    pipeline = beam.Pipeline(options=PipelineOptions(flink.options("--job_name=ticking")))
    tick(pipeline, diary, ELEMENTS)
    pipeline.run()
    job_id = flink.rest.wait_running(seconds=240)
    yield job_id, diary
    if job_id in flink.rest.running_jobs():
        flink.rest.cancel(job_id)


def wait_for_reads(diary, after: int, more: int = 2) -> None:
    """Wait until every element was read so many times more than it had been after some lines."""

    def read() -> bool:
        lines = [line for line in read_diary(diary)[after:] if line.what == "read"]
        return all(sum(line.element == number for line in lines) >= more for number in range(ELEMENTS))

    wait_until(read, 240, "every element to be read")


def offsets(diary) -> dict[int, set[int]]:
    """The offsets that each element was read at."""
    found = defaultdict(set)
    for line in read_diary(diary):
        if line.what == "read":
            found[line.element].add(line.offset)
    return found


def positions(diary) -> dict[int, int]:
    """The offset that each element was read at last: behind a restart it is less than it was before."""
    return {line.element: line.offset for line in read_diary(diary) if line.what == "read"}


def test_elements_are_spread_over_the_subtasks(job):
    _, diary = job
    wait_for_reads(diary, 0)
    readers = defaultdict(set)
    for line in read_diary(diary):
        readers[line.pid].add(line.element)
    assert sorted(len(elements) for elements in readers.values()) == [2, 2]


def test_bundles_are_finalized_after_a_checkpoint(flink, job):
    job_id, diary = job
    flink.rest.wait_checkpoint(job_id)

    def finalized() -> bool:
        return {line.element for line in read_diary(diary) if line.what == "finalized"} == set(
            range(ELEMENTS)
        )

    wait_until(finalized, 180, "every element to be finalized")
    assert flink.rest.checkpoints(job_id)["latest"]["completed"]["state_size"] > 0


def test_what_a_source_leaves_in_state_does_not_grow(flink, job):
    job_id, diary = job
    wait_for_reads(diary, 0, more=20)
    flink.rest.wait_checkpoint(job_id)
    kept = [path for path in (flink.folder / "checkpoints" / job_id).rglob("*") if path.is_file()]
    names = {name for path in kept for name in re.findall(rb"sdf_checkpoint:\w+:\d", path.read_bytes())}
    # one for each place in a bundle; without tools/flink/residuals.py there is one for every read
    assert names
    assert names <= {b"sdf_checkpoint:sdf_checkpoint:%d" % place for place in range(ELEMENTS)}


def test_metrics_reach_flink_and_prometheus(flink, job):
    job_id, diary = job
    wait_for_reads(diary, 0, more=5)
    wait_until(lambda: flink.rest.metrics(job_id).get("driftline_ticks", 0) >= ELEMENTS, 180, "the counter")
    served = [port for port in flink.metric_ports if port_open(port)]
    assert len(served) == 2
    text = "".join(
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
        for port in served
    )
    assert "flink_taskmanager_job_task_operator_driftline_ticks{" in text
    assert "flink_jobmanager_job_lastCheckpointDuration{" in text
    assert "flink_jobmanager_job_lastCheckpointFullSize{" in text


@pytest.mark.parametrize("victim", ["workers", "task manager"])
def test_a_job_survives(flink, job, victim):
    job_id, diary = job
    wait_for_reads(diary, 0)
    flink.rest.wait_checkpoint(job_id)
    before = flink.worker_pids()
    if victim == "workers":
        assert flink.kill_workers() == before
    else:
        flink.kill_task_manager()
        assert not flink.task_managers[0].running
        flink.start_task_manager()
    wait_until(lambda: not set(before) & set(flink.worker_pids()), 120, "the old workers to be gone")
    flink.rest.wait_running(job_id, seconds=240)
    wait_for_reads(diary, len(read_diary(diary)))
    for number, found in offsets(diary).items():
        assert found == set(range(max(found) + 1)), number
    wait_until(lambda: flink.rest.failures(job_id) >= 1, 180, "the restart to be counted")


def test_a_job_stops_with_a_savepoint_and_goes_on_from_it(flink, job):
    job_id, diary = job
    wait_for_reads(diary, 0)
    before = positions(diary)
    savepoint = flink.rest.stop_with_savepoint(job_id)
    assert flink.rest.jobs()[job_id] == "FINISHED"
    reached = positions(diary)
    pipeline = beam.Pipeline(
        options=PipelineOptions(flink.options("--job_name=ticking", f"--savepoint_path={savepoint}"))
    )
    tick(pipeline, diary, ELEMENTS)
    lines = len(read_diary(diary))
    pipeline.run()
    again = flink.rest.wait_running(seconds=240)
    assert again != job_id
    wait_for_reads(diary, lines)
    first = {}
    for line in read_diary(diary)[lines:]:
        if line.what == "read":
            first.setdefault(line.element, line.offset)
    # what was read between the savepoint and the stop is read again, what was read before is not
    for number in range(ELEMENTS):
        assert before[number] <= first[number] <= reached[number] + 1
    flink.rest.cancel(again)
    assert flink.rest.jobs()[again] == "CANCELED"
