"""The live demo: Kafka, Flink, the flights replayed through them, and what driftline finds, as it finds it.

Everything is started here and stopped here: Ctrl-C ends all of it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path

# the tools of the repository, and the demo on files one folder up
sys.path[:0] = [str(Path(__file__).parents[3]), str(Path(__file__).parents[1])]

from confluent_kafka import KafkaException
from faults import FAULTS
from generator import DATA, FIRST, LEAD, TOPIC, make_topic, utc_day
from lines import Story
from reader import ResultReader
from recorded import write_reference
from replay import SPEED, Replay, day_length

from tools.flink.cluster import FlinkCluster
from tools.flink.rest import FlinkError
from tools.kafka.broker import KafkaBroker
from tools.maven import MissingProgramError
from tools.processes import Server, ServerError

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CONFIG = HERE / "live.yaml"
RESULTS = "flights-drift"
LAST_MONTH = DATA / "live" / "2014-01.avro"  # written last
OUT = HERE.parent / "out" / "live"
DRIFTLINE = str(Path(sys.executable).with_name("driftline"))
PATIENCE = 60  # seconds without a first window after which the demo says so
CHECK_EVERY = 2.0
LAST_WINDOWS = 40  # seconds
RESTARTS = 3  # of the job, after which something is wrong that restarts do not repair


class Demo:
    """All parts of one run, and the order in which they start and stop."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self.folder, self.args = folder, args
        self.broker = KafkaBroker(folder / "kafka")
        self.cluster = FlinkCluster(folder / "flink", checkpoint_seconds=5)
        self.variables = {
            "KAFKA_BROKERS": self.broker.bootstrap,
            "FLIGHTS_DAY": f"{day_length(args.speed)}s",
        }
        self.programs: dict[str, Server] = {}
        self.job = ""
        self.starting: list[Future[object]] = []

    def start(self) -> Replay:
        """Start everything; the clock of the replay begins when the job runs."""
        threads = ThreadPoolExecutor(3)
        parts = (self.broker.start, self.cluster.start, self.prepare)
        self.starting = [threads.submit(part) for part in parts]
        for done in as_completed(self.starting):
            done.result()
        say("Kafka and Flink run, the baseline is there; submitting the job")
        make_topic(self.broker.bootstrap, TOPIC)
        monitor = self.program("monitor", DRIFTLINE, "monitor", str(CONFIG), "--", *self.cluster.options())
        monitor.wait_until(self.cluster.rest.running_jobs, 120, "Flink had the job")
        self.job = self.cluster.rest.wait_running()
        replay = Replay.starting(self.args.first, time.time() + LEAD, self.args.speed)
        self.program(
            "generator",
            *(sys.executable, str(HERE / "generator.py"), "--brokers", self.broker.bootstrap),
            *("--from", f"{self.args.first:%Y-%m-%d}", "--speed", str(self.args.speed)),
            *("--begin", str(replay.begin / 1000)),
        )
        return replay

    def prepare(self) -> None:
        """Make the log, unless it is there, and the baseline, unless it is newer than all it is made of."""
        for script in ("download", "feature_log"):
            if not LAST_MONTH.exists():
                say(f"{script}.py: the flights of 2013, once")
                self.finish(self.program(script, sys.executable, str(HERE.parent / f"{script}.py")))
        day = self.variables["FLIGHTS_DAY"]
        reference, baseline = OUT / f"reference-{day}.parquet", OUT / f"baseline-{day}.avro"
        sources = [CONFIG, *(DATA / "reference").glob("*.avro")]
        if baseline.exists() and baseline.stat().st_mtime > max(path.stat().st_mtime for path in sources):
            return
        say("learning what is normal from January to June")
        write_reference(DATA / "reference", reference, self.args.speed)
        command = (DRIFTLINE, "baseline", str(CONFIG), "--input", str(reference))
        self.finish(self.program("baseline", *command))

    def program(self, name: str, *command: str) -> Server:
        """Start a program with the demo's environment."""
        self.programs[name] = Server(name, command, self.folder, environment=self.variables)
        self.programs[name].start()
        return self.programs[name]

    def finish(self, program: Server) -> None:
        """Wait until a program has done its work."""
        assert program.process is not None
        if program.process.wait():
            raise ServerError(f"{program.name} failed\n{program.tail()}")

    def stop(self) -> None:
        """End everything, readers before what they read; nothing of it is needed again."""
        starting = True
        while starting:  # what is being started now may have its next process still to come
            for program in reversed(self.programs.values()):
                program.kill()
            with suppress(AttributeError):  # it has no processes yet
                self.cluster.kill()
            self.broker.kill()
            starting = bool(wait(self.starting, timeout=0.5).not_done)

    def watch(self, reader: ResultReader, story: Story) -> None:
        """Print what the job finds until the log is over or something dies."""
        begun = checked = time.monotonic()
        end = float("inf")
        while time.monotonic() < end:
            for line in story.announce(datetime.now(timezone.utc)):
                print(line, flush=True)
            for window in reader.poll(0.2):
                for line in story.tell(window):
                    print(line, flush=True)
            now = time.monotonic()
            if now > checked + CHECK_EVERY:
                checked = now
                self.check()
            if not reader.windows and now > begun + PATIENCE:
                begun = float("inf")
                log = self.cluster.worker_pool.tail(5)
                say(f"no window yet after {PATIENCE} s; the log of the job's workers ends:\n{log}")
            if end == float("inf") and not self.programs["generator"].running:
                end = now + LAST_WINDOWS
                say("the recorded log is over: the last windows close when the topic has been empty for 20 s")

    def check(self) -> None:
        """Raise where a part has died."""
        generator, monitor = self.programs["generator"], self.programs["monitor"]
        for server in (self.broker.server, *self.cluster.servers, monitor, generator):
            finished = server is generator and server.process.poll() == 0
            if not server.running and not finished:
                raise ServerError(f"{server.name} has ended\n{server.tail(5)}")
        restarts = self.cluster.rest.failures(self.job)
        if restarts > RESTARTS:
            cause = root_cause(self.cluster.rest.exceptions(self.job))
            raise ServerError(f"the job failed {restarts} times: {cause}\n{self.cluster.worker_pool.log}")


