"""The monitor job on a stream: it starts, is watched while it runs, and is left to run or stopped."""

from __future__ import annotations

import io
import logging
import signal
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import DebugOptions
from apache_beam.runners.runner import PipelineState

from driftline.baseline.compatibility import Wanted, misfits
from driftline.pipelines.configured_sinks import prepare_sinks, sinks_of
from driftline.pipelines.configured_sources import event_reader, label_reader, source_of
from driftline.pipelines.job import JobError, Outcome, counts_of_tally, progress, runner_name
from driftline.pipelines.joined_labels import outcome_remarks
from driftline.pipelines.monitor import build_monitor, fitting_baseline, write_summary
from driftline.pipelines.outcomes import calibration_of_detectors
from driftline.runners.direct import STREAM_RUNNER
from driftline.tables import tables_of
from driftline.transforms.counters import TALLY
from driftline.transforms.spine.baseline_source import BaselineSource
from driftline.trends import trend_remarks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apache_beam.options.pipeline_options import PipelineOptions

    from driftline.config import Config
    from driftline.transforms.sources.source import Reader

_LOG = logging.getLogger(__name__)

# Prism splits every bundle that takes long. Timers that it takes out so fire twice, both times with the state
# before the first (https://github.com/apache/beam/issues/35771); the readers' bundles are short as they are.
_WHOLE_BUNDLES: Final = "prism_disable_sdf_split"


class StreamStopped(Exception):  # noqa: N818  # an interrupt, as KeyboardInterrupt is
    """The user ended the watching of a stream.

    Parameters
    ----------
    message : str
        What became of the job.
    outcome : Outcome, optional
        What it did, where it ran in this process.
    """

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome


def run_stream(config: Config, options: PipelineOptions, say: Callable[[str], Any]) -> Outcome:
    """Run the monitor job on an endless source until it is stopped.

    Parameters
    ----------
    say
        Is given a line for the user when the job has started.

    Returns
    -------
    Outcome
        If the job ends by itself, which a stream does not.

    Raises
    ------
    ConfigError, BaselineError
        Before anything starts, if the job could not do its work.
    StreamStopped
        On Ctrl-C or SIGTERM. A job in this process is cancelled; one on a cluster goes on.
    """
    baseline = fitting_baseline(config)
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)
    pipeline = beam.Pipeline(options=options)
    here = runner_name(pipeline) == STREAM_RUNNER
    if here:
        pipeline.options.view_as(DebugOptions).add_experiment(_WHOLE_BUNDLES)
    reader = event_reader(config, bounded=False, in_process=here, judged=True)
    labels = label_reader(config, bounded=False, in_process=here)
    sinks = sinks_of(config)
    made = prepare_sinks(sinks, tables_of(config), streaming=True)
    if made:
        say(f"created: {', '.join(made)}")
    lay_out_stream(pipeline, config, reader, labels)
    started, begin = time.time_ns() // 1000, time.monotonic()
    TALLY.clear()

    def outcome() -> Outcome:
        seconds = time.monotonic() - begin
        return Outcome(counts_of_tally(), runner_name(pipeline), started, seconds)

    write_summary(config, baseline, outcome(), sinks, streaming=True)
    result = pipeline.run()
    say(_running(reader.describe(), baseline.version, result, here=here))
    for remark in (
        *_label_remarks(config, labels),
        *outcome_remarks(config, baseline),
        *calibration_of_detectors(config, baseline),
        *trend_remarks(baseline, config.baseline.path),
    ):
        say(remark)
    # behind the start of the job: Beam's job server takes the signals for itself
    with _interrupted_quietly(here=here), progress(f"monitor {config.model}", shown=here):
        try:
            state = result.wait_until_finish()
        except KeyboardInterrupt:
            raise _stopped(result, config, outcome(), here=here) from None
    if state not in (PipelineState.DONE, None):
        raise JobError(f"the job ended as {state}: the runner's log says why")
    return outcome()


def lay_out_stream(
    pipeline: beam.Pipeline, config: Config, reader: Reader, labels: Reader | None = None
) -> None:
    """Lay out the job.

    Parameters
    ----------
    config
        The configuration. Nothing of `source` and `sinks` travels with the job but what its own step needs:
        there are secrets in them.
    labels
        Gives labels, where they do not come with the events.
    """
    follow = BaselineSource(config.baseline.path, follow=partial(misfits, wanted=Wanted.by(config)))
    sinks = sinks_of(config)
    build_monitor(pipeline, config, follow, reader=reader, labels=labels, sinks=sinks, streaming=True)


def _running(source: str, version: str, result: Any, *, here: bool) -> str:
    what = f"reading {source}, judging by baseline {version}"
    if here:
        return f"{what}; Ctrl-C stops the job"
    return f"{what}; job {getattr(result, '_job_id', '')} goes on when this command ends (Ctrl-C)"


def _label_remarks(config: Config, reader: Reader | None) -> list[str]:
    """Say that what ends is no stream; it can be all there is, where a topic is read again."""
    source = config.labels.source if config.labels is not None else None
    if reader is None or source is None or source_of(source).endless:
        return []
    remark = (
        f"note: labels are read from {reader.describe()} once, now: those that come later are never seen, "
        "and predictions without a label in these expire; for labels that keep coming, give "
        f"labels.source.{config.source.kind}"
    )
    return [remark]


def _stopped(result: Any, config: Config, outcome: Outcome, *, here: bool) -> StreamStopped:
    if not here:
        return StreamStopped(
            "no longer watching: the job goes on. Stop it with a savepoint in Flink's web UI or with "
            "`flink stop`; docs/how-to/flink.md says how to go on from one"
        )
    threading.Thread(target=result.cancel, daemon=True).start()
    time.sleep(1)
    begins = source_of(config.source).begins(config.source.key("source"))
    return StreamStopped(
        f"stopped: windows that had not ended were not reported; a new job begins {begins}", outcome
    )


@contextmanager
def _interrupted_quietly(*, here: bool) -> Iterator[None]:
    """Take SIGTERM, with which services are stopped, as Ctrl-C; then let the runner's threads say no more.

    Parameters
    ----------
    here
        Whether the job runs in this process. What its threads say when their runner is gone is no news: the
        program is about to end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    numbers = (signal.SIGTERM, signal.SIGINT)

    def interrupt(_number: int, _frame: Any) -> None:
        for number in numbers:  # a second one would only hide what the first one says
            signal.signal(number, signal.SIG_IGN)
        if here:
            logging.disable(logging.CRITICAL)
            threading.excepthook = lambda _: None
            sys.stderr = io.StringIO()  # Beam's workers print there what they raise
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
