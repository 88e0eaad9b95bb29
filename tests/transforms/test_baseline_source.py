"""Workers read the baseline once a process, from any Beam filesystem."""

from __future__ import annotations

import pickle
import threading

import pytest

from driftline.baseline import BaselineError
from tests.transforms.timelines import encoded_baseline, reference_events
from transforms import baseline_source
from transforms.baseline_source import BaselineSource, read_baseline


@pytest.fixture(scope="module")
def encoded():
    return encoded_baseline(reference_events(windows=4, rows=60))


@pytest.fixture
def path(tmp_path, encoded):
    path = tmp_path / "b.avro"
    path.write_bytes(encoded)
    return str(path)


@pytest.fixture
def reads(monkeypatch):
    """Paths that were read."""
    seen = []

    def read(path):
        seen.append(path)
        return read_baseline(path)

    monkeypatch.setattr(baseline_source, "read_baseline", read)
    return seen


def test_it_reads_what_is_there(path):
    assert read_baseline(path).model == "m"


def test_no_file_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(BaselineError, match=r"no baseline at .*absent\.avro: build it with `driftline "):
        read_baseline(str(tmp_path / "absent.avro"))


def test_a_file_that_is_none_is_refused_by_its_path(tmp_path):
    (tmp_path / "x.avro").write_text("nothing")
    with pytest.raises(BaselineError, match=r"x\.avro is not a driftline baseline"):
        read_baseline(str(tmp_path / "x.avro"))


def test_a_suffix_of_compression_is_only_a_name(tmp_path, encoded):
    (tmp_path / "b.avro.gz").write_bytes(encoded)
    assert read_baseline(str(tmp_path / "b.avro.gz")).model == "m"


def test_steps_that_share_a_source_read_once(path, reads):
    source = BaselineSource(path)
    assert reads == []
    first = source.get()
    assert source.get() is first
    assert pickle.loads(pickle.dumps(source)).get() is first  # as Beam sends it to the steps of a worker
    assert reads == [path]


def test_threads_of_a_worker_read_once(path, reads):
    source = BaselineSource(path)
    found = []
    threads = [threading.Thread(target=lambda: found.append(source.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(baseline) for baseline in found}) == 1
    assert reads == [path]


def test_two_sources_are_two(path, reads):
    first = BaselineSource(path).get()
    assert BaselineSource(path).get() is not first
    assert len(reads) == 2


def test_the_source_is_small_on_the_wire(path):
    source = BaselineSource(path)
    source.get()
    assert len(pickle.dumps(source)) < 1_000


def test_a_baseline_that_was_replaced_while_the_job_runs_is_refused(path):
    version = read_baseline(path).version
    assert BaselineSource(path, version).get().version == version
    with pytest.raises(
        BaselineError, match=rf"is version {version}, the job began with 0123: it was replaced"
    ):
        BaselineSource(path, "0123").get()
