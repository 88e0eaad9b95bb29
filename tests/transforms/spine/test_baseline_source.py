"""Workers read the baseline once a process, from any Beam filesystem."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from functools import partial

import pytest

from driftline.baseline import BaselineError
from driftline.transforms.counters import BASELINE_REFUSED, TALLY
from driftline.transforms.spine import baseline_source, baseline_versions
from driftline.transforms.spine.baseline_source import BaselineSource, read_baseline
from driftline.transforms.spine.parts import fingerprint_of
from tests.transforms.timelines import encoded_baseline, reference_events


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
    monkeypatch.setattr(baseline_versions, "read_baseline", read)
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


def test_profiles_made_for_another_baseline_stop_a_bounded_job(path):
    source = BaselineSource(path)
    assert source.of_layout(source.newest.fingerprint) is source.get()
    with pytest.raises(BaselineError, match=r"profiles were made for another: it was replaced while"):
        source.of_layout("0123456789abcdef")


def test_the_monitored_segments_belong_to_the_fingerprint(encoded):
    baseline = baseline_versions.decode_baseline(encoded, "b")
    layout = baseline.layout
    assert fingerprint_of(layout, ["s=A", "s=B"]) == fingerprint_of(layout, ["s=B", "s=A"])
    assert len({fingerprint_of(layout, some) for some in (["s=A"], ["s=B"], ["s=A", "s=B"], ["s=As=B"])}) == 4


# --- a stream follows the file


def bytes_of(seed, **changes):
    return encoded_baseline(reference_events(seed=seed, windows=4, rows=60), **changes)


@pytest.fixture(scope="module")
def editions():
    """Five baselines: four of different bins, the last with the bins of the first."""
    return [*(bytes_of(seed) for seed in range(4)), bytes_of(0, every=30)]


class Desk:
    """A baseline file that is replaced as `driftline baseline` does it, and a clock that is set by hand."""

    def __init__(self, folder, editions):
        self.path = folder / "b.avro"
        self.editions = editions
        self.now = 100.0
        self.put(editions[0])
        self.source = self.start()

    def start(self):
        """Begin in a new process."""
        return BaselineSource(str(self.path), follow=partial(model_only, model="m"))

    def put(self, data, *, keep=True):
        if keep and self.path.exists():
            self.path.with_name("b.avro.previous").write_bytes(self.path.read_bytes())
        unfinished = self.path.with_name("b.avro.unfinished")
        unfinished.write_bytes(data)
        self.changed = getattr(self, "changed", 1_700_000_000) + 5
        os.utime(unfinished, (self.changed, self.changed))
        unfinished.replace(self.path)

    def later(self, seconds=1.0):
        self.now += seconds
        self.source.refresh()
        return self.source.get().version

    def version(self, number):
        return baseline_versions.decode_baseline(self.editions[number], "b").version

    def fingerprint(self, number):
        baseline = baseline_versions.decode_baseline(self.editions[number], "b")
        return fingerprint_of(baseline.layout, baseline.monitored)


def model_only(baseline, *, model):
    return [] if baseline.model == model else [f"it was built for model {baseline.model!r}"]


@pytest.fixture
def desk(tmp_path, editions, monkeypatch):
    desk = Desk(tmp_path, editions)
    monkeypatch.setattr(baseline_versions, "monotonic", lambda: desk.now)
    return desk


def refusals():
    return TALLY.snapshot().get(BASELINE_REFUSED, 0)


def test_a_replaced_file_is_taken_and_the_old_version_kept(desk):
    first = desk.source.get()
    desk.put(desk.editions[1])
    assert desk.later() == desk.version(1)
    assert desk.source.newest.fingerprint == desk.fingerprint(1)
    assert desk.source.of_layout(desk.fingerprint(0)) is first
    assert desk.source.of_layout(desk.fingerprint(1)) is desk.source.get()


def test_all_steps_of_a_process_see_the_new_version(desk):
    other = pickle.loads(pickle.dumps(desk.source))
    assert other.get() is desk.source.get()
    desk.put(desk.editions[1])
    desk.later()
    assert other.get() is desk.source.get()
    assert other.get().version == desk.version(1)


def test_the_file_is_looked_at_once_a_second_and_read_only_when_it_changed(desk, reads, monkeypatch):
    looks = []
    monkeypatch.setattr(
        baseline_versions,
        "stamp_of",
        lambda path, stamp=baseline_versions.stamp_of: looks.append(1) or stamp(path),
    )
    desk.source.get()
    assert (len(looks), len(reads)) == (1, 1)
    for _ in range(10):
        desk.later(0.25)
    assert (len(looks), len(reads)) == (4, 1)
    desk.put(desk.editions[1])
    for _ in range(10):
        desk.later(0.25)
    assert len(reads) == 2


def test_the_same_content_again_is_the_same_version(desk):
    first = desk.source.get().version
    desk.put(desk.editions[0])
    assert desk.later() == first
    assert len(desk.source._versions._loaded) == 1


def test_of_two_versions_with_the_same_bins_the_newest_judges(desk):
    desk.source.get()
    desk.put(desk.editions[4])
    assert desk.later() == desk.version(4) != desk.version(0)
    assert desk.fingerprint(0) == desk.fingerprint(4)
    assert desk.source.of_layout(desk.fingerprint(0)).version == desk.version(4)


def test_an_old_version_that_comes_back_is_the_newest_again(desk):
    for number in (1, 0):
        desk.source.get()
        desk.put(desk.editions[number])
        assert desk.later() == desk.version(number)
    assert desk.source.of_layout(desk.fingerprint(1)).version == desk.version(1)


def test_three_versions_are_held_and_no_more(desk, caplog):
    desk.source.get()
    for number in (1, 2, 3):
        desk.put(desk.editions[number])
        desk.later()
    held = [desk.source.of_layout(desk.fingerprint(number)) for number in range(4)]
    assert [baseline and baseline.version for baseline in held] == [None, *map(desk.version, (1, 2, 3))]
    desk.later()
    assert desk.source.of_layout(desk.fingerprint(0)) is None
    assert [r.levelno for r in caplog.records if "they are not judged" in r.message] == [logging.ERROR]


def broken(desk):
    desk.put(b"nothing", keep=False)


def cut(desk):
    desk.put(desk.editions[1][:-20], keep=False)


def of_another_model(desk):
    desk.put(bytes_of(1, model="other"), keep=False)


def missing(desk):
    desk.path.unlink()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (broken, "is not a driftline baseline"),
        (cut, "is cut short or damaged"),
        (of_another_model, "does not fit the configuration: it was built for model 'other'"),
        (missing, "does not exist"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_once_and_the_old_version_stays(desk, harm, said, caplog):
    first, before = desk.source.get(), refusals()
    harm(desk)
    for _ in range(5):
        assert desk.later() == first.version
    assert refusals() - before == 1
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"the job goes on with baseline version {first.version}" in record.message
    assert str(desk.path) in record.message
    assert said in record.message
    desk.put(desk.editions[1], keep=False)
    assert desk.later() == desk.version(1)
    broken(desk)
    desk.later()
    assert refusals() - before == 2


def test_a_refused_file_is_not_read_again_until_it_changes(desk, reads):
    desk.source.get()
    broken(desk)
    for _ in range(5):
        desk.later()
    assert len(reads) == 2


def test_an_unreadable_store_is_asked_again(desk, monkeypatch):
    desk.source.get()
    desk.put(desk.editions[1])
    whole = baseline_versions.read_baseline

    def fails(path):
        raise RuntimeError("503")

    monkeypatch.setattr(baseline_versions, "read_baseline", fails)
    assert desk.later() == desk.version(0)
    monkeypatch.setattr(baseline_versions, "read_baseline", whole)
    assert desk.later() == desk.version(1)


def test_profiles_of_another_process_that_saw_the_new_file_first_are_found_at_once(desk):
    desk.source.get()
    desk.put(desk.editions[1])
    assert desk.source.of_layout(desk.fingerprint(1)).version == desk.version(1)
    assert desk.source.get().version == desk.version(1)


def test_a_worker_that_starts_again_finds_the_version_before(desk):
    desk.put(desk.editions[1])
    again = desk.start()
    assert again.get().version == desk.version(1)
    assert again.of_layout(desk.fingerprint(0)).version == desk.version(0)
    assert again.get().version == desk.version(1)


def test_a_version_that_this_process_missed_is_found(desk):
    desk.source.get()
    desk.put(desk.editions[1])
    desk.put(desk.editions[2])
    assert desk.later() == desk.version(2)
    for number in (0, 1, 2):
        assert desk.source.of_layout(desk.fingerprint(number)).version == desk.version(number)


@pytest.mark.parametrize("harm", [broken, of_another_model, missing])
def test_a_worker_that_starts_beside_a_bad_file_takes_the_version_before(desk, harm, caplog):
    desk.put(desk.editions[1])
    harm(desk)
    again = desk.start()
    assert again.get().version == desk.version(0)
    assert "the job goes on with baseline version" in caplog.text


def test_a_job_does_not_start_without_any_baseline(desk):
    missing(desk)
    with pytest.raises(BaselineError, match="no baseline at"):
        desk.start().get()
    desk.put(bytes_of(1, model="other"))
    with pytest.raises(BaselineError, match="it was built for model 'other'"):
        desk.start().get()


def test_a_layout_that_is_lost_is_looked_for_once_a_second(desk, reads):
    desk.source.get()
    desk.put(desk.editions[1])
    desk.later()
    del reads[:]
    for _ in range(10):
        assert desk.source.of_layout("0123456789abcdef") is None
    assert len(reads) == 1  # the file before


def test_while_one_thread_reads_the_others_go_on(desk, monkeypatch):
    first = desk.source.get()
    desk.put(desk.editions[1])
    reading, go_on, whole = threading.Event(), threading.Event(), baseline_versions.read_baseline

    def slow(path):
        reading.set()
        assert go_on.wait(10)
        return whole(path)

    monkeypatch.setattr(baseline_versions, "read_baseline", slow)
    thread = threading.Thread(target=desk.later)
    thread.start()
    assert reading.wait(10)
    desk.source.refresh()
    assert desk.source.get() is first
    go_on.set()
    thread.join()
    assert desk.source.get().version == desk.version(1)