def root_cause(stack_trace: str) -> str:
    """The last error that a Java stack trace with a Python one in it names."""
    errors = re.findall(r"^(?:Caused by: )?(?:[\w.$]+(?:Error|Exception)\b.*)", stack_trace, re.MULTILINE)
    python = [line for line in errors if not line.startswith(("Caused by", "java"))]
    return (python or errors or [stack_trace[:200]])[-1]


def say(text: str) -> None:
    """Print a line about the demo itself."""
    print(f"[{datetime.now(timezone.utc):%H:%M:%S}] {text}", flush=True)


def arguments() -> argparse.Namespace:
    """What can be chosen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--speed", type=int, default=SPEED, help=f"how much faster than recorded, {SPEED}")
    parser.add_argument("--from", dest="first", type=utc_day, default=FIRST, help=f"recorded day, {FIRST}")
    args = parser.parse_args()
    try:
        day_length(args.speed)
    except ValueError as error:
        parser.error(str(error))
    return args


def main() -> int:
    """Run until Ctrl-C, the end of the log, or a failure."""
    args = arguments()
    os.chdir(ROOT)
    folder = Path(tempfile.mkdtemp(prefix="driftline-live-"))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    say(f"a recorded day lasts {day_length(args.speed)} s; Ctrl-C stops everything; logs: {folder}")
    demo, story, failed = Demo(folder, args), None, False
    try:
        replay = demo.start()
        story = Story(replay, FAULTS)
        begin = datetime.fromtimestamp(replay.begin / 1000, timezone.utc)
        say(f"{args.first:%a %d %b %Y} begins at {begin:%H:%M:%S} UTC; Flink's page: {demo.cluster.rest.url}")
        exports = " ".join(f"{name}={value}" for name, value in demo.variables.items())
        say(f"to look around from another terminal: export {exports}")
        with closing(ResultReader(demo.broker.bootstrap, RESULTS)) as reader:
            demo.watch(reader, story)
    except KeyboardInterrupt:
        print()
    except (FlinkError, KafkaException, MissingProgramError, OSError, RuntimeError, ValueError) as error:
        failed = True
        say(f"the demo cannot go on: {error}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        say("stopping everything")
        demo.stop()
    for line in story.summary() if story else ():
        print(line)
    if failed:
        say(f"all logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
