"""What is around a pipeline: counts, progress, Ctrl-C, and files that are whole or not there."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystem import BeamIOError

from driftline.config import ConfigError
from driftline.pipelines.counts import Counts
from driftline.pipelines.interrupts import closed_together
from driftline.transforms.whole_files import delete, publish, unfinished
from driftline.transforms.write_file import replace, write_atomically
from tests.pipelines.conftest import log

ROOT = Path(__file__).parents[2]


def started(*args, stderr=subprocess.PIPE, **options):
    """A command in a process of its own."""
    env = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "TTY_COMPATIBLE"}}
    return subprocess.Popen(
        [sys.executable, "-m", "driftline.pipelines.cli", *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=env | {"TERM": "xterm", "COLUMNS": "100"},
        **options,
    )


# --- counts


def test_counts_that_add_up_say_so():
    counts = Counts(1_234, 1_200, 4, {"wrong_type": 20, "truncated": 10}, 3, 40)
    assert counts.sentence() == (
        "1,234 decoded = 1,200 profiled + 30 rejected (truncated 10, wrong_type 20) + 4 dropped late"
    )


@pytest.mark.parametrize(("decoded", "difference"), [(10, "+3"), (6, "-1")])
def test_counts_that_do_not_add_up_say_by_how_much(decoded, difference):
    sentence = Counts(decoded, 5, 1, {"truncated": 1}, 0, 0).sentence()
    assert sentence.endswith(f": {difference} UNACCOUNTED FOR")


# --- whole or not at all


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_files_of_a_job_that_succeeds_replace_what_was_there(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "kept").write_text("kept")
    with unfinished(str(tmp_path)) as scratch:
        Path(scratch, "a").write_text("new")
        Path(scratch, "b").write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a", "b", "kept"]
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_files_of_a_job_that_fails_are_deleted(tmp_path, failure):
    (tmp_path / "a").write_text("old")

    def fail():
        with unfinished(str(tmp_path)) as one, unfinished(str(tmp_path / "new")) as other:
            for directory in (one, other):
                Path(directory, "a").write_text("new")
            raise failure

    with pytest.raises(failure):
        fail()
    assert names(tmp_path) == ["a", "new"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_second_directory_that_cannot_be_made_deletes_the_first(tmp_path):
    (tmp_path / "file").write_text("")
    unwritable = pytest.raises(ConfigError, match=r"cannot be written to.*file")
    with unwritable, unfinished(str(tmp_path / "x")), unfinished(str(tmp_path / "file")):
        pytest.fail("a file is no directory")
    assert names(tmp_path) == ["file", "x"]


def test_a_folder_under_a_final_name_is_not_touched(tmp_path):
    (tmp_path / "results.parquet").mkdir()
    (tmp_path / "results.parquet" / "part-0").write_text("old")
    refused = pytest.raises(IsADirectoryError, match=r"results\.parquet is a folder")
    with refused, unfinished(str(tmp_path)) as scratch:
        Path(scratch, "results.parquet").write_text("new")
    assert names(tmp_path) == ["results.parquet", "results.parquet/part-0"]
    assert (tmp_path / "results.parquet" / "part-0").read_text() == "old"


def test_a_job_may_run_outside_the_main_thread(tmp_path):
    done = []

    def work():
        with closed_together([unfinished(str(tmp_path))], str) as (scratch,):
            Path(scratch, "a").write_text("new")
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
    assert names(tmp_path) == ["a"]


def test_the_handler_of_ctrl_c_is_given_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with closed_together([unfinished(str(tmp_path))], str):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ValueError, match="x"), closed_together([unfinished(str(tmp_path))], str):
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is before


@contextmanager
def place(log, name, error=None):
    """Notes how it was left."""
    try:
        yield name
    except BaseException as thrown:
        log.append((name, type(thrown)))
        if error:
            raise error from None
        raise
    log.append((name, signal.getsignal(signal.SIGINT)))


@pytest.fixture
def ended(monkeypatch):
    """An end of the process that a test survives."""

    def end(code):
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)


def interrupted(places, left):
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit, match="130"), closed_together(places, left):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_closes_every_place_and_says_what_is_left(tmp_path, ended, capfd):
    log = []
    scratch = unfinished(str(tmp_path / "a"))
    interrupted([place(log, "first"), scratch, place(log, "last")], lambda: "this is left")
    assert log[:2] == [("last", KeyboardInterrupt), ("first", KeyboardInterrupt)]
    assert names(tmp_path) == ["a"]
    assert "interrupted: this is left; start the job again" in capfd.readouterr().err


def test_a_place_that_cannot_be_closed_keeps_none_from_closing(ended, capfd):
    log = []
    interrupted([place(log, "first"), place(log, "last", OSError("disk gone"))], str)
    assert [name for name, _ in log[:2]] == ["last", "first"]
    assert "may not have been taken back: OSError: disk gone" in capfd.readouterr().err


def test_once_a_job_has_succeeded_all_places_keep_what_it_wrote():
    log = []
    with closed_together([place(log, "first"), place(log, "last")], str) as opened:
        assert opened == ["first", "last"]
    assert log == [("last", signal.SIG_IGN), ("first", signal.SIG_IGN)]


def test_publishing_moves_every_file_and_says_which(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("b", "a"):
        (scratch / name).write_text(name)
    assert [Path(path).name for path in publish(str(scratch), str(tmp_path))] == ["a", "b"]
    assert names(tmp_path) == ["a", "b", "scratch"]


def test_what_is_not_there_may_be_deleted(tmp_path):
    (tmp_path / "a").mkdir()
    delete([str(tmp_path / "a"), str(tmp_path / "never")])
    assert names(tmp_path) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    monkeypatch.setattr("driftline.transforms.write_file.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_atomically(str(path), b"new")
    assert names(tmp_path) == ["f"]
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_atomically(str(path), b"new")
    assert names(tmp_path) == ["f"]
    assert path.read_bytes() == b"new"


def test_moving_what_is_not_there_is_an_error_and_deletes_nothing(tmp_path):
    target = tmp_path / "target"
    with pytest.raises(BeamIOError):
        replace(str(tmp_path / "absent"), str(target))
    target.write_text("old")
    with pytest.raises(BeamIOError):
        replace(str(tmp_path / "absent"), str(target))
    assert target.read_text() == "old"


# --- watched and unwatched, interrupted


@pytest.fixture(scope="module")
def much(tmp_path_factory, shop):
    """Many files that take a while."""
    folder = tmp_path_factory.mktemp("much")
    table = log(5, 200_000, days=20)
    for i in range(4):
        pq.write_table(table, folder / f"much-{i}.parquet")
    return str(folder / "much-*.parquet")


def test_ctrl_c_in_the_middle_ends_at_once_with_130_and_nothing_half_written(shop, much, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.parquet").write_text("old")
    process = started("backtest", shop.folder / "drift.yaml", "--input", much, "--output", out)
    deadline = time.monotonic() + 60
    while not any("unfinished" in name for name in names(out)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    assert process.poll() is None, "the input is too small to be interrupted"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begin < 10
    assert names(out) == ["results.parquet"]
    assert (out / "results.parquet").read_text() == "old"
    assert f"interrupted: nothing was written under a final name in {out}" in err
    assert "Traceback" not in err


def test_nobody_watching_there_is_no_progress(judged, tmp_path):
    live = judged.folder / "live.parquet"
    process = started("backtest", judged.folder / "drift.yaml", "--input", live, "--output", tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == ""
    assert [line.split(":")[0].split(" ")[0] for line in out.splitlines()] == ["runner", "events", "results"]


def test_on_a_terminal_rows_and_windows_are_shown_and_wiped(shop, much, tmp_path):
    escapes = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
    leader, follower = pty.openpty()
    process = started(
        "backtest",
        shop.folder / "drift.yaml",
        "--input",
        much.replace("*", "0"),
        "--output",
        tmp_path,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            data = os.read(leader, 65_536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not data:
            break
        seen += data
    os.close(leader)
    process.communicate(timeout=60)
    assert process.returncode == 0
    text = escapes.sub("", seen.decode())
    lines = re.findall(r"backtest shop: ([\d,]+) rows, ([\d,]+) rows/s, ([\d,]+) windows, (\d+) s", text)
    rows = [int(row.replace(",", "")) for row, *_ in lines]
    assert len(rows) > 3
    assert rows == sorted(rows)
    assert max(rows) == 200_000
    assert seen.decode().rstrip().endswith("\x1b[2K")  # the line is gone


def test_counting_a_job_starts_at_zero_again(judged, driftline, tmp_path):
    args = ["backtest", judged.folder / "drift.yaml", "--input", judged.folder / "live.parquet"]
    for i in range(2):
        assert driftline(*args, "--output", tmp_path / str(i)).counts["decoded"] == 1_500


def test_what_waits_is_not_lost_when_a_stream_is_stopped():
    totals = {"predictions": 10, "matched": 4, "expired": 1, "labels": 5}
    assert Counts.of(totals, stopped=True).labels.sentences() == [
        "10 predictions = 4 matched + 1 without a label + 5 waiting + 0 duplicates",
        "5 labels = 4 matched + 0 unmatched + 1 waiting + 0 duplicates",
    ]
    assert "+5 UNACCOUNTED FOR" in Counts.of(totals).labels.sentences()[0]
    assert "-1 UNACCOUNTED FOR" in Counts.of(totals | {"matched": 10}, stopped=True).labels.sentences()[0]
